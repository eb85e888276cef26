"""What a simulated wallbox and its car do with charging limits, and what its meter shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

VOLTAGE = 230.0
LOWEST_CURRENT = 6.0  # IEC 61851-1: below this the pilot says "no charging"
MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "Current.Offered",
)
PHASE_MEASURANDS = ("Power.Active.Import", "Current.Import")
_PHASES = ("L1", "L2", "L3")


@dataclass(slots=True)
class Transaction:
    """A charging session; `id` is None until the central system gave one."""

    id_tag: str
    started: datetime
    meter_start: int
    id: int | None = None


@dataclass(slots=True)
class Connector:
    """One socket with what hangs on it; amperes are per phase, the meter counts Wh."""

    number: int
    status: str = "Available"
    error_code: str = "NoError"
    plugged: bool = False
    finished: bool = False  # its transaction is over and the cable still in
    operative: bool = True
    remote_tag: str | None = None  # a remote start waits for the car
    transaction: Transaction | None = None
    car_amps: float = 16.0
    car_full: bool = False
    limit: float = 32.0
    energy_wh: float = 1_234_000.0
    _counted: float | None = field(default=None, repr=False)

    @property
    def amps(self) -> float:
        """What flows now, per phase."""
        if self.transaction is None or self.car_full or self.error_code != "NoError":
            return 0.0
        return min(self.limit, self.car_amps) if self.limit >= LOWEST_CURRENT else 0.0

    @property
    def power(self) -> float:
        """All phases together, in W."""
        return self.amps * VOLTAGE * len(_PHASES)

    def count_energy(self, monotonic: float) -> None:
        """Add what flowed since the last call; call it before anything changes."""
        if self._counted is not None:
            self.energy_wh += self.power * (monotonic - self._counted) / 3600
        self._counted = monotonic

    def natural_status(self) -> str:
        """The status its state means (OCPP 1.6 §4.9)."""
        if self.error_code != "NoError":
            return "Faulted"
        if not self.operative:
            return "Unavailable"
        if self.transaction is not None:
            if self.car_full:
                return "SuspendedEV"
            return "Charging" if self.amps > 0 else "SuspendedEVSE"
        if self.plugged:
            return "Finishing" if self.finished else "Preparing"
        return "Available"

    def samples(self, measurands: tuple[str, ...], context: str) -> list[dict[str, Any]]:
        """Sampled values of one moment, values as text."""
        found: list[dict[str, Any]] = []
        for measurand in measurands:
            found += self._measured(measurand)
        for sample in found:
            sample["context"] = context
        return found

    def phase_samples(self) -> list[dict[str, Any]]:
        """Power and current of each phase and no totals, as an AcTec EV-AC22K sends them."""
        return [
            _sample("Power.Active.Import", self.amps * VOLTAGE, "W", phase) for phase in _PHASES
        ] + [_sample("Current.Import", self.amps, "A", phase) for phase in _PHASES]

    def _measured(self, measurand: str) -> list[dict[str, Any]]:
        match measurand:
            case "Energy.Active.Import.Register":
                return [_sample(measurand, round(self.energy_wh), "Wh")]
            case "Power.Active.Import":
                return [_sample(measurand, self.power, "W")]
            case "Current.Import":
                return [_sample(measurand, self.amps, "A", phase) for phase in _PHASES]
            case "Voltage":
                return [_sample(measurand, VOLTAGE, "V", f"{phase}-N") for phase in _PHASES]
            case "Current.Offered":
                return [_sample(measurand, self.limit, "A")]
            case _:
                return []


def _sample(measurand: str, value: float, unit: str, phase: str | None = None) -> dict[str, Any]:
    sample = {"value": f"{value:g}" if unit == "A" else f"{value:.0f}", "measurand": measurand}
    if phase is not None:
        sample["phase"] = phase
    return sample | {"unit": unit}


@dataclass(slots=True)
class Profiles:
    """The charging profiles set, and the limit that follows from them (OCPP 1.6 §3.13)."""

    watts_per_amp: float
    ignores_zero: bool = False
    _set: dict[tuple[int, str, int], dict[str, Any]] = field(default_factory=dict)

    def add(self, connector: int, profile: dict[str, Any]) -> None:
        """Keep a profile; same connector, purpose and stack level replace each other."""
        key = (connector, profile["chargingProfilePurpose"], profile["stackLevel"])
        self._set[key] = profile

    def clear(self, wanted: dict[str, Any]) -> bool:
        """Remove what a ClearChargingProfile request names; False when nothing matched."""
        hit = [
            key
            for key, profile in self._set.items()
            if wanted.get("id") in (None, profile["chargingProfileId"])
            and wanted.get("connectorId") in (None, key[0])
            and wanted.get("chargingProfilePurpose") in (None, key[1])
            and wanted.get("stackLevel") in (None, key[2])
        ]
        for key in hit:
            del self._set[key]
        return bool(hit)

    def limit(self, connector: Connector, now: datetime, hardware: float = 32.0) -> float:
        """Amperes per phase allowed now."""
        best: dict[str, tuple[int, float]] = {}
        for (number, purpose, level), profile in self._set.items():
            if number not in (0, connector.number):
                continue
            amps = self._amps_at(profile, connector, now)
            if amps is not None and (purpose not in best or level >= best[purpose][0]):
                best[purpose] = (level, amps)
        session = best.get("TxProfile") or best.get("TxDefaultProfile") or (0, hardware)
        station = best.get("ChargePointMaxProfile", (0, hardware))
        return min(hardware, session[1], station[1])

    def _amps_at(
        self, profile: dict[str, Any], connector: Connector, now: datetime
    ) -> float | None:
        schedule = profile["chargingSchedule"]
        offset = (now - _schedule_start(profile, connector, now)).total_seconds()
        if offset < 0 or offset >= schedule.get("duration", float("inf")):
            return None
        limit: float | None = None
        for period in schedule["chargingSchedulePeriod"]:
            if period["startPeriod"] <= offset:
                limit = float(period["limit"])
        if limit is None or (limit == 0 and self.ignores_zero):
            return None
        return limit / self.watts_per_amp if schedule["chargingRateUnit"] == "W" else limit


def _schedule_start(profile: dict[str, Any], connector: Connector, now: datetime) -> datetime:
    text = profile["chargingSchedule"].get("startSchedule")
    if profile["chargingProfileKind"] == "Relative" or text is None:
        return connector.transaction.started if connector.transaction else now
    start = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if profile["chargingProfileKind"] == "Recurring" and now >= start:
        step = timedelta(days=7 if profile.get("recurrencyKind") == "Weekly" else 1)
        start += step * ((now - start) // step)
    return start
