"""The current of a running charge: rises late and in one go, falls early, never see-saws."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .surplus import Surplus

LOOK_AHEAD_S = 6.0  # about what Bluetooth takes
LOOK_AHEAD_FROM_A = 1.0
LARGE_FROM_A = 12
UP_GAP_S, SLOW_UP_GAP_S = 20.0, 60.0
SMALL_RISE_AFTER_S, SLOW_SMALL_RISE_AFTER_S = 60.0, 60.0
DOWN_GAP_S = 20.0
TOLERATED_A, SLOW_TOLERATED_A = 0.7, 0.4
"""So little may be missing before a drop: it mostly comes back by itself, and a command is worth
as much as an ampere from the grid for a minute."""
PING_PONG_S = 1800.0
PING_PONG_ROOM_A = 1.5
TRACKING_A = 4.0
SETTLE_S = 30.0
HIGHEST_A = 80
CAR_CAP_S = 600.0
RESTLESS_CHANGES, RESTLESS_S = 4, 1500.0
EDGE_A, EDGE_WAIT_S = 0.7, 25.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One question: what is there, and what is allowed."""

    now: float
    surplus: Surplus
    watts_per_amp: float
    margin: float
    least: int
    cap: int
    measured: float | None
    may_rise: bool
    step_limit: int | None
    deadband: int
    patience: float
    fast_drop_w: float
    assumed: bool = False
    """Nobody measures what the car draws: each change rests on an assumption."""


@dataclass(frozen=True, slots=True)
class Thrift:
    """How commands are saved: A on both deadbands, a factor on the gap between rises."""

    rise: int
    drop: int
    patience: float
    edges: bool = False
    """A rise waits until a cloud's edge has passed."""


RESTLESS = Thrift(rise=5, drop=2, patience=4.5, edges=True)


