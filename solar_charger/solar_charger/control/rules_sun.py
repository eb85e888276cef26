"""The rules below MANUAL: stops to be confirmed, other people's charges, night, silence, sun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measurements import ScheduleMode
from ..settings import Mode, Takeover
from .context import Context
from .decision import ControllerState, Verdict
from .solar import READ_FIRST, Course, Sun
from .staleness import Staleness

if TYPE_CHECKING:
    from .controller import Controller

S = ControllerState
IDENTIFY_WAIT_S = 20.0
RECENT_S = 15.0


def preconditioning(brain: Controller, ctx: Context) -> Verdict | None:
    """The cabin draws: neither up nor down, no stop."""
    if brain.session.external or not brain.session.preconditioning(ctx.seen):
        return None
    text = f"the car warms or cools itself at {ctx.seen.amps or 0:.0f} A: left alone"
    return Verdict(S.CHARGING, "preconditioning", text)


def unconfirmed_stop(brain: Controller, ctx: Context) -> Verdict | None:
    """A stop stays wanted until two readings, or the car's own word, confirm it."""
    reason = brain.session.stop_wanted
    if not reason:
        return None
    brain.solar.halt(ctx.now)
    # Where nobody measures, or a residue that is neither current nor none, the car has to tell.
    read = ctx.seen.amps is None or not (ctx.seen.flowing or ctx.seen.idle)
    text = f"stopping ({reason}), not yet confirmed"
    return Verdict(S.STOPPING, reason, text, charge=False, read=read)


def external(brain: Controller, ctx: Context) -> Verdict | None:
    """Somebody else's charge: adopted with surplus or on request, respected otherwise."""
    session = brain.session
    if not session.external:
        return None
    if session.may_adopt(ctx.settings.takeover, brain.takeover, _covers_minimum(brain, ctx)):
        session.adopt()
        brain.takeover = False
        return None
    amps = ctx.seen.amps or 0.0
    text = f"somebody else started this charge ({amps:.0f} A): left alone"
    return Verdict(S.EXTERNAL, "external", text)


def _covers_minimum(brain: Controller, ctx: Context) -> bool:
    if ctx.settings.takeover is Takeover.NEVER or ctx.surplus is None or not ctx.surplus.full:
        return False
    if ctx.battery_level is not Staleness.FRESH:
        return False
    return ctx.level is Staleness.FRESH and ctx.surplus.up - ctx.settings.margin_w >= ctx.least_w


def first_read(brain: Controller, ctx: Context) -> Verdict | None:
    """A charge the car began at plug-in: its SOC decides, so the read goes first, for 20 s."""
    session = brain.session
    if not session.self_started or session.identified_at is not None:
        return None
    since = session.flow_since if session.flow_since is not None else ctx.now
    if ctx.now - since >= IDENTIFY_WAIT_S:
        return None
    return Verdict(S.IDENTIFY, "identify", "the car began by itself: reading it first", read=True)


def night(brain: Controller, ctx: Context) -> Verdict | None:
    """No sun: what we run is stopped."""
    if not ctx.night or ctx.battery_feeds or ctx.battery_starts:
        return None
    if ctx.wishes.mode is Mode.MIN_SOLAR and ctx.settings.min_solar_night:
        return None
    return _stop_ours(brain, ctx, S.NIGHT, "night", "no production: waiting for the sun")


def _stop_ours(
    brain: Controller, ctx: Context, state: ControllerState, reason: str, text: str
) -> Verdict:
    running = brain.solar.running
    brain.solar.halt(ctx.now)
    if brain.session.ours or (running and ctx.flows) or _start_underway(brain, ctx):
        brain.session.want_stop(reason, ctx.now)
        return Verdict(S.STOPPING, reason, f"{text}; stopping", charge=False)
    return Verdict(state, reason, text, read=_wants_identity(brain))


def stale(brain: Controller, ctx: Context) -> Verdict | None:
    """Meter or house battery are silent: freeze, then minimum, then stop."""
    no_sample = ctx.surplus is None
    level, reason, text = _silence(ctx)
    if level is Staleness.FRESH and not no_sample:
        return None
    minimal = ctx.wishes.mode is Mode.MIN_SOLAR
    if level is Staleness.STOP and not minimal:
        return _stop_ours(brain, ctx, S.STALE, reason, text)
    if not (brain.session.ours and ctx.flows) and not brain.solar.running:
        if _start_underway(brain, ctx):
            return _stop_ours(brain, ctx, S.STALE, reason, text)
        return Verdict(S.STALE, reason, text, read=_wants_identity(brain))
    ampere = brain.solar.ampere
    if not brain.solar.running:
        brain.solar.take(ctx.settings, ctx.now, _measured(ctx))
    if level >= Staleness.MINIMUM or no_sample:
        ampere.amps = min(ampere.amps, ctx.least)
        text += f": {ampere.amps} A"
    return Verdict(S.STALE, reason, text, charge=_keep(ctx), amps=ampere.amps)


