"""Who may see the page: everybody else's TCP connection is cut before a byte is read.

Behind the door there are two kinds of requests; those that change something must come from a page
of ours and not from another site in the same browser.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import cast
from urllib.parse import urlsplit

from .. import logs
from ..access import Networks, normalise

log = logs.get("page")

# The Supervisor, which brings ingress (home-assistant/supervisor: docker/network.py), and this
# machine itself.
ALWAYS = ("172.30.32.2/32", "127.0.0.0/8", "::1/128")
_RESET = struct.pack("ii", 1, 0)
_PORTS = {"http": 80, "https": 443}


class Door(asyncio.Protocol):
    """Looks at the address of a new connection, then hands it to the real protocol or cuts it."""

    def __init__(self, allowed: Networks, behind: Callable[[], asyncio.BaseProtocol]) -> None:
        self._allowed = allowed
        self._behind = behind

    def connection_made(self, made: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        transport = cast(asyncio.Transport, made)
        name = transport.get_extra_info("peername")
        peer = normalise(str(name[0])) if name else ""
        if peer not in self._allowed:
            log.limited(
                "warning", "page refused", peer,
                "%s may not see the page: allow its network with --page-allow", peer,
            )  # fmt: skip
            sock = transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
            return
        protocol = self._behind()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def allowed(more: Iterable[str], always: Iterable[str] = ALWAYS) -> Networks:
    """The networks that may come in."""
    return Networks([*always, *more])


def same_site(headers: Mapping[str, str]) -> bool:
    """Whether a request that changes something comes from our own page, or from no browser.

    Browsers send `Origin` with every POST. It must name the host that was asked for; behind
    ingress that is `X-Forwarded-Host` (home-assistant/core: hassio/ingress.py).
    """
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("Origin")
    if origin is None:
        return True
    theirs = _authority(origin)
    if theirs is None:
        return False
    hosts = [headers.get("Host", ""), *headers.get("X-Forwarded-Host", "").split(",")]
    wanted = {_authority(f"{urlsplit(origin).scheme}://{host.strip()}") for host in hosts if host}
    return theirs in wanted


def _authority(url: str) -> tuple[str, int] | None:
    """Host and port of an origin; None if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.hostname.lower(), port) if parts.hostname else None
