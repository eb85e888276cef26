"""What control does when something is missing, wrong or somebody else's: row by row."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.measurements import ChargingState, Quality, Reading, ScheduleMode
from solar_charger.settings import Mode, Takeover

from tests.solar_charger.household import NOON, Household, charging, quiet_settings


def plug_in(house: Household, amps: float = 0.0) -> None:
    """A definite unplugged state, then the cable goes in."""
    house.plugged, house.amps = False, 0.0
    house.run(20)
    house.plugged, house.amps = True, amps
    house.run(10)


def test_a_silent_meter_freezes_then_goes_to_the_minimum_then_stops() -> None:
    house = charging(9700)
    house.free_w = None
    for _ in range(8):
        assert house.run(10, follow=True).target_amps == 40
    house.run(30, follow=True)
    assert house.amps == 5
    house.run(180, follow=True)
    assert house.amps == 5
    decision = house.run(60, follow=True)
    assert house.amps == 0
    assert decision.stale
    assert "meter_stale" in decision.alarms


def test_a_silent_meter_never_raises_and_never_starts() -> None:
    house = Household()
    house.free_w = 8000
    house.run(10)
    house.read_car()
    house.run(40)
    house.free_w = None
    for _ in range(60):
        assert house.run(10).desired.charge is not True


def test_min_solar_keeps_the_minimum_through_the_silence() -> None:
    house = charging(9700)
    house.switch(Mode.MIN_SOLAR)
    house.run(60, follow=True)
    house.free_w = None
    house.run(1800, follow=True)
    assert house.amps == 5


def test_at_start_up_without_a_sample_a_charge_of_ours_goes_to_the_minimum_at_once() -> None:
    house = Household(plugged=True, ours=True)
    house.free_w, house.amps = None, 30.0
    decision = house.run(10)
    assert decision.desired.charge is True
    assert decision.desired.amps == 5


def test_a_charge_of_ours_stops_when_the_meter_never_comes() -> None:
    house = Household(plugged=True, ours=True)
    house.free_w, house.amps = None, 30.0
    house.run(320, follow=True)
    assert house.amps == 0


def test_after_the_silence_rises_are_late_and_small() -> None:
    house = charging(2600)
    house.free_w = None
    house.run(120, follow=True)
    house.free_w = 9700
    house.run(20, follow=True)
    assert house.amps == 5
    steps = []
    for _ in range(12):
        before = house.amps or 0
        house.run(10, follow=True)
        steps.append((house.amps or 0) - before)
    assert max(steps) == 6


@pytest.mark.parametrize("value", [math.nan, math.inf, 250_000.0, -250_000.0])
def test_an_impossible_meter_value_is_as_no_value(value: float) -> None:
    house = charging(9700)
    house.free_w = None
    for _ in range(40):
        house.now += 10
        house._measure()
        house.readings["grid_w"] = Reading(value, house.now, "meter")
        house.obey(house.step())
    assert house.amps == 0


def test_a_meter_whose_own_clock_stands_still_is_silent() -> None:
    house = charging(9700)
    frozen = house.readings["grid_w"]
    house.free_w = None
    for _ in range(40):
        house.now += 10
        house._measure()
        house.readings["grid_w"] = frozen
        house.obey(house.step())
    assert house.amps == 0


def test_a_retained_mqtt_value_steers_nothing() -> None:
    house = Household()
    house.free_w = None
    house.run(10)
    house.read_car()
    for _ in range(40):
        house.now += 10
        house._measure()
        house.readings["grid_w"] = Reading(-8000.0, house.now, "mqtt", Quality.RETAINED)
        assert house.step().desired.charge is None


def test_meters_that_disagree_for_ten_minutes_are_a_warning_and_nothing_else() -> None:
    house = charging(4900)
    house.extra["load_w"] = Reading(9000.0, house.now, "meter")
    for _ in range(70):
        house.extra["load_w"] = Reading(9000.0, house.now + 5, "meter")
        decision = house.run(10, follow=True)
    assert "meters_disagree" in decision.alarms
    assert house.amps == 20


@pytest.mark.parametrize(("hour", "minute", "alarm"), [(23, 0, False), (23, 20, True)])
def test_the_gateway_s_nightly_restart_is_no_alarm(hour: int, minute: int, alarm: bool) -> None:
    house = Household(wall=NOON.replace(hour=22, minute=30))
    house.production_w = 0
    house.run(60)
    house.free_w = None
    house.wall = house.wall.replace(hour=hour, minute=minute)
    assert ("meter_stale" in house.run(120).alarms) is alarm


def test_without_the_connector_the_car_tells_plug_and_current() -> None:
    house = charging(4900)
    house.twc_alive = False
    for _ in range(20):
        house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=20.0)
        decision = house.run(30)
    assert decision.observed.home
    assert decision.observed.amps == 20.0
    assert decision.target_amps == 20


def test_with_connector_and_car_silent_there_are_only_stops_and_lowering() -> None:
    house = charging(4900)
    house.twc_alive = False
    house.run(700)
    house.free_w = 9900
    decision = house.run(300)
    assert decision.observed.plug.value == "unknown"
    assert not decision.observed.home
    assert decision.target_amps <= 20


def test_a_sleeping_car_is_only_woken_for_a_start_that_is_due() -> None:
    house = Household()
    house.tell_sleep(True)
    assert house.run(600).desired.wake == ""
    house.free_w = 8000
    decision = house.run(120)
    assert decision.desired.wake == "solar"
    assert decision.desired.read
    assert decision.desired.charge is None
    assert decision.state is S.IDENTIFY


def test_manual_wakes_a_sleeping_car_at_once_and_does_not_wait_for_its_read() -> None:
    house = Household()
    house.tell_sleep(True)
    house.run(20)
    house.switch(Mode.MANUAL)
    decision = house.run(10)
    assert decision.desired.charge is True
    assert decision.desired.wake == "manual"
    assert decision.target_amps == 48


def test_unreachable_while_the_current_is_too_high_raises_the_alarm_after_five_minutes() -> None:
    house = charging(9700)
    house.free_w = 0
    house.link = replace(house.link, unreachable_since=house.now)
    assert "uncontrolled_charge" not in house.run(240).alarms
    assert "uncontrolled_charge" in house.run(120).alarms


def test_a_full_car_gets_no_command_and_no_poll_wake() -> None:
    house = charging(9700)
    house.read_car(charging_state=ChargingState.COMPLETE, battery_level=80)
    house.amps = 0.0
    for _ in range(60):
        decision = house.run(60)
        assert decision.state is S.COMPLETE
        assert decision.desired.charge is None
        assert decision.desired.amps is None
        assert decision.desired.wake == ""


@pytest.mark.parametrize("told", [{"charge_limit_soc": 90}, {"battery_level": 77}])
def test_a_raised_limit_or_three_percent_less_ends_complete(told: dict[str, int]) -> None:
    house = charging(9700)
    house.read_car(charging_state=ChargingState.COMPLETE, battery_level=80)
    house.amps = 0.0
    house.run(60)
    house.read_car(**{"battery_level": 80, "charge_limit_soc": 80, **told})
    assert house.run(400).desired.charge is True


def test_two_percent_less_is_still_complete() -> None:
    house = charging(9700)
    house.read_car(charging_state=ChargingState.COMPLETE, battery_level=80)
    house.amps = 0.0
    house.run(60)
    house.read_car(battery_level=78)
    assert house.run(400).state is S.COMPLETE


def test_a_full_car_that_wakes_or_draws_again_is_read_once() -> None:
    house = charging(9700)
    house.read_car(charging_state=ChargingState.COMPLETE, battery_level=80)
    house.amps = 0.0
    assert not house.run(600).desired.read
    house.link = replace(house.link, woken_at=house.now)
    assert house.run(10).desired.read
    house.read_car(charging_state=ChargingState.COMPLETE, battery_level=80)
    assert not house.run(60).desired.read


def test_an_answer_complete_to_a_start_is_believed() -> None:
    house = charging(4900)
    house.amps = 0.0
    house.link = replace(house.link, complete_at=house.now)
    assert house.run(60).state is S.COMPLETE


SCHEDULES: list[dict[str, Any]] = [
    {"scheduled_charging_pending": True},
    {"scheduled_charging_mode": ScheduleMode.DEPART_BY},
    {"managed_charging_active": True},
]


@pytest.mark.parametrize("told", SCHEDULES)
def test_the_car_s_own_schedule_is_respected_unless_told_otherwise(told: dict[str, Any]) -> None:
    for respect in (True, False):
        house = Household(quiet_settings(respect_schedule=respect))
        house.free_w = 8000
        house.run(10)
        house.read_car(**told)
        decision = house.run(300)
        assert (decision.state is S.SCHEDULED) is respect
        assert (decision.desired.charge is True) is not respect


def test_manual_overrides_the_car_s_own_schedule() -> None:
    house = Household()
    house.run(10)
    house.read_car(scheduled_charging_pending=True)
    house.switch(Mode.MANUAL)
    assert house.run(10).desired.charge is True


def test_a_car_that_charges_elsewhere_is_never_commanded() -> None:
    house = Household()
    house.plugged = False
    house.free_w = 9000
    house.run(20)
    house.read_car(charging_state=ChargingState.CHARGING, charger_actual_current=16.0)
    for mode in (Mode.SOLAR, Mode.MANUAL, Mode.MIN_SOLAR):
        house.switch(mode)
        decision = house.run(900)
        assert decision.state is S.AWAY
        assert decision.desired.charge is None


def test_another_car_on_our_connector_is_foreign_at_once_when_ours_says_disconnected() -> None:
    house = Household()
    plug_in(house, 16.0)
    house.read_car(charging_state=ChargingState.DISCONNECTED)
    decision = house.run(10)
    assert decision.state is S.FOREIGN
    assert decision.desired.charge is None
    assert "foreign_vehicle" in decision.alarms


def test_three_reads_that_contradict_the_connector_make_it_foreign() -> None:
    house = Household()
    house.run(10)
    house.read_car()
    house.run(300)
    house.amps = 16.0
    house.run(60)
    for expected in (False, False, True):
        house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=0)
        assert (house.run(60).state is S.FOREIGN) is expected


def test_a_charge_the_car_begins_at_plug_in_without_sun_is_stopped_after_its_read() -> None:
    house = Household()
    house.free_w = -400
    plug_in(house, 48.0)
    flow_at = house.now
    decision = house.run(10)
    assert decision.desired.charge is not False
    assert decision.desired.read
    house.read_car(charging_state=ChargingState.CHARGING, battery_level=60)
    decision = house.run(10)
    assert decision.desired.charge is False
    assert house.now - flow_at <= 45


def test_without_any_read_it_is_stopped_within_45_seconds_all_the_same() -> None:
    house = Household()
    house.free_w = -400
    plug_in(house, 48.0)
    assert house.run(30).desired.charge is False


def test_a_charge_the_car_begins_at_plug_in_with_sun_is_adopted_and_trimmed() -> None:
    house = Household()
    house.free_w = 4900
    plug_in(house, 48.0)
    house.read_car(charging_state=ChargingState.CHARGING)
    decision = house.run(30, follow=True)
    assert decision.desired.charge is True
    assert house.amps == 20


def test_a_low_battery_at_plug_in_is_an_emergency_and_not_stopped() -> None:
    house = Household(quiet_settings(emergency_soc=50))
    house.free_w = -400
    plug_in(house, 48.0)
    house.read_car(charging_state=ChargingState.CHARGING, battery_level=20)
    decision = house.run(20)
    assert decision.state is S.EMERGENCY
    assert decision.desired.charge is True


def begin_external(house: Household, amps: float = 16.0) -> None:
    """Somebody presses start in the app, long after the plug edge."""
    house.run(10)
    house.read_car()
    house.run(600)
    house.amps = amps
    house.run(30)


def test_somebody_else_s_charge_is_respected_without_sun_and_named() -> None:
    house = Household()
    begin_external(house)
    decision = house.run(600)
    assert decision.state is S.EXTERNAL
    assert decision.desired.charge is None
    assert decision.grid_charge_warning_amps == 16.0


def test_somebody_else_s_charge_is_adopted_once_the_sun_covers_the_minimum() -> None:
    house = Household()
    begin_external(house)
    house.free_w = 2600
    decision = house.run(30, follow=True)
    assert decision.state is S.CHARGING
    assert house.amps == 10


def test_takeover_never_leaves_it_alone_even_with_sun() -> None:
    house = Household(quiet_settings(takeover=Takeover.NEVER))
    begin_external(house)
    house.free_w = 9000
    assert house.run(600).state is S.EXTERNAL


def test_a_takeover_on_request_follows_the_mode_and_clears_the_flag() -> None:
    house = Household()
    begin_external(house)
    house.controller.takeover = True
    house.run(600, follow=True)
    assert house.amps == 0
    assert not house.controller.takeover


def test_a_current_that_flows_at_our_start_up_is_somebody_else_s() -> None:
    house = Household()
    house.amps = 16.0
    assert house.run(30).state is S.EXTERNAL


def test_a_charge_that_began_while_we_were_down_is_not_taken_for_the_car_s_habit() -> None:
    house = Household(plugged=False)
    house.amps = 16.0
    decision = house.run(60)
    assert decision.desired.epoch == 1
    assert decision.state is S.EXTERNAL


def test_manual_adopts_somebody_else_s_charge() -> None:
    house = Household()
    begin_external(house)
    house.switch(Mode.MANUAL)
    assert house.run(10).desired.charge is True
    house.switch(Mode.SOLAR)
    house.run(900, follow=True)
    assert house.amps == 0


def test_a_warm_cabin_holds_the_current_as_it_is() -> None:
    house = charging(4900)
    house.free_w = -2000
    for _ in range(20):
        house.read_car(charging_state=ChargingState.STOPPED, charger_actual_current=20.0)
        decision = house.run(60, follow=True)
        assert decision.reason == "preconditioning"
        assert decision.desired.charge is None
        assert decision.desired.amps is None


def test_more_current_than_asked_for_is_asked_down_again_and_again() -> None:
    house = charging(4900)
    first = house.run(10).desired.assertion
    house.amps = 30.0
    house.link = replace(house.link, accepted_at=house.now - 100)
    second = house.run(40).desired.assertion
    third = house.run(200).desired.assertion
    assert first < second < third


def test_less_current_than_asked_for_is_asked_for_once_again() -> None:
    house = charging(9700)
    first = house.run(10).desired.assertion
    house.amps = 6.0
    house.link = replace(house.link, accepted_at=house.now - 100)
    house.free_w = 9700
    second = house.run(60).desired.assertion
    assert second == first + 1
    assert house.run(600).desired.assertion == second


def test_without_reassertion_a_change_in_the_app_makes_the_charge_somebody_else_s() -> None:
    house = charging(4900, reassert=False)
    house.link = replace(house.link, accepted_at=house.now - 100)
    house.amps = 30.0
    assert house.run(60).state is S.EXTERNAL


def test_a_jump_of_the_wall_clock_changes_no_running_timer() -> None:
    house = charging(4900)
    house.wall += timedelta(hours=3)
    assert house.run(10).target_amps == 20
    house.wall = datetime(1970, 1, 1, tzinfo=NOON.tzinfo)
    assert house.run(60, follow=True).target_amps == 20


def test_a_lost_house_battery_reading_starts_nothing() -> None:
    house = Household()
    house.free_w = 8000
    house.extra["house_battery_w"] = Reading(3000.0, house.now - 200, "battery")
    house.run(10)
    house.read_car()
    assert house.run(600).desired.charge is not True
