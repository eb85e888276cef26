"""The leg to the central system: dials, finishes its handshake, and looks whether it stays open."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cache

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from . import closing, headers, logs
from .errors import RefusalError
from .legs import END_OF_HEADERS, Leg, Pace
from .relay.events import Closed
from .targets import Target

log = logs.get("upstream")

# evcc accepts any station and closes the refused ones within a millisecond (seen on evcc 0.313).
LOOK = 0.05
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Route:
    """Where and how one station is dialled; `path` is complete, `headers` are added as they are."""

    target: Target
    path: str
    query: str
    subprotocol: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


class DialError(RefusalError):
    """Upstream could not be used; carries the answer for a charger that waits for it."""

    already_exists = False


class UpstreamLeg(Leg):
    """A connection to the central system."""

    name = "upstream"

    __slots__ = ("_opening", "_tail")

    protocol: ClientProtocol

    def __init__(self, protocol: ClientProtocol, pace: Pace) -> None:
        super().__init__(protocol, pace)
        self._opening: asyncio.Future[None] | None = self._loop.create_future()
        self._tail = b""

    async def handshake(self, added: tuple[tuple[str, str], ...]) -> None:
        """Send the request and wait for 101; raises InvalidHandshake or OSError."""
        opening = self._opening
        assert opening is not None
        request = self.protocol.connect()
        for name, value in added:
            request.headers[name] = value
        self.protocol.send_request(request)
        self._flush()
        await opening
        self.opened()

    def data_received(self, data: bytes) -> None:
        if self._opening is None:
            super().data_received(data)
            return
        joined = self._tail + data
        end = joined.find(END_OF_HEADERS)
        if end >= 0:
            self._borders.passed(joined[end + len(END_OF_HEADERS) :])
        self._tail = joined[-3:]
        self.protocol.receive_data(data)
        self._advance()

    def eof_received(self) -> None:
        super().eof_received()
        if self._opening is not None:
            self._advance()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._opening is not None and not self._opening.done():
            error = self.protocol.handshake_exc or exc or ConnectionResetError("closed")
            self._opening.set_exception(error)

    def _advance(self) -> None:
        """Finish the handshake when the response is complete; frames behind it already count."""
        opening, events = self._opening, self.protocol.events_received()
        assert opening is not None
        if self.protocol.handshake_exc is not None:
            if not opening.done():
                opening.set_exception(self.protocol.handshake_exc)
            return
        if events and isinstance(events[0], Response):
            self._opening = None
            if not opening.done():
                opening.set_result(None)
            self._flush()
            for event in events[1:]:
                self._happened(event)
            if self.protocol.close_expected():
                self._end_within(self.pace.close_timeout)
                self._report()


async def dial(route: Route, pace: Pace, open_timeout: float) -> UpstreamLeg:
    """An open leg that upstream did not close within 50 ms; raises DialError."""
    leg = await _open(route, pace, open_timeout)
    if leg.protocol.subprotocol is None:
        leg.close(1000)
        raise DialError(
            400,
            "subprotocol not accepted by upstream",
            f"upstream does not speak {route.subprotocol}",
            cause="upstream subprotocol",
        )
    try:
        await asyncio.wait([leg.gone], timeout=LOOK)
    except asyncio.CancelledError:
        leg.close(1001, "charger connection lost")
        raise
    if leg.closed is not None:
        raise _closed_at_once(leg.closed)
    return leg


async def _open(route: Route, pace: Pace, open_timeout: float) -> UpstreamLeg:
    made: list[UpstreamLeg] = []

    def factory() -> UpstreamLeg:
        made.append(_leg(route, pace))
        return made[-1]

    target = route.target
    try:
        async with asyncio.timeout(open_timeout):
            _, leg = await asyncio.get_running_loop().create_connection(
                factory,
                target.host,
                target.port,
                ssl=_context() if target.secure else None,
                server_hostname=target.host if target.secure else None,
            )
            await leg.handshake(route.headers)
            return leg
    except BaseException as error:
        for leg in made:
            if not leg.gone.done() and hasattr(leg, "transport"):
                leg.abort()
        if isinstance(error, Exception):
            raise _explained(error, open_timeout) from error
        raise


def _leg(route: Route, pace: Pace) -> UpstreamLeg:
    target = route.target
    # Built, not parsed: a URL parser would drop control characters and move the border of the path.
    uri = WebSocketURI(target.secure, target.host, target.port, route.path, route.query)
    protocol = ClientProtocol(
        uri,
        subprotocols=[Subprotocol(route.subprotocol)],
        max_size=pace.max_message_size,
    )
    return UpstreamLeg(protocol, pace)


@cache
def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _explained(error: Exception, open_timeout: float) -> Exception:
    """The answer for the charger; an unexpected exception stays what it is."""
    # TimeoutError first: it is an OSError too.
    if isinstance(error, TimeoutError):
        reason = f"upstream did not answer within {open_timeout:g} s"
        return DialError(504, "upstream timed out", reason, cause="upstream timeout")
    if isinstance(error, InvalidStatus):
        return _status(error.response)
    if isinstance(error, InvalidHandshake | EOFError):
        reason = f"upstream does not speak WebSocket ({error})"
        return DialError(502, "upstream handshake failed", reason, cause="upstream handshake")
    if isinstance(error, OSError | ssl.SSLError | UnicodeError):
        reason = f"upstream not reachable ({error})"
        return DialError(502, "upstream not reachable", reason, cause="upstream unreachable")
    return error


def _status(response: Response) -> DialError:
    status = response.status_code
    reason = f"upstream answers {status} {response.reason_phrase}"
    if status in (401, 403):
        challenge = headers.first(response.headers, "WWW-Authenticate")
        added = {"WWW-Authenticate": challenge} if challenge else {}
        return DialError(
            status, "upstream refused the credentials", reason, headers=added,
            cause="upstream credentials",
        )  # fmt: skip
    if status == 404:
        return DialError(404, "station not known to upstream", reason, cause="upstream unknown")
    if status in _REDIRECTS:
        reason = f"upstream redirects to {headers.first(response.headers, 'Location')}"
        return DialError(502, "upstream redirects", reason, cause="upstream redirects")
    return DialError(502, "upstream refused the connection", reason, cause="upstream refused")


def _closed_at_once(closed: Closed) -> DialError:
    reason = f"upstream closed at once with {closed.code} {closed.reason}".rstrip()
    error = DialError(503, "upstream closed the connection", reason, cause="upstream closed")
    error.already_exists = closing.upstream_end(closed) is closing.UpstreamEnd.ALREADY_EXISTS
    return error
