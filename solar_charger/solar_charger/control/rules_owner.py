"""What the owner and the cable say, before any wish to charge is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measurements import PlugState
from ..settings import Mode
from .context import Context
from .decision import ControllerState, Verdict

if TYPE_CHECKING:
    from .controller import Controller

S = ControllerState


def owner(brain: Controller, ctx: Context) -> Verdict | None:
    """OFF, a foreign charger, the pause switch and the stop button."""
    if ctx.wishes.foreign_charger:
        if brain.hand == "stop" and _stop_due(brain, ctx):
            return _stop_by_hand(brain, ctx)
        brain.session.cancel_stop()
        return Verdict(S.FOREIGN, "foreign_charger", "another charger is in control", poll=False)
    if ctx.wishes.mode is Mode.OFF:
        if brain.hand == "stop":
            return _stop_by_hand(brain, ctx)
        brain.session.cancel_stop()
        return Verdict(S.OFF, "off", "switched off: nothing is sent", poll=False)
    if not ctx.wishes.enabled:
        return _disabled(brain, ctx)
    if brain.hand == "stop":
        return _stop_by_hand(brain, ctx)
    return None


def _disabled(brain: Controller, ctx: Context) -> Verdict:
    brain.solar.halt(ctx.now)
    ours = brain.session.ours or brain.session.awaits_current(ctx.link, ctx.now)
    if ours and ctx.seen.plug is not PlugState.UNPLUGGED:
        brain.session.want_stop("disabled", ctx.now)
        return Verdict(S.OFF, "disabled", "paused by the owner: stopping", charge=False)
    return Verdict(S.OFF, "disabled", "paused by the owner", poll=False)


def _stop_by_hand(brain: Controller, ctx: Context) -> Verdict:
    brain.solar.halt(ctx.now)
    state = S.OFF if ctx.wishes.mode is Mode.OFF else S.PAUSED
    if ctx.seen.plug is PlugState.UNPLUGGED:
        return Verdict(state, "stopped_by_user", "stopped by hand", poll=False)
    if _stop_due(brain, ctx):
        brain.session.want_stop("stopped_by_user", ctx.now)
        return Verdict(S.STOPPING, "stopped_by_user", "stopped by hand", charge=False)
    return Verdict(state, "stopped_by_user", "stopped by hand until start, mode or plug changes")


def _stop_due(brain: Controller, ctx: Context) -> bool:
    """Pressed and not confirmed, or a start of ours was on its way when it was pressed."""
    if brain.hand_stop_open or brain.session.ours:
        return True
    return brain.session.awaits_current(ctx.link, ctx.now)


def link_fault(brain: Controller, ctx: Context) -> Verdict | None:
    """No way to the car at all, or a key it refuses; a stop that is wanted goes on being tried."""
    texts = {
        "no_driver": "no way to the car is set up",
        "not_paired": "the car does not know our key: pair it",
        "role": "our key lacks the right to charge: pair it again",
        "disabled": "mobile access is switched off in the car",
        "permission": "the Bluetooth rights are missing on this machine",
        "config": "the way to the car is not set up right",
    }
    if not ctx.link.fault:
        return None
    text = texts.get(ctx.link.fault, ctx.link.fault)
    wanted = brain.session.stop_wanted and ctx.seen.plug is not PlugState.UNPLUGGED
    charge = False if wanted else None
    return Verdict(S.FAULT, ctx.link.fault, text, charge=charge, poll=False)


def plug(brain: Controller, ctx: Context) -> Verdict | None:
    """Unplugged, or another car on our connector: no commands but the normalisation."""
    if ctx.seen.plug is PlugState.UNPLUGGED:
        brain.solar.halt(ctx.now)
        return _away(brain, ctx)
    if brain.session.foreign and ctx.plugged:
        brain.solar.halt(ctx.now)
        text = "another car hangs on the connector"
        return Verdict(S.FOREIGN, "foreign_vehicle", text, poll=ctx.seen.flowing)
    return None


def _away(brain: Controller, ctx: Context) -> Verdict:
    wanted = brain.normalization
    if wanted.due(ctx.seen.plug, ctx.now, ctx.link.last_contact):
        limit = ctx.settings.target_soc if ctx.settings.enforce_limit else None
        text = f"unplugged: giving the car its {wanted.amps} A back"
        return Verdict(
            S.AWAY, "normalize", text, amps=wanted.amps, limit=limit, normalize=True, poll=False
        )
    return Verdict(S.AWAY, "unplugged", "the car is not plugged in here", poll=False)


def complete(brain: Controller, ctx: Context) -> Verdict | None:
    """The car has what its own limit allows: no command until something changes."""
    if not brain.full.full:
        return None
    brain.solar.halt(ctx.now)
    brain.session.cancel_stop()
    level = "" if ctx.soc is None else f" at {ctx.soc} %"
    text = f"the car is full to its limit{level}"
    return Verdict(S.COMPLETE, "complete", text, read=brain.full.wants_read, poll=False)
