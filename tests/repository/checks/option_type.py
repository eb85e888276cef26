"""The element types of `schema` in config.yaml, as the Supervisor understands them.

Facts: home-assistant/supervisor, supervisor/apps/options.py (2026.08).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_RANGED = re.compile(r"(?P<kind>str|password|int|float)(?:\((?P<low>[^,()]*),(?P<high>[^,()]*)\))?")
_PLAIN = ("bool", "email", "url", "port")
_TRUE = ("1", "true", "yes", "on", "enable")
_FALSE = ("0", "false", "no", "off", "disable")
_LENGTH = re.compile(r"\d+")
_WHOLE = re.compile(r"-?\d+")
_DECIMAL = re.compile(r"-?\d*\.?\d+")
_NUMBERS = {"str": _LENGTH, "password": _LENGTH, "int": _WHOLE, "float": _DECIMAL}


class BadType(ValueError):
    """The text is no element type of the Supervisor; the message says what to write."""


class BadValue(ValueError):
    """The value does not fit its type; the message says why."""


@dataclass(frozen=True)
class ElementType:
    """One parsed type; `low` and `high` are limits of a number or of a text's length."""

    kind: str
    optional: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""


def parse_type(text: object) -> ElementType:
    """Reads `int(1,80)?` and the like; raises BadType."""
    if not isinstance(text, str) or not text.strip("?"):
        raise BadType(f"{text!r} is no type: write one such as str, int(1,80) or list(a|b)")
    optional = text.endswith("?")
    body = text.removesuffix("?")
    if body in _PLAIN:
        return ElementType(body, optional)
    if body.startswith("match(") and body.endswith(")"):
        return ElementType("match", optional, pattern=_regular_expression(body[6:-1]))
    if body.startswith("list(") and body.endswith(")"):
        return ElementType("list", optional, choices=_choices(body[5:-1]))
    if re.fullmatch(r"device(\(subsystem=[a-z]+\))?", body):
        return ElementType("device", optional)
    if found := _RANGED.fullmatch(body):
        kind = found["kind"]
        low, high = (_limit(kind, found[side]) for side in ("low", "high"))
        if low is not None and high is not None and low > high:
            raise BadType(f"{text!r} is an empty range: write the smaller number first")
        return ElementType(kind, optional, low, high)
    raise BadType(f"{text!r} is no type the Supervisor knows (a single limit needs its comma)")


def _limit(kind: str, text: str | None) -> float | None:
    if not text:
        return None
    if not _NUMBERS[kind].fullmatch(text):
        raise BadType(f"{text!r} is no limit of {kind}: write a plain number")
    return float(text)


def _regular_expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise BadType(f"match({text}) is no regular expression ({error})") from error
    if not text.endswith("$"):
        raise BadType(f"match({text}) is anchored at its start only: end it with $")
    return text


def _choices(text: str) -> tuple[str, ...]:
    choices = tuple(text.split("|"))
    if not all(choices) or len(set(choices)) != len(choices):
        raise BadType(f"list({text}) has an empty or repeated choice: name each once")
    if any(choice != choice.strip() for choice in choices):
        raise BadType(f"list({text}) has spaces around a choice: they become part of the value")
    return choices


def accept(kind: ElementType, value: Any) -> Any:
    """The value as the app receives it; raises BadValue where the Supervisor refuses it."""
    if value is None:
        raise BadValue("null counts as missing")
    if isinstance(value, str) and value.startswith("!secret "):
        return value
    return _ACCEPT[kind.kind](kind, value)


def _text(kind: ElementType, value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"{value!r} is no text: put it in quotes")
    _within(kind, len(value), f"the length of {value!r}")
    return value


def _within(kind: ElementType, number: float, name: str) -> None:
    if kind.low is not None and number < kind.low:
        raise BadValue(f"{name} is below {kind.low:g}")
    if kind.high is not None and number > kind.high:
        raise BadValue(f"{name} is above {kind.high:g}")


def _whole(kind: ElementType, value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise BadValue(f"{value!r} is no whole number") from error
    _within(kind, number, repr(value))
    return number


def _decimal(kind: ElementType, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise BadValue(f"{value!r} is no number") from error
    _within(kind, number, repr(value))
    return number


def _flag(_kind: ElementType, value: Any) -> bool:
    if not isinstance(value, str):
        return bool(value)
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise BadValue(f"{value!r} is neither true nor false")


def _port(_kind: ElementType, value: Any) -> int:
    return _whole(ElementType("int", low=1, high=65535), value)


def _mail(_kind: ElementType, value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        return value
    raise BadValue(f"{value!r} is no mail address")


def _address(_kind: ElementType, value: Any) -> str:
    if isinstance(value, str):
        parts = urlsplit(value)
        if parts.scheme and parts.netloc:
            return value
    raise BadValue(f"{value!r} is no URL with scheme and host")


def _match(kind: ElementType, value: Any) -> str:
    if re.match(kind.pattern, str(value)):
        return str(value)
    raise BadValue(f"{value!r} does not match {kind.pattern}")


def _listed(kind: ElementType, value: Any) -> str:
    if str(value) in kind.choices:
        return str(value)
    raise BadValue(f"{value!r} is none of {', '.join(kind.choices)}")


def _device(_kind: ElementType, value: Any) -> str:
    if isinstance(value, str) and value.startswith("/dev/"):
        return value
    raise BadValue(f"{value!r} is no device path")


_ACCEPT = {
    "str": _text,
    "password": _text,
    "int": _whole,
    "float": _decimal,
    "bool": _flag,
    "port": _port,
    "email": _mail,
    "url": _address,
    "match": _match,
    "list": _listed,
    "device": _device,
}
