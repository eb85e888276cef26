"""What is told to the outside: the status record of the older contract, the MQTT state document and
the answers about meter and wall connector. Pure; values are JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from .control.decision import ControllerState, Decision, Observed
from .control.inputs import LinkFacts
from .energy import Energy
from .measurements import ChargingState, PlugState, Reading, Snapshot
from .settings import Mode, Settings
from .two_controllers import contract_fields
from .view import SourceHealth, View

LONGEST_REASON = 255
READ_COUNTS_S = 600.0
STALE_S = 90.0
OLD_WORD = {Mode.OFF: "SOLAR", Mode.MIN_SOLAR: "SOLAR"}
"""The older contract knows SOLAR and MANUAL only."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything both documents are made of."""

    now: float
    wall: float
    zone: tzinfo
    snapshot: Snapshot
    decision: Decision
    settings: Settings
    link: LinkFacts
    mode: Mode
    enabled: bool = True
    takeover: bool = False
    dry_run: bool = True
    foreign: bool = False
    ble_fails: int = 0
    ble_backoff_s: float = 0.0
    relay_streak: int = 0
    energy: Energy = field(default_factory=Energy)
    alarms: tuple[str, ...] = ()
    stored_soc: int | None = None

    @property
    def mode_ext(self) -> Mode:
        """OFF while another charger is in control, whatever the owner chose."""
        return Mode.OFF if self.foreign else self.mode

    @property
    def amps(self) -> float | None:
        """Current in force: measured, else last accepted while a charge is believed to run."""
        seen = self.decision.observed
        if seen.amps is not None:
            return round(seen.amps, 1)
        if self.link.believed_charging:
            return self.link.accepted_amps
        return None if self.link.believed_charging is None else 0.0


def car_word(seen: Observed) -> str:
    """The car's charging state, with what is measured against an old read; or `Away`."""
    car, read_at = seen.car, seen.car_at
    told = car.charging_state if car is not None else ChargingState.UNKNOWN
    young = read_at is not None and seen.now - read_at <= READ_COUNTS_S
    if seen.plug is PlugState.UNPLUGGED:
        elsewhere = young and told not in (ChargingState.DISCONNECTED, ChargingState.UNKNOWN)
        return "Away" if elsewhere else ChargingState.DISCONNECTED.value
    if seen.flowing and told not in (ChargingState.STARTING, ChargingState.CALIBRATING):
        return ChargingState.CHARGING.value
    if seen.idle and told is ChargingState.CHARGING:
        return ChargingState.STOPPED.value
    return told.value


def status_record(facts: Facts) -> dict[str, Any]:
    """The body of `set_charger_status`: every field of the older charger, and ours."""
    decision, seen, link = facts.decision, facts.decision.observed, facts.link
    grid = _watts(facts.snapshot.grid_w)
    return {
        "mode": decision.mode,
        "mode_ext": facts.mode_ext.value,
        "amps": facts.amps if facts.amps is not None else 0,
        "target_amps": decision.target_amps,
        "battery": _battery(facts),
        "battery_age_sec": _age(seen.car_at, facts.now),
        "excess_watts": None if grid is None else -grid,
        "production_watts": _watts(facts.snapshot.production_w),
        "state": car_word(seen),
        "timestamp": _moment(facts.wall, facts.zone).replace(tzinfo=None).isoformat("T", "seconds"),
        "timestamp_utc": _utc(facts.wall),
        "ble_fail_count": facts.ble_fails,
        "ble_backoff_remaining": round(facts.ble_backoff_s),
        "ble_backoff_until": facts.wall + facts.ble_backoff_s if facts.ble_backoff_s > 0 else 0,
        "grid_charge_warning_amps": decision.grid_charge_warning_amps,
        "relay_unreachable_streak": facts.relay_streak,
        "relay_unreachable_alert": "relay_unreachable" in link.alarms,
        "is_preconditioning": decision.reason == "preconditioning",
        "controller_state": decision.state.value,
        "reason": decision.reason,
        "reason_text": decision.reason_text,
        "pending_normalization": decision.pending_normalization,
        "alarms": list(facts.alarms),
        "dry_run": facts.dry_run,
        "enabled": facts.enabled,
    }


def state_document(facts: Facts) -> dict[str, Any]:
    """The MQTT state: a member for each entity, named as its table says."""
    decision, seen, settings = facts.decision, facts.decision.observed, facts.settings
    grid, energy = _watts(facts.snapshot.grid_w), facts.energy
    return {
        "mode_ext": facts.mode_ext.value,
        "enabled": facts.enabled,
        "takeover": facts.takeover,
        "max_amps": settings.max_amps,
        "min_amps": settings.min_amps,
        "target_soc": settings.target_soc,
        "deadline": settings.deadline,
        "deadline_soc": settings.deadline_soc,
        "start_w": _start_w(settings, seen),
        "amps": facts.amps,
        "target_amps": decision.target_amps,
        "available_w": _whole(decision.available_w),
        "own_w": _whole(seen.own_w),
        "grid_w": grid,
        "excess_watts": None if grid is None else -grid,
        "production_watts": _watts(facts.snapshot.production_w),
        "battery": _battery(facts),
        "car_limit": seen.car.charge_limit_soc if seen.car is not None else None,
        "battery_age_sec": _age(seen.car_at, facts.now),
        "session_energy": round(energy.session_wh),
        "solar_energy": round(energy.solar_wh),
        "grid_energy": round(energy.grid_wh),
        "state": car_word(seen),
        "controller_state": decision.state.value,
        "reason": decision.reason,
        "reason_text": decision.reason_text[:LONGEST_REASON],
        "text": decision.reason_text,
        "alarms": list(facts.alarms),
        "eta": None if decision.eta_s is None else _utc(facts.wall + decision.eta_s),
        "starts_today": decision.starts_today,
        "commands_today": facts.link.commands_today,
        "ble_fail_count": facts.ble_fails,
        "ble_backoff_remaining": round(facts.ble_backoff_s),
        "plugged": _plugged(seen.plug),
        "charging": seen.flowing or (seen.amps is None and bool(facts.link.believed_charging)),
        "problem": bool(facts.alarms),
        "grid_charge_warning": decision.grid_charge_warning_amps is not None,
        "stale": decision.stale,
        "ble_ok": _link_well(facts.link),
        "pending_normalization": decision.pending_normalization,
        "dry_run": facts.dry_run,
        "deadline_state": decision.deadline_state or None,
    }


