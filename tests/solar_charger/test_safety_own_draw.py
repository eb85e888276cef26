"""What the car draws is taken off the meter only while somebody knows it."""

from __future__ import annotations

from dataclasses import replace

from solar_charger.control.inputs import LinkFacts
from solar_charger.control.own_power import OwnPower, modelled_amps
from solar_charger.measurements import CarState, ChargingState, PlugState, Reading, WallConnector

from tests.solar_charger.household import Household, quiet_settings

CHARGING = CarState(charging_state=ChargingState.CHARGING, charger_actual_current=16.0)


def test_a_point_counts_for_half_a_minute_and_then_nothing_is_known() -> None:
    own = OwnPower()
    own.add(1000.0, 3840.0, 16.0, measured=True)
    assert own.at(1029.0) == (3840.0, 16.0)
    assert own.at(1031.0) == (0.0, 0.0)
    own.add(1062.0, 3840.0, 16.0, measured=True)
    assert own.at(1031.0) == (3840.0, 16.0)


def test_a_read_of_ten_minutes_ago_tells_nothing_any_more() -> None:
    assert modelled_amps(1500.0, CHARGING, 1000.0, LinkFacts()) == 16.0
    assert modelled_amps(1700.0, CHARGING, 1000.0, LinkFacts()) is None


def test_an_answer_of_ten_minutes_ago_tells_nothing_any_more_without_a_read() -> None:
    link = LinkFacts(
        accepted_amps=12, accepted_at=1000.0, believed_charging=True, charging_since=1000.0
    )
    assert modelled_amps(1500.0, None, None, link, (1490.0, 12.0)) == 12.0
    assert modelled_amps(1700.0, None, None, link, (1690.0, 12.0)) is None
    assert modelled_amps(1700.0, CHARGING, 1690.0, link, (1690.0, 12.0)) == 16.0


def test_a_car_that_was_read_once_does_not_draw_for_hours() -> None:
    house = Household(quiet_settings(has_twc=False))
    house.twc_alive = False
    house.run(10)
    house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=16.0)
    house.run(60)
    assert house.decision is not None
    assert house.decision.observed.own_w == 3840.0
    decision = house.run(7200)
    assert decision.observed.plug is PlugState.UNKNOWN
    assert decision.observed.own_w is None
    assert decision.available_w == 0.0


def test_a_silent_connector_s_last_current_does_not_hide_the_house_from_the_fuse() -> None:
    house = Household(quiet_settings(main_fuse_amps=25))
    house.free_w = -480
    house.run(10)
    house.amps = 12.0
    house.link = replace(
        house.link, accepted_amps=12, accepted_at=house.now, believed_charging=True
    )
    house.run(60)
    house.twc_alive, house.amps = False, 0.0
    house.free_w = -480 - 12 * 240
    decision = house.run(300)
    assert decision.observed.plug is PlugState.UNKNOWN
    cap = house.controller.fuse.cap(house.settings, house.now, 45.0, 0.0)
    assert cap.amps == 8  # 22.5 A less all 14 A: whether 12 of them are the car's nobody knows


def test_a_connector_that_tells_no_current_leaves_the_draw_to_what_the_car_accepted() -> None:
    house = Household()
    house.run(20)
    house.link = replace(
        house.link,
        accepted_amps=16,
        accepted_at=house.now,
        believed_charging=True,
        charging_since=house.now,
    )
    for _ in range(12):
        house.now += 5
        house.readings["twc"] = Reading(WallConnector(vehicle_connected=True), house.now, "twc")
        house.readings["grid_w"] = Reading(3840.0, house.now, "meter")
        decision = house.step()
    assert decision.observed.own_w == 3840.0
    assert decision.available_w == 0.0
