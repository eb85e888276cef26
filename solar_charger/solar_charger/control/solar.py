"""Following the sun: when a charge begins, at which current it runs, when it pauses."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..settings import Settings
from .ampere import Ampere, Ask
from .surplus import Surplus

CANCEL_AFTER_S = 30.0
DIM_MEMORY_S = 600.0
DIM_DRAIN = 2.0  # under a dim sky waiting seldom pays: the budget goes faster …
DIM_FROM_START = 2  # … once the day has shown that it is one
SLOW_MARGIN = 0.5  # a slow meter smooths by itself
READ_FIRST = "read_first"


@dataclass(frozen=True, slots=True)
class Sun:
    """All the rule sees in one step; currents in A, powers in W."""

    now: float
    day: int
    """Ordinal of the local date: starts are counted by day."""
    start_w: float
    surplus: Surplus
    watts_per_amp: float
    cap: int
    """Highest current that options, circuit, car and fuse allow now."""
    flowing: bool
    amps: float | None
    """Measured."""
    may_rise: bool
    step_limit: int | None
    deadband: int = 0
    patience: float = 1.0
    """Factor on the gap between rises once the day's commands run out."""
    keeps_minimum: bool = False
    """MIN_SOLAR, or a house battery that feeds the car: never pause."""
    starts_anyway: bool = False
    """A charge may begin at the minimum without sun."""
    always: bool = False
    """MIN_SOLAR: it begins without waiting."""
    assumed: bool = False
    """Nobody measures what the car draws."""
    ready: bool = True
    """Home is proven and the car has been read: nothing but a read is missing otherwise."""


@dataclass(frozen=True, slots=True)
class Course:
    """The rule's answer."""

    charge: bool
    amps: int
    reason: str
    text: str