def config_answer(mode: Mode, foreign: bool, takeover: bool) -> dict[str, Any]:
    """`/api/charging/config`."""
    return {
        "mode": OLD_WORD.get(mode, mode.value),
        "mode_ext": Mode.OFF.value if foreign else mode.value,
        "solar_takeover_requested": takeover,
    }


def envoy_answer(view: View, now: float) -> dict[str, Any] | None:
    """`/api/envoy_data`; None before the first reading of the grid."""
    snapshot = view.snapshot
    grid = snapshot.grid_w
    if grid is None:
        return None
    produced, load, volts = snapshot.production_w, snapshot.load_w, snapshot.voltage_v
    missing = []
    if produced is None:
        missing.append("production_watts")
    if load is None:
        missing.append("consumption_watts")
    stale = view.decision.stale if view.decision is not None else grid.age(now) > STALE_S
    return {
        "production_watts": _watts(produced) or 0,
        "excess_watts": -round(grid.value),
        "consumption_watts": _watts(load) or 0,
        "grid_watts": round(grid.value),
        "envoy_data_age_seconds": round(grid.age(now), 1),
        "voltage_v": None if volts is None else round(volts.value, 1),
        "source": grid.source,
        "stale": stale or not grid.usable,
        "missing": missing,
    }


def connected_answer(view: View, now: float) -> dict[str, Any] | None:
    """`/api/twc/vehicle_connected`: a silent connector grows old, it never says "unplugged"."""
    twc, plug = view.snapshot.twc, view.snapshot.plug
    if twc is not None and twc.value.vehicle_connected is not None:
        connected, age = twc.value.vehicle_connected, twc.age(now)
    elif plug is not None and plug.usable:
        connected, age = plug.value, plug.age(now)
    else:
        return None
    return {"connected": connected, "data_age_seconds": int(age)}


def twc_answer(view: View, now: float) -> dict[str, Any] | None:
    """`/api/twc/status`: the vitals as they came, and their age."""
    twc = view.snapshot.twc
    if twc is None:
        return None
    vitals = {key: value for key, value in twc.value.vitals.items() if value is not None}
    if twc.value.vehicle_current_a is not None:
        vitals["vehicle_current_a"] = twc.value.vehicle_current_a
    else:
        vitals.pop("vehicle_current_a", None)
    return {**vitals, "data_age_seconds": int(twc.age(now))}


UNITS = {
    "grid_w": "W", "production_w": "W", "load_w": "W", "house_battery_w": "W",
    "house_battery_soc": "%", "voltage_v": "V", "grid_phase_a": "A",
}  # fmt: skip


def sources_list(sources: tuple[SourceHealth, ...], now: float) -> list[dict[str, Any]]:
    """One row for each source and role."""
    rows = []
    for source in sources:
        for role in source.roles or ("",):
            measured_at = source.measured_at.get(role, source.answered_at)
            rows.append(
                {
                    "name": source.name,
                    "role": role,
                    "ok": not source.error and source.answered_at is not None,
                    "age_s": None if measured_at is None else round(max(0.0, now - measured_at), 1),
                    "value": source.values.get(role),
                    "unit": UNITS.get(role),
                    "error": source.error or None,
                }
            )
    return rows


def api_state(view: View, now: float) -> dict[str, Any]:
    """`/api/v1/state`: both documents, sources and what comes next; ages of now."""
    due = view.next_decision_at
    record = contract_fields(view.foreign_record or {})
    return {
        **view.document,
        **view.record,
        **record,
        "mode_set": view.mode.value,
        "solar_takeover_requested": view.takeover_requested,
        "foreign": view.foreign_record is not None,
        "sources": sources_list(view.sources, now),
        "next_decision_s": None if due is None else round(max(0.0, due - now), 1),
        "setup": dict(view.setup),
        "number": view.number,
    }


def _battery(facts: Facts) -> int | None:
    car = facts.decision.observed.car
    if car is not None and car.battery_level is not None:
        return car.battery_level
    return facts.stored_soc if facts.decision.state is not ControllerState.FOREIGN else None


def _start_w(settings: Settings, seen: Observed) -> int:
    if settings.start_w is not None:
        return settings.start_w
    return min(20000, round(settings.min_amps * seen.watts_per_amp))


def _link_well(link: LinkFacts) -> bool | None:
    if link.fault:
        return False
    if link.last_contact is None and link.unreachable_since is None:
        return None
    return link.unreachable_since is None


def _plugged(plug: PlugState) -> bool | None:
    return None if plug is PlugState.UNKNOWN else plug is PlugState.PLUGGED


def _watts(reading: Reading[float] | None) -> int | None:
    return None if reading is None else round(reading.value)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _age(at: float | None, now: float) -> int | None:
    return None if at is None else int(max(0.0, now - at))


def _moment(wall: float, zone: tzinfo) -> datetime:
    try:
        return datetime.fromtimestamp(wall, zone)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, zone)


def _utc(wall: float) -> str:
    return _moment(wall, UTC).isoformat("T", "seconds").replace("+00:00", "Z")
