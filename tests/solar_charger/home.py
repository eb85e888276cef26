"""A whole charger on made time: real controller, executor, gate, worker, journal and commands
around a simulated car, with a meter and a wall connector the test sets by hand.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from solar_charger.clock import VirtualClock
from solar_charger.commands import Action, Actor, Answer, Request
from solar_charger.journal import Reader
from solar_charger.measurements import Reading, WallConnector
from solar_charger.options import read
from solar_charger.service import Service, Times
from solar_charger.simulator.car import Car
from solar_charger.simulator.radio import Radio
from solar_charger.sources.polling import Poller
from solar_charger.sources.readings import Readings, SourceError, power

from solar_charger import commandline

ZONE = ZoneInfo("Europe/Helsinki")
NOON = datetime(2026, 6, 21, 12, tzinfo=ZONE)
VOLTS = 230.0
FORMER = "0" * 16


class Meter:
    """What the gateway says; `trouble` instead of a value: it fails with that text."""

    name = "simulated"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.free_w = 0.0
        """Sun less house."""
        self.production_w: float | None = 5000.0
        self.trouble = ""
        self.value: float | None = None
        """A reading in place of the true one."""

    async def poll(self) -> Readings:
        if self.trouble:
            raise SourceError(self.trouble)
        car = self.home.car
        true = car.amps * car.watts_per_amp - self.free_w
        grid = power(self.value if self.value is not None else true)
        if grid is None:
            raise SourceError("impossible")
        now = self.home.clock.now()
        made = self.production_w
        return Readings(
            grid_w=Reading(grid, now, self.name),
            production_w=None if made is None else Reading(made, now, self.name),
        )


class Connector:
    """The wall connector; `silent`: no answer."""

    name = "twc"

    def __init__(self, home: Home) -> None:
        self.home = home
        self.silent = False

    async def poll(self) -> Readings:
        if self.silent:
            raise SourceError("no answer")
        car = self.home.car
        closed = car.amps > 0
        vitals = WallConnector(
            vehicle_connected=car.plugged,
            contactor_closed=closed,
            vehicle_current_a=car.amps,
            grid_v=VOLTS,
            current_a=(car.amps, 0.0, 0.0),
            voltage_v=(VOLTS if closed else 2.0, 2.0, 2.0),
            vitals={"vehicle_connected": car.plugged, "vehicle_current_a": car.amps},
        )
        return Readings(twc=Reading(vitals, self.home.clock.now(), self.name))


class Home:
    """One run of the service; `restart` makes the next one over the same data folder."""

    def __init__(self, data: Path, clock: VirtualClock, **options: Any) -> None:
        self.clock = clock
        self.data = data
        self.options = {
            "source": "simulated", "vehicle_link": "simulated", "dry_run": False,
            "emergency_soc": 0, "voltage": 230, "phases": "1", "vin": "5YJ3E1EA7KF000001",
            **options,
        }  # fmt: skip
        self.meter = Meter(self)
        self.connector = Connector(self)
        self.highest_asked = 0
        self.highest_drawn = 0.0
        self.service = self._service()
        plant = self.service.equipment.plant
        assert plant is not None
        self.plant = plant
        self.plant._script = lambda now: None  # type: ignore[method-assign]
        self.radio.latency_s = 6
        self.car.stir(self.plant.second())
        self.car.plugged, self.car.soc, self.car.limit = True, 60.0, 90
        self.car.volts, self.car.phases, self.car.request = VOLTS, 1, 48.0
        self._work: asyncio.Task[None] | None = None

    def _service(self) -> Service:
        found, _ = read(self.options)
        invocation = commandline.Invocation(found, self.data, page_port=0, api_port=0)
        midnight = NOON.replace(hour=0).timestamp()
        service = Service(invocation, {}, times=Times(self.clock, ZONE, midnight))
        sources = service.equipment.sources
        sources.clear()
        for device in (self.meter, self.connector):
            sources[device.name] = Poller(device, 5.0, clock=self.clock.now, sleep=self.clock.sleep)
        return service

    @property
    def car(self) -> Car:
        return self.plant.car

    @property
    def radio(self) -> Radio:
        return self.plant.radio

    def start(self) -> None:
        self.service.backend.attach(asyncio.get_running_loop())
        self.service.journal.keep("running", True)
        self._work = asyncio.create_task(self.service._work())

    async def pass_time(self, seconds: float) -> None:
        """Time passes; what the car is asked for and draws is watched all the while."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            await self.clock.advance(min(5.0, end - self.clock.now()))
            self.plant.second()
            self.highest_asked = max(self.highest_asked, self.radio.highest)
            self.highest_drawn = max(self.highest_drawn, self.car.amps)
            if self._work is not None and self._work.done():
                self._work.result()

    async def until_charging(self, seconds: float = 1200.0) -> None:
        end = self.clock.now() + seconds
        while self.car.amps < 1.0:
            assert self.clock.now() < end, f"no charge: {self.state()}"
            await self.pass_time(10)

    async def end(self) -> None:
        """As SIGTERM does, with the last words to the car."""
        assert self._work is not None
        self.service.stop()
        await self._work
        ending = asyncio.create_task(self.service._end(None))
        while not ending.done():
            await self.clock.advance(1.0)
            self.plant.second()
        ending.result()
        self._work = None

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
        self.radio.command = None

    def restart(self, **options: Any) -> None:
        """The next run, with the same car outside."""
        plant = self.plant
        self.options.update(options)
        self.service = self._service()
        made = self.service.equipment.plant
        assert made is not None
        made.car, made.radio, made._at = plant.car, plant.radio, plant._at
        made._script = lambda now: None  # type: ignore[method-assign]
        link = self.service.equipment.link
        link._radio = plant.radio  # type: ignore[union-attr]
        link._second = made.second  # type: ignore[union-attr]
        self.plant = made
        self.start()

    async def ask(self, action: Action, value: Any = None, actor: Actor = Actor.UI) -> Answer:
        return await self.service.commands.carry_out(Request(action, value, actor))

    def state(self) -> dict[str, Any]:
        return self.service.backend.state()

    @property
    def alarms(self) -> list[str]:
        return list(self.state()["alarms"])

    async def audit(self) -> list[dict[str, Any]]:
        """The audit log, newest first."""
        await self.service.journal.commit()
        return Reader(self.service.journal.path).audit(None, 500)

    async def audit_has(self, **members: Any) -> bool:
        lines = await self.audit()
        return any(all(line[name] == value for name, value in members.items()) for line in lines)

    def kept(self) -> dict[str, Any]:
        """The stored state, as the next run would find it."""
        store = self.service.journal._store
        assert store is not None
        found: dict[str, Any] = json.loads(json.dumps(store.state()))
        return found


@asynccontextmanager
async def at_home(data: Path, *, started: bool = True, **options: Any) -> AsyncIterator[Home]:
    """A home that is read once and live, unless its options say otherwise."""
    home = Home(data, VirtualClock(NOON.timestamp()), **options)
    if started:
        home.start()
    try:
        yield home
    finally:
        await home.cut_power()
