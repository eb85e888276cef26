"""requirements*.txt: exact versions with hashes and no address, and every direct dependency."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.packages import normal_name
from tests.repository.finding import Finding

_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?=\s|$)")
_NAME = re.compile(r"requirements[\w-]*\.txt")


@dataclass(frozen=True)
class Pin:
    """One entry: the requirement without its hashes, and those."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def version(self) -> str | None:
        """The one version it allows, None if it allows more."""
        found = list(self.requirement.specifier)
        exact = len(found) == 1 and found[0].operator == "==" and "*" not in found[0].version
        return found[0].version if exact else None


class BadLine(ValueError):
    """A line pip would take but we do not want; the message says what it is."""


def entries(text: str) -> Iterator[str]:
    """Logical lines: continued ones joined, comments and empty ones left out."""
    joined = re.sub(r"\\\n", " ", text)
    for line in joined.splitlines():
        content = re.sub(r"(^|\s)#.*", "", line).strip()
        if content:
            yield content


def read_pin(entry: str) -> Pin:
    """One logical line; raises BadLine for options, addresses and what is no requirement."""
    hashes = tuple(_HASH.findall(entry))
    text = _HASH.sub("", entry).strip()
    if option := re.search(r"(?:^|\s)(-[^\s=]+)", text):
        raise BadLine(f"the option {option[1]} stands here, or is not well formed")
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise BadLine(f"{text!r} is no requirement") from None
    if requirement.url:
        raise BadLine(f"{requirement.name} comes from an address")
    return Pin(requirement, hashes)


def requirement_files(checkout: Checkout) -> list[str]:
    """Tracked requirements files of the apps (directly in their folders)."""
    return [
        path
        for app in checkout.apps
        for path in checkout.under(app)
        if path.count("/") == 1 and _NAME.fullmatch(path.split("/")[1])
    ]


def check_pins(checkout: Checkout) -> list[Finding]:
    """What the apps install, line by line, and whether it holds what pyproject.toml asks for."""
    findings: list[Finding] = []
    for path in requirement_files(checkout):
        findings += _check_file(path, checkout.text(path))
    for app in checkout.apps:
        path = f"{app}/requirements.txt"
        if path in checkout:
            findings += _missing(checkout, app, path)
        elif app in checkout.store_apps:
            findings.append(Finding(path, "is missing", "make lock"))
    return findings


def _check_file(path: str, text: str) -> Iterator[Finding]:
    if re.search(r"https?://", text):
        yield Finding(path, "holds an address", "lock without index addresses")
    seen: set[str] = set()
    for entry in entries(text):
        try:
            pin = read_pin(entry)
        except BadLine as error:
            yield Finding(path, str(error), "write name==version --hash=sha256:…")
            continue
        name = pin.requirement.name
        if pin.version is None:
            yield Finding(path, f"{name} is not exact", "pin one version with ==")
        if not pin.hashes:
            yield Finding(path, f"{name} has no hash", "make lock writes them")
        key = f"{normal_name(name)};{pin.requirement.marker}"
        if key in seen:
            yield Finding(path, f"{name} stands twice", "keep one")
        seen.add(key)


def _missing(checkout: Checkout, app: str, path: str) -> Iterator[Finding]:
    if f"{app}/pyproject.toml" not in checkout:
        return
    project = tomllib.loads(checkout.text(f"{app}/pyproject.toml")).get("project", {})
    pinned: dict[str, list[str]] = {}
    for entry in entries(checkout.text(path)):
        try:
            pin = read_pin(entry)
        except BadLine:
            continue
        pinned.setdefault(normal_name(pin.requirement.name), []).append(pin.version or "")
    for text in project.get("dependencies", ()):
        wanted = Requirement(text)
        versions = pinned.get(normal_name(wanted.name), [])
        if not versions:
            yield Finding(path, f"{wanted.name} is missing", "make lock")
        for version in filter(None, versions):
            if not wanted.specifier.contains(version, prereleases=True):
                yield Finding(path, f"{wanted.name} {version} is outside {text}", "make lock")
