"""Readers of single values in config.yaml: each returns what is wrong, or nothing.

Facts: home-assistant/supervisor, supervisor/apps/validate.py (2026.08); frenck/action-addon-linter
v2.21, config.schema.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Reader = Callable[[Any], str | None]

_PORT = re.compile(r"(\d+)/(tcp|udp)")
_MAP = re.compile(
    r"(addon_config|all_addon_configs|homeassistant_config|ssl|addons|backup|share|media|data)"
    r"(:(rw|ro))?"
)
_MAP_KEYS = {"type", "read_only", "path"}


def text(pattern: str = "", hint: str = "") -> Reader:
    """Text, and if a pattern is given the whole of it must match."""

    def read(value: Any) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return "must be text: write it in quotes"
        if pattern and not re.fullmatch(pattern, value):
            return f"{value!r} does not fit: {hint}"
        return None

    return read


def flag(value: Any) -> str | None:
    """True or false and nothing that only looks like it."""
    return None if isinstance(value, bool) else "must be true or false"


def whole(low: int, high: int) -> Reader:
    """A whole number within limits, both included."""

    def read(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            return f"must be a whole number from {low} to {high}"
        return None

    return read


def one_of(*choices: str) -> Reader:
    """One of the given words."""

    def read(value: Any) -> str | None:
        return None if value in choices else f"must be one of {', '.join(choices)}"

    return read


def list_of(reader: Reader) -> Reader:
    """A list without repetition whose members all fit."""

    def read(value: Any) -> str | None:
        if not isinstance(value, list) or not value:
            return "must be a list with at least one entry, or be left out"
        faults = [f"{entry!r}: {fault}" for entry in value if (fault := reader(entry))]
        if faults:
            return "; ".join(faults)
        if len({repr(entry) for entry in value}) != len(value):
            return "must name each entry once"
        return None

    return read


def mapping(value: Any) -> str | None:
    """A mapping; what is in it has a check of its own."""
    return None if isinstance(value, dict) else "must be a mapping"


def architectures(value: Any) -> str | None:
    """Both architectures that still exist: half of the installations are aarch64."""
    if isinstance(value, list) and sorted(map(str, value)) == ["aarch64", "amd64"]:
        return None
    return "must list aarch64 and amd64 and nothing else"


def ports(value: Any) -> str | None:
    """Quoted `"8888/tcp"` keys with a host port or null."""
    if not isinstance(value, dict):
        return 'must be a mapping of "8888/tcp" to a host port or null'
    for key, host in value.items():
        found = _PORT.fullmatch(key) if isinstance(key, str) else None
        if found is None:
            return f'{key!r} must be written "<number>/tcp" or "<number>/udp"'
        if not 1 <= int(found[1]) <= 65535:
            return f"{key!r} is outside 1 to 65535"
        if host is not None and whole(1, 65535)(host):
            return f"{key!r} must lead to a port from 1 to 65535 or null, not {host!r}"
    return None


def port_texts(value: Any) -> str | None:
    """Descriptions by port key."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
        return "must be a mapping of port keys to texts"
    return None


def folders(value: Any) -> str | None:
    """The `map` list, in one style."""
    if not isinstance(value, list) or not value:
        return "must be a list with at least one entry, or be left out"
    if len({type(entry) for entry in value}) != 1:
        return "mixes texts and mappings: use one style"
    return next((fault for entry in value if (fault := _folder(entry))), None)


def _folder(entry: Any) -> str | None:
    name = entry
    if isinstance(entry, dict):
        if set(entry) - _MAP_KEYS:
            return f"{entry!r} may hold type, read_only and path only"
        if not isinstance(entry.get("read_only", True), bool):
            return f"{entry!r}: read_only must be true or false"
        name = entry.get("type")
    if isinstance(name, str) and name.startswith(("app_config", "all_app_configs", "local_apps")):
        return f"{name!r} is unknown to Supervisors before 2026.07: write addon_config:rw"
    if not isinstance(name, str) or not _MAP.fullmatch(name):
        return f"{entry!r} is no folder type of the Supervisor"
    if isinstance(entry, dict) and ":" in name:
        return f"{name!r}: write read_only beside type, not a suffix"
    return None


def environment(value: Any) -> str | None:
    """Names to texts; a bare number is refused by the Supervisor."""
    if not isinstance(value, dict):
        return "must be a mapping"
    for name, content in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"\w+", name):
            return f"{name!r} is no name of a variable"
        if not isinstance(content, str):
            return f"{name} must be text: put {content!r} in quotes"
    return None


def ulimits(value: Any) -> str | None:
    """Names to a number or to {soft, hard}."""
    if not isinstance(value, dict):
        return "must be a mapping"
    for name, limit in value.items():
        numbers = [limit] if not isinstance(limit, dict) else list(limit.values())
        if isinstance(limit, dict) and set(limit) != {"soft", "hard"}:
            return f"{name} must be a number or hold soft and hard"
        if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
            return f"{name} must be whole numbers"
    return None


def schema(value: Any) -> str | None:
    """A mapping; `false` would switch the form and all checking off."""
    if value is False:
        return "false switches off the form and every check: write the types"
    return mapping(value)
