"""One thing asked of the car, from the executor through the gate to the driver."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The verbs of the link."""

    STOP = "stop"
    SET_AMPS = "set_amps"
    START = "start"
    SET_LIMIT = "set_limit"
    WAKE = "wake"
    READ_BODY = "read_body"
    READ_CHARGE = "read_charge"
    PING = "ping"
    PAIR = "pair"


READS = frozenset({Kind.READ_BODY, Kind.READ_CHARGE, Kind.PING})
HARMLESS = READS | {Kind.PAIR}
"""Nothing the car does changes by these."""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb, its argument, and what it is for."""

    kind: Kind
    value: int | None = None
    safety: bool = False
    normalize: bool = False
    by_hand: bool = False
    """Asked for by a person or a dialogue (wake, ping, pair), not by the controller."""
    reason: str = ""

    def __str__(self) -> str:
        return self.kind.value if self.value is None else f"{self.kind.value} {self.value}"
