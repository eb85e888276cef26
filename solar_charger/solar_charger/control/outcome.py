"""From the rules' verdict to the decision that everybody else reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import Mode
from .context import Context
from .decision import ControllerState, Decision, Desired, Verdict
from .staleness import Staleness

if TYPE_CHECKING:
    from .controller import Controller

S = ControllerState
READ_WINDOW_S = 300.0
MODE_WORDS = {S.NIGHT: "NIGHT", S.EMERGENCY: "EMERGENCY", S.AWAY: "AWAY", S.MANUAL: "MANUAL"}


def decision_of(brain: Controller, ctx: Context, verdict: Verdict) -> Decision:
    """Put everything together."""
    desired = _desired(brain, ctx, verdict)
    surplus = ctx.surplus
    production = ctx.snapshot.production_w
    return Decision(
        desired=desired,
        state=verdict.state,
        mode=_mode_word(ctx, verdict),
        reason=verdict.reason,
        reason_text=verdict.text,
        target_amps=(desired.amps or 0) if desired.charge else 0,
        observed=ctx.seen,
        available_w=surplus.newest if surplus is not None else None,
        grid_w=surplus.grid_w if surplus is not None else None,
        production_w=production.value if production is not None and production.usable else None,
        grid_charge_warning_amps=_warning_amps(brain, ctx),
        pending_normalization=brain.normalization.pending,
        stale=ctx.level is not Staleness.FRESH,
        alarms=brain.alarms.of(brain, ctx, verdict),
        starts_today=brain.solar.starts,
        deadline_state=brain.plan.state,
        eta_s=_eta(brain, ctx),
    )


def _desired(brain: Controller, ctx: Context, verdict: Verdict) -> Desired:
    wake, read = verdict.wake, verdict.read
    if _deadline_read(brain, ctx) and not wake:
        wake, read = "deadline_read", True
    return Desired(
        charge=verdict.charge,
        amps=verdict.amps,
        limit=verdict.limit,
        wake=wake,
        read=read,
        poll=verdict.poll,
        safety=verdict.safety,
        normalize=verdict.normalize,
        epoch=brain.epoch,
        assertion=brain.tracking.assertion,
    )


def _deadline_read(brain: Controller, ctx: Context) -> bool:
    """One try, half an hour before the latest start, to learn a SOC that is too old."""
    if not brain.plan.wake_to_read or not ctx.plugged:
        brain.deadline_read_since = None
        return False
    if brain.deadline_read_since is None:
        brain.deadline_read_since = ctx.now
    return ctx.now - brain.deadline_read_since <= READ_WINDOW_S


def _mode_word(ctx: Context, verdict: Verdict) -> str:
    word = MODE_WORDS.get(verdict.state)
    if word is not None:
        return word
    if verdict.state is S.STOPPING and verdict.reason == "night":
        return "NIGHT"
    return "MANUAL" if ctx.wishes.mode is Mode.MANUAL else "SOLAR"


def _warning_amps(brain: Controller, ctx: Context) -> float | None:
    """The measured current of a charge that somebody else draws from the grid."""
    if brain.session.external and ctx.seen.flowing:
        return ctx.seen.amps
    return None


def _eta(brain: Controller, ctx: Context) -> float | None:
    """Seconds to the deadline's target, else to the car's limit; None when nothing charges."""
    if not ctx.flows:
        return None
    if brain.plan.run and brain.plan.eta_s is not None:
        return brain.plan.eta_s
    car = ctx.seen.car
    minutes = car.minutes_to_charge_limit if car is not None else None
    if minutes is not None and ctx.soc_age is not None and ctx.soc_age <= 600.0:
        return max(0.0, minutes * 60.0 - ctx.soc_age)
    power = ctx.seen.own_w or 0.0
    if ctx.soc is None or ctx.limit is None or power < 100.0:
        return None
    watt_hours = max(0, ctx.limit - ctx.soc) / 100.0 * ctx.settings.capacity_kwh * 1000.0 / 0.9
    return watt_hours / power * 3600.0
