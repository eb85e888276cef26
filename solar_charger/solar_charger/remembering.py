"""What survives a restart or a power cut, and how it is taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .journal import Journal

if TYPE_CHECKING:
    from .charger import Charger

LONGEST_BACKOFF_S = 600.0
"""A clock set back meanwhile would make a short rest long, so a restart waits no longer."""
INTENT_COUNTS_S = 900.0
KEEP_EACH_S = 60.0


def controller(kept: Mapping[str, Any], wall: float) -> dict[str, Any] | None:
    """The controller's memory; a start under way when the power went makes the charge ours."""
    memory = kept.get("controller")
    made = dict(memory) if isinstance(memory, Mapping) else {}
    intent = kept.get("intent")
    if isinstance(intent, Mapping) and intent.get("kind") == "start":
        at = intent.get("wall")
        # A clock that stands before the start has not been set yet: the start still counts.
        if isinstance(at, int | float) and wall - at <= INTENT_COUNTS_S:
            made["ours"] = True
    return made or None


def executor(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The executor's memory without the accepted current.

    The last command before a power cut may have been carried out without a note of it, so only
    the measurement, or the next command, tells what the car does now.
    """
    memory = kept.get("executor")
    made = dict(memory) if isinstance(memory, Mapping) else {}
    made.pop("amps", None)
    return made


def backoff_s(kept: Mapping[str, Any], wall: float) -> float:
    """Rest of the radio, s, from its end as wall time; a jumped clock never makes it long."""
    executor = kept.get("executor")
    until = executor.get("backoff_until") if isinstance(executor, Mapping) else None
    if not isinstance(until, int | float):
        return 0.0
    return min(LONGEST_BACKOFF_S, max(0.0, until - wall))


def whole(kept: Mapping[str, Any], name: str, default: int) -> int:
    """A kept whole number."""
    value = kept.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


class Keeper:
    """Hands state to the journal when it has changed, and each minute."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._last: dict[str, Any] = {}
        self._kept_at = float("-inf")

    def keep(self, charger: Charger, now: float, wall: float, *, force: bool = False) -> None:
        """Compare and keep."""
        state = _state(charger, now, wall)
        due = force or now - self._kept_at >= KEEP_EACH_S
        comparable = {name: _comparable(value) for name, value in state.items()}
        for name, value in state.items():
            if due or comparable[name] != self._last.get(name):
                self._journal.keep(name, value)
        if due:
            self._kept_at = now
        self._last = comparable


def _state(charger: Charger, now: float, wall: float) -> dict[str, Any]:
    executor = charger.executor.remember(now, wall)
    backoff = charger.executor.backoff
    # What only a person can mend is often mended with the restart: that rest does not outlive it.
    if backoff.remaining(now) <= 0.0 or backoff.fault:
        executor["backoff_until"] = None
    brain = charger.controller.remember(now, wall)
    state = {
        "controller": brain,
        "executor": executor,
        "foreign_heard": charger.foreign.remember(now, wall),
        "tickets": charger.tickets.next_number,
        **charger.accounts.remember(),
    }
    if brain.get("ours") or not _start_pending(charger, now):
        state["intent"] = None
    return state


def _start_pending(charger: Charger, now: float) -> bool:
    """A start has been sent, or is being sent, and its current may still come."""
    if charger.executor.under_way is not None:
        return True
    sent = charger.executor.belief.start_sent_at
    return sent is not None and now - sent <= 180.0


def _comparable(value: Any) -> Any:
    """Without what changes by itself: the wall time, and fractions of a second."""
    if isinstance(value, Mapping):
        return {name: _comparable(each) for name, each in value.items() if name != "wall"}
    return round(value, -1) if isinstance(value, float) else value
