"""Which listener offers what, and which requests that change something it lets through. No I/O."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from ..commands import Actor
from ..networks import is_private

LONGEST_BODY = 64 << 10
Sent = Headers | Mapping[str, str]
"""Request headers; names in any case where they come from a request."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Site:
    """One listener."""

    name: str
    page: bool
    """The page and our own API are here, beside the older API."""
    health: bool
    ingress: bool
    """Only trusted peers get this far: what ingress says in headers counts."""
    guarded: bool
    """POSTs want the key, or without one a private source address."""
    api_key: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not carried out: HTTP status, text, and a fixed word for the log."""

    status: int
    message: str
    cause: str


def check_post(
    site: Site, headers: Sent, peer: str, length: int, media_type: str
) -> Refusal | None:
    """The rules every POST keeps, in order; None when it may go on.

    `length` is the body's in bytes, 0 without one; `media_type` without its parameters.
    """
    if site.guarded and (refusal := _check_sender(site.api_key, headers, peer)):
        return refusal
    if not _own_origin(headers, site.ingress):
        return Refusal(403, "this came from another site", "origin")
    if length > LONGEST_BODY:
        return Refusal(413, "the body is longer than 64 kB", "size")
    if length and media_type != "application/json":
        return Refusal(415, "send the body with Content-Type: application/json", "type")
    return None


def _check_sender(api_key: str, headers: Sent, peer: str) -> Refusal | None:
    if api_key:
        given = headers.get("X-API-Key", "")
        if not hmac.compare_digest(given.encode("utf-8", "replace"), _as_header(api_key)):
            text = "the key is wrong" if given else "send the key in the header X-API-Key"
            return Refusal(401, text, "key")
        return None
    if not is_private(peer):
        text = "only addresses of the own network may do this; set api_key to allow others"
        return Refusal(403, text, "address")
    return None


def _as_header(key: str) -> bytes:
    """The key as WSGI hands a header's bytes over: read as Latin-1 (PEP 3333)."""
    return key.encode().decode("latin-1").encode()


def _own_origin(headers: Sent, ingress: bool) -> bool:
    """Whether a browser's request comes from our own page; one without `Origin` is no browser's.

    Behind ingress our host is what the browser asked for, `X-Forwarded-Host`
    (home-assistant/core: hassio/ingress.py).
    """
    origin = headers.get("Origin")
    if origin is None:
        return True
    theirs = _authority(origin)
    hosts = headers.get("Host", "")
    if ingress and headers.get("X-Forwarded-Host"):
        hosts = headers["X-Forwarded-Host"]
    if theirs is None:
        return False
    scheme = origin.partition(":")[0]
    return theirs in {_authority(f"{scheme}://{host.strip()}") for host in hosts.split(",")}


def _authority(url: str) -> tuple[str, int] | None:
    """Host and port of an origin; None if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme.lower()]
    except (ValueError, KeyError):
        return None
    return (parts.hostname.lower(), port) if parts.hostname else None


def actor(site: Site, headers: Sent) -> Actor:
    """Who is at work, for the audit log: a browser on the page, or a program.

    Browsers send `Origin` with every POST (Fetch §3.2).
    """
    return Actor.UI if site.page and "Origin" in headers else Actor.API
