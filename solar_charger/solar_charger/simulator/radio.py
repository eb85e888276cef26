"""The simulated way to the car: takes its time, fails, loses answers; one command at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from ..car.link import Result
from ..car.link import ResultClass as R
from ..command import Command, Kind
from ..measurements import BodyState, SleepStatus
from .car import Car

Spans = tuple[tuple[int, int], ...]

ALREADY = {"is_charging": R.OK_ALREADY, "not_charging": R.OK_ALREADY}
ANSWERS = {"": R.OK, "complete": R.COMPLETE, "disconnected": R.NOT_PLUGGED, **ALREADY}
TIMEOUT_S = 20


def within(spans: Spans, now: int) -> bool:
    """True inside one of the spans."""
    return bool(spans) and any(begin <= now < end for begin, end in spans)


@dataclass(slots=True)
class Radio:
    """Bluetooth of one car. With `latency_s` None each command takes 2…15 s, 5 at the median."""

    car: Car
    rng: Random
    latency_s: int | None = 6
    wake_s: int = 12
    failure: float = 0.0
    lost_answer: float = 0.0
    """Part of the commands that are carried out without anybody hearing of it."""
    out_of_range: Spans = ()
    full_house: Spans = ()
    """Three phones are connected already."""
    command: Command | None = None
    done_at: int = 0
    doomed: R | None = None
    kinds: Counter[str] = field(default_factory=Counter)
    heard: int = 0
    reads: int = 0
    highest: int = 0
    """Highest current ever asked for."""

    @property
    def busy(self) -> bool:
        """A command is under way."""
        return self.command is not None

    def send(self, command: Command, now: int) -> None:
        """Begin a command; `finish` tells its end."""
        self.command = command
        self.doomed = self._fate(now)
        self.done_at = now + self._latency(command)

    def _fate(self, now: int) -> R | None:
        if within(self.out_of_range, now):
            return R.UNREACHABLE
        if within(self.full_house, now):
            return R.MAX_CONN
        if self.failure and self.rng.random() < self.failure:
            return R.UNREACHABLE
        return None

    def _latency(self, command: Command) -> int:
        if self.doomed is not None:
            return TIMEOUT_S if self.doomed is R.UNREACHABLE else 4
        base = self.latency_s
        if base is None:
            base = round(min(15.0, max(2.0, self.rng.lognormvariate(1.609, 0.45))))
        if command.kind is Kind.WAKE and self.car.asleep:
            return self.wake_s if self.latency_s is not None else self.rng.randint(9, 30)
        return base

    def finish(self, now: int) -> tuple[Command, Result] | None:
        """The command and its answer once the time is up."""
        command = self.command
        if command is None or now < self.done_at:
            return None
        self.command = None
        result = self._carry_out(command, now)
        if command.kind in (Kind.READ_BODY, Kind.READ_CHARGE, Kind.PING, Kind.PAIR):
            self.reads += 1
        elif result.result_class not in (R.UNREACHABLE, R.MAX_CONN, R.ASLEEP):
            self.heard += 1
            self.kinds[command.kind.value] += 1
        return command, result

    def _carry_out(self, command: Command, now: int) -> Result:
        if self.doomed is not None:
            return Result(self.doomed, "simulated", 0.0)
        if command.kind is Kind.READ_BODY:
            sleep = SleepStatus.ASLEEP if self.car.asleep else SleepStatus.AWAKE
            return Result(R.OK, data=BodyState(sleep=sleep))
        if command.kind is Kind.WAKE:
            self.car.stir(now)
            return Result(R.OK)
        if self.car.asleep:
            return Result(R.ASLEEP, "simulated")
        answer = self._act(command, now)
        if self.lost_answer and self.rng.random() < self.lost_answer:
            return Result(R.UNKNOWN_RESULT, "simulated")
        return answer

    def _act(self, command: Command, now: int) -> Result:
        car, value = self.car, command.value
        if command.kind is Kind.READ_CHARGE:
            car.stir(now)
            return Result(R.OK, data=car.state())
        if command.kind is Kind.START:
            return Result(ANSWERS[car.start(now)])
        if command.kind is Kind.STOP:
            return Result(ANSWERS[car.stop(now)])
        car.stir(now)
        if command.kind is Kind.SET_AMPS and value is not None:
            self.highest = max(self.highest, value)
            car.request = float(value)
        elif command.kind is Kind.SET_LIMIT and value is not None:
            car.limit = value
            car.complete = car.complete and car.soc >= value
        return Result(R.OK)
