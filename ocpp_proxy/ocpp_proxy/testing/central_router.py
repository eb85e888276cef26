"""What evcc's HTTP server does with a request target before any WebSocket (seen on 0.313)."""

from __future__ import annotations

import posixpath
from urllib.parse import quote, unquote


def cleaned(path: str) -> str:
    """The path without double slashes and dot segments; a slash at the end stays."""
    clean = posixpath.normpath("/" + path.lstrip("/"))
    return clean + "/" if path.endswith("/") and clean != "/" else clean


def route(target: str) -> tuple[int, str]:
    """101 and the station id, 301 and the location, or 404 and a text.

    Exactly one path segment is a station; escapes are resolved before segments are counted.
    """
    path, mark, query = target.partition("?")
    path = unquote(path, errors="replace")
    clean = cleaned(path)
    if clean != path:
        return 301, quote(clean) + mark + query
    segments = path.split("/")[1:]
    if len(segments) != 1 or not segments[0]:
        return 404, "404 page not found"
    return 101, segments[0]


def offers_ocpp16(first_header: str | None) -> bool:
    """Whether `ocpp1.6`, spelt exactly so, is in the first header of the request; more are unseen.

    As in gorilla/websocket's `Subprotocols`.
    """
    return "ocpp1.6" in [token.strip() for token in (first_header or "").split(",")]
