"""Makes HTTP answers: JSON as the API promises it, and what protects every answer in a browser."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from flask import Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)


def text_of(value: Any) -> str:
    """JSON on one line; what is no number in JSON (NaN, infinite) becomes null."""
    try:
        return _dump(value)
    except ValueError:
        return _dump(_without_nan(value))


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return value


def json_answer(value: Any, status: int = 200) -> Response:
    """An answer with a JSON body."""
    # A text from the network may hold half a character, which UTF-8 cannot.
    raw = text_of(value).encode("utf-8", "backslashreplace")
    return Response(raw, status, content_type="application/json")


def error(status: int, message: str) -> Response:
    """`{"status":"error","message":…}`."""
    return json_answer({"status": "error", "message": message}, status)


def download(parts: Any, media_type: str, name: str) -> Response:
    """A file the browser saves."""
    made = Response(parts, content_type=media_type)
    made.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return made


def protect(response: Response) -> Response:
    """Nothing from elsewhere, nothing kept, nothing guessed."""
    headers = response.headers
    headers["Content-Security-Policy"] = POLICY
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    return response
