"""What ships, against a house and a car with faults: each day ends in the required state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from solar_charger.control.decision import ControllerState as S
from solar_charger.control.decision import Decision
from solar_charger.control.inputs import Wishes
from solar_charger.executor.counters import SOFT_LIMIT
from solar_charger.settings import Mode, Settings
from solar_charger.simulator.car import Car
from solar_charger.simulator.day import Day, synthetic, three_phase
from solar_charger.simulator.kpi import Prices
from solar_charger.simulator.ours import Ours
from solar_charger.simulator.run import Plant, settings_for
from solar_charger.simulator.scenario import Scenario, benchmark, fuse_house

HOUR = 3600
OFF = Settings(emergency_soc=0)


class Shift:
    """Some hours of the real controller on a faulty plant, with everything it did on record."""

    def __init__(
        self,
        scenario: Scenario,
        day: Day | None = None,
        settings: Settings = OFF,
        mode: Mode = Mode.SOLAR,
    ):
        self.plant = Plant(day if day is not None else synthetic("clear", 1), scenario, 1)
        self.agent = Ours(
            self.plant.car,
            self.plant.radio,
            settings_for(scenario, settings),
            Random(1),
            wishes=Wishes(mode),
            begin_s=scenario.begin_s,
        )
        self.agent.watch = self._decided
        self.decisions: list[tuple[int, Decision]] = []
        self.amps: dict[int, float] = {}
        self.during: Callable[[int], None] | None = None
        self.plant.run(self.agent, self._second)

    def _decided(self, now: int, decision: Decision) -> None:
        self.decisions.append((now, decision))

    def _second(self, now: int) -> None:
        self.amps[now] = self.plant.car.amps

    def alarms(self) -> set[str]:
        return {alarm for _, decision in self.decisions for alarm in decision.alarms}

    def highest(self, begin: int, end: int) -> float:
        return max(self.amps[second] for second in range(begin, end))


def morning(**changes: Any) -> Scenario:
    """Nine to two, a car that never fills."""
    base = Scenario(capacity_kwh=150, soc=10, limit=100, begin_s=9 * HOUR, end_s=14 * HOUR)
    return replace(base, **changes)


def test_a_gateway_outage_ends_in_a_stop_and_the_sun_s_return_in_a_charge() -> None:
    begin = 11 * HOUR
    shift = Shift(morning(meter_outages=((begin, begin + 1800),)))
    assert shift.amps[begin - 10] > 10
    assert shift.highest(begin + 130, begin + 300) <= 5
    assert shift.highest(begin + 340, begin + 1800) == 0
    assert shift.amps[13 * HOUR] > 10
    assert "meter_stale" in shift.alarms()


def test_a_gateway_whose_clock_stands_still_is_no_better_than_none() -> None:
    begin = 11 * HOUR
    shift = Shift(morning(meter_frozen=((begin, begin + 1800),)))
    assert shift.highest(begin + 340, begin + 1800) == 0


def test_nonsense_from_the_meter_is_no_better_than_silence() -> None:
    begin = 11 * HOUR
    shift = Shift(morning(meter_nonsense=((begin, begin + 1800),)))
    assert shift.highest(begin + 340, begin + 1800) == 0


def test_an_outage_of_the_connector_is_bridged_by_the_car() -> None:
    shift = Shift(morning(twc_outages=((11 * HOUR, 12 * HOUR),)))
    assert shift.amps[12 * HOUR - 60] > 10
    assert shift.plant.car.starts == 1


def test_a_house_without_a_connector_lives_on_the_car_s_reads() -> None:
    scenario = morning(has_twc=False)
    shift = Shift(scenario)
    assert shift.amps[13 * HOUR] > 20
    assert shift.plant.radio.reads <= 5 * 36


def test_without_a_connector_broken_clouds_keep_well_below_the_daily_limits() -> None:
    shift = Shift(replace(benchmark(75, 5), has_twc=False), synthetic("broken", 2))
    kpis = shift.plant.kpis("ours", Prices())
    assert kpis.commands < SOFT_LIMIT
    assert kpis.import_car_kwh < 1.5
    assert kpis.captured_pct > 70


def test_a_fifth_of_all_commands_failing_or_lost_breaks_nothing() -> None:
    shift = Shift(
        morning(radio_failure=0.2, lost_answers=0.2, latency_s=None), synthetic("broken", 2)
    )
    kpis = shift.plant.kpis("ours", Prices())
    assert kpis.violation_s == 0
    assert kpis.captured_pct > 20
    assert kpis.import_car_kwh < 2.0


def test_out_of_bluetooth_range_while_the_sun_goes_raises_the_alarm_and_stops_afterwards() -> None:
    begin = 12 * HOUR
    scenario = morning(
        out_of_range=((begin, begin + HOUR),), meter_flipped=((begin + 60, begin + HOUR),)
    )
    shift = Shift(scenario)
    assert "uncontrolled_charge" in shift.alarms()


def test_three_phones_on_the_car_cost_patience_and_nothing_else() -> None:
    shift = Shift(morning(full_house=((10 * HOUR, 11 * HOUR),)))
    assert shift.plant.radio.heard > 0
    assert shift.amps[13 * HOUR] > 20


def plug_in_at(moment: int) -> tuple[tuple[int, Callable[[Car, int], None]], ...]:
    return ((moment, lambda car, now: car.plug(now, starts=True)),)


@pytest.mark.parametrize("latency", [6, 12])
def test_a_car_that_begins_by_itself_in_the_dark_is_stopped_within_a_minute(latency: int) -> None:
    begin = 2 * HOUR
    scenario = Scenario(
        plugged=False,
        begin_s=begin - 600,
        end_s=begin + 900,
        latency_s=latency,
        happenings=plug_in_at(begin),
    )
    shift = Shift(scenario)
    flow = next(second for second, amps in shift.amps.items() if amps >= 1)
    assert shift.highest(flow + 60, begin + 900) < 0.5


def test_a_car_that_begins_by_itself_out_of_reach_is_an_alarm_and_tried_each_minute() -> None:
    begin = 2 * HOUR
    scenario = Scenario(
        plugged=False,
        begin_s=begin - 600,
        end_s=begin + 900,
        out_of_range=((begin, begin + 600),),
        happenings=plug_in_at(begin),
    )
    shift = Shift(scenario)
    assert "uncontrolled_charge" in shift.alarms()
    assert shift.highest(begin + 700, begin + 900) == 0


def test_manual_brings_current_to_a_sleeping_car_within_a_minute() -> None:
    begin = 2 * HOUR
    scenario = Scenario(begin_s=begin - 2400, end_s=begin + 120)
    plant = Plant(synthetic("clear", 1), scenario, 1)
    agent = Ours(
        plant.car, plant.radio, settings_for(scenario, OFF), Random(1), begin_s=scenario.begin_s
    )
    first: list[int] = []

    def second(now: int) -> None:
        if now == begin:
            assert plant.car.asleep
            agent.wishes = Wishes(Mode.MANUAL)
            agent.decide(now)
        if plant.car.amps > 0 and not first:
            first.append(now)

    plant.run(agent, second)
    assert first
    assert first[0] - begin <= 60


def test_a_full_car_is_left_to_sleep() -> None:
    scenario = Scenario(soc=79.0, limit=80, begin_s=9 * HOUR, end_s=16 * HOUR)
    shift = Shift(scenario)
    assert shift.plant.car.complete
    assert shift.plant.car.asleep
    assert shift.decisions[-1][1].state is S.COMPLETE
    assert shift.plant.radio.kinds["wake"] <= 1


def test_the_owner_s_charge_from_the_app_is_respected_at_night() -> None:
    scenario = Scenario(begin_s=0, end_s=2 * HOUR, happenings=((HOUR, _press_start),))
    shift = Shift(scenario)
    assert shift.amps[2 * HOUR - 1] == 48
    assert shift.decisions[-1][1].state is S.EXTERNAL


def test_unplugging_restores_the_full_current() -> None:
    noon = 12 * HOUR
    shift = Shift(morning(happenings=((noon, lambda car, now: car.unplug(now)),)))
    assert shift.plant.car.request == 48
    assert not shift.decisions[-1][1].pending_normalization


def test_out_of_range_at_once_the_normalisation_stays_pending_and_is_void_at_home() -> None:
    noon = 12 * HOUR
    scenario = morning(
        happenings=(
            (noon, lambda car, now: car.unplug(now)),
            (noon + HOUR, lambda car, now: car.plug(now, starts=False)),
        ),
        out_of_range=((noon, noon + HOUR),),
        end_s=noon + 2 * HOUR,
    )
    shift = Shift(scenario)
    pending = [d.pending_normalization for now, d in shift.decisions if now > noon + 60]
    assert pending[0]
    assert not pending[-1]
    assert shift.amps[noon + 2 * HOUR - 1] > 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_fuse_is_exceeded_no_longer_than_twenty_seconds_and_the_latency(seed: int) -> None:
    scenario = fuse_house(begin_s=9 * HOUR, end_s=20 * HOUR)
    shift = Shift(scenario, three_phase("overcast", seed), OFF, Mode.MANUAL)
    assert shift.plant.tally.fuse_excess_s <= 20 + 6
    assert shift.highest(9 * HOUR, 20 * HOUR) > 10


def test_a_schedule_in_the_car_is_respected() -> None:
    scenario = morning()
    plant_day = synthetic("clear", 1)
    shift = Shift(replace(scenario, happenings=((9 * HOUR, _pending),)), plant_day)
    assert shift.plant.car.starts == 0
    assert shift.decisions[-1][1].state is S.SCHEDULED


def _pending(car: Car, now: int) -> None:
    car.schedule_pending = True


def test_a_cabin_that_warms_itself_is_not_fought() -> None:
    def warm(car: Car, now: int) -> None:
        car.precondition_w = 3000.0

    def cold(car: Car, now: int) -> None:
        car.precondition_w = 0.0

    noon = 12 * HOUR
    shift = Shift(morning(happenings=((noon, warm), (noon + 1200, cold))))
    assert shift.amps[noon + 1100] > 5
    assert shift.plant.car.starts == 1


def _press_start(car: Car, now: int) -> None:
    car.start(now)
