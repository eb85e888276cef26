"""What everybody outside the event loop sees: one object, swapped as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .control.decision import Decision
from .measurements import Snapshot
from .settings import Mode


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """One source as people see it; times on the monotonic clock."""

    name: str
    roles: tuple[str, ...] = ()
    """Fields of Snapshot it has filled."""
    answered_at: float | None = None
    error: str = ""
    """Why the last attempt gave nothing; empty: it worked."""
    measured_at: Mapping[str, float] = field(default_factory=dict)
    """By role."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """By role: number, boolean or word, JSON-ready."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything known at `at` (monotonic s); `wall` is its epoch second."""

    number: int = 0
    """Grows with every swap."""
    at: float = 0.0
    wall: float = 0.0
    snapshot: Snapshot = field(default_factory=Snapshot)
    sources: tuple[SourceHealth, ...] = ()
    decision: Decision | None = None
    """None before the first one."""
    next_decision_at: float | None = None
    mode: Mode = Mode.SOLAR
    """The owner's, whoever is in control."""
    takeover_requested: bool = False
    document: Mapping[str, Any] = field(default_factory=dict)
    """The MQTT state document; empty before the first decision."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """Our own status record; empty before the first decision."""
    foreign_record: Mapping[str, Any] | None = None
    """What another charger posted, while that is young."""
    setup: Mapping[str, Any] = field(default_factory=dict)


class ViewBoard:
    """The current view; `swap` belongs to the event loop, the rest to any thread."""

    def __init__(self) -> None:
        self._view = View()
        self._changed = threading.Condition()

    @property
    def view(self) -> View:
        """The newest."""
        return self._view

    def swap(self, view: View) -> None:
        """Put a new one in place and wake whoever waits."""
        with self._changed:
            self._view = view
            self._changed.notify_all()

    def newer_than(self, number: int, seconds: float) -> View | None:
        """Wait up to `seconds` for a view with a higher number."""
        with self._changed:
            if self._changed.wait_for(lambda: self._view.number > number, seconds):
                return self._view
            return None
