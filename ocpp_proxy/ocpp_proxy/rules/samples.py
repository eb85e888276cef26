"""The sampled values in a message of the charger, and how a number is written into one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from ..actions.choices import MEASURAND
from ..meter import ENERGY, number
from .passage import Passage

_LISTS: Final = {"MeterValues": "meterValue", "StopTransaction": "transactionData"}
_MEASURANDS: Final = {name.casefold(): name for name in MEASURAND}


def list_name(passage: Passage) -> str | None:
    """Where a CALL keeps its meter values; None if it has none."""
    return _LISTS.get(passage.action) if passage.is_call else None


def elements(passage: Passage) -> list[dict[str, Any]]:
    """The meter values of MeterValues or StopTransaction, to be changed in place."""
    name = list_name(passage)
    payload = passage.payload if name is not None else None
    if payload is None or name is None or not isinstance(payload.get(name), list):
        return []
    return [element for element in payload[name] if isinstance(element, dict)]


def samples(passage: Passage) -> Iterator[dict[str, Any]]:
    """Every sampled value that is an object."""
    for element in elements(passage):
        values = element.get("sampledValue")
        for sample in values if isinstance(values, list) else ():
            if isinstance(sample, dict):
                yield sample


def measurand(sample: dict[str, Any]) -> str:
    """What is measured, energy if nothing is said (OCPP 1.6 §7.43)."""
    name = sample.get("measurand")
    if not isinstance(name, str):
        return ENERGY
    return _MEASURANDS.get(name.strip().casefold(), name)


def is_signed(sample: dict[str, Any]) -> bool:
    """Whether the value is a signed block instead of a number."""
    form = sample.get("format")
    return isinstance(form, str) and form.casefold() == "signeddata"


def value_of(sample: dict[str, Any]) -> Decimal | None:
    """The number of a sample with the digits it was written with; None if it has none."""
    raw = sample.get("value")
    if is_signed(sample) or number(raw) is None:
        return None
    return Decimal(raw.replace(" ", "").strip("\0\t\r\n") if isinstance(raw, str) else repr(raw))


def written(value: Decimal) -> str:
    """A number without exponent and without zeros at the end."""
    text = f"{round(value, 6):f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
