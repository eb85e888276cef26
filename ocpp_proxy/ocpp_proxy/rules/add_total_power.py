"""Rule `add_total_power`: the sum that wallboxes with values per phase leave out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .. import meter
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .samples import elements, measurand, written

_LINES = ("l1", "l2", "l3")


@dataclass(frozen=True, slots=True)
class AddTotalPower(Setting):
    """The rule is wanted."""


def _read(words: list[str]) -> Setting:
    reading.expect(words, 0)
    return AddTotalPower()


LINES = (LineKind("add_total_power", _read),)


class TotalPower(Rule):
    """Adds Power.Active.Import without phase to MeterValues that have none."""

    name = "add_total_power"

    def from_charger(self, passage: Passage) -> None:
        if passage.action != "MeterValues":
            return
        added = False
        for element in elements(passage):
            power = total_power(element)
            if power is not None:
                element["sampledValue"].append(_sample(element, power))
                added = True
        if added:
            passage.edited(self, "total power added")


def total_power(element: dict[str, Any]) -> float | None:
    """Watts from the power of the phases, else from their voltage and current.

    None if there is a total already or too little to reckon with: a current without phase says
    nothing about the number of phases.
    """
    values = element.get("sampledValue")
    if not isinstance(values, list) or any(_is_total(sample) for sample in values):
        return None
    found = [reading.samples for reading in meter.readings([element])]
    live = meter.live(found[0]) if found else {}
    if "power" in live:
        return live["power"]
    voltages = {line: live.get(f"voltage_{line}") for line in _LINES}
    known = [voltage for voltage in voltages.values() if voltage is not None]
    parts = [
        live[f"current_{line}"] * (voltages[line] or known[0])
        for line in _LINES
        if known and f"current_{line}" in live
    ]
    return math.fsum(parts) if parts else None


def _is_total(sample: Any) -> bool:
    return (
        isinstance(sample, dict)
        and measurand(sample) == meter.POWER
        and not sample.get("phase")
        and meter.number(sample.get("value")) is not None
    )


def _sample(element: dict[str, Any], power: float) -> dict[str, Any]:
    """The sum, taken in the same context as what it was made of."""
    sample = {
        "value": written(Decimal(repr(round(power, 1)))),
        "measurand": meter.POWER,
        "unit": "W",
    }
    for part in element["sampledValue"]:
        if isinstance(part, dict) and isinstance(part.get("context"), str):
            sample["context"] = part["context"]
            break
    return sample


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    return TotalPower() if settings.last(AddTotalPower) else None
