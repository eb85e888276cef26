"""Charging without asking the sun: by hand, for a low battery, for a deadline, at a low price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measurements import PlugState
from ..settings import Mode
from .calendar_days import price_at
from .context import Context
from .deadline import Need, Plan
from .decision import ControllerState, Verdict

if TYPE_CHECKING:
    from .controller import Controller

S = ControllerState


def manual(brain: Controller, ctx: Context) -> Verdict | None:
    """MANUAL, or the button: the highest current now."""
    by_mode = ctx.wishes.mode is Mode.MANUAL
    if not by_mode and brain.hand != "start":
        return None
    if ctx.seen.plug is PlugState.UNKNOWN and not ctx.seen.home:
        return _find_plug(ctx, "manual")
    reason = "manual" if by_mode else "started_by_user"
    text = f"charging by hand at {ctx.cap} A"
    return _full(brain, ctx, Verdict(S.MANUAL, reason, text, amps=ctx.cap, wake="manual"))


def emergency(brain: Controller, ctx: Context) -> Verdict | None:
    """A battery below emergency_soc."""
    if not brain.emergency.active:
        return None
    if ctx.seen.plug is PlugState.UNKNOWN and not ctx.seen.home:
        return _find_plug(ctx, "emergency")
    low, enough = ctx.settings.emergency_soc, ctx.settings.target_soc
    soc = "?" if ctx.soc is None else ctx.soc
    was = "was " if ctx.soc is not None and ctx.soc >= low else ""
    text = f"battery at {soc} %, {was}below {low} %: {ctx.cap} A until {enough} %"
    return _full(
        brain, ctx, Verdict(S.EMERGENCY, "low_battery", text, amps=ctx.cap, wake="emergency")
    )


def deadline(brain: Controller, ctx: Context) -> Verdict | None:
    """Ready by a time; remembers the plan for the status."""
    brain.plan = plan = _plan(brain, ctx)
    if not plan.run:
        return None
    if ctx.seen.plug is PlugState.UNKNOWN and not ctx.seen.home:
        return _find_plug(ctx, "deadline")
    amps = min(ctx.cap, max(plan.amps, _solar_amps(ctx)))
    return _full(
        brain,
        ctx,
        Verdict(S.DEADLINE, f"deadline_{plan.state}", plan.text, amps=amps, wake="deadline"),
    )


def tariff(brain: Controller, ctx: Context) -> Verdict | None:
    """A price below tariff_price_max."""
    highest = ctx.settings.tariff_price_max
    if highest is None or not ctx.slots:
        return None
    price = price_at(ctx.slots, ctx.wall)
    if price is None or price >= highest:
        return None
    if ctx.seen.plug is PlugState.UNKNOWN and not ctx.seen.home:
        return _find_plug(ctx, "tariff")
    text = f"{price:.3f} per kWh, below {highest:.3f}: {ctx.cap} A"
    return _full(brain, ctx, Verdict(S.TARIFF, "low_price", text, amps=ctx.cap, wake="tariff"))


def _plan(brain: Controller, ctx: Context) -> Plan:
    soc, age = ctx.soc, ctx.soc_age
    if soc is None:
        soc, age = ctx.stored_soc, None
    need = Need(
        soc=soc,
        soc_age=age,
        limit=ctx.limit,
        complete=brain.full.full,
        watts_per_amp=ctx.seen.watts_per_amp,
        highest=ctx.highest,
    )
    return brain.deadline.plan(ctx.settings, need, ctx.wall, ctx.now, ctx.slots)


def _solar_amps(ctx: Context) -> int:
    """What the sun would give on top of the deadline's lowest current."""
    silent = max(ctx.level, ctx.battery_level) > 0
    if ctx.surplus is None or silent or not ctx.surplus.full:
        return 0
    return int(max(0.0, ctx.surplus.up - ctx.settings.margin_w) // ctx.seen.watts_per_amp)


def _find_plug(ctx: Context, wake: str) -> Verdict:
    text = "nobody says whether the car is plugged in here: asking the car"
    return Verdict(S.UNKNOWN_PLUG, "unknown_plug", text, wake=wake, read=True)


def _full(brain: Controller, ctx: Context, verdict: Verdict) -> Verdict:
    """Ours from now on; a wanted stop is void unless the fuse wants it."""
    session = brain.session
    if session.external or (ctx.flows and not session.ours):
        session.adopt()
    session.self_started = False
    if not ctx.fused:
        session.cancel_stop()
    brain.solar.halt(ctx.now)
    return Verdict(
        verdict.state,
        verdict.reason,
        verdict.text,
        charge=True,
        amps=max(ctx.least, verdict.amps or 0),
        wake=verdict.wake,
        read=not brain.session.identified_at,
    )
