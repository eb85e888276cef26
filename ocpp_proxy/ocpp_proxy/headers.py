"""Makes the request headers of the upstream leg from those of the charger (RFC 9110 §7.6)."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEYOND_LATIN1 = re.compile(r"[^\x00-\xff]")
# A chain of proxies may prepend to these for ever.
_LONGEST_CHAIN = 1024


class RequestHeaders(Protocol):
    """The multi-value look-up of `websockets.datastructures.Headers`."""

    def get_all(self, key: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks: the address, whether the connection is TLS, whether its X-Forwarded-* count."""

    address: str
    secure: bool = False
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What goes into `Authorization` upstream: `forward`, `none` or `basic` (name, password)."""

    mode: str = "forward"
    username: str = ""
    password: str = ""


def basic(username: str, password: str) -> str:
    """The value of an `Authorization` header (RFC 7617, UTF-8)."""
    raw = f"{username}:{password}".encode()
    return "Basic " + base64.b64encode(raw).decode("ascii")


def first(headers: RequestHeaders, name: str) -> str | None:
    """The first value of a header; None when there is none or it has a control character."""
    values = headers.get_all(name)
    if not values or _CONTROL.search(values[0]) or _BEYOND_LATIN1.search(values[0]):
        return None
    return values[0]


def brings_back(headers: RequestHeaders, token: str) -> bool:
    """Whether our own `Via` token is in the request: it went in a circle."""
    return any(token in value for value in headers.get_all("Via"))


def upstream(
    headers: RequestHeaders, peer: Peer, credentials: Credentials, *, agent: str, via: str
) -> list[tuple[str, str]]:
    """The headers to add to the upstream request, as name and value.

    `agent` stands in for a missing User-Agent, `via` is our own token ("ocpp-proxy-…").
    Everything else the charger sent (Host, Origin, Cookie, Proxy-* …) stays behind.
    """
    found = [
        ("Authorization", _authorization(headers, credentials)),
        ("User-Agent", first(headers, "User-Agent") or agent),
        ("X-Forwarded-For", _forwarded_for(headers, peer)),
        ("X-Forwarded-Proto", _trusted(headers, peer, "X-Forwarded-Proto") or _scheme(peer)),
        ("X-Forwarded-Host", _trusted(headers, peer, "X-Forwarded-Host") or first(headers, "Host")),
        ("Via", _chain([*_clean(headers.get_all("Via")), f"1.1 {via}"])),
    ]
    return [(name, value) for name, value in found if value]


def _authorization(headers: RequestHeaders, credentials: Credentials) -> str | None:
    if credentials.mode == "basic":
        return basic(credentials.username, credentials.password)
    return first(headers, "Authorization") if credentials.mode == "forward" else None


def _forwarded_for(headers: RequestHeaders, peer: Peer) -> str:
    before = _clean(headers.get_all("X-Forwarded-For")) if peer.trusted else []
    return _chain([*before, peer.address])


def _trusted(headers: RequestHeaders, peer: Peer, name: str) -> str | None:
    return first(headers, name) if peer.trusted else None


def _scheme(peer: Peer) -> str:
    return "wss" if peer.secure else "ws"


def _clean(values: Sequence[str]) -> list[str]:
    return [value for value in values if value and not _CONTROL.search(value)]


def _chain(values: Sequence[str]) -> str:
    """The values joined, without the oldest where they get too long."""
    kept = list(values)
    while len(kept) > 1 and sum(map(len, kept)) > _LONGEST_CHAIN:
        del kept[0]
    return ", ".join(kept)
