"""Runs one day: plant, radio and one controller, second by second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from ..control.inputs import Wishes
from ..settings import Mode, Settings
from .agent import Agent, Baseline
from .baseline_evcc import Evcc
from .baseline_prototype import Prototype
from .baseline_seed import Seed406, Seed407
from .car import Car
from .day import Day
from .kpi import Kpis, Prices, Tally, captured_pct, score, self_consumption_pct
from .meter import Connector, Meter
from .ours import Ours
from .radio import Radio
from .scenario import Scenario

BASELINES: dict[str, Callable[[Car, Radio, Scenario], Baseline]] = {
    "seed406": lambda car, radio, scenario: Seed406(car, radio),
    "seed407": lambda car, radio, scenario: Seed407(car, radio),
    "evcc": lambda car, radio, scenario: Evcc(car, radio),
    "prototype": lambda car, radio, scenario: Prototype(
        car, radio, loop_s=10, meter_s=scenario.meter_s
    ),
}
VIOLATION_SLACK_A = 0.01


class Plant:
    """Everything of one simulated day except the controller."""

    def __init__(self, day: Day, scenario: Scenario, seed: int) -> None:
        self.day = day
        self.scenario = scenario
        self.car = scenario.car()
        self.radio = Radio(
            self.car,
            Random(f"radio {seed}"),
            latency_s=scenario.latency_s,
            failure=scenario.radio_failure,
            lost_answer=scenario.lost_answers,
            out_of_range=scenario.out_of_range,
            full_house=scenario.full_house,
        )
        self.meter = Meter(scenario, day, self.car, Random(f"meter {seed}"))
        self.connector = Connector(scenario, self.car)
        self.tally = Tally()
        self.happenings = sorted(scenario.happenings, key=lambda item: item[0])
        self.last_sample_at = scenario.begin_s
        self.fuse_run = 0

    def run(self, agent: Agent, watch: Callable[[int], None] | None = None) -> None:
        """From begin to end of the scenario."""
        meter, connector, radio, car = self.meter, self.connector, self.radio, self.car
        for now in range(self.scenario.begin_s, self.scenario.end_s):
            if self.happenings and self.happenings[0][0] <= now:
                self._happen(now)
            if connector.due(now):
                vitals = connector.vitals(now)
                if vitals is not None:
                    agent.connector(now, vitals)
            if meter.due(now):
                sample = meter.sample(now)
                if sample is not None:
                    self.last_sample_at = sample.at
                    agent.meter(now, sample)
            if now % agent.loop_s == 0:
                agent.decide(now)
            if radio.command is not None:
                ended = radio.finish(now)
                if ended is not None:
                    agent.answered(ended[0], ended[1], now)
            agent.tick(now)
            car.step(now)
            self._count(now)
            if watch is not None:
                watch(now)

    def _happen(self, now: int) -> None:
        while self.happenings and self.happenings[0][0] <= now:
            self.happenings.pop(0)[1](self.car, now)

    def _count(self, now: int) -> None:
        tally, amps = self.tally, self.car.amps
        if now % 60 == 0:
            tally.amps_track.append(amps)
        if self.scenario.main_fuse_amps:
            self._watch_fuse(now)
        if amps <= 0.0:
            return
        tally.second(self.day.load[now] - self.day.pv[now], amps * self.car.watts_per_amp)
        if amps > self.scenario.amps_limit + VIOLATION_SLACK_A:
            tally.violation_s += 1
        if now - self.last_sample_at > max(45, 2 * self.scenario.meter_s):
            tally.stale_control_s += 1

    def _watch_fuse(self, now: int) -> None:
        """The longest time in one go that car and house together exceed the fuse."""
        phases = self.day.phases
        if phases is None or self.car.amps <= 0.0:
            self.fuse_run = 0
            return
        volts, third = self.scenario.volts, self.day.pv[now] / 3.0
        highest = max((phases[p][now] - third) / volts for p in range(self.scenario.phases))
        over = highest + self.car.amps > self.scenario.main_fuse_amps
        self.fuse_run = self.fuse_run + 1 if over else 0
        self.tally.fuse_excess_s = max(self.tally.fuse_excess_s, self.fuse_run)

    def kpis(self, name: str, prices: Prices) -> Kpis:
        """The day's result."""
        tally, radio, car = self.tally, self.radio, self.car
        imported, solar = tally.import_car_ws / 3.6e6, tally.solar_car_ws / 3.6e6
        violation = float(tally.violation_s)
        if radio.highest > self.scenario.amps_limit:
            violation = max(violation, 1.0)
        return Kpis(
            controller=name,
            import_car_kwh=imported,
            solar_to_car_kwh=solar,
            car_kwh_charged=tally.car_ws / 3.6e6,
            captured_pct=captured_pct(solar, self.day),
            self_consumption_pct=self_consumption_pct(solar, self.day),
            starts=car.starts,
            stops=car.stops,
            commands=radio.heard,
            kinds=dict(radio.kinds),
            violation_s=violation,
            stale_control_s=float(tally.stale_control_s),
            soc_end=car.soc,
            cost=prices.grid * imported + prices.feed_in * solar,
            score_j=score(imported, solar, car.starts, radio.heard, prices),
            longest_fuse_excess_s=tally.fuse_excess_s,
            amps_track=tuple(tally.amps_track),
        )


def settings_for(scenario: Scenario, base: Settings | None = None) -> Settings:
    """The shipped defaults on the bench: emergency off, wiring and meter as the scenario's."""
    chosen = base if base is not None else Settings(emergency_soc=0)
    return replace(
        chosen,
        voltage=round(scenario.volts),
        phases=scenario.phases,
        poll_s=min(60, scenario.meter_s),
        has_twc=scenario.has_twc,
        max_amps=min(chosen.max_amps, int(scenario.amps_limit)),
        capacity_kwh=scenario.capacity_kwh,
        main_fuse_amps=scenario.main_fuse_amps,
    )


def run_day(
    name: str,
    day: Day,
    scenario: Scenario,
    seed: int = 0,
    prices: Prices | None = None,
    settings: Settings | None = None,
    mode: Mode = Mode.SOLAR,
) -> Kpis:
    """One controller, one day; `mode` is for ours. Raises KeyError for an unknown controller."""
    plant = Plant(day, scenario, seed)
    agent: Agent
    if name == "ours":
        agent = Ours(
            plant.car,
            plant.radio,
            settings_for(scenario, settings),
            Random(f"jitter {seed}"),
            wishes=Wishes(mode),
            begin_s=scenario.begin_s,
        )
    else:
        agent = BASELINES[name](plant.car, plant.radio, scenario)
    plant.run(agent)
    return plant.kpis(name, prices if prices is not None else Prices())
