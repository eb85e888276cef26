"""How long the radio rests after a failure, by what kind of failure it was."""

from __future__ import annotations

from dataclasses import dataclass

from ..car.link import ResultClass as R

SAFETY_WAIT_S = 60.0
SAFETY_WAIT_LOST_S = 300.0
LOST_AFTER_S = 900.0
BUSY_RETRIES = 3

REACHED = frozenset(
    {
        R.OK,
        R.OK_ALREADY,
        R.OK_PENDING,
        R.COMPLETE,
        R.NOT_PLUGGED,
        R.NO_POWER,
        R.CAR_REFUSED,
        R.BUSY,
        R.ASLEEP,
        R.ROLE,
        R.DISABLED,
        R.NOT_PAIRED,
    }
)
"""Classes that only a car in reach can cause."""
UNREACHED = frozenset({R.UNREACHABLE, R.MAX_CONN, R.ADAPTER, R.RELAY_DOWN})
"""Classes that tell of the way to the car, whatever was asked."""
UNCERTAIN = frozenset({R.UNKNOWN_RESULT, R.TIMEOUT})
FAULTS = {
    R.NOT_PAIRED: "not_paired",
    R.ROLE: "role",
    R.DISABLED: "disabled",
    R.PERMISSION: "permission",
    R.CONFIG: "config",
}
GOOD = frozenset({R.OK, R.OK_ALREADY, R.OK_PENDING, R.ASLEEP, R.COMPLETE})


@dataclass(slots=True)
class Backoff:
    """Rest of the radio; only a success ends it early."""

    until: float = float("-inf")
    fails: int = 0
    in_class: int = 0
    last_class: R | None = None
    last_attempt: float = float("-inf")
    last_contact: float | None = None
    unreachable_since: float | None = None
    relay_streak: int = 0
    fault: str = ""

    def remaining(self, now: float) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.until - now)

    def allows(self, now: float, safety: bool) -> bool:
        """True where a command may be tried; a safety command never waits long."""
        if now >= self.until:
            return True
        if not safety or self.last_class is R.NOT_PAIRED:
            return False
        lost = self.unreachable_since is not None and now - self.unreachable_since >= LOST_AFTER_S
        return now - self.last_attempt >= (SAFETY_WAIT_LOST_S if lost else SAFETY_WAIT_S)

    def take(self, result: R, now: float, jitter: float) -> None:
        """Learn from an answer; `jitter` 0…1 spreads the rest by ±20 %."""
        self.last_attempt = now
        self.relay_streak = self.relay_streak + 1 if result is R.RELAY_DOWN else 0
        if result in REACHED:
            self.last_contact, self.unreachable_since = now, None
        elif result not in UNCERTAIN and self.unreachable_since is None:
            self.unreachable_since = now
        if result in GOOD:
            self._reset()
            return
        self.fails += 1
        self.in_class = self.in_class + 1 if result is self.last_class else 1
        self.last_class = result
        self.fault = FAULTS.get(result, "")
        self.until = now + _rest(result, self.in_class, self.fails) * (0.8 + 0.4 * jitter)

    def refused_before(self, name: str) -> None:
        """Take up a refusal from before a restart: its rest goes on, and so must its alarm."""
        result = next((one for one in FAULTS if one.value == name), None)
        if result is not None:
            self.last_class, self.fault = result, FAULTS[result]
            self.fails = self.in_class = 1

    def _reset(self) -> None:
        self.until = float("-inf")
        self.fails = self.in_class = 0
        self.last_class = None
        self.fault = ""


def _rest(result: R, in_class: int, fails: int) -> float:
    """Seconds before jitter."""
    if result is R.UNREACHABLE:
        return min(600.0, 30.0 * 2.0 ** min(in_class - 1, 10))
    if result is R.MAX_CONN:
        return min(600.0, 60.0 * in_class)
    if result is R.BUSY and in_class <= BUSY_RETRIES:
        return 7.5
    if result in UNCERTAIN or result is R.SESSION:
        # The first of them costs nothing: the measurement, or a new session, decides.
        return 0.0 if in_class == 1 else min(600.0, 30.0 * 2.0 ** min(in_class - 2, 10))
    if result in (R.CAR_REFUSED, R.NOT_PLUGGED, R.NO_POWER):
        return 600.0
    if result in FAULTS:
        return 3600.0
    return min(3600.0, 60.0 * 2.0 ** min(max(fails, 1) - 1, 10))
