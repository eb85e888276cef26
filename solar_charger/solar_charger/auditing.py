"""Lines of the audit log: who did what, from what to what, why, and on which figures. No I/O."""

from __future__ import annotations

import json
from typing import Any

from . import masking
from .car.link import Result
from .command import Command
from .commands import Actor
from .control.decision import Decision
from .journal import AuditEntry

LONGEST_TEXT = 1000


def decided(before: Decision | None, after: Decision, wall: float, now: float) -> AuditEntry | None:
    """A line where state, reason or what is wanted changed; None where nothing did."""
    was, becomes = _wanted(before), _wanted(after)
    changed = before is None or (before.state, before.reason) != (after.state, after.reason)
    if not changed and was == becomes and before is not None and before.alarms == after.alarms:
        return None
    actor = Actor.SAFETY if after.desired.safety else Actor.CONTROLLER
    return AuditEntry(
        wall, now, actor.value, "decide", was, becomes, after.reason, inputs_json(after),
        text=after.reason_text[:LONGEST_TEXT],
    )  # fmt: skip


def carried_out(
    command: Command, result: Result, decision: Decision | None, before: str, wall: float,
    now: float,
) -> AuditEntry:  # fmt: skip
    """A command that left the process, with its answer."""
    actor = Actor.SAFETY if command.safety else Actor.CONTROLLER
    reason = decision.reason if decision is not None else command.reason
    return AuditEntry(
        wall, now, actor.value, command.kind.value, before,
        "" if command.value is None else str(command.value), reason,
        inputs_json(decision) if decision is not None else "",
        result.result_class.value, masking.text(result.text)[:LONGEST_TEXT],
        round(result.duration_s, 2),
    )  # fmt: skip


def told(
    actor: Actor, action: str, was: object, becomes: object, wall: float, now: float, text: str = ""
) -> AuditEntry:
    """Something a person or another program asked for."""
    return AuditEntry(
        wall, now, actor.value, action, _word(was), _word(becomes),
        text=masking.text(text)[:LONGEST_TEXT],
    )  # fmt: skip


def inputs_json(decision: Decision) -> str:
    """The figures a decision was taken on."""
    seen = decision.observed
    figures: dict[str, Any] = {
        "grid_w": decision.grid_w,
        "available_w": decision.available_w,
        "production_w": decision.production_w,
        "own_w": seen.own_w,
        "amps": seen.amps,
        "plug": seen.plug.value,
        "home": seen.home,
        "car": seen.car.charging_state.value if seen.car is not None else None,
        "soc": seen.car.battery_level if seen.car is not None else None,
        "asleep": seen.asleep,
        "car_max": seen.car_max,
        "stale": decision.stale,
        "alarms": list(decision.alarms),
    }
    kept = {name: _rounded(value) for name, value in figures.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"))


def _rounded(value: Any) -> Any:
    return round(value, 1) if isinstance(value, float) else value


def _wanted(decision: Decision | None) -> str:
    if decision is None:
        return ""
    desired = decision.desired
    words = {True: "charge", False: "stop", None: "leave"}[desired.charge]
    amps = f" {desired.amps} A" if desired.amps is not None else ""
    return f"{decision.state.value}: {words}{amps}"


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
