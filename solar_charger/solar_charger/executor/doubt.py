"""What became of a command whose answer was lost: the measured current or a read of the car tells.

Until one of them has spoken, the command is not sent a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..command import Command, Kind
from ..control.decision import Observed
from ..measurements import CarState

SETTLED_S, LOWERED_S = 10.0, 5.0
"""From a command to a current that shows it. Cars begin slowly (8 s from start to current have
been seen) and lower at once."""
SAME_A = 0.7


class Topic(StrEnum):
    """What a command is about; a newer one about the same replaces the doubt."""

    AMPS = "amps"
    CHARGE = "charge"
    LIMIT = "limit"


TOPICS = {
    Kind.SET_AMPS: Topic.AMPS,
    Kind.START: Topic.CHARGE,
    Kind.STOP: Topic.CHARGE,
    Kind.SET_LIMIT: Topic.LIMIT,
}


class Finding(StrEnum):
    """What the measured current says about the doubtful command."""

    OPEN = "open"
    DONE = "done"
    NOT_DONE = "not_done"
    PERHAPS_NOT = "perhaps_not"
    """Less flows than was asked for: the command was lost, or the car holds back by itself."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A command that may or may not have been carried out."""

    command: Command
    at: float
    """When waiting for its answer ended."""
    lowers: bool = False
    """It asks for less than before: repeated even where nobody can be asked."""

    def finding(self, seen: Observed) -> Finding:
        """What the current says, once it was measured late enough after the command."""
        settled = LOWERED_S if self.lowers else SETTLED_S
        if seen.amps is None or seen.amps_at < self.at + settled:
            return Finding.OPEN
        kind = self.command.kind
        if kind is Kind.STOP:
            return Finding.NOT_DONE if seen.flowing else Finding.DONE
        if kind is Kind.START:
            return Finding.DONE if seen.flowing else Finding.PERHAPS_NOT
        if kind is Kind.SET_AMPS and seen.flowing:
            return self._current(seen.amps)
        return Finding.OPEN

    def _current(self, amps: float) -> Finding:
        wanted = self.command.value or 0
        if abs(amps - wanted) <= SAME_A:
            return Finding.DONE
        return Finding.NOT_DONE if amps > wanted else Finding.PERHAPS_NOT

    def request(self, car: CarState) -> int | None:
        """The current the car is asked for according to its own read; None: it does not tell."""
        told = car.charge_current_request
        told = told if told is not None else car.charging_amps
        if told is None:
            return None
        wanted, highest = self.command.value or 0, car.charge_current_request_max
        clipped = wanted if highest is None else min(wanted, round(highest))
        # A car that cuts a request to its own maximum has taken it all the same.
        return wanted if round(told) == clipped else round(told)
