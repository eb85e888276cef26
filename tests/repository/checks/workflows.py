"""GitHub workflows: every action at one commit with its tag behind it, and somebody to move it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.yaml_file import load_mapping
from tests.repository.finding import Finding

_USES = re.compile(r"^\s*(?:-\s+)?uses:\s*['\"]?(?P<action>[^\s'\"#]+)['\"]?\s*(?P<comment>#.*)?$")
_PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_TAG = re.compile(r"#\s*v?\d+(\.\d+)*\b")
_DEPENDABOT = (".github/dependabot.yaml", ".github/dependabot.yml")
_ECOSYSTEMS = ("github-actions", "pip", "docker")


def check_workflows(checkout: Checkout) -> list[Finding]:
    """Once a workflow is there, its pins and dependabot's part in them."""
    paths = [
        path for path in checkout.under(".github/workflows") if path.endswith((".yaml", ".yml"))
    ]
    findings: list[Finding] = []
    for path in paths:
        findings += load_mapping(checkout, path)[1]
        findings += _check_uses(path, checkout.text(path))
    return findings + (list(_check_dependabot(checkout)) if paths else [])


def _check_uses(path: str, text: str) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        found = _USES.match(line)
        if found is None or found["action"].startswith("./"):
            continue
        place = f"{path}:{number}"
        if not _PINNED.fullmatch(found["action"]):
            yield Finding(place, f"{found['action']} can change", "pin the 40 digits of a commit")
        elif not _TAG.match(found["comment"] or ""):
            yield Finding(place, f"{found['action']} does not say its tag", "add # v1.2.3 behind")


def _check_dependabot(checkout: Checkout) -> Iterator[Finding]:
    path = next((name for name in _DEPENDABOT if name in checkout), None)
    if path is None:
        yield Finding(_DEPENDABOT[0], "is missing", "let it move the pinned actions")
        return
    content, findings = load_mapping(checkout, path)
    yield from findings
    updates = content.get("updates")
    entries = updates if isinstance(updates, list) else []
    known = {str(entry.get("package-ecosystem")) for entry in entries if isinstance(entry, dict)}
    for ecosystem in _ECOSYSTEMS:
        if not findings and ecosystem not in known:
            yield Finding(path, f"does not watch {ecosystem}", "add it to updates")
