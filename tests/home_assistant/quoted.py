"""Whether a line a document quotes is one the program prints: looked up in its source texts."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.environments import ROOT


@cache
def printed(app: str) -> tuple[str, ...]:
    """All texts in the package's sources; what is filled in stands as `%s`."""
    found: list[str] = []
    for path in sorted((ROOT / app / app).rglob("*.py")):
        if "testing" not in path.parts:
            found.extend(_texts(ast.parse(path.read_text())))
    return tuple(found)


def _texts(tree: ast.Module) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = (str(p.value) if isinstance(p, ast.Constant) else "%s" for p in node.values)
            found.append("".join(parts))
    return found


def is_printed(app: str, fragment: str) -> bool:
    """Whether a source text holds the fragment, or fits it once filled in."""
    if any(fragment in text for text in printed(app)):
        return True
    for text in printed(app):
        pattern = re.escape(text).replace("%s", ".*").replace("%d", r"\d+")
        if len(text) > 20 and re.fullmatch(pattern, fragment):
            return True
    return False
