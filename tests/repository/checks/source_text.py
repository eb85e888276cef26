"""What no tracked text may hold: paths of one machine, registry addresses, endless modules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding

LONGEST_MODULE = 450
LONG_MODULE = 400
# Tests of one noun read as a list and may be a little longer.
LONGEST_TEST = 520

# Put together so that this file does not mention what it looks for.
_MACHINE_FOLDERS = ("work", "root", "farm")
_MACHINE_PATH = re.compile(rf"(?<![\w.}}~-])/(?:{'|'.join(_MACHINE_FOLDERS)})/[\w.-]*")
_REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry", "npmjs", "org"),
    ("registry", "yarnpkg", "com"),
    ("repo", "maven", "apache", "org"),
    ("repo1", "maven", "org"),
    ("deb", "debian", "org"),
    ("security", "debian", "org"),
    ("proxy", "golang", "org"),
    ("index", "crates", "io"),
    ("static", "crates", "io"),
)
_REGISTRY = re.compile(
    rf"(?<![\w-])({'|'.join(re.escape('.'.join(parts)) for parts in _REGISTRIES)})\b",
    re.IGNORECASE,
)


def check_machine_paths(checkout: Checkout) -> list[Finding]:
    """Folders that exist on one developer's machine only."""
    return [
        Finding(f"{path}:{line}", f"names the path {found}", "write a relative or standard one")
        for path, text in checkout.texts()
        for line, found in _hits(_MACHINE_PATH, text)
    ]


def check_registry_hosts(checkout: Checkout) -> list[Finding]:
    """Package registries are the tools' business; a host's name would pin a mirror."""
    return [
        Finding(f"{path}:{line}", f"names the registry {found}", "name the package only")
        for path, text in checkout.texts()
        for line, found in _hits(_REGISTRY, text)
    ]


def _hits(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    for found in pattern.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, found[0]


def _limit(path: str) -> int:
    return LONGEST_TEST if path.startswith("tests/") else LONGEST_MODULE


def module_lengths(checkout: Checkout) -> dict[str, int]:
    """Lines of every tracked Python file."""
    return {
        path: len(checkout.text(path).splitlines())
        for path in checkout.modes
        if path.endswith(".py")
    }


def check_module_lengths(checkout: Checkout) -> list[Finding]:
    """Modules past the hard limit; `long_modules` names those that deserve a look."""
    return [
        Finding(path, f"has {lines} lines", f"split it, {_limit(path)} is the limit")
        for path, lines in module_lengths(checkout).items()
        if lines > _limit(path)
    ]


def long_modules(checkout: Checkout) -> list[str]:
    """One line for every module between the two limits."""
    return [
        f"{path}: {lines} lines, worth a hard look"
        for path, lines in module_lengths(checkout).items()
        if LONG_MODULE < lines <= LONGEST_MODULE
    ]


def check_package_locks(checkout: Checkout) -> list[Finding]:
    """package-lock.json names versions and hashes, no address to fetch from."""
    findings: list[Finding] = []
    for path in checkout.modes:
        if path.rsplit("/", 1)[-1] != "package-lock.json":
            continue
        try:
            packages = json.loads(checkout.text(path)).get("packages", {})
        except (json.JSONDecodeError, AttributeError):
            findings.append(Finding(path, "is no lock file of npm", "npm install writes one"))
            continue
        for name, entry in packages.items():
            if "resolved" in entry:
                findings.append(
                    Finding(
                        path,
                        f"{name} has a resolved address",
                        "npm install with omit-lockfile-registry-resolved=true",
                    )
                )
            if name.startswith("node_modules/") and "integrity" not in entry:
                findings.append(Finding(path, f"{name} has no integrity", "npm install anew"))
    return findings
