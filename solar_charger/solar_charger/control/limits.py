"""Circuit, car, fuse and island, laid over whatever a rule wishes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .context import Context
from .decision import ControllerState, Observed, Verdict

if TYPE_CHECKING:
    from .controller import Controller

S = ControllerState
SLACK_A = 1.0
ONLY_STOPS = (S.OFF, S.PAUSED, S.STOPPING)


@dataclass(slots=True)
class Limits:
    """The car's own maximum as last read in this session, and whether its limit was written."""

    car_max: int | None = None
    limit_done: bool = False

    def learn(self, seen: Observed) -> None:
        """Take the car's own maximum from its read."""
        if seen.car_max is not None:
            self.car_max = seen.car_max

    def lay_over(self, brain: Controller, ctx: Context, verdict: Verdict) -> Verdict:
        """The verdict as it may be carried out."""
        limit = self._limit(ctx, verdict)
        if limit != verdict.limit:
            verdict = replace(verdict, limit=limit)
        if verdict.state is S.AWAY or verdict.reason == "foreign_vehicle":
            return verdict
        flows = ctx.flows or brain.session.awaits_current(ctx.link, ctx.now)
        if ctx.fused and (verdict.charge is True or flows):
            return _stop_for_fuse(brain, ctx, verdict, flows)
        if verdict.charge is True and verdict.amps is not None:
            return _capped(ctx, verdict)
        if verdict.charge is None and ctx.draw is not None:
            return _too_much_already(brain, ctx, verdict)
        return verdict

    def _limit(self, ctx: Context, verdict: Verdict) -> int | None:
        """With enforce_limit the charge limit is written once at plug-in, and at unplug."""
        if verdict.limit is not None or not ctx.settings.enforce_limit:
            return verdict.limit
        if self.limit_done or not ctx.plugged or ctx.limit is None or not verdict.poll:
            return None
        if ctx.limit == ctx.settings.target_soc:
            self.limit_done = True
            return None
        return ctx.settings.target_soc


def _capped(ctx: Context, verdict: Verdict) -> Verdict:
    amps = min(verdict.amps or 0, ctx.cap)
    over = _exceeds(ctx, ctx.cap)
    limited = ctx.fuse.amps is not None and ctx.cap < ctx.highest and amps < (verdict.amps or 0)
    if limited or over:
        text = f"{verdict.text}; {ctx.fuse.text}" if limited else verdict.text
        return replace(verdict, amps=amps, safety=over, text=text)
    return verdict if amps == verdict.amps else replace(verdict, amps=amps)


def _exceeds(ctx: Context, allowed: int) -> bool:
    """More is drawn than allowed: as measured, else as accepted, else for all anybody knows."""
    if ctx.seen.amps is not None:
        return ctx.seen.amps > allowed + SLACK_A
    if ctx.draw is not None:
        return ctx.draw > allowed
    return ctx.flows and allowed < ctx.highest


def _stop_for_fuse(brain: Controller, ctx: Context, verdict: Verdict, flows: bool) -> Verdict:
    """Below the least current nothing may flow, or be about to, whoever began it."""
    reason = ctx.fuse.reason or "circuit"
    if brain.solar.running:
        brain.solar.halt(ctx.now)
    if not flows:
        return replace(
            verdict,
            state=S.FUSE_WAIT,
            reason=reason,
            text=ctx.fuse.text,
            charge=None,
            amps=None,
            wake="",
        )
    state = verdict.state if verdict.state in (S.OFF, S.FAULT) else S.FUSE_WAIT
    if verdict.state is not S.OFF:
        brain.session.want_stop(reason, ctx.now)
    return replace(
        verdict,
        state=state,
        reason=reason,
        text=f"{ctx.fuse.text}: stop",
        charge=False,
        amps=None,
        safety=True,
    )


def _too_much_already(brain: Controller, ctx: Context, verdict: Verdict) -> Verdict:
    """A charge nobody here steers draws more than fuse or circuit leave."""
    allowed = ctx.fuse.amps
    reason, text = ctx.fuse.reason, ctx.fuse.text
    if ctx.settings.circuit_given and (allowed is None or ctx.settings.circuit_limit < allowed):
        allowed = ctx.settings.circuit_limit
        reason, text = "circuit", f"the circuit carries {allowed} A"
    if allowed is None or not _exceeds(ctx, allowed):
        return verdict
    if verdict.state in ONLY_STOPS or verdict.reason == "foreign_charger":
        if reason == "circuit":
            return verdict
        return replace(verdict, reason=reason, text=f"{text}: stop", charge=False, safety=True)
    amps = min(allowed, ctx.highest)
    return replace(verdict, reason=reason, text=f"{text}: down to {amps} A", amps=amps, safety=True)