def _silence(ctx: Context) -> tuple[Staleness, str, str]:
    """(how far it has come, reason, text) of the longer of both silences.

    The battery's only barred rises while it is frozen, and one that may feed the car hides nothing.
    """
    battery = ctx.battery_level
    if battery > max(ctx.level, Staleness.FROZEN) and not ctx.battery_feeds:
        return battery, "battery_stale", "no value of the house battery"
    return ctx.level, "meter_stale", f"no meter value for {ctx.meter_age:.0f} s"


def _keep(ctx: Context) -> bool | None:
    """Held, never started: a charge that does not flow stays off while the meter is silent."""
    return True if ctx.flows else None


def _measured(ctx: Context) -> int:
    amps = ctx.seen.amps if ctx.seen.amps is not None else ctx.link.accepted_amps
    return min(ctx.cap, max(ctx.least, round(amps or ctx.least)))


def schedule(brain: Controller, ctx: Context) -> Verdict | None:
    """The car waits for its own timetable."""
    car = ctx.seen.car
    if not ctx.settings.respect_schedule or car is None:
        return None
    if brain.session.ours or _start_underway(brain, ctx):
        return None
    by_mode = car.scheduled_charging_mode in (ScheduleMode.START_AT, ScheduleMode.DEPART_BY)
    if not (car.scheduled_charging_pending or by_mode or car.managed_charging_active):
        return None
    brain.solar.halt(ctx.now)
    return Verdict(S.SCHEDULED, "car_schedule", "the car's own schedule decides when to charge")


def sun(brain: Controller, ctx: Context) -> Verdict | None:
    """SOLAR and MIN_SOLAR."""
    if ctx.surplus is None:
        return None
    view = _view(brain, ctx)
    rule, session = brain.solar, brain.session
    if ctx.fused:
        rule.halt(ctx.now)
        return Verdict(S.FUSE_WAIT, ctx.fuse.reason, ctx.fuse.text)
    if session.ours and ctx.flows and not rule.running:
        rule.adopt(ctx.settings, view, session.self_started)
    was_running = rule.running
    course = rule.step(ctx.settings, view)
    session.self_started = session.self_started and rule.self_started
    if course.charge:
        return _running(ctx, course)
    if (was_running and (session.ours or ctx.flows)) or _start_underway(brain, ctx):
        session.want_stop(course.reason, ctx.now)
        return Verdict(S.STOPPING, course.reason, course.text, charge=False)
    return _waiting(brain, ctx, course)


def _start_underway(brain: Controller, ctx: Context) -> bool:
    return brain.session.awaits_current(ctx.link, ctx.now)


def _running(ctx: Context, course: Course) -> Verdict:
    state = S.CHARGING if ctx.flows else S.STARTING
    return Verdict(state, course.reason, course.text, charge=True, amps=course.amps, wake="solar")


def _waiting(brain: Controller, ctx: Context, course: Course) -> Verdict:
    if course.reason == READ_FIRST:
        state = S.IDENTIFY if ctx.plugged else S.UNKNOWN_PLUG
        return Verdict(state, "identify", course.text, wake="solar", read=True)
    if not ctx.plugged:
        text = "nobody says whether the car is plugged in here"
        return Verdict(S.UNKNOWN_PLUG, "unknown_plug", text, read=True)
    return Verdict(S.PAUSED, course.reason, course.text, read=_wants_identity(brain))


def _wants_identity(brain: Controller) -> bool:
    return brain.session.identified_at is None


def _view(brain: Controller, ctx: Context) -> Sun:
    assert ctx.surplus is not None
    deadband, patience = _thrift(ctx.link.commands_today)
    minimal = ctx.wishes.mode is Mode.MIN_SOLAR
    known = ctx.seen.home and brain.session.identified_at is not None
    recovered = brain.recovery.may_rise(ctx.now, ctx.surplus.count)
    # A silence that is not yet called one must not start or raise on its last value either.
    recent = ctx.meter_age <= max(RECENT_S, 1.5 * ctx.surplus.period)
    return Sun(
        now=ctx.now,
        day=ctx.wall.astimezone(ctx.settings.time_zone).toordinal(),
        start_w=_start_w(ctx),
        surplus=ctx.surplus,
        watts_per_amp=ctx.seen.watts_per_amp,
        cap=ctx.cap,
        flowing=ctx.flows,
        amps=ctx.seen.amps,
        may_rise=recovered and recent and ctx.battery_level is Staleness.FRESH,
        step_limit=brain.recovery.step_limit(ctx.now),
        deadband=deadband,
        patience=patience,
        keeps_minimum=minimal or ctx.battery_feeds,
        starts_anyway=ctx.battery_starts,
        always=minimal,
        assumed=not brain.own.measured,
        ready=known,
    )


def _thrift(commands: int) -> tuple[int, float]:
    """(A on both deadbands, factor on the gap between rises) once many commands went out."""
    if commands >= 360:
        return 4, 2.0
    if commands >= 320:
        return 2, 1.0
    return (1, 1.0) if commands >= 240 else (0, 1.0)


def _start_w(ctx: Context) -> float:
    months = ctx.settings.seasonal_start_w
    if len(months) == 12:
        return float(months[ctx.wall.astimezone(ctx.settings.time_zone).month - 1])
    return float(ctx.settings.start_w) if ctx.settings.start_w is not None else ctx.least_w
