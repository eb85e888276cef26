"""Rule `drop_invalid_samples`: sampled values the central system refuses a whole message for.

Seen: empty values (Amperfied, evcc-io/evcc#17836), numbers instead of texts (OpenEVSE,
lbbrhzn/ocpp#210), misspelt contexts and measurands (lbbrhzn/ocpp#361).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..actions.choices import LOCATION, MEASURAND, PHASE, READING_CONTEXT, UNIT
from ..meter import number
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .samples import elements, is_signed, list_name


@dataclass(frozen=True, slots=True)
class DropInvalidSamples(Setting):
    """The rule is wanted."""


def _read(words: list[str]) -> Setting:
    reading.expect(words, 0)
    return DropInvalidSamples()


LINES = (LineKind("drop_invalid_samples", _read),)


def _spellings(names: Sequence[str]) -> dict[str, str]:
    return {name.casefold(): name for name in names}


# Without the first ones the value still means what it meant; without the others it does not.
_MAY_GO: Final = {"context": _spellings(READING_CONTEXT), "location": _spellings(LOCATION)}
_MUST_FIT: Final = {
    "format": _spellings(("Raw", "SignedData")),
    "measurand": _spellings(MEASURAND),
    "phase": _spellings(PHASE),
    "unit": {**_spellings(UNIT), "%": "Percent", "c": "Celsius", "°c": "Celsius", "hz": "Hertz"},
}


class Drop(Rule):
    """Mends what has one meaning, drops the rest; without any sample left nothing goes on."""

    name = "drop_invalid_samples"

    def from_charger(self, passage: Passage) -> None:
        name = list_name(passage)
        if name is None or (found := elements(passage)) == []:
            return
        before = repr(found)
        for element in found:
            values = element.get("sampledValue")
            if isinstance(values, list):
                element["sampledValue"] = [each for each in values if mended(each)]
        kept = [element for element in found if element.get("sampledValue")]
        payload = passage.payload
        if payload is None or repr(kept) == before:
            return
        if kept:
            payload[name] = kept
        elif passage.action == "StopTransaction":
            del payload[name]
        else:
            passage.answer(self, b"{}", "no valid sample left, not passed on")
            return
        passage.edited(self, "invalid samples mended or dropped")


def mended(sample: Any) -> bool:
    """Bring a sample into order; False if it cannot be used."""
    if not isinstance(sample, dict):
        return False
    for field, known in _MAY_GO.items():
        if field in sample and not _spelt_right(sample, field, known):
            del sample[field]
    if not all(_spelt_right(sample, field, known) for field, known in _MUST_FIT.items()):
        return False
    return isinstance(sample.get("value"), str) if is_signed(sample) else _has_number(sample)


def _spelt_right(sample: dict[str, Any], field: str, known: dict[str, str]) -> bool:
    if field not in sample:
        return True
    name = sample[field]
    right = known.get(name.strip().casefold()) if isinstance(name, str) else None
    if right is None:
        return False
    if name not in known.values():
        sample[field] = right
    return True


def _has_number(sample: dict[str, Any]) -> bool:
    value = sample.get("value")
    if isinstance(value, str):
        if number(value) is None:
            value = value.replace(",", ".", 1)
        if number(value) is None:
            return False
        sample["value"] = value
        return True
    if number(value) is None:
        return False
    sample["value"] = repr(value)
    return True


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    return Drop() if settings.last(DropInvalidSamples) else None
