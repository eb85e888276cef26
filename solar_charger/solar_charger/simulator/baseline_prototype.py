"""The first draft of our own rules, word for word and frozen: what the shipped rules must beat.

It shares no code with control/ on purpose, so that improving the one leaves the other as it was.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from .agent import Baseline
from .meter import MeterSample

LEAST_A, MOST_A = 5, 48
MARGIN_W, FAST_DROP_W = 100.0, 3000.0
ENABLE_S, MIN_ON_S, MIN_OFF_S = 60, 300, 300
MAX_STARTS, BUDGET_WH = 12, 100.0
NIGHT_W, NIGHT_S = 100.0, 600
GAP_S = 12


@dataclass(slots=True)
class Prototype(Baseline):
    """Decides each 10 s on a window of samples of what the car could take."""

    meter_s: int = 5
    window: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=32))
    samples: int = 0
    running: bool = False
    amps: int = 0
    changed_at: int = -10_000
    on_at: int = -10_000
    off_at: int = -10_000
    wish_since: int | None = None
    rise_since: int | None = None
    raised_on: int = -1
    drop_from: int = 0
    dropped_at: int = -10_000
    car_cap: tuple[int, int] | None = None
    budget: float = BUDGET_WH
    starts: int = 0
    dark_since: int | None = None

    @property
    def fast(self) -> bool:
        """A meter that answers at least each 15 s."""
        return self.meter_s <= 15

    def meter(self, now: int, sample: MeterSample) -> None:
        """Each sample enters the window."""
        self.grid_w, self.pv_w = sample.grid_w, sample.pv_w
        own = self.measured_amps * self.car.watts_per_amp
        self.samples += 1
        self.window.append((now, own - sample.grid_w))

    def decide(self, now: int) -> None:
        """One decision."""
        values = self._values()
        if not values or self.car.complete:
            return
        ordered = sorted(values)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else sum(ordered[middle - 1 : middle + 1]) / 2
        newest = values[-1]
        previous = values[-2] if len(values) > 1 else newest
        if self._night(now):
            return
        if self.running:
            self._run(now, median, newest, previous)
        elif len(values) >= (3 if self.fast else 2):
            self._idle(now, median, newest, previous)

    def _values(self) -> list[float]:
        if not self.window:
            return []
        span, least = (15, 3) if self.fast else (70, 2)
        newest = self.window[-1][0]
        chosen = [value for at, value in self.window if at > newest - span]
        return chosen if len(chosen) >= least else [value for _, value in self.window][-least:]

    def _night(self, now: int) -> bool:
        if self.pv_w >= NIGHT_W:
            self.dark_since = None
            return False
        if self.dark_since is None:
            self.dark_since = now
        if now - self.dark_since < NIGHT_S:
            return False
        if self.running:
            self._halt(now)
        return True

    def _margin(self, available: float) -> float:
        if not self.fast:
            return MARGIN_W
        least = LEAST_A * self.car.watts_per_amp
        return MARGIN_W * min(1.0, max(0.0, (3.5 * least - available) / (2.0 * least)))

    def _idle(self, now: int, median: float, newest: float, previous: float) -> None:
        least = LEAST_A * self.car.watts_per_amp
        room = min(median, newest) - self._margin(min(median, newest, previous))
        if room < least:
            self.wish_since = None
            return
        if self.wish_since is None:
            self.wish_since = now
        rested = now - self.off_at >= MIN_OFF_S
        if now - self.wish_since < ENABLE_S or not rested or self.starts >= MAX_STARTS:
            return
        up = min(median, newest, previous)
        amps = int((up - self._margin(up)) // self.car.watts_per_amp)
        self.running, self.on_at, self.budget = True, now, BUDGET_WH
        self.starts += 1
        self.dropped_at, self.rise_since, self.car_cap = -10_000, None, None
        self._set(max(LEAST_A, min(MOST_A, amps)), now)
        self.start()

    def _halt(self, now: int) -> None:
        self.running, self.off_at, self.wish_since = False, now, None
        self.stop()

    def _run(self, now: int, median: float, newest: float, previous: float) -> None:
        least = LEAST_A * self.car.watts_per_amp
        self.budget = min(BUDGET_WH, self.budget + (newest - least) * self.loop_s / 3600.0)
        up = min(median, newest, previous)
        short = newest - self._margin(up) < least
        if self.amps <= LEAST_A and short and self.budget <= 0 and now - self.on_at >= MIN_ON_S:
            self._halt(now)
            return
        if self._lower(now, median, newest, previous):
            return
        self._raise(now, up)

    def _bands(self) -> tuple[int, float]:
        """Extra deadband in A and factor on the up-gap, by the commands of the day."""
        heard = self.radio.heard
        if heard >= 360:
            return 4, 2.0
        if heard >= 320:
            return 2, 1.0
        return (1, 1.0) if heard >= 240 else (0, 1.0)

    def _lower(self, now: int, median: float, newest: float, previous: float) -> bool:
        assert self.grid_w is not None
        watts = self.car.watts_per_amp
        if self.grid_w >= FAST_DROP_W and median < 0 and self.amps > LEAST_A:
            self._set(LEAST_A, now)
            return True
        ahead = newest
        falling = self.fast and newest < previous
        if falling and newest / watts < self.amps - 3:
            ahead += (newest - previous) / self.meter_s * 10.0
        covered = int(min(median, ahead) // watts)
        target = max(LEAST_A, covered)
        step = (2 if self.amps >= 12 and self.fast else 1) + self._bands()[0]
        if target >= self.amps or (self.amps - target < step and covered >= LEAST_A):
            return False
        if now - self.changed_at >= 20:
            self.drop_from, self.dropped_at = self.amps, now
            self._set(target, now)
        return True

    def _raise(self, now: int, up: float) -> None:
        room = (up - self._margin(up)) / self.car.watts_per_amp
        target = min(MOST_A, int(room // 1), self._ceiling(now))
        if target <= self.amps:
            self.rise_since = None
            return
        if self.rise_since is None:
            self.rise_since = now
        band, patience = self._bands()
        gap = (30 if self.fast else 60) * patience
        if now - self.changed_at < gap or self.samples == self.raised_on or self.radio.heard >= 400:
            return
        one = target - self.amps == 1 and self.drop_from - self.amps == 1
        if one and now - self.dropped_at <= 1800 and room - self.amps < 1.5:
            return
        step = (3 if self.amps >= 12 and self.fast else 2) + band
        stood = now - self.rise_since >= (120 if self.fast else 180)
        if target - self.amps >= step or (stood and target - self.amps > band):
            self.raised_on = self.samples
            self._set(target, now)

    def _ceiling(self, now: int) -> int:
        settled = now - self.changed_at >= 30 and self.measured_amps >= 1.0
        if settled and self.measured_amps < self.amps - 4:
            self.car_cap = (min(self.amps, int(self.measured_amps + 4)), now)
        if self.car_cap is not None and now - self.car_cap[1] > 600:
            self.car_cap = None
        return self.car_cap[0] if self.car_cap is not None else MOST_A

    def _set(self, amps: int, now: int) -> None:
        self.amps, self.changed_at, self.rise_since = amps, now, None
        self.set_amps(amps)

    def tick(self, now: int) -> None:
        """Send what waits, 12 s apart."""
        if now - self.last_sent >= GAP_S:
            Baseline.tick(self, now)
