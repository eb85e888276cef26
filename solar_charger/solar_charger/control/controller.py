"""One step of control: measurements, wishes and now become a decision, by a list of rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..measurements import PlugState, PriceSlot, Reading
from ..settings import Mode, Settings
from . import connector_ages, memory, rules_full, rules_owner, rules_sun
from .alarms import Alarms
from .calendar_days import slots_of_rows
from .context import Context
from .deadline import Deadline, Plan
from .decision import ControllerState, Decision, Observed, Verdict
from .electric import Electric, measured_amps
from .emergency import Emergency
from .fullness import Fullness
from .fuse import FuseGuard
from .house_battery import BatteryWatch, battery_share, battery_soc, feeds_car, starts_car
from .inputs import Inputs
from .limits import Limits
from .night import NightWatch
from .normalization import Normalization
from .observing import observe
from .outcome import decision_of
from .own_power import OwnPower, modelled_amps
from .plug import PlugEdge, PlugWatch, look
from .session import Session
from .solar import SolarRule
from .staleness import Recovery, stale_after, staleness
from .surplus import SurplusWindow, possible
from .tracking import Tracking

URGENT_A = 3.0
LONGEST_STALE_S = 120.0
"""A grid sensor's `max_age` stretches the timetable so far, and the fuse's not at all."""
PRODUCTION_S = 15.0

T = TypeVar("T")
Rule = Callable[["Controller", Context], Verdict | None]

RULES: tuple[Rule, ...] = (
    rules_owner.owner,
    rules_owner.link_fault,
    rules_owner.plug,
    rules_owner.complete,
    rules_full.manual,
    rules_full.emergency,
    rules_full.deadline,
    rules_full.tariff,
    rules_sun.preconditioning,
    rules_sun.unconfirmed_stop,
    rules_sun.external,
    rules_sun.first_read,
    rules_sun.night,
    rules_sun.stale,
    rules_sun.schedule,
    rules_sun.sun,
)
"""Highest priority first; circuit and fuse are laid over whatever they answer."""


class Controller:
    """All memory of control. Same inputs in the same order give the same decisions."""

    def __init__(
        self, settings: Settings, now: float, stored: Mapping[str, Any] | None = None
    ) -> None:
        self.began_at = now
        self.electric = Electric.begin(settings, memory.stored_phases(stored))
        self.own = OwnPower()
        self.window = SurplusWindow(float(settings.poll_s))
        self.plug = PlugWatch()
        self.session = Session(began_at=now)
        self.solar = SolarRule()
        self.fuse = FuseGuard(began_at=now)
        self.night = NightWatch()
        self.recovery = Recovery()
        self.emergency = Emergency(progress_at=now)
        self.deadline = Deadline()
        self.full = Fullness()
        self.normalization = Normalization()
        self.tracking = Tracking()
        self.limits = Limits()
        self.alarms = Alarms()
        self.plan = Plan()
        self.hand = ""
        """`start` or `stop`: the buttons, until plug edge or mode change."""
        self.hand_stop_open = False
        self.takeover = False
        self.mode = ""
        self.epoch = 0
        self.stored_soc: int | None = None
        self.battery = BatteryWatch(seen_at=now)
        self.deadline_read_since: float | None = None
        self._twc_seen = float("-inf")
        self._idle_since: float | None = None
        memory.restore(self, stored, now)

    def sense(self, inputs: Inputs) -> bool:
        """Take every new reading in; call it for each snapshot, `step` does it as well.

        True where the newest meter sample falls so far short that a step should follow at once.
        """
        now, snapshot, settings = inputs.now, inputs.snapshot, inputs.settings
        self._sense_own(inputs)
        share = battery_share(settings, snapshot, now)
        made = snapshot.production_w
        known = made is not None and made.fresh(now, PRODUCTION_S) and possible(made.value)
        production = made.value if made is not None and known else None
        added = self.window.add(snapshot.grid_w, share, production)
        self.fuse.observe(settings, snapshot, self.own, self.electric)
        return added and self._short(settings)

    def _short(self, settings: Settings) -> bool:
        """A solar charge runs above the minimum and its sun has just gone by some amperes."""
        ampere = self.solar.ampere
        if not self.solar.running or ampere.amps <= settings.min_amps or not self.window.fast:
            return False
        watts_per_amp = self.electric.volts * self.electric.phases
        covered = self.window.newest(self.own) / watts_per_amp
        return covered < ampere.amps - URGENT_A

    def _sense_own(self, inputs: Inputs) -> None:
        now, snapshot = inputs.now, inputs.snapshot
        twc = snapshot.twc
        if twc is not None and twc.fresh(now, connector_ages.POWER_S):
            if twc.measured_at > self._twc_seen:
                self._twc_seen = twc.measured_at
                self._learn(inputs)
            power, amps = self.electric.own_power(twc.value), measured_amps(twc.value)
            if power is not None and amps is not None:
                self.own.add(twc.measured_at, power, amps, measured=True)
                return
        else:
            self._learn(inputs)
        self._model_own(inputs)

    def _model_own(self, inputs: Inputs) -> None:
        """What the car draws where no connector tells it; nothing where nobody knows its plug."""
        now, snapshot = inputs.now, inputs.snapshot
        if self.plug.state is PlugState.UNKNOWN:
            return
        car, last = snapshot.car, self.own.newest()
        amps = modelled_amps(
            now,
            car.value if car else None,
            car.measured_at if car else None,
            inputs.link,
            (last[0], last[2]) if last is not None else None,
        )
        if amps is not None:
            power = amps * self.electric.volts * self.electric.phases
            self.own.add(now, power, amps, measured=False)

    def _learn(self, inputs: Inputs) -> None:
        snapshot = inputs.snapshot
        twc = _value(snapshot.twc, inputs.now, connector_ages.CURRENT_S)
        car = _value(snapshot.car, inputs.now, 600.0)
        volts = snapshot.voltage_v
        meter = volts.value if volts is not None and volts.usable else 0.0
        self.electric.learn(inputs.settings, twc, car, meter)

    def step(self, inputs: Inputs) -> Decision:
        """Decide. Never raises for any measurement; unknown is never taken for zero."""
        self.sense(inputs)
        self._follow_mode(inputs)
        self._follow_plug(inputs)
        seen = observe(inputs, self.electric, self.own, self.plug, self.session.began_at)
        self._follow_car(inputs, seen)
        ctx = self._context(inputs, seen)
        self._follow_deviation(ctx)
        verdict = self._ask_rules(ctx)
        verdict = self.limits.lay_over(self, ctx, verdict)
        return decision_of(self, ctx, verdict)

    def _ask_rules(self, ctx: Context) -> Verdict:
        for rule in RULES:
            verdict = rule(self, ctx)
            if verdict is not None:
                return verdict
        return Verdict(ControllerState.PAUSED, "no_data", "waiting for the first measurements")

    def _follow_mode(self, inputs: Inputs) -> None:
        mode = inputs.wishes.mode.value
        if mode == self.mode:
            return
        if self.mode:
            self.epoch += 1
            self.hand, self.hand_stop_open, self.takeover = "", False, False
            self.tracking.assertion += 1
            self.tracking.insisted_on = None
        self.mode = mode

    def _follow_plug(self, inputs: Inputs) -> None:
        sight = look(inputs.snapshot, inputs.settings, inputs.now, self.plug.definite)
        edge = self.plug.update(sight)
        if edge is None:
            return
        self.epoch += 1
        self.hand, self.hand_stop_open, self.takeover = "", False, False
        car_max = self.limits.car_max
        at = self.plug.edge_at if self.plug.edge_at is not None else inputs.now
        ours_to_restore = not self.session.foreign
        seen = edge is PlugEdge.CONNECTED and self.plug.edge_seen
        self.session = Session(began_at=at, edge_seen=seen)
        self.full.open()
        self.emergency.begin_anew()
        self.solar.halt(inputs.now)
        self.solar.off_since = float("-inf")
        self.tracking = Tracking(assertion=self.tracking.assertion)
        if edge is PlugEdge.DISCONNECTED and ours_to_restore:
            self.normalization.begin(inputs.settings, car_max, inputs.now, "unplugged")
        elif edge is PlugEdge.CONNECTED:
            self.normalization.drop()
            self.limits.car_max = None
        self.limits.limit_done = False

    def _follow_car(self, inputs: Inputs, seen: Observed) -> None:
        link = inputs.link
        self.limits.learn(seen)
        self.normalization.follow(seen.plug, link.accepted_amps, link.accepted_at)
        wanted = self.session.stop_wanted
        self.session.follow(seen, inputs.snapshot, link)
        if wanted and not self.session.stop_wanted:
            self.hand_stop_open = False
        self.full.update(seen, link.complete_at, link.woken_at)
        car = seen.car
        soc = car.battery_level if car is not None else None
        if soc is not None:
            self.stored_soc = soc
        known = soc if self.session.identified_at is not None else None
        limit = car.charge_limit_soc if car is not None else None
        if seen.plug is not PlugState.UNPLUGGED:
            self.emergency.update(inputs.settings, known, limit, self.full.full, inputs.now)
        else:
            self.emergency.active = False
        confirmed = not self.session.stop_wanted and seen.idle
        if confirmed and not self.session.awaits_current(link, inputs.now):
            self.hand_stop_open = False
        if self._stopped_elsewhere(seen):
            self.solar.halt(inputs.now)

    def _stopped_elsewhere(self, seen: Observed) -> bool:
        """Our solar charge lost its current for half a minute without our stop."""
        since = self.solar.on_since
        if not self.solar.running or since is None or not seen.idle:
            self._idle_since = None
            return False
        if self._idle_since is None:
            self._idle_since = seen.now
        return seen.now - self._idle_since >= 30.0

    def _follow_deviation(self, ctx: Context) -> None:
        ramping = not self.session.ours or self.session.preconditioning(ctx.seen)
        kind = self.tracking.update(ctx.seen, ctx.link, ramping)
        if not kind:
            return
        if not ctx.settings.reassert:
            self.session.disown()
            self.solar.halt(ctx.now)
            return
        self.tracking.insist(kind, ctx.link.accepted_amps)

    def _context(self, inputs: Inputs, seen: Observed) -> Context:
        now, settings, snapshot = inputs.now, inputs.settings, inputs.snapshot
        age = self.window.age(now, self.began_at)
        silent_s = stale_after(settings, self.window.period)
        stale_s = max(silent_s, min(LONGEST_STALE_S, snapshot.max_age.get("grid_w", 0.0)))
        level = staleness(age, stale_s)
        self.recovery.update(level, now, self.window.total)
        soc = battery_soc(snapshot, now)
        highest = settings.amps_limit
        if self.limits.car_max is not None:
            highest = min(highest, self.limits.car_max)
        known = seen.car is not None and self.session.identified_at is not None
        return Context(
            now=now,
            wall=inputs.wall,
            settings=settings,
            wishes=inputs.wishes,
            link=inputs.link,
            snapshot=snapshot,
            seen=seen,
            soc=seen.car.battery_level if seen.car is not None and known else None,
            soc_age=now - seen.car_at if seen.car_at is not None and known else None,
            stored_soc=self.stored_soc,
            limit=seen.car.charge_limit_soc if seen.car is not None else None,
            surplus=self.window.view(self.own),
            level=level,
            stale_s=stale_s,
            meter_age=age,
            highest=highest,
            fuse=self.fuse.cap(settings, now, silent_s, seen.amps or 0.0),
            night=self.night.update(settings, snapshot, now),
            battery_level=self.battery.update(snapshot, now),
            battery_feeds=feeds_car(settings, soc),
            battery_starts=starts_car(settings, soc),
            slots=snapshot.prices or self._rows(inputs),
        )

    def _rows(self, inputs: Inputs) -> tuple[PriceSlot, ...]:
        if not inputs.settings.tariff:
            return ()
        return slots_of_rows(inputs.settings.tariff, inputs.wall, inputs.settings.time_zone)

    def press_start(self) -> None:
        """The button "charge now": as MANUAL until plug edge, mode change or stop."""
        self.hand, self.hand_stop_open = "start", False
        self.epoch += 1

    def press_stop(self) -> None:
        """The button "stop": whoever started, until plug edge, mode change or start."""
        self.hand, self.hand_stop_open = "stop", True

    def press_normalize(self, inputs: Inputs) -> bool:
        """The button "restore full current"; False where it is forbidden or switched off."""
        if self.plug.state is not PlugState.UNPLUGGED or inputs.wishes.mode is Mode.OFF:
            return False
        car_max = self.limits.car_max
        return self.normalization.begin(inputs.settings, car_max, inputs.now, "by hand")

    def remember(self, now: float, wall_s: float) -> dict[str, Any]:
        """What must survive a restart, as JSON values."""
        return memory.remember(self, now, wall_s)


def _value(reading: Reading[T] | None, now: float, max_age: float) -> T | None:
    return reading.value if reading is not None and reading.fresh(now, max_age) else None
