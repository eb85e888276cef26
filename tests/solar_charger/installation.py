"""What an owner would set up, whole: the shipped service on made time, its own readers and driver
over real sockets, and simulated devices around one house at the other end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from solar_charger.clock import VirtualClock
from solar_charger.commands import Action, Actor, Answer, Request
from solar_charger.journal import Reader
from solar_charger.options import read
from solar_charger.service import Service, Times
from solar_charger.testing.gateway import FakeGateway, Firmware
from solar_charger.testing.house import Car, House
from solar_charger.testing.relay import FakeRelay
from solar_charger.testing.tesla_control import FakeTeslaControl
from solar_charger.testing.wall_connector import FakeWallConnector

from solar_charger import commandline

ZONE = ZoneInfo("Europe/Helsinki")
NOON = datetime(2026, 6, 21, 12, tzinfo=ZONE)
VOLTS = 230.0
BASE_W = 300.0
LIMIT = 24
PATIENCE_S = 30.0

T = TypeVar("T")
_to_thread = asyncio.to_thread


class Threads:
    """Work in threads: made time waits for it, so that a slow machine changes no outcome."""

    def __init__(self) -> None:
        self.busy = 0
        self._idle = asyncio.Event()

    async def run(self, work: Callable[..., T], /, *args: Any, **named: Any) -> T:
        """In place of `asyncio.to_thread`."""
        self.busy += 1
        self._idle.clear()
        try:
            return await _to_thread(work, *args, **named)
        finally:
            self.busy -= 1
            if not self.busy:
                self._idle.set()

    async def idle(self) -> None:
        """Until nothing is under way."""
        async with asyncio.timeout(PATIENCE_S):
            while self.busy:
                await self._idle.wait()


class Installation:
    """One run of the service; `restart` makes the next one over the same data folder."""

    def __init__(self, data: Path, threads: Threads, **options: Any) -> None:
        self.data = data
        self.clock = VirtualClock(NOON.timestamp())
        car = Car(volts=VOLTS, soc=60.0, limit=90, request_amps=48)
        self.house = House(pv_w=0.0, base_w=BASE_W, wiring="single", car=car, wall=self.clock.wall)
        self.gateway = FakeGateway(self.house, Firmware())
        self.connector = FakeWallConnector(self.house)
        self.control = FakeTeslaControl(car)
        self.relay = FakeRelay(self.control)
        self.environ: dict[str, str] = {}
        self.options = options
        self.token = self.gateway.token
        self.highest = 0.0
        self._threads = threads
        self._work: asyncio.Task[None] | None = None

    @property
    def car(self) -> Car:
        return self.house.car

    def free(self, watts: float) -> None:
        """Sun less house, for the car."""
        self.house.pv_w = max(0.0, watts + BASE_W)
        self.house.base_w = self.house.pv_w - watts

    def start(self) -> None:
        """Build the service from options, as the program does, and set its loops going."""
        options = {
            "source": "envoy", "envoy_host": self.gateway.host, "envoy_token": self.token,
            "twc_host": self.connector.host, "vehicle_link": "relay", "relay_url": self.relay.url,
            "vin": self.car.vin, "dry_run": False, "emergency_soc": 0, "voltage": 230,
            "phases": "1", "wiring": "single", "circuit_amps": LIMIT, "poll_s": 10, **self.options,
        }  # fmt: skip
        found, unknown = read({name: value for name, value in options.items() if value is not None})
        assert not unknown
        invocation = commandline.Invocation(found, self.data, page_port=0, api_port=0)
        midnight = NOON.replace(hour=0).timestamp()
        self.service = Service(invocation, self.environ, times=Times(self.clock, ZONE, midnight))
        self.service.backend.attach(asyncio.get_running_loop())
        self.service.journal.keep("running", True)
        self._work = asyncio.create_task(self.service._work())

    async def pass_time(self, seconds: float) -> None:
        """Second by second; every answer on its way arrives before the next one begins."""
        for _ in range(round(seconds)):
            await self.clock.advance(1.0)
            while self._threads.busy:
                await self._threads.idle()
                await self.clock.advance(0.0)
            self.house.advance(1.0)
            self.highest = max(self.highest, self.car.amps, self._asked())
            if self._work is not None and self._work.done():
                self._work.result()

    def _asked(self) -> float:
        return float(self.car.request_amps) if self.car.charging else 0.0

    async def until(self, what: Callable[[], object], seconds: float = 1200.0) -> None:
        """Let time pass until something is true."""
        end = self.clock.now() + seconds
        while not what():
            assert self.clock.now() < end, f"it did not come: {self.state()}"
            await self.pass_time(5)

    async def charging(self) -> None:
        """Sun for 17 A, and a charge that has run on it for a while."""
        self.free(4000.0)
        await self.until(lambda: self.car.amps)
        await self.pass_time(330)
        assert self.car.amps == 17.0, self.state()

    async def cut_power(self) -> None:
        """The machine dies: nothing is written any more, nothing is said to the car."""
        if self._work is not None:
            self._work.cancel()
            with suppress(asyncio.CancelledError):
                await self._work
            self._work = None
            store = self.service.journal._store
            if store is not None:
                store.connection.close()
            self.service.lock.release()

    async def ask(self, action: Action, value: Any = None, actor: Actor = Actor.UI) -> Answer:
        return await self.service.commands.carry_out(Request(action, value, actor))

    def state(self) -> dict[str, Any]:
        return self.service.backend.state()

    @property
    def alarms(self) -> list[str]:
        return list(self.state()["alarms"])

    def source(self, name: str) -> dict[str, Any]:
        """The first row of a source as the page shows it."""
        found: list[dict[str, Any]] = self.state()["sources"]
        return next(row for row in found if row["name"] == name)

    def heard(self, word: str) -> int:
        """How often the car carried a command out."""
        return sum(line.split()[0] == word for line in self.car.heard)

    async def audit(self) -> list[dict[str, Any]]:
        """The audit log, newest first."""
        await self.service.journal.commit()
        return Reader(self.service.journal.path).audit(None, 500)

    async def audit_has(self, **members: Any) -> bool:
        lines = await self.audit()
        return any(all(line[name] == value for name, value in members.items()) for line in lines)


@asynccontextmanager
async def installed(
    data: Path, *, firmware: Firmware | None = None, started: bool = True, **options: Any
) -> AsyncIterator[Installation]:
    """An installation with its devices up; it must not have gone above its limit in the end."""
    threads = Threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "to_thread", threads.run)
        made = Installation(data, threads, **options)
        if firmware is not None:
            made.gateway = FakeGateway(made.house, firmware)
        async with AsyncExitStack() as devices:
            for device in (made.gateway, made.connector, made.relay):
                await devices.enter_async_context(device)
            if started:
                made.start()
            try:
                yield made
                assert made.highest <= LIMIT
            finally:
                await made.cut_power()
