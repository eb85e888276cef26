"""What control keeps over a restart, as plain JSON values; times are stored as wall time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .controller import Controller


def stored_phases(stored: Mapping[str, Any] | None) -> int | None:
    """The phase count learnt before, 1…3."""
    value = (stored or {}).get("phases")
    return value if isinstance(value, int) and 1 <= value <= 3 else None


def remember(brain: Controller, now: float, wall_s: float) -> dict[str, Any]:
    """Everything that must survive; `wall_s` is the epoch second of `now`."""
    pending = brain.normalization
    return {
        "phases": brain.electric.phases if brain.electric.certain else None,
        "mode": brain.mode,
        "hand": brain.hand,
        "hand_stop_open": brain.hand_stop_open,
        "takeover": brain.takeover,
        "plugged": brain.plug.definite,
        "ours": brain.session.ours,
        "stop_wanted": brain.session.stop_wanted,
        "soc": brain.stored_soc,
        "car_max": brain.limits.car_max,
        "emergency": brain.emergency.active,
        "emergency_armed": brain.emergency.armed,
        "starts_day": brain.solar.starts_day,
        "starts": brain.solar.starts,
        "off_at": _to_wall(brain.solar.off_since, now, wall_s),
        "full": brain.full.full,
        "full_limit": brain.full.limit,
        "pending_normalization": (
            {
                "since": _to_wall(pending.since, now, wall_s),
                "reason": pending.reason,
                "amps": pending.amps,
            }
            if pending.pending
            else None
        ),
        "wall": wall_s,
    }


def restore(brain: Controller, stored: Mapping[str, Any] | None, now: float) -> None:
    """Take up what was kept; a missing or odd value is as if it had never been."""
    if not stored:
        return
    brain.mode = _text(stored, "mode")
    brain.hand = _text(stored, "hand")
    brain.hand_stop_open = stored.get("hand_stop_open") is True
    brain.takeover = stored.get("takeover") is True
    plugged = stored.get("plugged")
    brain.plug.definite = plugged if isinstance(plugged, bool) else None
    brain.session.ours = stored.get("ours") is True
    brain.stored_soc = _whole(stored, "soc")
    brain.limits.car_max = _whole(stored, "car_max")
    brain.emergency.active = stored.get("emergency") is True
    brain.emergency.armed = stored.get("emergency_armed") is not False
    brain.solar.starts_day = _whole(stored, "starts_day") or 0
    brain.solar.starts = _whole(stored, "starts") or 0
    brain.full.full = stored.get("full") is True
    brain.full.limit = _whole(stored, "full_limit")
    _restore_stop(brain, stored, now)
    _restore_pending(brain, stored, now)


def _restore_stop(brain: Controller, stored: Mapping[str, Any], now: float) -> None:
    reason = _text(stored, "stop_wanted")
    if reason:
        brain.session.want_stop(reason, now)
    wall, off_at = stored.get("wall"), stored.get("off_at")
    if isinstance(wall, int | float) and isinstance(off_at, int | float):
        # Only the distance at the moment of storing is known: a restart never shortens a pause.
        brain.solar.off_since = now - max(0.0, float(wall) - float(off_at))


def _restore_pending(brain: Controller, stored: Mapping[str, Any], now: float) -> None:
    pending = stored.get("pending_normalization")
    if not isinstance(pending, Mapping):
        return
    amps = _whole(pending, "amps")
    if amps is not None and amps > 0:
        brain.normalization.pending = True
        brain.normalization.amps = amps
        brain.normalization.reason = _text(pending, "reason")
        # Its ten minutes of trying are over; from here on it waits for the car to be heard.
        brain.normalization.since = now - 601.0


def _to_wall(moment: float, now: float, wall_s: float) -> float | None:
    return None if moment == float("-inf") else wall_s - (now - moment)


def _text(stored: Mapping[str, Any], key: str) -> str:
    value = stored.get(key)
    return value if isinstance(value, str) else ""


def _whole(stored: Mapping[str, Any], key: str) -> int | None:
    value = stored.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
