"""Reads the JSON of a request's body. No I/O."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

DEEPEST = 20


class BodyError(Exception):
    """A body that cannot be used; the text says what is wanted."""


def read_object(raw: bytes, example: str = "{}") -> dict[str, Any]:
    """The object in `raw`, UTF-8, without NaN, infinite numbers, half characters; 20 levels.

    Raises BodyError; `example` is shown in its text.
    """
    if not raw.strip():
        raise BodyError(f"a JSON body is missing, send {example}")
    try:
        value = json.loads(raw.decode("utf-8-sig"), parse_constant=_constant, parse_float=_finite)
        # Half a surrogate pair passes the reader and fails wherever the text is stored.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BodyError(f"the body is no JSON, send {example}") from error
    if not isinstance(value, dict):
        raise BodyError(f"the body is no JSON object, send {example}")
    if not _shallow(value, DEEPEST):
        raise BodyError(f"the body is nested too deeply, send {example}")
    return value


def member(raw: bytes, name: str, example: str) -> Any:
    """One member of the object in `raw`, whatever its type; raises BodyError."""
    body = read_object(raw, example)
    if name not in body:
        raise BodyError(f"{name} is missing, send {example}")
    return body[name]


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_shallow(each, levels - 1) for each in inner)
