"""The meter's samples made into "what the car could take": window, period, newest, trend."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from ..measurements import Reading
from .own_power import OwnPower

FAST_PERIOD_S = 15.0
FAST_WINDOW_S, SLOW_WINDOW_S = 15.0, 70.0
FAST_LEAST, SLOW_LEAST = 3, 2
IMPOSSIBLE_W = 100_000.0
GAP_S = 45.0
GAPS_BECOME_PERIOD = 3  # a meter that always answers this seldom is slow, not broken


def possible(watts: float) -> bool:
    """False for NaN, infinities and anything beyond ±100 kW."""
    return math.isfinite(watts) and abs(watts) <= IMPOSSIBLE_W


@dataclass(slots=True)
class Sample:
    """One meter sample; `available` is settled once the car's draw of that moment is known."""

    at: float
    grid_w: float
    share_w: float
    production_w: float | None = None
    available: float = 0.0
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Surplus:
    """The window in figures, W; `newest` also holds where the window is not yet full."""

    at: float
    count: int
    full: bool
    fast: bool
    period: float
    grid_w: float
    newest: float
    previous: float
    median: float
    slope: float
    """W/s between the last two samples, as far as the sun explains it: a kettle falls once, a
    cloud goes on falling."""

    @property
    def up(self) -> float:
        """What a rise may count on: the least of median and the two newest."""
        return min(self.median, self.newest, self.previous)


@dataclass(slots=True)
class SurplusWindow:
    """Keeps the samples of the last minutes; feed it every one, ask it at each decision."""

    poll_s: float
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=90))
    spacings: deque[float] = field(default_factory=lambda: deque(maxlen=10))
    seen_at: float | None = None
    total: int = 0
    wide_gaps: int = 0
    period: float = field(init=False)
    """Median spacing of the last ten samples, s; the poll interval until two came."""

    def __post_init__(self) -> None:
        self.period = self.poll_s

    @property
    def fast(self) -> bool:
        """True for a meter that answers at least every 15 s."""
        return self.period <= FAST_PERIOD_S

    def add(
        self, grid: Reading[float] | None, share_w: float, production_w: float | None = None
    ) -> bool:
        """Take a reading that has not been seen; False where there is nothing new or usable."""
        if grid is None or not grid.usable or not possible(grid.value):
            return False
        at = grid.measured_at
        if self.seen_at is not None and at <= self.seen_at:
            return False
        if self.seen_at is not None:
            self._space(at - self.seen_at)
        self.seen_at = at
        self.total += 1
        self.samples.append(Sample(at, grid.value, share_w, production_w))
        return True

    def age(self, now: float, began_at: float) -> float:
        """Seconds since the last sample; before the first, since our own start."""
        return now - (self.seen_at if self.seen_at is not None else began_at)

    def newest(self, own: OwnPower) -> float:
        """What the newest sample left for the car, W; only with samples in the window."""
        return _available(self.samples[-1], own)

    def view(self, own: OwnPower) -> Surplus | None:
        """The window of now, or None before the first sample."""
        if not self.samples:
            return None
        fast = self.fast
        chosen = self._window(fast)
        values = [_available(sample, own) for sample in chosen]
        newest = chosen[-1]
        previous = chosen[-2] if len(chosen) > 1 else newest
        return Surplus(
            at=newest.at,
            count=self.total,
            full=len(chosen) >= (FAST_LEAST if fast else SLOW_LEAST),
            fast=fast,
            period=self.period,
            grid_w=newest.grid_w,
            newest=newest.available,
            previous=previous.available,
            median=_median(values),
            slope=_slope(previous, newest),
        )

    def _window(self, fast: bool) -> list[Sample]:
        span = FAST_WINDOW_S if fast else SLOW_WINDOW_S
        least = FAST_LEAST if fast else SLOW_LEAST
        oldest = self.samples[-1].at - span
        chosen: list[Sample] = []
        for sample in reversed(self.samples):
            if sample.at <= oldest and len(chosen) >= least:
                break
            chosen.append(sample)
        chosen.reverse()
        return chosen

    def _space(self, gap: float) -> None:
        """Learn the period; after a silence old and new sun are not one window."""
        if gap > max(GAP_S, 2.5 * self.period):
            self.samples.clear()
            self.wide_gaps += 1
            if self.wide_gaps < GAPS_BECOME_PERIOD:
                return
        self.wide_gaps = 0
        self.spacings.append(gap)
        ordered = sorted(self.spacings)
        self.period = ordered[len(ordered) // 2]


def _slope(before: Sample, after: Sample) -> float:
    gap = after.at - before.at
    if gap <= 0:
        return 0.0
    change = after.available - before.available
    if before.production_w is not None and after.production_w is not None and change < 0:
        change = max(change, min(0.0, after.production_w - before.production_w))
    return change / gap


def _available(sample: Sample, own: OwnPower) -> float:
    if not sample.settled:
        sample.available = own.at(sample.at)[0] - sample.grid_w - sample.share_w
        sample.settled = own.covers(sample.at)
    return sample.available


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