@dataclass(slots=True)
class Ampere:
    """Present request and what must be remembered to change it seldom."""

    amps: int = 0
    changed_at: float = float("-inf")
    rise_wish_since: float | None = None
    raised_on: float | None = None
    """Time of the sample that carried the last rise: one rise per sample."""
    drop_from: int = 0
    dropped_at: float = float("-inf")
    car_cap: tuple[int, float] | None = None
    changes: deque[float] = field(default_factory=lambda: deque(maxlen=RESTLESS_CHANGES))
    """When the last changes were."""

    def begin(self, amps: int, changed_at: float) -> None:
        """Start over at a current."""
        self.amps = amps
        self.changed_at = changed_at
        self.rise_wish_since = None
        self.raised_on = None
        self.dropped_at = float("-inf")
        self.car_cap = None

    def step(self, ask: Ask) -> tuple[str, str]:
        """Move `amps` if the rules say so; returns (reason, text)."""
        if self.amps > ask.cap:
            self._set(max(ask.cap, 0), ask)
            return "limit", f"limited to {ask.cap} A"
        low = self._lower(ask)
        if low is not None:
            return low
        return self._raise(ask)

    def _set(self, amps: int, ask: Ask) -> None:
        if amps < self.amps:
            self.drop_from, self.dropped_at = self.amps, ask.now
        self.amps = amps
        self.changed_at = ask.now
        self.changes.append(ask.now)
        self.rise_wish_since = None

    def _thrift(self, ask: Ask) -> Thrift:
        """Without a connector, broken clouds would cost twice the commands: large changes only."""
        full = len(self.changes) == RESTLESS_CHANGES
        restless = full and ask.now - self.changes[0] < RESTLESS_S
        if not (ask.assumed and ask.surplus.fast and restless):
            return Thrift(ask.deadband, ask.deadband, ask.patience)
        return Thrift(
            max(ask.deadband, RESTLESS.rise),
            max(ask.deadband, RESTLESS.drop),
            max(ask.patience, RESTLESS.patience),
            RESTLESS.edges,
        )

    def _covered(self, ask: Ask) -> float:
        """W that are still there when a command sent now has arrived."""
        surplus = ask.surplus
        newest = surplus.newest
        falling = surplus.fast and newest < surplus.previous
        if falling and newest / ask.watts_per_amp < self.amps - LOOK_AHEAD_FROM_A:
            newest += surplus.slope * LOOK_AHEAD_S
        return min(surplus.median, newest)

    def _lower(self, ask: Ask) -> tuple[str, str] | None:
        surplus = ask.surplus
        if surplus.grid_w >= ask.fast_drop_w and surplus.median < 0 and self.amps > ask.least:
            self._set(ask.least, ask)
            return "fast_drop", f"{surplus.grid_w:.0f} W from the grid: down to {ask.least} A"
        room = self._covered(ask) / ask.watts_per_amp
        if room > self.amps - (TOLERATED_A if surplus.fast else SLOW_TOLERATED_A):
            return None
        covered = int(room // 1)
        target = max(ask.least, covered)
        large = self.amps >= LARGE_FROM_A and surplus.fast
        step = (2 if large else 1) + self._thrift(ask).drop
        # Towards the minimum no deadband holds: only there the charge can pause.
        if target >= self.amps or (self.amps - target < step and covered >= ask.least):
            return None
        if ask.now - self.changed_at < DOWN_GAP_S:
            return "hold", f"{self.amps} A, lower in a moment"
        self._set(target, ask)
        return "down", f"{surplus.newest:.0f} W left for the car: down to {target} A"

    def _raise(self, ask: Ask) -> tuple[str, str]:
        surplus = ask.surplus
        hold = "hold", f"{surplus.newest:.0f} W left for the car: {self.amps} A"
        room = (surplus.up - ask.margin) / ask.watts_per_amp
        target = min(ask.cap, int(room // 1), self._ceiling(ask))
        if target <= self.amps:
            self.rise_wish_since = None
            return hold
        if self.rise_wish_since is None:
            self.rise_wish_since = ask.now
        if not self._rise_due(ask, target, room):
            return hold
        if ask.step_limit is not None:
            target = min(target, self.amps + ask.step_limit)
        self.raised_on = surplus.at
        self._set(target, ask)
        return "up", f"{surplus.newest:.0f} W left for the car: up to {target} A"

    def _rise_due(self, ask: Ask, target: int, room: float) -> bool:
        surplus, thrift = ask.surplus, self._thrift(ask)
        if not ask.may_rise or not surplus.full or surplus.at == self.raised_on:
            return False
        gap = UP_GAP_S if surplus.fast else SLOW_UP_GAP_S
        if ask.now - self.changed_at < gap * thrift.patience:
            return False
        stood = ask.now - (self.rise_wish_since or ask.now)
        climbing = surplus.newest - surplus.previous > EDGE_A * ask.watts_per_amp
        if self._undoes_a_drop(ask, target, room):
            return False
        if thrift.edges and climbing and stood < EDGE_WAIT_S:
            return False
        step = (3 if self.amps >= LARGE_FROM_A and surplus.fast else 2) + thrift.rise
        if target - self.amps >= step:
            return True
        wanted = SMALL_RISE_AFTER_S if surplus.fast else SLOW_SMALL_RISE_AFTER_S
        return stood >= wanted and target - self.amps > thrift.rise

    def _undoes_a_drop(self, ask: Ask, target: int, room: float) -> bool:
        if target - self.amps != 1 or ask.now - self.dropped_at > PING_PONG_S:
            return False
        if self.drop_from - self.amps != 1:
            return False
        return room - self.amps < PING_PONG_ROOM_A

    def _ceiling(self, ask: Ask) -> int:
        """What the car itself takes at most, remembered while it holds back."""
        settled = ask.measured is not None and ask.now - self.changed_at >= SETTLE_S
        if settled and ask.measured is not None and 1.0 <= ask.measured < self.amps - TRACKING_A:
            self.car_cap = (min(self.amps, int(ask.measured + TRACKING_A)), ask.now)
        if self.car_cap is not None and ask.now - self.car_cap[1] > CAR_CAP_S:
            self.car_cap = None
        return self.car_cap[0] if self.car_cap is not None else HIGHEST_A
