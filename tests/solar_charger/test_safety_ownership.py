"""Whose charge is it, when the owner thinks again while a start is still on its way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.command import Kind
from solar_charger.commands import Action
from solar_charger.control.decision import ControllerState as S
from solar_charger.control.decision import Desired
from solar_charger.measurements import ChargingState
from solar_charger.settings import Mode

from tests.solar_charger.executor_worker import Worker, driving
from tests.solar_charger.home import Home, at_home
from tests.solar_charger.household import Household, quiet_settings


async def started_at_night(home: Home) -> None:
    """MANUAL in the dark, until the car has answered the start and draws nothing yet."""
    home.meter.production_w, home.meter.free_w = 0.0, -400.0
    await home.pass_time(700)
    await home.ask(Action.MODE, "MANUAL")
    for _ in range(120):
        if home.service.charger.executor.belief.start_sent_at is not None:
            break
        await home.pass_time(1)
    assert home.car.amps == 0.0
    assert home.car.enabled


@pytest.mark.parametrize("later", [0, 2, 4])
@pytest.mark.parametrize(
    ("action", "value"),
    [(Action.MODE, "SOLAR"), (Action.SETTINGS, {"enabled": False})],
    ids=["solar", "pause"],
)
async def test_a_start_taken_back_before_its_current_came_does_not_charge_all_night(
    tmp_path: Path, action: Action, value: object, later: int
) -> None:
    async with at_home(tmp_path) as home:
        await started_at_night(home)
        await home.pass_time(later)
        assert home.car.amps < 1.0
        await home.ask(action, value)
        await home.pass_time(120)
        assert home.car.amps == 0.0
        await home.pass_time(3600)
        assert home.car.amps == 0.0
        assert home.state()["controller_state"] != "external"


def with_start(house: Household, **link: object) -> Household:
    """MANUAL began a charge of which no current has come yet."""
    house.run(10)
    house.read_car()
    house.run(400)
    house.switch(Mode.MANUAL)
    house.run(10)
    told = {"start_sent_at": house.now, "believed_charging": True, **link}
    house.link = replace(house.link, **told)  # type: ignore[arg-type]
    return house


def test_current_that_comes_after_the_start_was_unwanted_is_ours_and_stopped() -> None:
    house = with_start(Household())
    house.switch(Mode.SOLAR)
    house.link = replace(house.link, believed_charging=None)
    assert house.run(10).desired.charge is False
    house.run(40)
    house.amps = 48.0
    decision = house.run(20)
    assert decision.desired.charge is False
    assert decision.state is S.STOPPING


def test_no_current_before_a_start_took_effect_confirms_no_stop() -> None:
    house = with_start(Household())
    house.wishes = replace(house.wishes, enabled=False)
    assert house.run(60).desired.charge is False
    house.link = replace(house.link, stop_sent_at=house.now, believed_charging=False)
    assert house.run(30).desired.charge is None


def test_a_charge_begun_elsewhere_after_our_start_was_stopped_is_still_somebody_else_s() -> None:
    house = with_start(Household())
    house.switch(Mode.SOLAR)
    house.run(10)
    house.link = replace(house.link, stop_sent_at=house.now, believed_charging=False)
    house.run(30)
    house.amps = 16.0
    assert house.run(30).state is S.EXTERNAL


def test_a_stop_follows_a_start_across_a_change_of_mode() -> None:
    worker = Worker()
    worker.run(Desired(charge=True, amps=48, poll=False), 24)
    assert driving([command for _, command in worker.log]) == ["set_amps 48", "start"]
    sent = worker.run(Desired(charge=False, poll=False, epoch=1), 6)
    assert driving(sent) == ["stop"]


def test_a_start_whose_answer_was_lost_is_stopped_across_a_change_of_mode() -> None:
    worker = Worker()
    worker.answers[Kind.START] = Result(R.UNKNOWN_RESULT)
    worker.run(Desired(charge=True, amps=48, poll=False), 24)
    sent = worker.run(Desired(charge=False, poll=False, epoch=1), 6)
    assert driving(sent) == ["stop"]


def test_a_start_whose_current_is_first_read_minutes_later_is_ours_where_nobody_measured() -> None:
    house = Household(quiet_settings(has_twc=False))
    house.twc_alive = False
    house.free_w = 4900
    house.run(10)
    house.read_car(charger_actual_current=0.0)
    house.run(100)
    house.link = replace(house.link, start_sent_at=house.now, believed_charging=True)
    house.run(300)
    house.amps, house.free_w = 20.0, 900.0
    house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=20.0)
    assert house.run(10).state is not S.EXTERNAL
    assert house.controller.session.ours
