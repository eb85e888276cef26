"""What ships, on the bench: the real controller, executor and gate around a simulated car."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ..car.link import Result
from ..command import Command
from ..control.controller import Controller
from ..control.decision import Decision, Observed
from ..control.inputs import Inputs, LinkFacts, Wishes
from ..executor import Executor
from ..gate import gate_of
from ..measurements import BodyState, CarState, Reading, Snapshot, WallConnector
from ..settings import Settings
from .car import Car
from .meter import MeterSample
from .radio import Radio

MIDNIGHT = datetime(2026, 6, 21, tzinfo=UTC)
DAY = MIDNIGHT.toordinal()
EPOCH = 100_000.0
"""Monotonic time at the day's midnight: never 0, so that nothing leans on it."""


@dataclass(slots=True)
class Ours:
    """The shell of the bench: swaps snapshots and carries commands, nothing else."""

    car: Car
    radio: Radio
    settings: Settings
    rng: Random
    wishes: Wishes = field(default_factory=Wishes)
    loop_s: int = 10
    begin_s: int = 0
    readings: dict[str, Any] = field(default_factory=dict)
    """The newest readings by the snapshot's field names."""
    controller: Controller = field(init=False)
    executor: Executor = field(init=False)
    link: LinkFacts = field(default_factory=LinkFacts)
    decision: Decision | None = None
    ask_at: float = 0.0
    watch: Callable[[int, Decision], None] | None = None
    """Called after each decision: tests look over its shoulder."""

    def __post_init__(self) -> None:
        now = EPOCH + self.begin_s
        self.controller = Controller(self.settings, now)
        self.executor = Executor(now)

    def meter(self, now: int, sample: MeterSample) -> None:
        """A new snapshot with the sample; each one enters the window."""
        at = EPOCH + sample.at
        self.readings["grid_w"] = Reading(sample.grid_w, at, "meter")
        self.readings["production_w"] = Reading(sample.pv_w, at, "meter")
        if sample.phase_a is not None:
            self.readings["grid_phase_a"] = Reading(sample.phase_a, at, "meter")
        if now % self.loop_s and self.controller.sense(self._inputs(now)):
            self.decide(now)

    def connector(self, now: int, vitals: WallConnector) -> None:
        """A new snapshot with the vitals."""
        last = self.readings.get("twc")
        self.readings["twc"] = Reading(vitals, EPOCH + now, "twc")
        if last is None or last.value != vitals:
            self.controller.sense(self._inputs(now))

    def decide(self, now: int) -> None:
        """One decision of the real controller."""
        self.decision = self.controller.step(self._inputs(now))
        self.ask_at = 0.0
        if self.watch is not None:
            self.watch(now, self.decision)

    def tick(self, now: int) -> None:
        """Ask the real executor when it wants to be asked, and send what it names."""
        at = EPOCH + now
        if at < self.ask_at or self.decision is None or self.radio.busy:
            return
        seen = self.decision.observed
        gate = gate_of(
            self.settings,
            self.wishes.mode,
            True,
            seen.plug,
            seen.home,
            seen.amps,
            self.executor.belief.amps,
            seen.car_max,
            self.wishes.foreign_charger,
        )
        answer = self.executor.next(self.decision.desired, self._now(seen, at), gate, at, DAY)
        self.ask_at = answer.at
        self.link = self.executor.facts(at)
        if answer.command is not None:
            self.radio.send(answer.command, now)

    def _now(self, seen: Observed, at: float) -> Observed:
        return seen if seen.now == at else replace(seen, now=at)

    def answered(self, command: Command, result: Result, now: int) -> None:
        """The answer goes to the executor, what was read into the snapshot."""
        at = EPOCH + now
        self.executor.finished(result, at, self.rng.random())
        self.link = self.executor.facts(at)
        self.ask_at = 0.0
        if isinstance(result.data, CarState):
            self.readings["car"] = Reading(result.data, at, "car")
        elif isinstance(result.data, BodyState):
            self.readings["body"] = Reading(result.data, at, "car")

    def _inputs(self, now: int) -> Inputs:
        return Inputs(
            now=EPOCH + now,
            wall=MIDNIGHT + timedelta(seconds=now),
            snapshot=Snapshot(**self.readings),
            settings=self.settings,
            wishes=self.wishes,
            link=self.link,
        )
