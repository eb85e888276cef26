"""How many commands the car has heard today, reads of the last hour, starts of the last quarter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..car.link import ResultClass as R
from ..command import READS, Command, Kind

SOFT_LIMIT, HARD_LIMIT = 240, 400
READS_PER_HOUR = 30
STARTS_PER_QUARTER = 3
QUARTER_S = 900.0
SLOW_START_S = 1800.0
NOT_HEARD = frozenset(
    {
        R.UNREACHABLE,
        R.ADAPTER,
        R.MAX_CONN,
        R.PERMISSION,
        R.CONFIG,
        R.RELAY_DOWN,
        R.ASLEEP,
        R.NOT_PAIRED,
        R.SESSION,
        R.OTHER,
    }
)


@dataclass(slots=True)
class Counters:
    """`day` is the ordinal of the local date; the shell stores day and commands."""

    day: int = 0
    commands: int = 0
    reads: deque[float] = field(default_factory=lambda: deque(maxlen=READS_PER_HOUR))
    starts: deque[float] = field(default_factory=lambda: deque(maxlen=STARTS_PER_QUARTER))
    fruitless: int = 0
    """Starts in a row that brought no current."""

    def turn_page(self, day: int) -> None:
        """A new local day begins at nothing."""
        if day != self.day:
            self.day, self.commands = day, 0

    def heard(self, command: Command, result: R) -> None:
        """Count what the car heard: done, refused, unknown."""
        if command.kind in READS or command.kind is Kind.PAIR or result in NOT_HEARD:
            return
        self.commands += 1

    def exhausted(self) -> bool:
        """True where only stops and lowering may go out."""
        return self.commands >= HARD_LIMIT

    def may_read(self, now: float) -> bool:
        """At most 30 reads in an hour."""
        return len(self.reads) < READS_PER_HOUR or now - self.reads[0] >= 3600.0

    def may_start(self, now: float) -> bool:
        """Three starts in 15 minutes; after three without current one in 30 minutes."""
        if self.fruitless >= STARTS_PER_QUARTER:
            return not self.starts or now - self.starts[-1] >= SLOW_START_S
        return len(self.starts) < STARTS_PER_QUARTER or now - self.starts[0] >= QUARTER_S

    def forget_starts(self) -> None:
        """Plug edge or mode change: counting begins anew."""
        self.starts.clear()
        self.fruitless = 0
