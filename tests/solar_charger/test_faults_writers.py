"""Power cuts around a command, and two dashboards that write at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from solar_charger.commands import Action, Actor
from solar_charger.testing.dashboard import FakeDashboard

from tests.solar_charger.home import Home, at_home
from tests.solar_charger.installation import installed

LIMIT = 24


async def a_charge_at_17_amps(home: Home) -> None:
    home.meter.free_w = 4000.0
    await home.until_charging()
    await home.pass_time(330)
    assert home.car.amps == 17.0


async def nothing_is_noted_from_here(home: Home) -> None:
    """What the car answers is lost with the power."""
    await home.service.journal.commit()
    home.service.charger.carried_out = lambda *_: None  # type: ignore[method-assign]
    home.service.journal.keep = lambda *_: None  # type: ignore[method-assign]
    home.service.journal.audit = lambda *_: None  # type: ignore[method-assign]


@pytest.mark.parametrize("sun_afterwards", [4000.0, -500.0])
async def test_power_cut_between_a_lower_current_and_its_note(
    tmp_path: Path, sun_afterwards: float
) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await a_charge_at_17_amps(home)
        await nothing_is_noted_from_here(home)
        home.meter.free_w = 2000.0
        while home.car.request > 10:
            await home.pass_time(1)
        await home.cut_power()
        await home.pass_time(20)
        home.meter.free_w = sun_afterwards
        home.restart()
        await home.pass_time(900)
        assert home.car.amps == (17.0 if sun_afterwards > 0 else 0.0)
        assert home.car.starts == 1
        assert home.highest_asked <= LIMIT


async def test_power_cut_between_a_higher_current_and_its_note_draws_nothing_from_the_grid(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        home.meter.free_w = 2400.0
        await home.until_charging()
        await home.pass_time(330)
        assert home.car.amps == 10.0
        await nothing_is_noted_from_here(home)
        home.meter.free_w = 5500.0
        while home.car.request < 20:
            await home.pass_time(1)
        await home.cut_power()
        await home.pass_time(20)
        home.meter.free_w = 2400.0
        home.restart()
        await home.pass_time(120)
        assert home.car.amps == 10.0


async def test_power_cut_between_a_stop_and_its_note_starts_nothing_without_sun(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        await a_charge_at_17_amps(home)
        await nothing_is_noted_from_here(home)
        home.meter.free_w = -1500.0
        while home.car.enabled:
            await home.pass_time(1)
        await home.cut_power()
        await home.pass_time(20)
        home.restart()
        await home.pass_time(1200)
        assert home.car.amps == 0.0
        assert home.car.starts == 1
        assert home.alarms == []
        home.meter.free_w = 4000.0
        await home.until_charging()


async def test_power_cut_again_and_again_never_lifts_the_current_above_the_limit(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, circuit_amps=LIMIT) as home:
        for turn in range(12):
            home.meter.free_w = (9000.0, 2500.0, -400.0)[turn % 3]
            await home.pass_time(97 + 31 * turn)
            await home.cut_power()
            await home.clock.advance(5.0 * turn)
            home.restart()
        assert home.highest_asked <= LIMIT
        assert home.highest_drawn <= LIMIT
        home.meter.free_w = -400.0
        await home.pass_time(1200)
        assert home.car.amps == 0.0


async def test_two_dashboards_that_write_at_once_agree_and_both_stand_in_the_log(
    tmp_path: Path,
) -> None:
    async with installed(tmp_path, started=False) as home:
        async with FakeDashboard(home.house) as other:
            home.options["dashboard_url"] = other.url
            home.start()
            await home.charging()
            other.mode = "MANUAL"
            await home.until(lambda: home.car.amps == LIMIT, 60)
            assert await home.audit_has(action="mode", actor="api", to="MANUAL")
            # In the same moment: here SOLAR by hand, there MANUAL once more.
            other.mode = "MANUAL"
            answer = await home.ask(Action.MODE, "SOLAR")
            assert answer.ok
            await home.pass_time(30)
            assert {home.service.charger.mode, other.mode} == {"SOLAR"}
            assert await home.audit_has(action="mode", actor="ui", to="SOLAR")
            await home.ask(Action.MODE, "MANUAL")
            await home.pass_time(30)
            assert other.mode == "MANUAL"
        await home.pass_time(600)
        assert home.service.charger.mode == "MANUAL"
        assert home.car.amps == LIMIT


async def test_many_writers_leave_one_mode_and_a_line_for_each(tmp_path: Path) -> None:
    async with at_home(tmp_path, started=False) as home:
        wishes = [("SOLAR", Actor.UI), ("MANUAL", Actor.API), ("OFF", Actor.MQTT)] * 5
        answers = await asyncio.gather(*(home.ask(Action.MODE, *wish) for wish in wishes))
        assert all(answer.ok for answer in answers)
        lines = [line for line in await home.audit() if line["action"] == "mode"]
        assert len(lines) == 14  # the first choice is what holds already
        assert home.service.charger.mode == "OFF"
        assert lines[0]["to"] == "OFF"
        stored = home.service.journal._store
        assert stored is not None
        assert stored.settings()["mode"].value == "OFF"
