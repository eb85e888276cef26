"""Rules `default_unit` and `scale`: the unit and the size of single measurands."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ..actions.choices import UNIT
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .samples import measurand, samples, value_of, written
from .words import LineError


@dataclass(frozen=True, slots=True)
class DefaultUnit(Setting):
    """The unit of a measurand's values that come without one."""

    measurand: str
    unit: str

    @property
    def subject(self) -> Hashable:
        return self.measurand


@dataclass(frozen=True, slots=True)
class Scale(Setting):
    """What a measurand's values are multiplied with."""

    measurand: str
    factor: Decimal

    @property
    def subject(self) -> Hashable:
        return self.measurand


def _read_default_unit(words: list[str]) -> Setting:
    reading.expect(words, 2)
    if words[1] in UNIT:  # W and w, Wh and WH would be told apart by nothing else
        return DefaultUnit(reading.measurand(words[0]), words[1])
    raise LineError(f"{words[1]!r} is no unit of OCPP 1.6")


def _read_scale(words: list[str]) -> Setting:
    reading.expect(words, 2)
    return Scale(reading.measurand(words[0]), reading.decimal(words[1]))


LINES = (
    LineKind("default_unit MEASURAND UNIT", _read_default_unit),
    LineKind("scale MEASURAND FACTOR", _read_scale),
)


class Units(Rule):
    """Adds units to samples without one."""

    name = "default_unit"

    def __init__(self, units: Mapping[str, str]) -> None:
        self._units = units

    def from_charger(self, passage: Passage) -> None:
        added = []
        for sample in samples(passage):
            unit = self._units.get(measurand(sample))
            if unit is not None and not sample.get("unit"):
                sample["unit"] = unit
                added.append(unit)
        if added:
            passage.edited(self, f"unit {', '.join(sorted(set(added)))} added")


class Scales(Rule):
    """Multiplies sampled values; meterStart and meterStop are no samples and stay."""

    name = "scale"

    def __init__(self, factors: Mapping[str, Decimal]) -> None:
        self._factors = factors

    def from_charger(self, passage: Passage) -> None:
        scaled = set()
        for sample in samples(passage):
            name = measurand(sample)
            factor = self._factors.get(name)
            value = value_of(sample) if factor is not None else None
            if factor is not None and value is not None:
                sample["value"] = written(value * factor)
                scaled.add(name)
        if scaled:
            passage.edited(self, f"{', '.join(sorted(scaled))} scaled")


def default_unit(settings: Settings, _around: Surroundings) -> Rule | None:
    units = {each.measurand: each.unit for each in settings.of(DefaultUnit)}
    return Units(units) if units else None


def scale(settings: Settings, _around: Surroundings) -> Rule | None:
    factors = {each.measurand: each.factor for each in settings.of(Scale)}
    return Scales(factors) if factors else None
