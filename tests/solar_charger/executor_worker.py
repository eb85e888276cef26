"""The executor with a worker that asks each second and a car that answers what the test says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.command import Command, Kind
from solar_charger.control.decision import Desired, Observed
from solar_charger.executor import Executor
from solar_charger.gate import Gate
from solar_charger.measurements import BodyState, CarState, ChargingState, PlugState, SleepStatus
from solar_charger.settings import Mode

AWAKE = BodyState(sleep=SleepStatus.AWAKE)
ASLEEP = BodyState(sleep=SleepStatus.ASLEEP)
OPEN = Gate(48, 48, 48, PlugState.PLUGGED, True, None, None, Mode.SOLAR, True)


class Worker:
    """Asks each second, answers each command after `latency` seconds."""

    def __init__(self, **options: Any):
        self.now = 9_000.0
        self.day = 1
        self.executor = Executor(self.now, **options)
        self.gate = OPEN
        self.amps: float | None = 0.0
        self.answers: dict[Kind, Result] = {}
        self.latency = 4
        self.log: list[tuple[float, Command]] = []
        self.due: tuple[float, Command] | None = None

    def seen(self) -> Observed:
        return Observed(
            now=self.now, plug=PlugState.PLUGGED, home=True, amps=self.amps, amps_at=self.now
        )

    def answer(self, command: Command) -> Result:
        if command.kind in self.answers:
            return self.answers[command.kind]
        if command.kind is Kind.READ_BODY:
            return Result(R.OK, data=AWAKE)
        if command.kind is Kind.READ_CHARGE:
            return Result(R.OK, data=CarState(charging_state=ChargingState.STOPPED))
        return Result(R.OK)

    def run(self, desired: Desired, seconds: int) -> list[Command]:
        """Commands sent in this time."""
        sent: list[Command] = []
        end = self.now + seconds
        while self.now < end:
            if self.due is not None and self.now >= self.due[0]:
                command, self.due = self.due[1], None
                self.executor.finished(self.answer(command), self.now, 0.5)
            gate = replace(self.gate, measured_amps=self.amps)
            found = self.executor.next(desired, self.seen(), gate, self.now, self.day)
            if found.command is not None:
                assert self.due is None
                sent.append(found.command)
                self.log.append((self.now, found.command))
                self.due = (self.now + self.latency, found.command)
            self.now += 1.0
        return sent


def driving(commands: list[Command]) -> list[str]:
    """Without reads."""
    return [str(command) for command in commands if not command.kind.value.startswith("read")]
