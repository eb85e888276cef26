"""Links in the documents: relative ones lead to a tracked file and to a heading that exists."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding

_LINK = re.compile(r"(?P<image>!?)\[[^\]]*\]\(\s*<?(?P<target>[^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s+<?(?P<target>[^\s>]+)>?", re.MULTILINE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def check_links(checkout: Checkout) -> list[Finding]:
    """Every tracked Markdown file."""
    findings: list[Finding] = []
    for path in checkout.modes:
        if path.endswith(".md"):
            findings += _check_document(checkout, path)
    return findings


def _check_document(checkout: Checkout, path: str) -> Iterator[Finding]:
    text = _FENCE.sub("", checkout.text(path))
    shown_in_store = path.count("/") == 1 and path.endswith("/README.md")
    for found in [*_LINK.finditer(text), *_REFERENCE.finditer(text)]:
        target = found["target"]
        if _SCHEME.match(target):
            continue
        # Whether the store page resolves relative pictures is unverified; absolute ones work.
        if shown_in_store and found.groupdict().get("image"):
            yield Finding(path, f"shows {target}", "the store page needs an absolute address")
        yield from _check_target(checkout, path, target)


def _check_target(checkout: Checkout, path: str, target: str) -> Iterator[Finding]:
    place, _, anchor = target.partition("#")
    file = path
    if place:
        if place.startswith("/"):
            yield Finding(path, f"links to {target}", "write a relative target")
            return
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(place)))
        if file not in checkout and not checkout.is_folder(file):
            yield Finding(path, f"links to {target}, which is not there", "mend the target")
            return
    if anchor and file.endswith(".md") and anchor.lower() not in _anchors(checkout.text(file)):
        yield Finding(path, f"links to {target}, a heading that is not there", "mend the anchor")


def _anchors(text: str) -> set[str]:
    """Anchors as GitHub makes them of the headings; repeated headings get a number."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = 1
        unique = anchor
        while unique in anchors:
            unique, number = f"{anchor}-{number}", number + 1
        anchors.add(unique)
    return anchors
