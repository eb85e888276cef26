"""Apps share nothing: no import from one into another, no equal module beside the known copies."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.copies import copied_files
from tests.repository.finding import Finding

_SHORTEST_TWIN = 10
"""Lines; shorter modules may be equal by chance (an empty `__init__.py`, a marker)."""


def check_boundaries(checkout: Checkout) -> list[Finding]:
    """Imports of every tracked module in an app's folder, and twins across apps."""
    findings: list[Finding] = []
    for app in checkout.apps:
        others = set(checkout.apps) - {app}
        for path in checkout.under(app):
            if path.endswith(".py"):
                findings += _check_imports(path, checkout.text(path), others)
    return findings + list(_twins(checkout))


def _check_imports(path: str, text: str, others: set[str]) -> Iterator[Finding]:
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module]
        for name in names:
            root = name.split(".")[0]
            if root in others:
                yield Finding(path, f"imports {name} of another app", "talk by MQTT or HTTP")
            elif root == "tests":
                yield Finding(path, f"imports {name}", "an app knows nothing of the tests")


def _twins(checkout: Checkout) -> Iterator[Finding]:
    places: dict[bytes, list[tuple[str, str]]] = defaultdict(list)
    for app in checkout.apps:
        copies = {f"{app}/{app}/{name}" for name in copied_files(checkout, app)}
        for path in checkout.under(app):
            if path.endswith(".py") and path not in copies:
                data = checkout.read_bytes(path)
                if data.count(b"\n") >= _SHORTEST_TWIN:
                    places[data].append((app, path))
    for found in places.values():
        if len({app for app, _ in found}) > 1:
            first = found[0][1]
            for _, path in found[1:]:
                yield Finding(path, f"is the same text as {first}", "keep it in one app only")
