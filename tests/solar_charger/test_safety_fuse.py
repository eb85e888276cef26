"""The main fuse where its data end, mislead or do not yet say which phases the car hangs on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.measurements import Quality, Reading
from solar_charger.settings import Mode

from tests.solar_charger.household import NOON, Household, charging, quiet_settings


def manual(house_w: float, **settings: object) -> Household:
    """MANUAL with a fuse and this load in the house, settled for two minutes."""
    house = Household(quiet_settings(**settings))
    house.free_w = -house_w
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    house.run(120, follow=True)
    return house


def test_losing_the_grid_meter_never_raises_the_current() -> None:
    house = manual(3480, main_fuse_amps=25)  # 22.5 A less 14.5 A
    assert house.amps == 8
    house.free_w = None
    for _ in range(60):
        assert house.run(10, follow=True).target_amps <= 8
    assert house.amps == 8
    assert house.decision is not None
    assert "fuse_no_data" in house.decision.alarms


def test_a_stop_for_the_fuse_outlasts_the_meter_that_caused_it() -> None:
    house = manual(480, main_fuse_amps=25)
    house.free_w = -5000
    house.run(10, follow=True)
    assert house.amps == 0
    house.free_w = None
    for _ in range(60):
        decision = house.run(10, follow=True)
        assert decision.desired.charge is not True
    assert decision.state is S.FUSE_WAIT


def test_a_charge_that_ran_at_our_start_up_is_not_raised_to_the_fallback() -> None:
    house = Household(quiet_settings(main_fuse_amps=25), plugged=True, ours=True, mode="MANUAL")
    house.free_w, house.amps = None, 7.6
    house.switch(Mode.MANUAL)
    house.run(20)
    house.read_car()
    for _ in range(30):
        decision = house.run(10, follow=True)
        assert decision.target_amps == 8


def test_a_car_that_stands_idle_may_begin_at_the_fallback_where_the_meter_never_came() -> None:
    house = Household(quiet_settings(main_fuse_amps=25, fallback_amps=10))
    house.free_w = None
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    house.run(120, follow=True)
    assert house.amps == 10


@pytest.mark.parametrize("silence", [120, 600])
def test_after_a_silence_a_minute_of_headroom_is_seen_before_the_current_rises(
    silence: int,
) -> None:
    house = manual(480, main_fuse_amps=40, fallback_amps=8)
    assert house.amps == 34
    house.free_w = None
    house.run(silence, follow=True)
    assert house.amps == 8
    house.free_w = -480
    for _ in range(5):
        assert house.run(10, follow=True).target_amps == 8
    assert house.run(30, follow=True).target_amps == 34


def test_a_meter_that_comes_and_goes_does_not_lock_an_idle_car_out() -> None:
    house = manual(480, main_fuse_amps=40, fallback_amps=8)
    house.switch(Mode.SOLAR)
    house.amps, house.free_w = 0.0, None
    house.run(120, follow=True)
    house.free_w = -480
    house.run(20, follow=True)
    house.free_w = None
    house.switch(Mode.MANUAL)
    house.run(180, follow=True)
    assert house.amps == 8


def test_off_grid_holds_until_somebody_says_that_the_grid_is_back() -> None:
    house = manual(480)
    house.extra["islanded"] = Reading(True, house.now, "envoy")
    house.run(20, follow=True)
    assert house.amps == 0
    for _ in range(12):
        assert house.run(300, follow=True).desired.charge is not True
    house.extra["islanded"] = Reading(False, house.now, "envoy", Quality.IMPOSSIBLE)
    assert house.run(60, follow=True).desired.charge is not True
    house.extra["islanded"] = Reading(False, house.now, "envoy")
    house.run(120, follow=True)
    assert house.amps == 48


def test_a_grid_sensor_s_long_age_does_not_stretch_the_fuse() -> None:
    house = manual(480, main_fuse_amps=40, fallback_amps=8)
    house.extra["max_age"] = {"grid_w": 86400.0}
    house.free_w = None
    house.run(80, follow=True)
    assert house.amps == 8


def test_a_grid_sensor_s_long_age_stretches_the_timetable_to_minutes_only() -> None:
    house = charging(9700)
    house.extra["max_age"] = {"grid_w": 86400.0}
    house.free_w = None
    house.run(110, follow=True)
    assert house.amps == 40
    house.run(90, follow=True)
    assert house.amps == 5
    house.run(200, follow=True)
    assert house.amps == 0


@pytest.mark.parametrize(("stored", "allowed"), [({}, 9), ({"phases": 1}, 18)])
def test_until_its_phases_are_counted_the_car_may_hang_on_the_worst(
    stored: dict[str, int], allowed: int
) -> None:
    settings = quiet_settings(main_fuse_amps=25, phases=None, voltage=230)
    house = Household(settings, NOON, **stored)
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    for _ in range(14):
        house.extra["grid_phase_a"] = Reading((4.0, 13.0, 2.0), house.now, "meter")
        decision = house.run(10)
    assert decision.target_amps == allowed


def test_one_told_phase_of_an_uncounted_car_is_enough() -> None:
    house = Household(quiet_settings(main_fuse_amps=25, phases=None, voltage=230))
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    for _ in range(14):
        house.extra["grid_phase_a"] = Reading((4.0, None, None), house.now, "meter")
        decision = house.run(10)
    assert decision.target_amps == 18


def test_a_count_that_was_only_assumed_is_not_taken_for_learnt_after_a_restart() -> None:
    house = Household(quiet_settings(phases=None))
    house.run(20)
    assert house.controller.remember(house.now, 0.0)["phases"] is None
    house.amps = 16.0
    house.run(20)
    assert house.controller.remember(house.now, 0.0)["phases"] == 1


@pytest.mark.parametrize("mode", [Mode.MANUAL, Mode.SOLAR, Mode.OFF])
def test_a_start_on_its_way_is_stopped_when_the_fuse_has_no_room_for_it(mode: Mode) -> None:
    house = Household(quiet_settings(main_fuse_amps=25))
    house.free_w = -480
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    house.run(120)
    house.link = replace(house.link, start_sent_at=house.now, believed_charging=True)
    house.switch(mode)
    house.free_w = -5000
    decision = house.run(10)
    assert decision.desired.charge is False
    assert decision.desired.safety or mode is Mode.SOLAR
    house.link = replace(house.link, stop_sent_at=house.now, believed_charging=False)
    assert house.run(30).desired.charge is None
