"""How a simulated wallbox spells its messages, right or with the faults of its firmware."""

from __future__ import annotations

import json
from typing import Any

from .wallbox_quirks import Quirks


def spell(quirks: Quirks, text: str, action: str) -> str:
    """A well-formed message as this firmware writes it; `action` is also that of an answer."""
    if quirks.stray_comma:
        text = text.replace('"sampledValue":[{', '"sampledValue":[,{')
    if quirks.nul_in_strings:
        text = text.replace('"chargePointModel":"', '"chargePointModel":"\x00')
    if action in quirks.truncates:
        text = text[:-2]
    if quirks.trailing_nul:
        text += "\x00"
    return text


def bend_samples(quirks: Quirks, samples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sampled values with this firmware's mistakes in them."""
    if quirks.number_values:
        samples = [{**sample, "value": json.loads(sample["value"])} for sample in samples]
    if quirks.empty_values:
        samples = [*samples, {"value": "", "measurand": "SoC", "unit": "Percent"}]
    return samples
