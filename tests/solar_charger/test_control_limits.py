"""Fuse, island, house battery: what is taken off before the car gets anything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.measurements import Reading
from solar_charger.settings import BatteryPolicy, Mode

from tests.solar_charger.household import Household, charging, quiet_settings


def manual(**settings: object) -> Household:
    """MANUAL with a fuse, settled for two minutes."""
    house = Household(quiet_settings(**settings))
    house.free_w = -480
    house.run(10)
    house.read_car()
    house.switch(Mode.MANUAL)
    house.run(120, follow=True)
    return house


def test_the_fuse_leaves_what_the_house_does_not_draw() -> None:
    house = manual(main_fuse_amps=40)
    assert house.amps == 34  # 40 · 0.9 less 480 W at 240 V


def test_a_load_lowers_at_once_as_safety_and_its_end_raises_after_a_minute() -> None:
    house = manual(main_fuse_amps=40)
    house.free_w = -480 - 2400
    decision = house.run(10)
    assert decision.target_amps == 24
    assert decision.desired.safety
    house.obey(decision)
    house.free_w = -480
    assert house.run(50, follow=True).target_amps == 24
    assert house.run(30, follow=True).target_amps == 34


def test_below_the_minimum_the_fuse_stops_and_manual_resumes_after_a_minute() -> None:
    house = manual(main_fuse_amps=25)
    house.free_w = -5000
    decision = house.run(10, follow=True)
    assert decision.state is S.FUSE_WAIT
    assert house.amps == 0
    house.free_w = -480
    assert house.run(50, follow=True).desired.charge is not True
    house.run(30, follow=True)
    assert house.amps == 20


def test_the_fuse_stop_goes_out_even_in_off() -> None:
    house = Household(quiet_settings(main_fuse_amps=25))
    house.free_w = -480
    house.run(10)
    house.switch(Mode.OFF)
    house.amps = 16.0
    assert house.run(60).desired.charge is None
    house.free_w = -5500
    decision = house.run(20)
    assert decision.desired.charge is False
    assert decision.desired.safety
    assert decision.state is S.OFF


def test_somebody_else_s_charge_is_lowered_for_the_fuse_and_nothing_else() -> None:
    house = Household(quiet_settings(main_fuse_amps=25))
    house.free_w = -480
    house.run(10)
    house.read_car()
    house.run(300)
    house.amps = 18.0
    assert house.run(60).desired.amps is None
    house.free_w = -2400
    decision = house.run(10)
    assert decision.state is S.EXTERNAL
    assert decision.desired.amps == 12
    assert decision.desired.safety


def test_per_phase_currents_are_taken_by_the_phase_map() -> None:
    house = Household(quiet_settings(main_fuse_amps=25, phase_map="bca"))
    house.free_w = 0
    house.switch(Mode.MANUAL)
    for _ in range(30):
        own = house.amps or 0.0
        house.extra["grid_phase_a"] = Reading((20.0, 5.0 + own, 20.0), house.now + 10, "meter")
        house.run(10, follow=True)
    assert house.amps == 17  # 22.5 less the 5 A of phase b


def test_three_phases_are_limited_by_the_fullest_one() -> None:
    house = Household(quiet_settings(main_fuse_amps=25, phases=3, voltage=230))
    house.free_w = 0
    house.switch(Mode.MANUAL)
    for _ in range(30):
        own = house.amps or 0.0
        currents = (2.0 + own, 11.0 + own, 1.0 + own)
        house.extra["grid_phase_a"] = Reading(currents, house.now + 10, "meter")
        house.run(10, follow=True)
    assert house.amps == 11


def test_with_total_watts_only_the_worst_phase_is_assumed_unless_balanced() -> None:
    amps = {}
    for balanced in (False, True):
        house = Household(
            quiet_settings(main_fuse_amps=25, phases=3, voltage=230, balanced=balanced)
        )
        house.free_w = -2300
        house.run(10)
        house.read_car(charge_current_request_max=32)
        house.switch(Mode.MANUAL)
        house.run(180, follow=True)
        amps[balanced] = house.amps
    assert amps == {False: 12, True: 19}


def test_without_grid_data_the_fuse_falls_back() -> None:
    house = manual(main_fuse_amps=40)
    house.free_w = None
    decision = house.run(90, follow=True)
    assert decision.target_amps == 16
    assert "fuse_no_data" in decision.alarms
    lower = manual(main_fuse_amps=40, fallback_amps=8)
    lower.free_w = None
    assert lower.run(90, follow=True).target_amps == 8


def test_no_fuse_given_means_no_fuse_limit() -> None:
    house = manual()
    house.free_w = None
    assert house.run(900, follow=True).target_amps == 48


@pytest.mark.parametrize(("offgrid", "expected"), [(0, 0), (8, 8)])
def test_off_grid_stops_or_caps(offgrid: int, expected: int) -> None:
    house = manual(offgrid_amps=offgrid)
    house.extra["islanded"] = Reading(True, house.now, "envoy")
    house.run(20, follow=True)
    assert house.amps == expected


def test_a_circuit_lowers_even_a_charge_somebody_else_began() -> None:
    house = Household(quiet_settings(circuit_amps=16))
    house.run(10)
    house.read_car()
    house.run(300)
    house.amps = 30.0
    decision = house.run(20)
    assert decision.desired.amps == 16
    assert decision.desired.safety


def with_battery(power: float, soc: float | None, **settings: object) -> Household:
    """5 kW of free sun at the meter while the house battery does something."""
    house = Household(quiet_settings(**settings))
    house.free_w = 2400
    house.run(10)
    house.read_car()
    for _ in range(24):
        house.extra["house_battery_w"] = Reading(power, house.now, "battery")
        if soc is not None:
            house.extra["house_battery_soc"] = Reading(soc, house.now, "battery")
        house.run(10)
    return house


@pytest.mark.parametrize(
    ("policy", "power", "soc", "available"),
    [
        (BatteryPolicy.CAR_FIRST, -2400.0, 50.0, 4800),
        (BatteryPolicy.CAR_FIRST, 2400.0, 50.0, 0),
        (BatteryPolicy.BATTERY_FIRST, -2400.0, 50.0, 2400),
        (BatteryPolicy.BATTERY_FIRST, -2400.0, 100.0, 4800),
        (BatteryPolicy.BATTERY_FIRST, 2400.0, 50.0, 0),
        (BatteryPolicy.BATTERY_FIRST, -2400.0, None, 2400),
        (BatteryPolicy.BUFFER, 2400.0, 90.0, 2400),
        (BatteryPolicy.BUFFER, 2400.0, 60.0, 0),
        (BatteryPolicy.BUFFER, 2400.0, None, 0),
    ],
)
def test_the_battery_s_share_follows_the_policy(
    policy: BatteryPolicy, power: float, soc: float | None, available: float
) -> None:
    house = with_battery(power, soc, battery_policy=policy, buffer_soc=80)
    assert house.decision is not None
    assert house.decision.available_w == pytest.approx(available, abs=1)


def test_a_full_buffer_starts_the_car_without_sun_at_the_minimum() -> None:
    house = with_battery(
        2000.0, 97.0, battery_policy=BatteryPolicy.BUFFER, buffer_soc=80, buffer_start_soc=95
    )
    house.free_w = 0
    for _ in range(12):
        house.extra["house_battery_w"] = Reading(2000.0, house.now, "battery")
        house.extra["house_battery_soc"] = Reading(97.0, house.now, "battery")
        house.run(10, follow=True)
    assert house.amps == 5


def test_a_limit_that_falls_below_the_running_current_lowers_as_safety() -> None:
    house = charging(9700)
    house.settings = replace(house.settings, max_amps=16)
    decision = house.run(10)
    assert decision.target_amps == 16
    assert decision.desired.safety
