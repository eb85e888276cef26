"""Cleans the request target of a charger and makes the upstream path of it, byte for byte.

Wallboxes ask for `//ID`, `/ocpp/ID/` or absolute addresses; evcc answers a path with a double slash
by a redirect that no wallbox follows (RFC 9112 §3.2, Go's `net/http` ServeMux).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

LONGEST_PATH = 512

_SCHEME_AND_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
_SLASHES = re.compile(r"/+")
_SAFE_ID = re.compile(r"[A-Za-z0-9*\-_=:+|@. ]{1,48}")


class BadTargetError(ValueError):
    """A request target nobody may send; the text says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class CleanTarget:
    """A cleaned path, which begins with one slash, and the query as it came (without `?`)."""

    path: str
    query: str = ""


def clean(raw: str) -> CleanTarget:
    """Return the cleaned request target.

    Percent-encoded bytes and the query stay as they are. Raises BadTargetError for control
    characters (also percent-encoded in the path), a backslash, `#`, `.` and `..` segments and a
    path over 512 characters.
    """
    # Before any parsing: Python's URL functions remove CR, LF and TAB silently.
    if _CONTROL.search(raw):
        raise BadTargetError("control character in the address")
    if "\\" in raw or "#" in raw:
        raise BadTargetError("backslash or # in the address")
    path, _, query = raw.partition("?")
    absolute = _SCHEME_AND_AUTHORITY.match(path)
    if absolute:
        path = path[absolute.end() :]
    path = "/" + _SLASHES.sub("/", path).strip("/")
    _check(path)
    return CleanTarget(path, query)


def _check(path: str) -> None:
    if len(path) > LONGEST_PATH:
        raise BadTargetError(f"path longer than {LONGEST_PATH} characters")
    if _ENCODED_CONTROL.search(path):
        raise BadTargetError("percent-encoded control character in the path")
    segments = path.replace("%2e", ".").replace("%2E", ".").split("/")
    if "." in segments or ".." in segments:
        raise BadTargetError("relative segment in the path")


def station_id(path: str) -> str:
    """The percent-decoded last segment of a cleaned path, empty for `/`.

    Bytes that are not UTF-8 become U+FFFD.
    """
    return unquote(path.rpartition("/")[2], errors="replace")


def is_plain_id(station: str) -> bool:
    """Whether an id keeps to the characters of OCPP identifiers and to 48 of them (OCPP 2.0.1)."""
    return _SAFE_ID.fullmatch(station) is not None


def encode_id(station: str) -> str:
    """A station id as one path segment, percent-encoded as UTF-8."""
    return quote(station, safe="")


def upstream_path(
    path: str, *, last_segment: bool = False, upstream_id: str | None = None, prefix: str = ""
) -> str:
    """The path to ask upstream for.

    `last_segment` drops what comes before the id, `upstream_id` (not encoded yet) replaces the id,
    `prefix` (already cleaned, without trailing slash) goes in front.
    """
    before, _, last = path.rpartition("/")
    if last_segment:
        before = ""
    if upstream_id is not None:
        last = encode_id(upstream_id)
    return f"{prefix}{before}/{last}"
