"""One version per app: package, config.yaml and the first numbered heading of CHANGELOG.md."""

from __future__ import annotations

import ast
import re

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.yaml_file import load_config
from tests.repository.finding import Finding

_HEADING = re.compile(r"^##\s+\[?v?(\d[^\s\]]*)\]?", re.MULTILINE)


def check_versions(checkout: Checkout) -> list[Finding]:
    """Compares what is there with the package's `__version__`, for every app."""
    findings: list[Finding] = []
    for app in checkout.apps:
        source = f"{app}/{app}/__init__.py"
        version = package_version(checkout, source) if source in checkout else None
        if version is None:
            findings.append(Finding(source, "has no __version__", 'write __version__ = "0.1.0"'))
            continue
        for path, other in _other_versions(checkout, app):
            if other != version:
                findings.append(
                    Finding(path, f"says version {other}, the package {version}", "agree on one")
                )
    return findings


def package_version(checkout: Checkout, path: str) -> str | None:
    """The text assigned to `__version__` in a module, read without running it."""
    for node in ast.parse(checkout.text(path)).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "__version__" in names and isinstance(node.value.value, str):
                return node.value.value
    return None


def _other_versions(checkout: Checkout, app: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    if app in checkout.store_apps:
        found.append((f"{app}/config.yaml", load_config(checkout, app).get("version")))
    changes = f"{app}/CHANGELOG.md"
    if changes in checkout:
        heading = _HEADING.search(checkout.text(changes))
        found.append((changes, heading[1] if heading else None))
    return found