@dataclass(slots=True)
class SolarRule:
    """Memory of the rule between steps; times are monotonic seconds."""

    running: bool = False
    on_since: float | None = None
    """First current of this run."""
    off_since: float = float("-inf")
    wish_since: float | None = None
    short_since: float | None = None
    budget_wh: float = 0.0
    last_step: float | None = None
    mean_w: float | None = None
    """What was available over the last minutes: tells a dim sky from passing clouds."""
    self_started: bool = False
    starts_day: int = 0
    starts: int = 0
    ampere: Ampere = field(default_factory=Ampere)

    def margin(self, settings: Settings, sun: Sun) -> float:
        """W kept free below a rise; falls to 0 as the sun grows, on slow meters it is halved."""
        if not sun.surplus.fast:
            return settings.margin_w * SLOW_MARGIN
        least = settings.min_amps * sun.watts_per_amp
        part = (3.5 * least - sun.surplus.up) / (2.0 * least)
        return settings.margin_w * min(1.0, max(0.0, part))

    def step(self, settings: Settings, sun: Sun) -> Course:
        """Decide; call it once per decision with the same clock."""
        if sun.day != self.starts_day:
            self.starts_day, self.starts = sun.day, 0
        elapsed = 0.0 if self.last_step is None else max(0.0, min(60.0, sun.now - self.last_step))
        self.last_step = sun.now
        self._spend(settings, sun, elapsed)
        if not self.running:
            return self._consider_start(settings, sun)
        return self._run(settings, sun)

    def adopt(self, settings: Settings, sun: Sun, self_started: bool) -> None:
        """Take over a charge that runs already, at its measured current."""
        amps = min(sun.cap, max(settings.min_amps, round(sun.amps or settings.min_amps)))
        self.running = True
        self.self_started = self_started
        self.on_since = sun.now - settings.min_on
        self.short_since = None
        self.budget_wh = float(settings.import_budget_wh)
        self.ampere.begin(amps, float("-inf"))

    def take(self, settings: Settings, now: float, amps: int) -> None:
        """Hold a charge that runs while nothing is known of the sun."""
        self.running = True
        self.on_since = now - settings.min_on
        self.ampere.begin(amps, now)

    def halt(self, now: float) -> None:
        """The charge has ended or is being ended, by us or by others."""
        if self.running:
            self.off_since = now
        self.running = False
        self.on_since = None
        self.wish_since = None
        self.self_started = False

    def _spend(self, settings: Settings, sun: Sun, elapsed: float) -> None:
        """The import budget: shortfall below the minimum drains it, surplus fills it again."""
        least = settings.min_amps * sun.watts_per_amp
        newest = sun.surplus.newest
        if self.mean_w is None:
            self.mean_w = newest
        self.mean_w += (newest - self.mean_w) * min(1.0, elapsed / DIM_MEMORY_S)
        spare = newest - least
        dim = self.mean_w < least and self.starts >= DIM_FROM_START
        if spare < 0.0 and dim and sun.surplus.fast:
            spare *= DIM_DRAIN
        full = float(settings.import_budget_wh)
        self.budget_wh = min(full, self.budget_wh + spare * elapsed / 3600.0)

    def _consider_start(self, settings: Settings, sun: Sun) -> Course:
        surplus = sun.surplus
        room = min(surplus.median, surplus.newest) - self.margin(settings, sun)
        enough = room >= sun.start_w and surplus.full
        if not (enough or sun.starts_anyway or sun.always):
            self.wish_since = None
            return self._wait("no_surplus", f"{room:.0f} W to spare, {sun.start_w:.0f} W needed")
        if self.wish_since is None:
            self.wish_since = sun.now
        if not sun.may_rise:
            return self._wait("settling", "waiting for the meter to settle")
        if not sun.always:
            waiting = self._rest(settings, sun, room)
            if waiting is not None:
                return waiting
        if not sun.ready:
            return self._wait(READ_FIRST, f"{room:.0f} W to spare: read the car, then start")
        return self._begin(settings, sun)

    def _rest(self, settings: Settings, sun: Sun, room: float) -> Course | None:
        """Why a start that the sun allows must still wait."""
        if self.starts >= settings.max_starts:
            return self._wait("max_starts", f"{self.starts} starts today, no more allowed")
        rest = self.off_since + settings.min_off - sun.now
        if rest > 0:
            return self._wait("min_off", f"paused for another {rest:.0f} s")
        wait = (self.wish_since or sun.now) + settings.enable_delay - sun.now
        if wait > 0:
            return self._wait("enable_delay", f"{room:.0f} W to spare, start in {wait:.0f} s")
        return None

    def _wait(self, reason: str, text: str) -> Course:
        return Course(False, 0, reason, text)

    def _begin(self, settings: Settings, sun: Sun) -> Course:
        room = sun.surplus.up - self.margin(settings, sun)
        amps = max(settings.min_amps, min(sun.cap, int(room // sun.watts_per_amp)))
        self.running = True
        self.self_started = False
        self.on_since = None
        self.short_since = None
        self.starts += 1
        self.budget_wh = float(settings.import_budget_wh)
        self.ampere.begin(amps, sun.now)
        return Course(
            True, amps, "start", f"{sun.surplus.newest:.0f} W to spare: start at {amps} A"
        )

    def _run(self, settings: Settings, sun: Sun) -> Course:
        if self.on_since is None and sun.flowing:
            self.on_since = sun.now
        if not sun.keeps_minimum:
            stop = self._consider_stop(settings, sun)
            if stop is not None:
                self.halt(sun.now)
                return stop
        ask = self._ask(settings, sun)
        reason, text = self.ampere.step(ask)
        return Course(True, self.ampere.amps, reason, text)

    def _ask(self, settings: Settings, sun: Sun) -> Ask:
        return Ask(
            now=sun.now,
            surplus=sun.surplus,
            watts_per_amp=sun.watts_per_amp,
            margin=self.margin(settings, sun),
            least=settings.min_amps,
            cap=sun.cap,
            measured=sun.amps if self.on_since is not None else None,
            may_rise=sun.may_rise and sun.ready,
            step_limit=sun.step_limit,
            deadband=sun.deadband,
            patience=sun.patience,
            fast_drop_w=float(settings.fast_drop_w),
            assumed=sun.assumed,
        )

    def _consider_stop(self, settings: Settings, sun: Sun) -> Course | None:
        least = settings.min_amps * sun.watts_per_amp
        short = sun.surplus.newest - self.margin(settings, sun) < least
        at_minimum = self.ampere.amps <= settings.min_amps
        if not short or not (at_minimum or self.self_started):
            self.short_since = None
            self.self_started = self.self_started and short
            return None
        if self.short_since is None:
            self.short_since = sun.now
        missing = least - sun.surplus.newest
        if self.self_started:
            return Course(False, 0, "self_started", "the car began by itself without surplus: stop")
        if not self._may_stop(settings, sun):
            return None
        text = f"{missing:.0f} W short of {settings.min_amps} A: pause"
        return Course(False, 0, "no_surplus", text)

    def _may_stop(self, settings: Settings, sun: Sun) -> bool:
        if self.on_since is None:
            # Not one ampere has flowed yet: cancelling costs nothing, a late start would.
            return sun.now - (self.short_since or sun.now) >= CANCEL_AFTER_S
        if sun.now - self.on_since < settings.min_on:
            return False
        if self.budget_wh <= 0:
            return True
        delay = settings.disable_delay
        return bool(delay) and sun.now - (self.short_since or sun.now) >= delay
