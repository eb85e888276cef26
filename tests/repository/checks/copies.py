"""The few modules every app has in the same words; ocpp_proxy holds the master."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding

MASTER = "ocpp_proxy"
MOST = 6
"""Files; anything bigger belongs to one app only."""

_FILES = ("supervisor.py", "logs.py")
_FOLDER = "homeassistant"


def copied_files(checkout: Checkout, app: str) -> list[str]:
    """The files of an app, relative to its package, that are copies by their place."""
    package = f"{app}/{app}"
    found = [name for name in _FILES if f"{package}/{name}" in checkout]
    inside = checkout.under(f"{package}/{_FOLDER}")
    return found + [path.removeprefix(f"{package}/") for path in inside if path.endswith(".py")]


def check_copies(checkout: Checkout) -> list[Finding]:
    """Same files, same text; an app that the store does not offer yet may still lack some."""
    if MASTER not in checkout.apps:
        return []
    findings = list(_check_master(checkout))
    master = copied_files(checkout, MASTER)
    for app in checkout.apps:
        if app != MASTER:
            findings += _check_app(checkout, app, master)
    return findings


def _check_master(checkout: Checkout) -> Iterator[Finding]:
    files = copied_files(checkout, MASTER)
    if len(files) > MOST:
        yield Finding(f"{MASTER}/{MASTER}", f"shares {len(files)} files", f"copy {MOST} at most")
    for name in files:
        path = f"{MASTER}/{MASTER}/{name}"
        for module in _absolute_imports(checkout.text(path)):
            if module in checkout.apps:
                yield Finding(path, f"imports {module} by name", "write a relative import")


def _absolute_imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def _check_app(checkout: Checkout, app: str, master: list[str]) -> Iterator[Finding]:
    ours = copied_files(checkout, app)
    for name in ours:
        path = f"{app}/{app}/{name}"
        if name not in master:
            yield Finding(path, f"is no copy, {MASTER} has no such file", "move it elsewhere")
        elif checkout.read_bytes(path) != checkout.read_bytes(f"{MASTER}/{MASTER}/{name}"):
            yield Finding(path, f"differs from {MASTER}'s", "change the master, then make copies")
    if app in checkout.store_apps:
        for name in master:
            if name not in ours:
                yield Finding(f"{app}/{app}/{name}", "is missing", "make copies")
