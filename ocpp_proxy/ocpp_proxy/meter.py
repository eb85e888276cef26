"""Sampled values of OCPP 1.6 → numbers in W, A, V, kWh, Hz, °C and %. Pure, never raises.

Source: OCPP 1.6 edition 2 §7.43 (SampledValue); what deviates was reported for real chargers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from .actions.choices import MEASURAND

# A charge point's clock before this is not set (2020-01-01T00:00:00Z).
CLOCK_SET = 1577836800.0
# Beyond this a value is a fault of the meter, not a measurement.
ABSURD = 1e12
MOST_SAMPLES = 1000

# Shape of a number as charge points write it; more lenient readers take "1_0", "nan", "٣".
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_PREFIXED = re.compile(r"([kKmM])(wh|w|varh|var|va|a|v|hz)", re.IGNORECASE)
_LOCATIONS: Final = ("Outlet", "Cable", "Inlet", "Body", "EV")
_LINES: Final = ("L1", "L2", "L3")
_MEASURANDS: Final = {name.casefold(): name for name in MEASURAND}

ENERGY: Final = "Energy.Active.Import.Register"
POWER: Final = "Power.Active.Import"
CURRENT: Final = "Current.Import"
VOLTAGE: Final = "Voltage"
_SINGLE: Final = {
    "Current.Offered": "current_offered",
    "Power.Offered": "power_offered",
    "SoC": "soc",
    "Temperature": "temperature",
    "Frequency": "frequency",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One value in its base unit (energy in kWh, temperature in °C)."""

    measurand: str
    value: float
    phase: str = ""
    context: str = "Sample.Periodic"
    location: str = "Outlet"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one MeterValue element holds; `time` is Unix seconds, None when missing or not set."""

    time: float | None
    samples: tuple[Sample, ...]


def readings(meter_value: object) -> list[Reading]:
    """The elements of `meterValue` or `transactionData`, in the order sent, unreadable ones out."""
    left = MOST_SAMPLES
    found: list[Reading] = []
    for element in _list(meter_value):
        if not isinstance(element, Mapping) or left <= 0:
            continue
        values = _list(element.get("sampledValue"))[:left]
        left -= max(1, len(values))
        samples = tuple(sample for value in values if (sample := _sample(value)) is not None)
        if samples:
            found.append(Reading(timestamp(element.get("timestamp")), samples))
    return found


def _list(value: object) -> Sequence[object]:
    """A list as it is; an object where a list belongs counts as its only element."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, Mapping) else []


def _sample(raw: object) -> Sample | None:
    if not isinstance(raw, Mapping) or _word(raw, "format", "Raw").casefold() == "signeddata":
        return None
    value = number(raw.get("value"))
    if value is None:
        return None
    measurand = _word(raw, "measurand", ENERGY)
    measurand = _MEASURANDS.get(measurand.casefold(), measurand)
    value = _in_base_unit(value, _word(raw, "unit", ""), measurand)
    return Sample(
        measurand,
        value,
        phase=_word(raw, "phase", "").upper(),
        context=_word(raw, "context", "Sample.Periodic"),
        location=_word(raw, "location", "Outlet"),
    )


def _word(raw: Mapping[Any, Any], key: str, default: str) -> str:
    value = raw.get(key)
    return value.strip() or default if isinstance(value, str) else default


