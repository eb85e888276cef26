"""Following the sun: target, window, ramps, deadbands, start and pause."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.settings import Mode

from tests.solar_charger.household import Household, charging, quiet_settings


def ready(free_w: float, **settings: object) -> Household:
    """Plugged, read, not charging."""
    house = Household(quiet_settings(**settings))
    house.free_w = free_w
    house.run(10)
    house.read_car()
    return house


def test_the_car_s_own_draw_counts_as_available() -> None:
    house = charging(4900)
    assert house.amps == 20
    assert house.run(600, follow=True).target_amps == 20


def test_a_start_comes_at_the_full_surplus_after_a_minute_and_not_at_the_minimum() -> None:
    house = ready(6000)
    assert house.run(40).desired.charge is None
    decision = house.run(60)
    assert decision.desired.charge is True
    assert decision.target_amps == 25
    assert decision.state is S.STARTING


def test_the_last_ampere_would_come_from_the_grid_so_the_target_is_floored() -> None:
    assert charging(240 * 20 + 239).amps == 20


def test_surplus_below_minimum_power_plus_margin_never_starts() -> None:
    house = ready(1290)
    assert house.run(1200).desired.charge is None
    house.free_w = 1310
    assert house.run(120).desired.charge is True


def test_a_short_burst_of_sun_does_not_start() -> None:
    house = ready(0)
    for _ in range(5):
        house.free_w = 6000
        house.run(40)
        house.free_w = 0
        assert house.run(40).desired.charge is None


def test_one_phantom_sample_never_raises() -> None:
    house = charging(4900)
    house.free_w = 16_000
    decision = house.run(5, follow=True)
    house.free_w = 4900
    for _ in range(6):
        decision = house.run(10, follow=True)
        assert decision.target_amps == 20


def test_more_sun_raises_in_one_command() -> None:
    house = charging(4900)
    house.free_w = 9700
    seen = set()
    for _ in range(8):
        seen.add(house.run(10, follow=True).target_amps)
    assert seen <= {20, 40}
    assert house.amps == 40


def test_less_sun_lowers_within_half_a_minute() -> None:
    house = charging(9700)
    house.free_w = 2600
    house.run(30, follow=True)
    assert house.amps == 10


def test_a_heavy_import_goes_to_the_minimum_at_once() -> None:
    house = charging(9700)
    house.free_w = -3500
    house.run(20, follow=True)
    assert house.amps == 5


def test_a_kettle_is_no_cloud_and_is_not_met_ahead() -> None:
    house = charging(9700)
    house.free_w = 7300
    house.run(5, follow=True)
    assert house.run(5, follow=True).target_amps == 30


def test_a_step_is_wanted_at_once_when_the_sun_is_gone_by_some_amperes() -> None:
    house = charging(9700)
    house.free_w = 5000
    house.now += 5
    house._measure()
    assert house.controller.sense(house.inputs())
    assert not house.controller.sense(house.inputs())


def test_a_falling_sun_is_met_ahead_of_its_arrival() -> None:
    house = charging(9700)
    house.free_w, house.production_w = 8000, 3300
    house.run(5, follow=True)
    house.free_w, house.production_w = 6500, 1800
    decision = house.run(5, follow=True)
    assert decision.target_amps < (6500 // 240)


def test_half_an_ampere_that_is_missing_is_waited_out_and_a_whole_one_is_not() -> None:
    house = charging(240 * 8 + 150)
    assert house.amps == 8
    house.free_w = 240 * 7.5
    assert house.run(300, follow=True).target_amps == 8
    house.free_w = 240 * 7.1
    assert house.run(60, follow=True).target_amps == 7


def test_an_ampere_is_not_see_sawed_around_its_boundary() -> None:
    house = charging(4900)
    changes = 0
    before = house.amps
    for loop in range(60):
        house.free_w = 4790 if loop % 6 < 3 else 4830
        house.run(60, follow=True)
        changes += house.amps != before
        before = house.amps
    assert changes <= 4


def test_a_car_that_limits_itself_is_not_asked_for_more() -> None:
    house = charging(4900)
    house.free_w = 9000
    for _ in range(12):
        decision = house.run(10, follow=False)
        house.obey(decision)
        house.amps = min(house.amps or 0, 14.0)
    asked = house.run(10).target_amps
    house.free_w = 11_000
    for _ in range(30):
        house.run(10)
    assert house.run(10).target_amps <= max(asked, 38)


def test_a_dip_shorter_than_the_budget_is_ridden_through_and_a_long_one_pauses() -> None:
    house = charging(2600)
    house.free_w = 600
    house.run(180, follow=True)
    assert house.amps == 5
    decision = house.run(900, follow=True)
    assert house.amps == 0
    assert decision.state in (S.PAUSED, S.STOPPING)


def test_deep_shade_pauses_sooner_than_half_shade() -> None:
    def minutes_until_pause(free_w: float) -> int:
        house = charging(2600)
        house.free_w = free_w
        for minute in range(1, 240):
            house.run(60, follow=True)
            if not house.amps:
                return minute
        return 240

    assert minutes_until_pause(-200) < minutes_until_pause(900) <= 60


def test_a_charge_runs_at_least_min_on_and_rests_at_least_min_off() -> None:
    house = ready(2600)
    house.run(120, follow=True)
    assert house.amps
    house.free_w = -2000
    on = 0
    while house.amps:
        house.run(10, follow=True)
        on += 10
    assert on >= 170
    house.free_w = 5000
    off = 0
    while not house.amps:
        house.run(10, follow=True)
        off += 10
    assert off >= 290


def test_disable_delay_pauses_even_while_the_budget_lasts() -> None:
    house = charging(2600, disable_delay=120, import_budget_wh=5000)
    house.run(300, follow=True)
    house.free_w = 1000
    house.run(200, follow=True)
    assert not house.amps


def test_no_more_than_max_starts_a_day_and_more_on_the_next() -> None:
    house = ready(5000, max_starts=1, import_budget_wh=0, min_off=0)
    house.run(700, follow=True)
    house.free_w = -1000
    house.run(700, follow=True)
    house.free_w = 5000
    decision = house.run(700, follow=True)
    assert not house.amps
    assert decision.reason == "max_starts"
    house.wall = house.wall.replace(day=22)
    house.run(200, follow=True)
    assert house.amps


def test_seasonal_thresholds_take_the_place_of_start_w() -> None:
    months = (3000,) * 5 + (4000,) + (3000,) * 6
    house = ready(3900, seasonal_start_w=months)
    assert house.run(300).desired.charge is None
    house.free_w = 4200
    assert house.run(300).desired.charge is True


def test_min_solar_runs_at_the_minimum_without_sun_and_follows_it_when_there_is_some() -> None:
    house = ready(-500)
    house.switch(Mode.MIN_SOLAR)
    house.run(120, follow=True)
    assert house.amps == 5
    house.free_w = 4900
    house.run(300, follow=True)
    assert house.amps == 20
    house.free_w = -3000
    house.run(1800, follow=True)
    assert house.amps == 5


def test_on_a_slow_meter_each_sample_raises_at_most_once() -> None:
    house = Household(quiet_settings(poll_s=60))
    house.free_w = None
    house.run(10)
    house.read_car()
    rises: list[float] = []
    last = 0.0
    for second in range(0, 3600, 5):
        house.free_w = None if second % 60 else 3000.0 + second
        house.run(5, follow=True)
        if (house.amps or 0) > last:
            rises.append(house.now)
        last = house.amps or 0
    assert rises
    assert all(later - earlier >= 55 for earlier, later in pairwise(rises))


def test_three_phases_and_their_voltage_turn_watts_into_amps() -> None:
    house = Household(quiet_settings(phases=3, voltage=230, max_amps=16))
    house.free_w = 230 * 3 * 10 + 150
    house.run(10)
    house.read_car(charge_current_request_max=16)
    assert house.run(120).target_amps == 10


@pytest.mark.parametrize(
    ("option", "expected"),
    [({}, 48), ({"max_amps": 24}, 24), ({"circuit_amps": 32}, 32), ({"breaker_amps": 20}, 16)],
)
def test_the_target_never_exceeds_option_circuit_or_breaker(
    option: dict[str, int], expected: int
) -> None:
    house = ready(40_000, **option)
    assert house.run(120).target_amps == expected


def test_the_car_s_own_maximum_caps_the_target() -> None:
    house = Household()
    house.free_w = 20_000
    house.run(10)
    house.read_car(charge_current_request_max=13)
    assert house.run(120).target_amps == 13


def test_every_decision_says_why_with_a_figure() -> None:
    house = charging(4900)
    decision = house.run(10)
    assert decision.reason == "hold"
    assert "20 A" in decision.reason_text
    house.free_w = 0
    house.run(1200, follow=True)
    assert house.decision is not None
    assert "W" in house.decision.reason_text


def test_many_commands_widen_the_deadband() -> None:
    house = charging(4900)
    house.link = replace(house.link, commands_today=365)
    house.free_w = 4900 + 3 * 240
    house.run(200, follow=True)
    assert house.amps == 20
    house.link = replace(house.link, commands_today=10)
    house.run(200, follow=True)
    assert house.amps == 23
