"""How sources' troubles are told: each once, by the part that has them."""

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import replace

import pytest
from solar_charger.clock import VirtualClock
from solar_charger.control.plug import look
from solar_charger.house import House
from solar_charger.measurements import CarState, ChargingState, Quality, Reading, Snapshot
from solar_charger.sources.envoy.gateway import split_lines
from solar_charger.sources.home_assistant.live import HomeAssistantSource
from solar_charger.sources.home_assistant.rest import Core
from solar_charger.sources.readings import Readings, SourceError
from solar_charger.sources.roles import Role, RoleBook, SensorRow, Value
from solar_charger.testing.home_assistant import FakeHomeAssistant

from tests.solar_charger.fakes import Collector
from tests.solar_charger.home import NOON
from tests.solar_charger.household import quiet_settings


def made_house() -> House:
    return House(VirtualClock(NOON.timestamp()))


def test_one_mistyped_entity_is_told_once_while_the_others_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    house = made_house()
    for _ in range(240):
        house.deliver("home_assistant", Readings(grid_w=Reading(1.0, 0.0, "x")), "sensor.mistyped1")
        house.failed("home_assistant", "no entity sensor.typo", "sensor.typo")
    assert len([r for r in caplog.records if r.levelno >= logging.INFO]) == 1
    (health,) = house.sources
    assert health.error == "no entity sensor.typo"
    house.deliver("home_assistant", Readings(), "sensor.typo")
    assert house.sources[0].error == ""


def test_a_device_that_comes_and_goes_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    house = made_house()
    for _ in range(240):
        house.failed("flapping", "no answer")
        house.deliver("flapping", Readings(grid_w=Reading(1.0, 0.0, "x")))
    assert len([r for r in caplog.records if r.levelno >= logging.INFO]) <= 2
    assert house.sources[0].error == ""


def test_a_broker_that_answers_is_no_value_yet() -> None:
    house = made_house()
    house.failed("mqtt", "no broker")
    house.deliver("mqtt", Readings())
    assert house.sources[0].error == ""
    assert house.sources[0].answered_at is None


class Parts(Collector):
    """Remembers which parts failed and worked."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: set[str] = set()
        self.working: set[str] = set()

    def deliver(self, source: str, readings: Readings, part: str = "") -> None:
        self.working.add(part)
        super().deliver(source, readings, part)

    def failed(self, source: str, error: str, part: str = "") -> None:
        self.failing.add(part)
        super().failed(source, error, part)


async def test_home_assistant_names_the_entity_that_fails() -> None:
    rows = [SensorRow(Role.GRID, "sensor.grid"), SensorRow(Role.BATTERY_SOC, "sensor.typo")]
    async with FakeHomeAssistant() as assistant:
        await assistant.set("sensor.grid", "100", unit_of_measurement="W")
        core = Core(assistant.token, assistant.core_url)
        parts = Parts()
        running = asyncio.create_task(HomeAssistantSource(core, rows).run(parts))
        await parts.until(lambda p: bool(parts.failing) and bool(p.readings))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert parts.failing == {"sensor.typo"}
    assert "sensor.grid" in parts.working


def test_one_phase_of_unknown_age_makes_the_currents_of_all_unknown() -> None:
    rows = [SensorRow(role, f"mqtt:{role}") for role in (Role.AMPS_A, Role.AMPS_B, Role.AMPS_C)]
    book = RoleBook(rows, "mqtt")
    for row, quality in zip(rows, (Quality.GOOD, Quality.RETAINED, Quality.GOOD), strict=True):
        readings = book.take(row, Value("5", 10.0, quality=quality), 10.0)
    assert readings.grid_phase_a is not None
    assert not readings.grid_phase_a.usable


def test_of_the_car_only_what_has_an_age_counts() -> None:
    soc, limit = SensorRow(Role.CAR_SOC, "mqtt:soc"), SensorRow(Role.CAR_LIMIT, "mqtt:limit")
    book = RoleBook([soc, limit], "mqtt")
    kept = book.take(soc, Value("20", 10.0, quality=Quality.RETAINED), 10.0).car
    assert kept is not None
    assert not kept.usable
    live = book.take(limit, Value("80", 11.0), 11.0).car
    assert live is not None
    assert live.usable
    assert live.value == CarState(charge_limit_soc=80)


def test_a_stream_s_line_without_an_end_costs_no_memory() -> None:
    drip = (b"x" for _ in itertools.count())
    with pytest.raises(SourceError, match="line of more than"):
        list(split_lines(drip))


def test_a_stream_s_lines_come_whole_however_they_were_cut() -> None:
    whole = b"data: 1\r\n\r\ndata: 2\n"
    for size in (1, 3, 100):
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert list(split_lines(chunks)) == [b"data: 1", b"", b"data: 2"]
    assert list(split_lines([b"a\nb"])) == [b"a", b"b"]


def test_a_tracker_silent_for_a_day_proves_neither_home_nor_away() -> None:
    settings = replace(quiet_settings(), has_twc=False, link_proves_home=False)
    read = CarState(charging_state=ChargingState.STOPPED)
    now = 200_000.0

    def plugged(home_at: float, **max_age: float) -> bool | None:
        snapshot = Snapshot(
            car=Reading(read, now, "car"), home=Reading(True, home_at, "ha"), max_age=max_age
        )
        return look(snapshot, settings, now, True).plugged

    assert plugged(now - 3600.0) is True
    assert plugged(now - 90_000.0) is None
    assert plugged(now - 90_000.0, home=100_000.0) is True
