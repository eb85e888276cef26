"""The shell around control: when it decides, and what wishes do that change nothing."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from solar_charger.command import Kind
from solar_charger.commands import Action, Actor
from solar_charger.health import Health, Watchdog
from solar_charger.measurements import Quality, Reading, Snapshot
from solar_charger.sources.readings import Readings
from solar_charger.state_document import connected_answer
from solar_charger.view import View

from tests.solar_charger.home import at_home

FOREIGN = {"mode": "SOLAR", "amps": 10, "target_amps": 10, "state": "Charging"}


async def test_a_cloud_is_decided_upon_with_the_sample_that_shows_it(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 7000.0
        await home.until_charging()
        await home.pass_time(300)
        charger = home.service.charger
        decided: list[float] = []
        decide, poll = charger.decide, home.meter.poll

        def watched() -> Any:
            decided.append(home.clock.now())
            return decide()

        async def cloudy() -> Readings:
            # The cloud comes right after a decision: the next regular one is far away.
            if decided and home.clock.now() - decided[-1] < 6.0:
                home.meter.free_w = 2000.0
                seen.append(home.clock.now())
            return await poll()

        seen: list[float] = []
        charger.decide = watched  # type: ignore[method-assign]
        home.meter.poll = cloudy  # type: ignore[method-assign]
        await home.pass_time(30)
        assert seen
        assert min(at for at in decided if at >= seen[0]) - seen[0] < 1.0


async def test_a_stop_goes_out_while_another_charger_is_in_control(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        await home.pass_time(60)
        await home.ask(Action.FOREIGN_STATUS, FOREIGN, Actor.API)
        await home.pass_time(20)
        assert home.state()["reason"] == "foreign_charger"
        assert (await home.ask(Action.CHARGE, "start")).status == 409
        assert (await home.ask(Action.CHARGE, "stop")).status == 202
        await home.pass_time(60)
        assert home.car.amps == 0.0
        assert home.state()["controller_state"] == "foreign"
        assert home.state()["reason"] == "foreign_charger"


async def test_the_mode_that_already_holds_changes_nothing(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w = 4000.0
        await home.until_charging()
        started = await home.ask(Action.CHARGE, "start")
        for _ in range(5):
            answer = await home.ask(Action.MODE, "SOLAR")
            assert answer.body == {"status": "success", "new_mode": "SOLAR"}
        assert home.service.backend.command(started.body["id"])["state"] != "dropped"  # type: ignore[index]
        await home.ask(Action.SETTINGS, {"max_amps": 48})
        told = [line["action"] for line in await home.audit()]
        assert "mode" not in told
        assert "max_amps" not in told


async def test_after_a_damaged_store_the_mode_is_chosen_anew_even_if_it_is_off(
    tmp_path: Path,
) -> None:
    (tmp_path / "solar_charger.db").write_bytes(b"no database" * 200)
    async with at_home(tmp_path) as home:
        await home.pass_time(20)
        assert "store_damaged" in home.alarms
        await home.ask(Action.MODE, "OFF")
        await home.pass_time(20)
        assert "store_damaged" not in home.alarms


async def test_somebody_who_changes_his_mind_for_ever_fills_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with at_home(tmp_path) as home:
        for number in range(40):
            await home.ask(Action.MODE, ("MANUAL", "SOLAR")[number % 2], Actor.API)
        lines = [r for r in caplog.records if r.getMessage().startswith("mode: ")]
        assert len(lines) <= 2
        modes = [line for line in await home.audit() if line["action"] == "mode"]
        assert len(modes) == 40


def test_a_control_loop_that_never_begins_is_as_stuck_as_one_that_stopped() -> None:
    now = [0.0]
    left: list[int] = []
    gone = threading.Event()

    def leave(code: int) -> None:
        left.append(code)
        gone.set()

    health = Health(lambda: now[0])
    dog = Watchdog(health, each_s=0.01, leave=leave)
    dog.start()
    now[0] = 121.0
    assert gone.wait(15.0)
    assert left == [70]


def test_a_plug_of_unknown_age_is_not_told_as_seconds_old() -> None:
    kept = Reading(True, 100.0, "mqtt", Quality.RETAINED)
    assert connected_answer(View(snapshot=Snapshot(plug=kept)), 101.0) is None
    live = Snapshot(plug=Reading(True, 100.0, "mqtt"))
    assert connected_answer(View(snapshot=live), 101.0) == {
        "connected": True,
        "data_age_seconds": 1,
    }


async def test_the_first_read_that_going_live_needs_comes_in_off_as_well(tmp_path: Path) -> None:
    async with at_home(tmp_path, dry_run=True, initial_mode="OFF") as home:
        await home.pass_time(120)
        assert (await home.ask(Action.LIVE, True)).status == 200
        reads = home.radio.reads
        await home.pass_time(1800)
        assert home.radio.reads == reads
        assert home.radio.heard == 0


async def test_an_unplugged_car_in_reach_is_read_once_for_going_live(tmp_path: Path) -> None:
    async with at_home(tmp_path, dry_run=True) as home:
        home.car.plugged = False
        await home.pass_time(180)
        assert (await home.ask(Action.LIVE, True)).status == 200


@pytest.mark.parametrize("after_s", [0, 1, 3, 5, 8])
async def test_a_stop_pressed_right_after_a_start_is_not_lost(tmp_path: Path, after_s: int) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w, home.meter.production_w = -400.0, 0.0
        await home.pass_time(60)
        await home.ask(Action.CHARGE, "start")
        while not home.car.enabled:
            await home.pass_time(1)
        await home.pass_time(after_s)
        await home.ask(Action.CHARGE, "stop")
        await home.pass_time(120)
        assert home.car.amps == 0.0
        assert not home.car.enabled


async def test_a_stop_pressed_while_a_start_is_on_its_way_is_not_lost(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.free_w, home.meter.production_w = -400.0, 0.0
        await home.pass_time(60)
        await home.ask(Action.CHARGE, "start")
        executor = home.service.charger.executor
        while executor.under_way is None or executor.under_way.kind is not Kind.START:
            await home.pass_time(1)
        await home.ask(Action.CHARGE, "stop")
        await home.pass_time(120)
        assert home.car.amps == 0.0
        assert not home.car.enabled


async def test_the_old_mode_chosen_while_a_new_one_is_being_stored_wins_as_the_later_wish(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path, started=False) as home:
        await asyncio.gather(home.ask(Action.MODE, "MANUAL"), home.ask(Action.MODE, "SOLAR"))
        assert home.service.charger.mode == "SOLAR"
