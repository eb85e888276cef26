"""Values of discovery keys: texts, flags, numbers, lists, templates, icons, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any
from urllib.parse import urlsplit

from tests.repository.discovery import keys
from tests.repository.discovery.topics import topic_fault

Fault = tuple[str, str]
"""What is wrong, what to write instead."""

_NULL_MEANS_SOMETHING = {"name", "device_class", "unit_of_measurement", "state_class"}
_NUMBERS = {"min", "max", "step", "initial", "min_temp", "max_temp", "temp_step", "precision"}
_NUMBERS |= {"min_humidity", "max_humidity"}
_ICON = re.compile(r"[a-z0-9]+:[a-z0-9-]+")


def value_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Every key of a component whose meaning does not depend on its platform."""
    for key, value in config.items():
        if value is None:
            if key not in _NULL_MEANS_SOMETHING:
                yield f"{key} is null", "leave the key out"
        elif key.endswith("_topic"):
            publish = "command" in key
            if fault := topic_fault(value, publish=publish):
                yield f"{key} {fault}", "write a plain topic"
        elif key == "availability":
            continue  # has rules of its own
        else:
            yield from _typed_faults(key, value)


def _typed_faults(key: str, value: Any) -> Iterator[Fault]:
    for names, fits, instead in _KINDS:
        if key in names:
            if not fits(value):
                yield f"{key} is {value!r}", instead
            return
    if key in keys.LISTS:
        yield from list_faults(key, value)
    elif not isinstance(value, str) or not value.strip():
        yield f"{key} is {value!r}", "write text, or leave the key out"
    elif key.endswith("_template"):
        yield from _template_faults(key, value)
    elif key == "icon" and not _ICON.fullmatch(value):
        yield f"icon is {value!r}", "write mdi:<name>"
    elif key in ("entity_picture", "release_url") and not is_address(value, ("http", "https")):
        yield f"{key} is no URL", "write an http(s) address"


def is_number(value: Any) -> bool:
    """A JSON number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return is_number(value) and isinstance(value, int) and value >= 0


def _is_qos(value: Any) -> bool:
    return _is_count(value) and value <= 2


_KINDS: tuple[tuple[Set[str], Callable[[Any], bool], str], ...] = (
    (keys.FLAGS, _is_flag, "write true or false"),
    ({"qos"}, _is_qos, "write 0, 1 or 2"),
    (keys.WHOLE_NUMBERS, _is_count, "write a whole number, 0 or more"),
    (_NUMBERS, is_number, "write a number"),
)


def list_faults(key: str, value: Any) -> Iterator[Fault]:
    """A list of different texts."""
    if not isinstance(value, list) or not value:
        yield f"{key} is {value!r}", "write a list with at least one text"
    elif not all(isinstance(entry, str) and entry for entry in value):
        yield f"{key} holds something that is no text", "write texts, numbers in quotes"
    elif len(set(value)) != len(value):
        yield f"{key} repeats an entry", "name each once"


def _template_faults(key: str, value: str) -> Iterator[Fault]:
    if "{{" not in value and "{%" not in value:
        yield f"{key} is no template", "write {{ value … }}"
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        if value.count(opening) != value.count(closing):
            yield f"{key} opens {opening} and does not close it", "mend the template"
    if "value_json" in value and not re.search(r"\bdefault\b|\bif\b|\.get\(|\bd\(", value):
        yield (
            f"{key} renders nothing when the key is missing",
            "write {{ value_json.x | default('None') }}",
        )


def is_address(value: Any, schemes: tuple[str, ...]) -> bool:
    """A URL with one of these schemes and a host."""
    if not isinstance(value, str) or re.search(r"\s|[\x00-\x1f]", value):
        return False
    try:
        parts = urlsplit(value)
        _port = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.netloc)


def key_faults(found: Mapping[str, Any], allowed: frozenset[str], place: str) -> Iterator[Fault]:
    """Keys that are not allowed at one place, with what is meant instead where that is known."""
    for key in found:
        if key in allowed:
            continue
        if key in keys.GONE:
            yield f"{key} {keys.GONE[key].split(':')[0]}", keys.GONE[key].split(": ")[-1]
        elif keys.SHORT_NAMES.get(key) in allowed:
            yield f"{key} is a short name", f"write {keys.SHORT_NAMES[key]}"
        else:
            yield f"{key} is no key of {place}", "leave it out"
