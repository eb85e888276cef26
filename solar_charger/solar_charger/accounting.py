"""Keeps the books: energy, the running session, a sample each decision. No I/O of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from .control.decision import Decision
from .energy import Energy, SessionRecord, restored
from .journal import Sample
from .measurements import Reading, Snapshot

FRESH_S = 120.0


class Accounts:
    """Sums that survive a restart; `ended` holds a session that has just been closed."""

    def __init__(self, kept: Mapping[str, Any], plugged: bool | None) -> None:
        self.energy: Energy = restored(Energy, kept.get("energy"))
        self.energy.at = None
        open_session = kept.get("session")
        self.session: SessionRecord | None = (
            restored(SessionRecord, open_session) if open_session and plugged else None
        )
        self._plugged = plugged

    def remember(self) -> dict[str, Any]:
        """JSON values for the store."""
        energy = asdict(self.energy)
        del energy["at"]
        return {
            "energy": {name: round(value, 3) for name, value in energy.items()},
            "session": None if self.session is None else asdict(self.session),
        }

    def follow(
        self, decision: Decision, plugged: bool | None, now: float, wall: float
    ) -> dict[str, Any] | None:
        """Take one decision's view; returns the row of a session that ended with it."""
        ended = self._edge(plugged, wall)
        seen, energy = decision.observed, self.energy
        before = (energy.session_wh, energy.solar_wh, energy.grid_wh)
        energy.add(now, seen.own_w, decision.grid_w)
        if self.session is not None:
            self.session.follow(energy, before)
            read_in_session = seen.car is not None and plugged
            soc = seen.car.battery_level if seen.car is not None and read_in_session else None
            self.session.see(seen.amps, soc)
        return ended

    def heard_command(self) -> None:
        """The car heard one more."""
        if self.session is not None:
            self.session.commands += 1

    def _edge(self, plugged: bool | None, wall: float) -> dict[str, Any] | None:
        before, self._plugged = self._plugged, plugged
        ended = None
        if plugged is False and self.session is not None:
            ended = self.session.record(wall)
            self.session = None
        if plugged and (before is False or self.session is None):
            self.session = SessionRecord(start_utc=wall)
            self.energy.session_wh = 0.0
        return ended


def sample_of(
    decision: Decision, snapshot: Snapshot, amps: float | None, soc: int | None, mode: str,
    now: float, wall: float,
) -> Sample:  # fmt: skip
    """The row of the history for this decision; what is old counts as unknown."""
    return Sample(
        ts_utc=int(wall),
        pv_w=_fresh(snapshot.production_w, now),
        grid_w=_fresh(snapshot.grid_w, now),
        load_w=_fresh(snapshot.load_w, now),
        own_w=_rounded(decision.observed.own_w),
        battery_w=_fresh(snapshot.house_battery_w, now),
        available_w=_rounded(decision.available_w),
        amps=amps,
        target_amps=float(decision.target_amps),
        soc=None if soc is None else float(soc),
        mode_ext=mode,
        controller_state=decision.state.value,
    )


def _fresh(reading: Reading[float] | None, now: float) -> float | None:
    if reading is None or not reading.fresh(now, FRESH_S):
        return None
    return _rounded(reading.value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
