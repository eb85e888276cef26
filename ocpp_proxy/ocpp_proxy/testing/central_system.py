"""A central system that behaves like evcc 0.313 towards wallboxes, over real sockets."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from .central_answers import FEATURES
from .central_link import DeadlineConnection, Link
from .central_router import offers_ocpp16, route
from .central_setup import Charger, SetUpFailed
from .central_station import Station
from .central_timing import Timing
from .events import EventLog


class CentralSystem:
    """Listens, routes, sets stations up; `stop` and `start` on the same port are a restart.

    Events: listening, knows, request (target, subprotocols), redirected, not_found,
    no_subprotocol, duplicate, connected, disconnected, boot, status, meter_values, heartbeat,
    authorize, start_transaction, stop_transaction, command, command_answered, command_failed,
    refused_call, unanswered, stray_answer, operational, online, reboot_detected, set_up_failed,
    failed, gave_up.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        stations: Collection[str] | None = None,  # None: whoever comes is configured
        timing: Timing | None = None,
        events: EventLog | None = None,
        features: frozenset[str] = FEATURES,
        remote_start: str | None = None,  # the idTag to start with when a car is plugged in
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        randomness: random.Random | None = None,
    ) -> None:
        self.host, self.port, self.timing = host, port, timing or Timing()
        self.events = events or EventLog()
        self.stations: dict[str, Station] = {}
        self.chargers: dict[str, Charger] = {}
        self.listening_since = 0.0
        self._configured = stations
        self._features, self._now = features, now
        self._remote_start = remote_start
        self._random = randomness or random.Random()
        self._server: Server | None = None
        self._knows = False
        self._jobs: set[asyncio.Task[None]] = set()
        self._transactions = itertools.count(1)

    @property
    def url(self) -> str:
        """Where stations connect, without a slash at the end."""
        return f"ws://{self.host}:{self.port}"

    async def __aenter__(self) -> CentralSystem:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, with an empty memory."""
        self.stations, self.chargers, self._knows = {}, {}, False
        self._transactions = itertools.count(int(time.time()))
        self._server = await serve(
            self._handle,
            self.host,
            self.port,
            process_request=self._route,
            select_subprotocol=_select_subprotocol,
            create_connection=DeadlineConnection,
            compression=None,
            ping_interval=None,
            max_size=None,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self.listening_since = asyncio.get_running_loop().time()
        self.events.add("listening", port=self.port)
        if self.timing.knows_after is not None:
            self._job(self._learn(self.timing.knows_after))

    async def stop(self) -> None:
        """End everything at once: no connection gets a close frame."""
        server, self._server = self._server, None
        if server is None:
            return
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        connections = list(server.connections)
        server.close(close_connections=False)
        for connection in connections:
            connection.transport.close()
        await server.wait_closed()
        self.events.add("stopped")

    async def restart(self, away: float = 0.0) -> None:
        """Stop and start again after so many seconds."""
        await self.stop()
        await asyncio.sleep(away)
        await self.start()

    def know(self) -> None:
        """From now on the configured stations are known; before, they are unknown."""
        self._knows = True
        self.events.add("knows")
        known = list(self.stations) if self._configured is None else self._configured
        for station_id in known:
            self._create_charger(self.station(station_id))

    async def set_limit(self, station_id: str, amps: float, phases: int = 3) -> str:
        """Send a charging limit; see `Charger.set_limit`."""
        return await self.chargers[station_id].set_limit(amps, phases)

    def station(self, station_id: str) -> Station:
        """What is known of a station, made when first asked for."""
        if station_id not in self.stations:
            self.stations[station_id] = Station(
                station_id,
                self.events,
                self.timing,
                self._now,
                self._random,
                self._features,
                lambda: next(self._transactions),
            )
        return self.stations[station_id]

    def _route(self, connection: ServerConnection, request: Request) -> Response | None:
        offered = request.headers.get_all("Sec-WebSocket-Protocol")
        self.events.add("request", target=request.path, subprotocols=offered)
        status, answer = route(request.path)
        if status == HTTPStatus.MOVED_PERMANENTLY:
            self.events.add("redirected", target=request.path, location=answer)
            response = connection.respond(HTTPStatus.MOVED_PERMANENTLY, "Moved Permanently\n")
            response.headers["Location"] = answer
            return response
        if status == HTTPStatus.NOT_FOUND:
            self.events.add("not_found", target=request.path)
            return connection.respond(HTTPStatus.NOT_FOUND, answer + "\n")
        # The library refuses an empty header; what matters is only whether ocpp1.6 is offered.
        while "Sec-WebSocket-Protocol" in request.headers:
            del request.headers["Sec-WebSocket-Protocol"]
        if offers_ocpp16(offered[0] if offered else None):
            request.headers["Sec-WebSocket-Protocol"] = "ocpp1.6"
        return None

    async def _handle(self, connection: ServerConnection) -> None:
        assert isinstance(connection, DeadlineConnection)
        assert connection.request is not None
        _status, station_id = route(connection.request.path)
        if connection.subprotocol is None:
            self.events.add("no_subprotocol", station_id)
            await connection.close(1002, "invalid or unsupported subprotocol")
            return
        station = self.station(station_id)
        if station.link is not None:
            self.events.add("duplicate", station_id)
            await connection.close(1008, "a connection with this ID already exists")
            return
        await self._converse(station, Link(connection, station_id))

    async def _converse(self, station: Station, link: Link) -> None:
        station.attach(link)
        self.events.add("connected", station.id)
        if self._knows and self._configured is None:
            self._create_charger(station)
        try:
            code = await link.run(station.received, self.timing.read_deadline)
        finally:
            station.detach()
        self.events.add("disconnected", station.id, code=code)

    async def _learn(self, after: float) -> None:
        await asyncio.sleep(after)
        self.know()

    def _create_charger(self, station: Station) -> None:
        if station.known:
            return
        station.known = True
        self.chargers[station.id] = charger = Charger(station, self._remote_start)
        self._job(self._drive(charger))

    async def _drive(self, charger: Charger) -> None:
        try:
            await charger.run()
        except SetUpFailed as failure:
            self.events.add("failed", charger.station.id, cause=str(failure))
            await asyncio.sleep(self.timing.gives_up_after)
            self.events.add("gave_up")

    def _job(self, work: Coroutine[Any, Any, None]) -> None:
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)


def _select_subprotocol(
    _connection: ServerConnection, offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    return Subprotocol("ocpp1.6") if "ocpp1.6" in offered else None