def number(raw: object) -> float | None:
    """A number or a text with one, blanks ignored; None for anything else, also for nan."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        text = raw.replace(" ", "").strip("\0\t\r\n")
        if len(text) > 64 or not _NUMBER.fullmatch(text):
            return None
        raw = float(text)
    if not isinstance(raw, int | float) or not -ABSURD <= raw <= ABSURD:
        return None
    return float(raw)


def _in_base_unit(value: float, unit: str, measurand: str) -> float:
    """Apply the prefix of any unit, as evcc does; energy without unit is in Wh."""
    if measurand == "Temperature":
        return _celsius(value, unit)
    match = _PREFIXED.fullmatch(unit)
    if match:
        factors = {"k": 1000.0, "K": 1000.0, "M": 1e6, "m": 0.001}
        value *= factors[match.group(1)]
    if measurand.startswith("Energy."):
        value /= 1000.0
    return value


def _celsius(value: float, unit: str) -> float:
    if unit in ("K", "Kelvin"):
        return value - 273.15
    if unit == "Fahrenheit":
        return (value - 32.0) / 1.8
    return value


def timestamp(raw: object) -> float | None:
    """Unix seconds of an OCPP date-time; without zone UTC; None for empty, zero, unset clocks."""
    if not isinstance(raw, str) or not 10 <= len(raw) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(raw.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= CLOCK_SET else None


def live(samples: Sequence[Sample]) -> dict[str, float]:
    """Present values by entity key: power, power_l1 …, current_max, energy_total, soc …

    Only what the samples hold; the caller keeps the rest.
    """
    values: dict[str, float] = {}
    _add_lines(values, "power", _by_phase(samples, POWER), neutral_first=False)
    _add_lines(values, "current", _by_phase(samples, CURRENT), neutral_first=False)
    _add_lines(values, "voltage", _by_phase(samples, VOLTAGE), neutral_first=True)
    energy = _total(_by_phase(samples, ENERGY))
    if energy is not None:
        values["energy_total"] = energy
    for measurand, key in _SINGLE.items():
        value = _any(_by_phase(samples, measurand))
        if value is not None:
            values[key] = value
    return {key: round(value, 3) for key, value in values.items()}


def _add_lines(
    values: dict[str, float], kind: str, phases: Mapping[str, float], *, neutral_first: bool
) -> None:
    lines = dict(_lines(phases, neutral_first=neutral_first))
    for line, value in lines.items():
        values[f"{kind}_{line.lower()}"] = value
    whole = phases.get("")
    if kind == "power":
        total = _total(phases)
        if total is not None:
            values["power"] = total
    elif kind == "current" and (lines or whole is not None):
        # Currents of three phases do not add up; what matters for the fuse is the largest.
        values["current_max"] = max([*lines.values(), *([] if whole is None else [whole])])
    elif kind == "voltage" and not lines and whole is not None:
        values["voltage_l1"] = whole


def _lines(phases: Mapping[str, float], *, neutral_first: bool) -> Iterator[tuple[str, float]]:
    """Values of L1 to L3, under either name; the plain or the -N one first."""
    for line in _LINES:
        names = (f"{line}-N", line) if neutral_first else (line, f"{line}-N")
        for name in names:
            if name in phases:
                yield line, phases[name]
                break


def _total(phases: Mapping[str, float]) -> float | None:
    """The value without phase, else the sum of the lines."""
    if "" in phases:
        return phases[""]
    lines = dict(_lines(phases, neutral_first=False))
    return math.fsum(lines.values()) if lines else None


def _any(phases: Mapping[str, float]) -> float | None:
    """The value without phase, else the largest of the lines."""
    return phases.get("", max(phases.values(), default=None))


def _by_phase(samples: Sequence[Sample], measurand: str) -> dict[str, float]:
    """Phase ("": none) → value; of several locations the outlet counts, of equal ones the last."""
    ranks: dict[str, int] = {}
    values: dict[str, float] = {}
    for sample in samples:
        if sample.measurand != measurand:
            continue
        known = sample.location in _LOCATIONS
        rank = _LOCATIONS.index(sample.location) if known else len(_LOCATIONS)
        if rank <= ranks.get(sample.phase, rank):
            ranks[sample.phase], values[sample.phase] = rank, sample.value
    return values


def register(samples: Sequence[Sample], context: str) -> float | None:
    """The energy register in kWh taken in one context, such as Transaction.Begin."""
    chosen = [sample for sample in samples if sample.context == context]
    return _total(_by_phase(chosen, ENERGY))


class Freshness:
    """Tells history from present: a charger back online may send what it recorded meanwhile.

    Times are compared by the charger's own clock. When nothing but older times came for
    `PATIENCE` seconds, that clock was set back (daylight saving, a repair), and they count again.
    """

    PATIENCE = 600.0

    def __init__(self) -> None:
        self._newest = 0.0
        self._older_since: float | None = None

    def is_present(self, reading: Reading, now: float, wall: float) -> bool:
        """Whether this reading is as new as the newest so far; without a time it counts as now."""
        if reading.time is None:
            return True
        # A clock that is ahead must not make everything look old once it is corrected.
        moment = min(reading.time, wall) if wall >= CLOCK_SET else reading.time
        if moment < self._newest:
            if self._older_since is None:
                self._older_since = now
            if now - self._older_since < self.PATIENCE:
                return False
        self._newest, self._older_since = moment, None
        return True
