"""What every controller on the bench is given, and the base of those re-told from descriptions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..car.link import Result
from ..command import Command, Kind
from ..measurements import WallConnector
from .car import Car
from .meter import MeterSample
from .radio import Radio


class Agent(Protocol):
    """A controller on the bench."""

    loop_s: int

    def meter(self, now: int, sample: MeterSample) -> None:
        """A meter answer arrived."""

    def connector(self, now: int, vitals: WallConnector) -> None:
        """The wall connector's vitals arrived."""

    def decide(self, now: int) -> None:
        """Time for a decision, each `loop_s` seconds."""

    def tick(self, now: int) -> None:
        """Each second between: an executor may have something to send."""

    def answered(self, command: Command, result: Result, now: int) -> None:
        """A command of ours ended."""


@dataclass(slots=True)
class Baseline:
    """A simple controller: sends at most one thing at a time, believes what was accepted."""

    car: Car
    radio: Radio
    loop_s: int = 30
    grid_w: float | None = None
    pv_w: float = 0.0
    measured_amps: float = 0.0
    believed: int = 0
    queue: list[Command] = field(default_factory=list)
    last_sent: int = -1000

    def meter(self, now: int, sample: MeterSample) -> None:
        """Keep the newest sample: held until the next."""
        self.grid_w, self.pv_w = sample.grid_w, sample.pv_w

    def connector(self, now: int, vitals: WallConnector) -> None:
        """Keep the measured current."""
        self.measured_amps = vitals.vehicle_current_a or 0.0

    def decide(self, now: int) -> None:
        """Nothing by itself."""

    def tick(self, now: int) -> None:
        """Send what waits."""
        if self.queue and not self.radio.busy:
            self.last_sent = now
            if self.car.asleep:
                self.car.stir(now)  # these reached the car over the cloud, which wakes it
            self.radio.send(self.queue.pop(0), now)

    def answered(self, command: Command, result: Result, now: int) -> None:
        """Believe what was accepted."""
        if result.ok and command.kind is Kind.SET_AMPS and command.value is not None:
            self.believed = command.value
        elif result.ok and command.kind is Kind.STOP:
            self.believed = 0

    def set_amps(self, amps: int) -> None:
        """Put a current in line, replacing an older wish."""
        self.queue = [command for command in self.queue if command.kind is not Kind.SET_AMPS]
        self.queue.insert(0, Command(Kind.SET_AMPS, amps))

    def start(self) -> None:
        """Put a start in line."""
        self.queue.append(Command(Kind.START))

    def stop(self) -> None:
        """A stop replaces everything in line."""
        self.queue = [Command(Kind.STOP)]

    @property
    def charging(self) -> bool:
        """What the car's cloud says: it wants to charge."""
        return self.car.enabled and not self.car.complete
