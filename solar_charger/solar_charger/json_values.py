"""Reads JSON from devices: what is missing, of another type or not finite is None, never zero."""

from __future__ import annotations

import json
import math
from typing import Any


class UnreadableAnswerError(ValueError):
    """An answer that is not what the far side should send; the text says what is wrong."""


JsonObject = dict[str, Any]


def load_json(data: bytes | str) -> Any:
    """Parse JSON; `NaN` and `Infinity`, which some devices write, and numbers beyond a double
    become None.

    Raises UnreadableAnswerError for anything that is no JSON.
    """
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return json.loads(text, parse_constant=lambda _word: None, parse_float=number)
    except (ValueError, RecursionError) as error:
        raise UnreadableAnswerError(f"not JSON: {_short(error)}") from error


def load_object(data: bytes | str) -> JsonObject:
    """Parse JSON that must be an object.

    Raises UnreadableAnswerError.
    """
    return as_object(load_json(data), "the answer")


def as_object(value: Any, what: str) -> JsonObject:
    """The value, if it is an object.

    Raises UnreadableAnswerError.
    """
    if not isinstance(value, dict):
        raise UnreadableAnswerError(f"{what} is no JSON object but {type(value).__name__}")
    return value


def objects(value: Any) -> list[JsonObject]:
    """The objects in a list; anything else gives none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """A finite number, also written as text; None for everything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def number_between(value: Any, low: float, high: float) -> float | None:
    """A number in low…high, else None."""
    result = number(value)
    return result if result is not None and low <= result <= high else None


def whole(value: Any, low: int, high: int) -> int | None:
    """A whole number in low…high (protobuf JSON writes 64-bit ones as text), else None."""
    result = number_between(value, low, high)
    return int(result) if result is not None and result.is_integer() else None


def flag(value: Any) -> bool | None:
    """A JSON boolean, else None."""
    return value if isinstance(value, bool) else None


def text(value: Any) -> str | None:
    """A JSON string, else None."""
    return value if isinstance(value, str) else None


def _short(error: BaseException) -> str:
    return (str(error) or type(error).__name__)[:120]
