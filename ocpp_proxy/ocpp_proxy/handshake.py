"""Decides about a wallbox's request: local checks, then the dial, and only then 101.

A wallbox that gets 101 believes it is online; so upstream comes first, and its refusal becomes an
HTTP status the wallbox backs off from (RFC 6455 §4.2.2, OCPP-J 1.6 errata 3.3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from . import __version__, access, headers, logs, subprotocols, urls
from .access import FailureDelay, HandshakeSlots, Networks
from .charger_leg import ChargerLeg
from .errors import RefusalError
from .options import Options, StationOptions
from .refusals import Refusals
from .upstream_leg import Route, dial

if TYPE_CHECKING:
    from .session import Session
    from .stations import Key, Station, Stations
    from .upstream_leg import UpstreamLeg

log = logs.get("handshake")

AGENT = f"ocpp-proxy/{__version__}"
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="OCPP"'}
_GREETING = "OCPP proxy: point your wallbox to this address by ws:// or wss://\n"


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that passed the local checks."""

    station_id: str
    station: StationOptions | None
    path: str
    query: str


SessionFactory = Callable[
    ["Station", "Key", ChargerLeg, "UpstreamLeg", Route, Admission], "Session"
]


class Handshakes:
    """The gate of all charger legs; `via` is this run's own token, "ocpp-proxy-…"."""

    def __init__(
        self, options: Options, stations: Stations, slots: HandshakeSlots, via: str,
        new_session: SessionFactory, refusals: Refusals,
    ) -> None:  # fmt: skip
        self.refusals = refusals
        self.stopping = False
        self._options = options
        self._stations = stations
        self._slots = slots
        self._via = via
        self._new_session = new_session
        self._failures = FailureDelay()
        self._trusted = Networks(options.trusted_proxies)
        self._credentials = headers.Credentials(
            options.upstream_auth, options.upstream_username or "", options.upstream_password or ""
        )
        self._has_passwords = any(each.password is not None for each in options.stations)

    # What a charger leg calls.

    def handshake_over(self, leg: ChargerLeg) -> None:
        self._slots.leave(leg.peer)

    async def handshake(self, leg: ChargerLeg, request: Request) -> None:
        """Answer the request; after 101 the session runs."""
        session: Session | None = None
        forwarded = request.headers.get_all("X-Forwarded-For")
        leg.client = access.behind(leg.peer, forwarded, self._trusted)
        try:
            response, session = await self._decided(leg, request)
        except RefusalError as refusal:
            response = self._refusal(leg, request, refusal)
        except Exception as error:
            log.limited(
                "error", "handshake failed", leg.client,
                "handshake of %s failed, please report it: %r", leg.client, error,
            )  # fmt: skip
            log.debug("handshake of %s failed", leg.client, exc_info=error)
            response = leg.protocol.reject(500, "internal error, see the log\n")
        leg.answer(response)
        if session is not None:
            session.start()

    async def _decided(self, leg: ChargerLeg, request: Request) -> tuple[Response, Session | None]:
        admission = await self.process_request(leg, request)
        if isinstance(admission, Response):
            return admission, None
        response = leg.protocol.accept(request)
        if response.status_code != 101 or admission is None:
            self._log_library(leg, request, response)
            return response, None
        return response, await self.process_response(leg, request, admission)

    def _refusal(self, leg: ChargerLeg, request: Request, refusal: RefusalError) -> Response:
        # A path can be a kilobyte of noise.
        path = logs.cut(request.path, 128)
        log.limited(
            refusal.level, refusal.cause, leg.client, "%s asked for %s: %s, answered %d",
            leg.client, path, refusal.reason, refusal.status,
        )  # fmt: skip
        self.refusals.note(
            refusal.cause, leg.client, refusal.reason, asked=path, status=refusal.status
        )
        response = leg.protocol.reject(refusal.status, refusal.text + "\n")
        response.headers.update(refusal.headers)
        if refusal.status == 401:
            # Byte for byte the same, whatever was wrong.
            del response.headers["Date"]
        return response

    def _log_library(self, leg: ChargerLeg, request: Request, response: Response) -> None:
        path, reason = logs.cut(request.path, 128), str(leg.protocol.handshake_exc)
        log.limited(
            "warning", f"handshake {response.status_code}", leg.client,
            "%s asked for %s: %s, answered %d", leg.client, path, reason, response.status_code,
        )  # fmt: skip
        wrong = isinstance(leg.protocol.handshake_exc, NegotiationError)
        cause = "subprotocol" if wrong else "no websocket"
        self.refusals.note(cause, leg.client, reason, asked=path, status=response.status_code)

    # The local checks.

    async def process_request(
        self, leg: ChargerLeg, request: Request
    ) -> Admission | Response | None:
        """What can be said without upstream; None leaves the answer to the library (405, 505).

        May repair the request's headers. Raises RefusalError.
        """
        if request.method != "GET" or request.protocol != "HTTP/1.1":
            return None
        if not request.headers.get_all("Upgrade"):
            return self._plain(leg, request)
        if self.stopping:
            raise RefusalError(
                503, "the proxy is stopping", level="info", headers={"Retry-After": "10"},
                cause="stopping",
            )  # fmt: skip
        if headers.brings_back(request.headers, self._via):
            raise RefusalError(
                508, "loop detected", "the request came from this proxy: its target is itself, "
                "set target_host and target_port to the central system", level="error",
                cause="loop",
            )  # fmt: skip
        admission = self._admission(request)
        await self._authenticate(leg, request, admission)
        self._repair(request)
        return admission

    def _plain(self, leg: ChargerLeg, request: Request) -> Response:
        """Somebody's browser or a health check, not a wallbox."""
        if request.path == "/":
            return leg.protocol.reject(200, _GREETING)
        self.refusals.note(
            "plain http", leg.client, "the request does not ask for a WebSocket",
            asked=logs.cut(request.path, 128), status=404,
        )  # fmt: skip
        return leg.protocol.reject(404, "not found\n")

    def _admission(self, request: Request) -> Admission:
        try:
            target = urls.clean(request.path)
        except urls.BadTargetError as error:
            raise RefusalError(400, "bad address", str(error), cause="bad address") from error
        path = target.path
        if path == "/":
            if self._options.default_station_id is None:
                raise RefusalError(
                    404, "no station id in the address",
                    "no station id in the address (default_station_id gives one)",
                    cause="no station id",
                )  # fmt: skip
            path = "/" + urls.encode_id(self._options.default_station_id)
        station_id = urls.station_id(path)
        return Admission(station_id, self._options.station(station_id), path, target.query)

    async def _authenticate(self, leg: ChargerLeg, request: Request, admission: Admission) -> None:
        station = admission.station
        stranger = self._options.is_upstream_name(admission.station_id)
        if station is None and self._options.allow_unknown_stations and not stranger:
            return
        if station is not None and station.password is None:
            return
        if station is None and not self._has_passwords:
            raise RefusalError(
                404, "station not known", f"station {admission.station_id} is not listed",
                cause="not listed",
            )  # fmt: skip
        password = station.password if station is not None else None
        known = self._stations.find(admission.station_id)
        new_key = known.new_key if known is not None and station is not None else None
        given = next(iter(request.headers.get_all("Authorization")), None)
        fits = access.password_fits(given, admission.station_id, password)
        # The wallbox may not have taken the new key over yet, so both count.
        if fits or (new_key and access.password_fits(given, admission.station_id, new_key)):
            self._failures.succeeded(leg.client)
            return
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(self._failures.failed(leg.client, now))
        if station is None:
            cause, reason = "not listed", f"station {admission.station_id} is not listed"
        else:
            cause = f"{'wrong' if given else 'no'} password"
            reason = f"{cause} for station {admission.station_id}"
        raise RefusalError(401, "not authorised", reason, headers=_CHALLENGE, cause=cause)

    def _repair(self, request: Request) -> None:
        """Bring odd headers into a form the library reads as they are meant."""
        found = request.headers
        offered = subprotocols.tokens(found.get_all("Sec-WebSocket-Protocol"))
        _replace(found, "Sec-WebSocket-Protocol", offered)
        if self._options.repair_connection_header:
            options = subprotocols.tokens(found.get_all("Connection"))
            upgrades = [value.strip().lower() for value in found.get_all("Upgrade")]
            if upgrades == ["websocket"] and "upgrade" not in map(str.lower, options):
                _replace(found, "Connection", ["Upgrade"])

    def select_subprotocol(self, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """Called by the library in the middle of its own checks."""
        try:
            choice = subprotocols.choose(
                offered, self._options.subprotocols,
                accept_missing=self._options.accept_missing_subprotocol,
            )  # fmt: skip
        except subprotocols.UnsupportedError as error:
            raise NegotiationError(str(error)) from error
        return None if choice.reply is None else Subprotocol(choice.reply)

    # The dial.

    async def process_response(
        self, leg: ChargerLeg, request: Request, admission: Admission
    ) -> Session:
        """Replace an older session, dial upstream, register: what is left is to send the 101.

        Raises RefusalError. Cancelled when the charger goes away meanwhile.
        """
        route = self._route(leg, request, admission)
        key = (route.target, route.path)
        async with self._stations.lock(key):
            with self._stations.place(self._options.max_connections, key) as free:
                if not free:
                    raise RefusalError(
                        503, "too many connections",
                        f"{self._options.max_connections} wallboxes are connected "
                        "(max_connections)", headers={"Retry-After": "10"}, cause="too many",
                    )  # fmt: skip
                await self._take_over(leg, key, admission)
                upstream = await dial(route, leg.pace, float(self._options.upstream_open_timeout))
                if self.stopping:
                    upstream.close(1001, "proxy stops")
                    raise RefusalError(
                        503, "the proxy is stopping", level="info", headers={"Retry-After": "10"},
                        cause="stopping",
                    )  # fmt: skip
                station = self._stations.station(admission.station_id)
                session = self._new_session(station, key, leg, upstream, route, admission)
                self._stations.connected(session)
                return session

    async def _take_over(self, leg: ChargerLeg, key: Key, admission: Admission) -> None:
        old = self._stations.session(key)
        if old is None:
            return
        if old.station.id != admission.station_id:
            raise RefusalError(
                409, "another wallbox uses this name upstream",
                f"station {admission.station_id} would be what {old.station.id} is upstream: give "
                "every wallbox its own upstream_id", level="error", cause="same name",
            )  # fmt: skip
        now = asyncio.get_running_loop().time()
        if not self._stations.guard.admits(key, old.charger.client, leg.client, now):
            raise RefusalError(
                409, "another wallbox uses this station id",
                f"station {admission.station_id} connects from {old.charger.client} and "
                f"{leg.client} in turn: give every wallbox its own id", level="error",
                cause="same id",
            )  # fmt: skip
        log.notice(
            "%s connects again from %s, its old connection from %s is replaced",
            admission.station_id, leg.client, old.charger.client,
        )  # fmt: skip
        await old.replace()

    def _route(self, leg: ChargerLeg, request: Request, admission: Admission) -> Route:
        options, station = self._options, admission.station
        target = options.target_of(station)
        path = urls.upstream_path(
            admission.path,
            last_segment=options.station_path == "last_segment",
            upstream_id=station.upstream_id if station is not None else None,
            prefix=target.path + options.upstream_path_prefix,
        )
        peer = headers.Peer(leg.peer, leg.secure, leg.peer in self._trusted)
        credentials = self._credentials
        if target.username is not None:
            credentials = headers.Credentials("basic", target.username, target.password)
        chosen = leg.protocol.subprotocol
        return Route(
            target,
            path,
            admission.query,
            subprotocols.canonical(chosen) if chosen else options.subprotocols[0],
            tuple(headers.upstream(request.headers, peer, credentials, agent=AGENT, via=self._via)),
        )


def _replace(found: Headers, name: str, tokens: Sequence[str]) -> None:
    if name in found:
        del found[name]
    if tokens:
        found[name] = ", ".join(tokens)
