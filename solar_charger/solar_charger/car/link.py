"""The one interface to the car, and the classes every answer of a car is sorted into."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from ..measurements import BodyState, CarState


class ResultClass(StrEnum):
    """What became of a command. Success is OK or OK_ALREADY for this very command only."""

    OK = "OK"
    OK_ALREADY = "OK_ALREADY"
    """The car was in the wanted state already."""
    OK_PENDING = "OK_PENDING"
    """The car took the wish and will act later: ask its state."""
    COMPLETE = "COMPLETE"
    NOT_PLUGGED = "NOT_PLUGGED"
    NO_POWER = "NO_POWER"
    CAR_REFUSED = "CAR_REFUSED"
    BUSY = "BUSY"
    MAX_CONN = "MAX_CONN"
    """Three keys are connected already, which is all a car takes."""
    UNKNOWN_RESULT = "UNKNOWN_RESULT"
    """Sent, and perhaps carried out: measure before repeating a start or stop."""
    TIMEOUT = "TIMEOUT"
    """As UNKNOWN_RESULT."""
    ASLEEP = "ASLEEP"
    """The body controller says so. An answer, not a failure: no fail count, no backoff."""
    UNREACHABLE = "UNREACHABLE"
    NOT_PAIRED = "NOT_PAIRED"
    ROLE = "ROLE"
    DISABLED = "DISABLED"
    SESSION = "SESSION"
    ADAPTER = "ADAPTER"
    PERMISSION = "PERMISSION"
    CONFIG = "CONFIG"
    RELAY_DOWN = "RELAY_DOWN"
    NOT_OFFERED = "NOT_OFFERED"
    """This driver has no way to do it: nothing was sent, and nothing is wrong with the rest."""
    OTHER = "OTHER"
    """A text no table knows."""


@dataclass(frozen=True, slots=True)
class Result:
    """An answer: class, the far side's own words, seconds it took, and what was read."""

    result_class: ResultClass
    text: str = ""
    duration_s: float = 0.0
    data: CarState | BodyState | str | None = None
    """CarState of `read_charge`, BodyState of `read_body`; a driver may hand back plain text."""

    @property
    def ok(self) -> bool:
        """True where the wanted state is reached."""
        return self.result_class in (ResultClass.OK, ResultClass.OK_ALREADY)


@runtime_checkable
class VehicleLink(Protocol):
    """A driver. No method raises for a car, radio or relay that fails: the Result says it.

    Cancelling a call is allowed at any time. One call runs at a time (the worker's rule);
    a driver takes its own lock where two callers would collide.
    """

    @property
    def name(self) -> str:
        """The option's word: `python_ble`, `relay` …"""

    @property
    def proves_home(self) -> bool:
        """True where reaching the car means it is at home (our own radio or relay)."""

    @property
    def wakes_by_itself(self) -> bool:
        """True where the far side wakes the car before a command (no `wake` is needed)."""

    async def set_amps(self, amps: int) -> Result:
        """Ask for `amps` per phase, 0…80."""

    async def start(self) -> Result:
        """Start charging."""

    async def stop(self) -> Result:
        """Stop charging."""

    async def set_limit(self, percent: int) -> Result:
        """Set the charge limit, 50…100 %."""

    async def wake(self) -> Result:
        """Wake the car; OK once the body controller says AWAKE."""

    async def read_body(self) -> Result:
        """Ask the body controller; answers asleep, never wakes; `data` is a BodyState."""

    async def read_charge(self) -> Result:
        """Read the charge state; `data` is a CarState. The car must be awake."""

    async def ping(self) -> Result:
        """Say hello with the key: the proof that it is paired."""

    async def pair(self) -> Result:
        """Ask the car to take our key (role charging manager); somebody taps the key card."""

    async def close(self) -> None:
        """Leave the car; called after each batch and at the end."""
