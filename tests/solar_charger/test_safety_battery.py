"""A house battery that falls silent: what it gives could pass for sun."""

from __future__ import annotations

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.measurements import Quality, Reading
from solar_charger.settings import BatteryPolicy, Mode

from tests.solar_charger.household import Household, charging


def silent_battery(**settings: object) -> Household:
    """20 A from the sun, until the battery's sensor says its last word."""
    house = charging(4900, **settings)
    house.extra["house_battery_w"] = Reading(0.0, house.now, "battery")
    house.extra["house_battery_soc"] = Reading(95.0, house.now + 3600, "battery")
    house.run(10, follow=True)
    assert house.amps == 20
    return house


def test_a_silent_house_battery_is_as_a_silent_meter_minimum_then_stop() -> None:
    house = silent_battery()
    house.run(110, follow=True)
    assert house.amps == 20
    house.run(60, follow=True)
    assert house.amps == 5
    decision = house.run(180, follow=True)
    assert house.amps == 0
    assert decision.reason == "battery_stale"
    house.run(900, follow=True)
    assert house.amps == 0
    for _ in range(60):
        house.extra["house_battery_w"] = Reading(0.0, house.now, "battery")
        house.run(10, follow=True)
    assert house.amps == 20


def test_an_impossible_battery_value_is_as_none() -> None:
    house = silent_battery()
    for _ in range(40):
        house.extra["house_battery_w"] = Reading(1e9, house.now, "battery", Quality.IMPOSSIBLE)
        house.run(10, follow=True)
    assert house.amps == 0


@pytest.mark.parametrize(("mode", "amps"), [(Mode.MIN_SOLAR, 5), (Mode.MANUAL, 48)])
def test_who_does_not_ask_the_sun_goes_on(mode: Mode, amps: int) -> None:
    house = silent_battery()
    house.switch(mode)
    assert house.run(900, follow=True).state in (S.STALE, S.MANUAL)
    assert house.amps == amps


def test_a_battery_that_may_feed_the_car_may_be_silent() -> None:
    house = silent_battery(battery_policy=BatteryPolicy.BUFFER, buffer_soc=80)
    house.run(900, follow=True)
    assert house.amps == 20


def test_somebody_else_s_charge_is_not_taken_over_on_what_may_be_the_battery_s_power() -> None:
    house = Household()
    house.extra["house_battery_w"] = Reading(3000.0, house.now, "battery")
    house.run(10)
    house.read_car()
    house.run(600)
    house.amps, house.free_w = 16.0, 9000.0
    house.run(600)
    assert house.run(10).state is S.EXTERNAL
