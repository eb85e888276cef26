"""Modes, buttons, night, emergency, deadline, tariff, normalisation, memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from solar_charger.control.calendar_days import at_local, next_deadline
from solar_charger.control.controller import Controller
from solar_charger.control.decision import ControllerState as S
from solar_charger.control.inputs import LinkFacts, Wishes
from solar_charger.measurements import ChargingState, PriceSlot
from solar_charger.settings import Mode, TariffRow

from tests.solar_charger.household import NOON, Household, charging, quiet_settings


def unplug(house: Household) -> None:
    """The cable comes out; two readings agree."""
    house.plugged, house.amps = False, 0.0
    house.run(20)


def test_off_sends_nothing_not_even_a_stop() -> None:
    house = charging(4900)
    house.switch(Mode.OFF)
    house.free_w = -4000
    for _ in range(30):
        decision = house.run(60)
        assert decision.state is S.OFF
        assert decision.desired.charge is None
        assert decision.desired.amps is None


def test_a_stop_pressed_in_off_still_goes_out() -> None:
    house = charging(4900)
    house.switch(Mode.OFF)
    house.run(20)
    house.controller.press_stop()
    assert house.run(10, follow=True).desired.charge is False
    assert house.run(60, follow=True).desired.charge is None


def test_pause_stops_our_charge_once_and_is_silent_until_switched_on() -> None:
    house = charging(4900)
    house.wishes = replace(house.wishes, enabled=False)
    decision = house.run(10, follow=True)
    assert decision.desired.charge is False
    assert decision.reason == "disabled"
    decision = house.run(900, follow=True)
    assert decision.desired.charge is None
    assert decision.state is S.OFF
    house.wishes = replace(house.wishes, enabled=True)
    house.run(900, follow=True)
    assert house.amps == 20


def test_pause_leaves_somebody_else_s_charge_alone() -> None:
    house = Household()
    house.amps = 16.0
    house.run(30)
    house.wishes = replace(house.wishes, enabled=False)
    assert house.run(60).desired.charge is None


def test_the_stop_button_holds_through_sun_until_start_or_mode_or_plug() -> None:
    for release in ("start", "mode", "plug"):
        house = charging(4900)
        house.controller.press_stop()
        house.run(1200, follow=True)
        assert house.amps == 0
        assert house.decision is not None
        assert house.decision.reason == "stopped_by_user"
        if release == "start":
            house.controller.press_start()
        elif release == "mode":
            house.switch(Mode.MANUAL)
        else:
            unplug(house)
            house.plugged = True
            house.run(20)
            house.read_car()
        house.run(600, follow=True)
        assert house.amps


def test_the_start_button_charges_as_manual_until_stopped() -> None:
    house = Household()
    house.free_w = -500
    house.run(10)
    house.read_car()
    house.controller.press_start()
    decision = house.run(10, follow=True)
    assert decision.state is S.MANUAL
    assert decision.reason == "started_by_user"
    assert house.amps == 48
    house.controller.press_stop()
    house.run(30, follow=True)
    assert house.amps == 0


def test_a_foreign_charger_makes_ours_passive() -> None:
    house = charging(4900)
    house.wishes = Wishes(foreign_charger=True)
    decision = house.run(600)
    assert decision.state is S.FOREIGN
    assert decision.reason == "foreign_charger"
    assert decision.desired.charge is None


def test_manual_runs_at_the_highest_current_and_solar_takes_it_back() -> None:
    house = charging(2600)
    house.switch(Mode.MANUAL)
    decision = house.run(10, follow=True)
    assert decision.mode == "MANUAL"
    assert house.amps == 48
    before = decision.desired.assertion
    house.switch(Mode.SOLAR)
    assert house.run(60, follow=True).desired.assertion > before
    assert house.amps == 10


def test_manual_overrides_night_and_emergency() -> None:
    house = Household(quiet_settings(emergency_soc=50))
    house.production_w = 0
    house.free_w = -400
    house.run(900)
    house.read_car(battery_level=20)
    house.switch(Mode.MANUAL)
    assert house.run(10).state is S.MANUAL


def test_night_stops_what_we_run_and_says_so() -> None:
    house = charging(2600)
    house.production_w, house.free_w = 50, 2600
    assert house.run(580, follow=True).desired.charge is True
    decision = house.run(60, follow=True)
    assert house.amps == 0
    assert decision.mode == "NIGHT"
    assert house.run(60).state is S.NIGHT


def test_a_charge_that_begins_after_the_confirmed_stop_of_the_night_is_respected() -> None:
    house = charging(2600)
    house.production_w, house.free_w = 0, -400
    house.run(900, follow=True)
    house.amps = 16.0
    decision = house.run(300)
    assert decision.state is S.EXTERNAL
    assert decision.grid_charge_warning_amps == 16.0


def test_a_stop_that_did_not_arrive_stays_wanted_and_raises_its_alarm_after_five_minutes() -> None:
    house = charging(2600)
    house.production_w, house.free_w = 0, -400
    house.run(700)
    house.amps = 10.0
    for _ in range(20):
        decision = house.run(10)
        assert decision.state is S.STOPPING
        assert decision.desired.charge is False
    assert "stop_not_confirmed" in house.run(300).alarms
    house.amps = 0.0
    house.run(30)
    assert house.run(10).state is S.NIGHT


def test_one_low_reading_does_not_confirm_a_stop() -> None:
    house = charging(2600)
    house.production_w, house.free_w = 0, -400
    house.run(700)
    house.amps = 0.0
    house.now += 5
    house._measure()
    house.step()
    house.amps = 10.0
    assert house.run(10).state is S.STOPPING


def test_an_unknown_current_confirms_nothing() -> None:
    house = charging(2600)
    house.production_w, house.free_w = 0, -400
    house.run(700)
    house.amps = None
    assert house.run(120).state is S.STOPPING


def test_where_production_is_unknown_the_sun_s_height_decides() -> None:
    house = charging(2600)
    house.production_w = None
    house.readings.pop("production_w", None)
    house.extra["sun_elevation"] = 10.0
    assert house.run(300, follow=True).mode == "SOLAR"
    house.extra["sun_elevation"] = -3.0
    assert house.run(30, follow=True).mode == "NIGHT"


def test_min_solar_stops_at_night_unless_told_otherwise() -> None:
    for night in (False, True):
        house = Household(quiet_settings(min_solar_night=night))
        house.switch(Mode.MIN_SOLAR)
        house.free_w = -400
        house.run(10)
        house.read_car()
        house.run(120, follow=True)
        house.production_w = 0
        house.run(900, follow=True)
        assert (house.amps == 5) is night


def emergency_house(soc: int | None, **settings: object) -> Household:
    house = Household(quiet_settings(emergency_soc=50, target_soc=80, **settings))
    house.free_w = -400
    house.run(10)
    house.read_car(battery_level=soc, charge_limit_soc=90)
    return house


def test_a_low_battery_charges_at_full_current_until_the_target() -> None:
    house = emergency_house(45)
    decision = house.run(20, follow=True)
    assert decision.state is S.EMERGENCY
    assert decision.mode == "EMERGENCY"
    assert house.amps == 48
    assert decision.reason_text == "battery at 45 %, below 50 %: 48 A until 80 %"
    house.read_car(battery_level=79, charge_limit_soc=90, charging_state=ChargingState.CHARGING)
    decision = house.run(20, follow=True)
    assert decision.state is S.EMERGENCY
    assert decision.reason_text == "battery at 79 %, was below 50 %: 48 A until 80 %"
    house.read_car(battery_level=80, charge_limit_soc=90, charging_state=ChargingState.CHARGING)
    assert house.run(900, follow=True).state is not S.EMERGENCY
    assert house.amps == 0


def test_an_unknown_battery_level_is_no_emergency_and_zero_is_one() -> None:
    assert emergency_house(None).run(60).state is not S.EMERGENCY
    assert emergency_house(0).run(60).state is S.EMERGENCY


def test_the_emergency_never_goes_above_the_car_s_own_limit() -> None:
    house = emergency_house(45)
    house.run(20, follow=True)
    house.read_car(battery_level=60, charge_limit_soc=60)
    assert house.run(30).state is not S.EMERGENCY


def test_the_emergency_does_not_flutter_around_its_threshold() -> None:
    house = emergency_house(45)
    house.run(20, follow=True)
    house.read_car(battery_level=80, charge_limit_soc=90)
    house.run(60, follow=True)
    for soc in (51, 50, 49):
        house.read_car(battery_level=soc, charge_limit_soc=90, charger_actual_current=house.amps)
        expected = soc < 50
        assert (house.run(60, follow=True).state is S.EMERGENCY) is expected


def test_an_emergency_without_progress_raises_an_alarm_and_goes_on() -> None:
    house = emergency_house(45)
    house.run(20, follow=True)
    house.run(46 * 60)
    decision = house.run(20)
    assert "emergency_no_progress" in decision.alarms
    assert decision.desired.charge is True


def deadline_house(soc: int | None, hours: float, **settings: object) -> Household:
    """A deadline so many hours ahead of noon."""
    due = NOON + timedelta(hours=hours)
    house = Household(
        quiet_settings(
            deadline=f"{due:%H:%M}", deadline_soc=80, capacity_kwh=72.0, max_amps=32, **settings
        )
    )
    house.free_w = -400
    house.run(10)
    if soc is not None:
        house.read_car(battery_level=soc, charge_limit_soc=90)
    return house


def test_before_the_latest_start_the_deadline_waits_for_the_sun() -> None:
    house = deadline_house(60, 10)
    decision = house.run(60)
    assert decision.desired.charge is None
    assert decision.deadline_state == "on_track"


def test_after_the_latest_start_it_runs_at_the_lowest_current_that_still_makes_it() -> None:
    house = deadline_house(60, 2.4)  # 16 kWh at 7.68 kW: 2.08 h, with reserve 2.54 h
    decision = house.run(60, follow=True)
    assert decision.state is S.DEADLINE
    assert decision.mode == "SOLAR"
    assert 30 <= decision.target_amps <= 32
    assert decision.eta_s is not None


def test_a_deadline_that_cannot_be_met_is_late_with_an_eta() -> None:
    house = deadline_house(20, 1)
    decision = house.run(60, follow=True)
    assert decision.deadline_state == "late"
    assert decision.target_amps == 32
    assert decision.eta_s is not None
    assert decision.eta_s > 3600
    assert "deadline_late" in decision.alarms


def test_a_late_charge_goes_on_after_its_deadline() -> None:
    house = deadline_house(20, 0.5)
    house.run(60, follow=True)
    decision = house.run(3600, follow=True)
    assert decision.state is S.DEADLINE
    assert house.amps == 32


def test_the_deadline_is_done_at_its_target_or_at_the_car_s_limit() -> None:
    assert deadline_house(80, 1).run(60).deadline_state == "done"
    house = deadline_house(70, 1)
    house.read_car(battery_level=70, charge_limit_soc=70)
    assert house.run(60).desired.charge is None


def test_an_unknown_level_is_read_once_before_the_latest_start_and_then_taken_as_empty() -> None:
    house = deadline_house(None, 9.5)  # from 0 %: 64 kWh at 7.68 kW, latest start 9.4 h before
    decision = house.run(30)
    assert decision.desired.wake == "deadline_read"
    assert decision.desired.read
    house.run(400)
    assert house.run(900).state is S.DEADLINE


def test_the_last_known_level_serves_after_a_restart() -> None:
    house = deadline_house(None, 9.5)
    house.controller.stored_soc = 75
    decision = house.run(1800)
    assert decision.deadline_state == "on_track"
    assert decision.desired.charge is None


@pytest.mark.parametrize(("days", "ahead"), [("0000001", 0), ("1000000", 1), ("0000000", None)])
def test_deadline_days_begin_with_monday(days: str, ahead: int | None) -> None:
    found = next_deadline(NOON, "18:00", days, UTC)  # 2026-06-21 is a Sunday
    assert found == (None if ahead is None else NOON.replace(hour=18) + timedelta(days=ahead))


def test_a_deadline_in_the_missing_hour_moves_on_and_a_repeated_hour_is_the_first() -> None:
    zone = ZoneInfo("Europe/Berlin")
    spring = at_local(NOON.replace(month=3, day=29).date(), "02:30", zone)
    assert spring.isoformat() == "2026-03-29T03:00:00+02:00"
    autumn = at_local(NOON.replace(month=10, day=25).date(), "02:30", zone)
    assert autumn.isoformat() == "2026-10-25T02:30:00+02:00"


def test_a_low_price_charges_at_full_and_a_high_one_does_not() -> None:
    rows = (TariffRow("12:30", "13:30", 0.10), TariffRow("13:30", "12:30", 0.40))
    house = Household(quiet_settings(tariff=rows, tariff_price_max=0.15))
    house.free_w = -400
    house.run(10)
    house.read_car()
    assert house.run(60).desired.charge is None
    decision = house.run(1800, follow=True)
    assert decision.state is S.TARIFF
    assert house.amps == 48
    house.run(3600 + 300, follow=True)
    assert house.amps == 0


def test_the_cheapest_slots_before_a_deadline_are_chosen() -> None:
    house = deadline_house(70, 8)
    begin = NOON.replace(minute=0)
    house.extra["prices"] = tuple(
        PriceSlot(begin + timedelta(hours=h), begin + timedelta(hours=h + 1), price)
        for h, price in enumerate([0.3, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3])
    )
    ran = []
    for quarter in range(20):
        decision = house.run(900, follow=False)
        ran.append((quarter, decision.state is S.DEADLINE))
    assert all(9 <= quarter <= 16 for quarter, running in ran if running)
    assert any(running for _, running in ran)


def test_unplugging_gives_the_car_its_current_back_and_plugging_in_voids_that() -> None:
    house = charging(2600)
    unplug(house)
    decision = house.run(10)
    assert decision.state is S.AWAY
    assert decision.pending_normalization
    assert decision.desired.normalize
    assert decision.desired.amps == 48
    house.plugged = True
    house.free_w = -400
    house.run(20)
    decision = house.run(10)
    assert not decision.pending_normalization
    assert decision.desired.amps is None


def test_the_normalisation_is_done_once_the_car_took_it() -> None:
    house = charging(2600)
    unplug(house)
    house.run(10)
    house.link = replace(house.link, accepted_amps=48, accepted_at=house.now)
    decision = house.run(10)
    assert not decision.pending_normalization
    assert decision.desired.amps is None


def test_after_ten_minutes_it_waits_until_the_car_is_heard_again() -> None:
    house = charging(2600)
    house.link = LinkFacts(last_contact=house.now)
    unplug(house)
    decision = house.run(700)
    assert decision.pending_normalization
    assert decision.desired.amps is None
    house.link = replace(house.link, last_contact=house.now)
    assert house.run(10).desired.amps == 48


@pytest.mark.parametrize(
    ("options", "amps"),
    [({"normalize_amps": 0}, None), ({"normalize_amps": 16}, 16), ({"circuit_amps": 24}, 24)],
)
def test_the_normalised_current_follows_the_options(
    options: dict[str, int], amps: int | None
) -> None:
    house = charging(2600, **options)
    unplug(house)
    assert house.run(10).desired.amps == amps


def test_an_unknown_moment_between_never_swallows_the_unplugging() -> None:
    house = charging(2600)
    house.plugged = None
    house.run(120)
    house.plugged, house.amps = False, 0.0
    house.run(20)
    assert house.run(10).pending_normalization


def test_a_single_contradicting_reading_is_no_edge() -> None:
    house = charging(2600)
    house.plugged = False
    house.run(5)
    house.plugged = True
    decision = house.run(60, follow=True)
    assert decision.desired.epoch == 0
    assert house.amps == 10


def test_no_start_before_the_car_was_read_after_a_plug_edge() -> None:
    house = charging(4900)
    unplug(house)
    house.plugged = True
    decision = house.run(400)
    assert decision.state is S.IDENTIFY
    assert decision.desired.charge is None
    house.read_car()
    assert house.run(10).desired.charge is True


def test_enforce_limit_writes_the_limit_once_at_plug_in() -> None:
    house = Household(quiet_settings(enforce_limit=True, target_soc=75))
    house.run(10)
    house.read_car(charge_limit_soc=90)
    assert house.run(10).desired.limit == 75
    house.read_car(charge_limit_soc=75)
    assert house.run(10).desired.limit is None
    house.read_car(charge_limit_soc=95)
    assert house.run(60).desired.limit is None


@pytest.mark.parametrize("fault", ["no_driver", "not_paired"])
def test_without_a_way_to_the_car_the_state_is_fault(fault: str) -> None:
    house = Household()
    house.free_w = 9000
    house.link = LinkFacts(fault=fault)
    decision = house.run(300)
    assert decision.state is S.FAULT
    assert decision.reason == fault
    assert decision.desired.charge is None


def test_what_must_survive_a_restart_survives_it() -> None:
    house = charging(4900)
    house.controller.press_stop()
    house.run(10)
    stored = house.controller.remember(house.now, 1_800_000_000.0)
    again = Controller(house.settings, 7.0, stored)
    assert again.hand == "stop"
    assert again.session.ours
    assert again.session.stop_wanted == "stopped_by_user"
    assert again.plug.definite is True
    assert again.solar.starts == 1


def test_a_pending_normalisation_survives_a_restart() -> None:
    house = charging(4900)
    unplug(house)
    stored = house.controller.remember(house.now, 1_800_000_000.0)
    assert Controller(house.settings, 7.0, stored).normalization.amps == 48
