"""What the owner must be told, as codes; an alarm ends when its cause ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..measurements import PlugState
from .context import Context
from .decision import Verdict
from .staleness import Staleness, gateway_restarts

if TYPE_CHECKING:
    from .controller import Controller

UNCONFIRMED_S = 300.0
UNREACHABLE_S = 300.0
DISAGREE_W = 1000.0
DISAGREE_S = 600.0
DISAGREE_MAX_AGE_S = 90.0


@dataclass(slots=True)
class Alarms:
    """Remembers since when meters disagree."""

    disagree_since: float | None = None

    def of(self, brain: Controller, ctx: Context, verdict: Verdict) -> tuple[str, ...]:
        """All alarms of this step, in a fixed order."""
        found = list(ctx.link.alarms)
        if _stop_unconfirmed(brain, ctx):
            found.append("stop_not_confirmed")
        if _uncontrolled(brain, ctx, verdict):
            found.append("uncontrolled_charge")
        if ctx.link.start_without_current:
            found.append("start_without_current")
        if _silent_meter(ctx):
            found.append("meter_stale")
        if brain.emergency.stuck(ctx.now):
            found.append("emergency_no_progress")
        if ctx.fuse.reason == "fuse_no_data":
            found.append("fuse_no_data")
        if brain.session.foreign and ctx.plugged:
            found.append("foreign_vehicle")
        if brain.plan.state in ("late", "impossible"):
            found.append("deadline_late")
        if self._meters_disagree(ctx):
            found.append("meters_disagree")
        return tuple(dict.fromkeys(found))

    def _meters_disagree(self, ctx: Context) -> bool:
        """Grid against load minus production (minus house battery): a warning, no action."""
        snap, now = ctx.snapshot, ctx.now
        grid, load, made = snap.grid_w, snap.load_w, snap.production_w
        fresh = [r is not None and r.fresh(now, DISAGREE_MAX_AGE_S) for r in (grid, load, made)]
        if grid is None or load is None or made is None or not all(fresh):
            self.disagree_since = None
            return False
        battery = snap.house_battery_w.value if snap.house_battery_w is not None else 0.0
        if abs(grid.value - (load.value - made.value - battery)) <= DISAGREE_W:
            self.disagree_since = None
            return False
        if self.disagree_since is None:
            self.disagree_since = now
        return now - self.disagree_since >= DISAGREE_S


def _stop_unconfirmed(brain: Controller, ctx: Context) -> bool:
    session = brain.session
    if not session.stop_wanted or session.stop_since is None:
        return False
    return ctx.now - session.stop_since >= UNCONFIRMED_S


def _uncontrolled(brain: Controller, ctx: Context, verdict: Verdict) -> bool:
    """Current flows that we want lower, and the car cannot be reached or refuses us."""
    since = ctx.link.unreachable_since
    if not ctx.seen.flowing or ctx.seen.plug is PlugState.UNPLUGGED:
        return False
    amps = ctx.seen.amps or 0.0
    too_high = verdict.charge is False or (verdict.amps is not None and verdict.amps < amps - 1.0)
    if ctx.link.fault:
        return too_high
    waited = UNREACHABLE_S if not brain.session.self_started else 0.0
    return too_high and since is not None and ctx.now - since > waited


def _silent_meter(ctx: Context) -> bool:
    """Silent by night is normal for some gateways, unless somebody charges."""
    if ctx.level is Staleness.FRESH:
        return False
    return ctx.flows or not gateway_restarts(ctx.wall.astimezone(ctx.settings.time_zone))
