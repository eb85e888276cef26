from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from solar_charger.car.link import ResultClass as R
from solar_charger.car.link import VehicleLink
from solar_charger.car.simulated import SimulatedLink
from solar_charger.simulator.day import synthetic
from solar_charger.simulator.run import Plant
from solar_charger.simulator.scenario import Scenario
from solar_charger.sources.readings import SourceError
from solar_charger.sources.simulated import SimulatedMeter, SimulatedWallConnector

from tests.solar_charger.fakes import Clock, car_state, known


class Day:
    """The second of the day; sleeping lets it pass."""

    def __init__(self, now: int = 43200) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(1, round(seconds))
        await asyncio.sleep(0)


def plant(**changes: Any) -> Plant:
    return Plant(synthetic("clear", 1), dataclasses.replace(Scenario(), **changes), 1)


async def test_the_simulated_car_is_woken_started_and_stopped() -> None:
    day, simulated = Day(), plant()
    link = SimulatedLink(simulated.radio, day, day.sleep)
    assert isinstance(link, VehicleLink)
    simulated.car.plugged, simulated.car.asleep = True, True
    assert (await link.start()).result_class is R.ASLEEP
    assert (await link.wake()).ok
    assert (await link.set_amps(12)).ok
    started = await link.start()
    assert started.ok
    assert started.duration_s >= 1
    assert (await link.start()).result_class is R.OK_ALREADY
    assert car_state((await link.read_charge()).data).charge_current_request == 12
    assert (await link.stop()).ok


async def test_a_cancelled_call_leaves_the_radio_free() -> None:
    day, simulated = Day(), plant()
    link = SimulatedLink(simulated.radio, day)
    task = asyncio.create_task(link.stop())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not simulated.radio.busy


async def test_simulated_meter_and_connector_give_readings_and_outages() -> None:
    day, clock = Day(), Clock()
    simulated = plant(meter_outages=((50000, 50010),), meter_frozen=((43210, 43300),))
    meter = SimulatedMeter(simulated.meter, day, clock)
    first = await meter.poll()
    assert known(first.production_w).value > 1000
    assert known(first.grid_w).measured_at == clock.now
    day.now, clock.now = 43250, clock.now + 50
    assert known((await meter.poll()).grid_w).age(clock.now) == 50
    day.now = 50005
    with pytest.raises(SourceError):
        await meter.poll()
    twc = await SimulatedWallConnector(simulated.connector, day, clock).poll()
    assert known(twc.twc).value.vehicle_connected is simulated.car.plugged
