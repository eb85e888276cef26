"""The shell around control: when it decides, and what wishes do that change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from solar_charger.commands import Action, Actor
from solar_charger.sources.readings import Readings

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
