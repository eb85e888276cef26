"""The connection of one station to one secondary: dials, falls back, dials again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from random import Random
from typing import Final

from .. import logs
from ..legs import Leg, Pace
from ..relay.events import Closed
from ..upstream_leg import DialError, Route, UpstreamLeg, dial
from .mirror import Mirror

log = logs.get("secondary")

FIRST_DELAY: Final = 1.0
LONGEST_DELAY: Final = 300.0
STABLE_SECONDS: Final = 30.0
LINGER_SECONDS: Final = 10.0  # for what is still to be told when the charger left


def delay_after(failures: int, random: Random) -> float:
    """Seconds to the next dial: 1, 2, 4 … 300, each ±50 %."""
    delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures, 16))
    return delay * random.uniform(0.5, 1.5)


class Link:
    """Keeps a secondary connected while the charger is; nobody ever waits for it."""

    def __init__(
        self, station: str, mirror: Mirror, pace: Pace, open_timeout: float, random: Random
    ) -> None:
        self.wanted = False
        self._station = station
        self._mirror = mirror
        self._pace = pace
        self._open_timeout = open_timeout
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._leg: UpstreamLeg | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it is connected or tries to be."""
        return self._task is not None and not self._task.done()

    # What the charger does.

    def charger_came(self, route: Route) -> None:
        """The charger is on: connect by this route, unless a connection stands."""
        self.wanted = True
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not self.running:
            self._task = self._loop.create_task(self._run(route))

    def charger_left(self) -> None:
        """The charger is off: say the rest, then leave."""
        self.wanted = False
        if self._leg is None:
            self._stop_task()
        elif self._mirror.idle:
            self._leg.close(1001, "charger connection lost")
        elif self._linger is None:
            self._linger = self._loop.call_later(LINGER_SECONDS, self._leave)

    def charger_called(self, data: bytes, text: bool) -> None:
        """A copy of a CALL."""
        self._send(self._mirror.copied(data, text, self._loop.time()))

    def primary_said(self, data: bytes) -> None:
        self._mirror.primary_said(data)

    async def close(self) -> None:
        """The proxy stops."""
        self.wanted = False
        leg = self._leg
        self._stop_task()
        if leg is not None:
            leg.close(1001, "proxy stops", within=1.0)
            await asyncio.wait([leg.gone], timeout=1.5)

    def _leave(self) -> None:
        self._linger = None
        if self._leg is not None and not self.wanted:
            self._leg.close(1001, "charger connection lost")

    def _stop_task(self) -> None:
        for timer in (self._linger, self._timer):
            if timer is not None:
                timer.cancel()
        self._linger = self._timer = None
        if self._task is not None:
            self._task.cancel()

    # Connecting.

    async def _run(self, route: Route) -> None:
        failures = 0
        while self.wanted:
            began = self._loop.time()
            try:
                leg = await dial(route, self._pace, self._open_timeout)
            except DialError as error:
                log.limited(
                    "warning", "secondary away", f"{route.target} {self._station}",
                    "%s: %s: %s", self._station, route.target, error.reason,
                )  # fmt: skip
            except Exception as error:  # noqa: BLE001 - copies go on once it dials again
                log.limited(
                    "error", "secondary failed", f"{route.target} {self._station}",
                    "%s: dialling %s failed: %r, please report it", self._station, route.target,
                    error,
                )  # fmt: skip
            else:
                await self._hold(leg, route)
                if self._loop.time() - began >= STABLE_SECONDS:
                    failures = 0
            if self.wanted:
                await asyncio.sleep(delay_after(failures, self._random))
                failures += 1

    async def _hold(self, leg: UpstreamLeg, route: Route) -> None:
        """Use a connection until it ends."""
        log.info("%s: copies go to %s", self._station, route.target)
        self._leg = leg
        try:
            leg.attach(self)
            self._send(self._mirror.linked(self._loop.time()))
            if not self.wanted:
                self.charger_left()
            await asyncio.wait([leg.gone])
        finally:
            self._leg = None
            self._mirror.unlinked()
            if not leg.gone.done():
                leg.close(1001, "charger connection lost", within=1.0)

    # What the leg says.

    def received(self, leg: Leg, data: bytes, text: bool) -> None:
        """A message of the secondary."""
        self._send(self._mirror.received(data, self._loop.time()))
        if not self.wanted and self._mirror.idle:
            self._leave()

    def lost(self, leg: Leg, closed: Closed) -> None:
        """The connection ended."""
        if self.wanted:
            said = f"{closed.code} {closed.reason}".rstrip()
            log.limited(
                "warning", "secondary lost", f"{leg.address} {self._station}",
                "%s: the secondary is gone: %s", self._station, said,
            )  # fmt: skip

    def full(self, leg: Leg) -> None:
        """The secondary reads too slowly; the leg gives it up after its send timeout."""

    def drained(self, leg: Leg) -> None:
        """It reads again."""

    def measured(self, leg: Leg, seconds: float) -> None:
        """A ping was answered."""

    def ended(self, leg: Leg) -> None:
        """The TCP connection is gone."""

    # Sending.

    def _send(self, messages: Iterable[tuple[bytes, bool]]) -> None:
        for data, text in messages:
            if self._leg is not None:
                self._leg.send(data, text)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._mirror.deadline
        if deadline is not None and self._leg is not None:
            self._timer = self._loop.call_at(deadline, self._due)

    def _due(self) -> None:
        self._timer = None
        self._send(self._mirror.due(max(self._loop.time(), self._mirror.deadline or 0.0)))
