"""Rule `truncate_strings`: texts of the charger that are longer than OCPP allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..actions import Field, Kind
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .schema import fields_of, walk

_TEXTS = (Kind.STRING, Kind.ID_TOKEN)


@dataclass(frozen=True, slots=True)
class TruncateStrings(Setting):
    """The rule is wanted."""


def _read(words: list[str]) -> Setting:
    reading.expect(words, 0)
    return TruncateStrings()


LINES = (LineKind("truncate_strings", _read),)


class Truncate(Rule):
    """Cuts each text to the characters its field has room for (OCPP 1.6 §6 and §7)."""

    name = "truncate_strings"

    def from_charger(self, passage: Passage) -> None:
        fields = fields_of(passage)
        if not fields or (payload := passage.payload) is None:
            return
        cut: list[str] = []

        def change(owner: dict[str, Any], field: Field) -> bool:
            if field.longest is None or not _cut(owner, field, field.longest):
                return False
            cut.append(field.name)
            return True

        if walk(payload, fields, change):
            passage.edited(self, f"{', '.join(sorted(set(cut)))} cut")


def _cut(owner: dict[str, Any], field: Field, longest: int) -> bool:
    value = owner.get(field.name)
    if field.kind in _TEXTS and isinstance(value, str) and len(value) > longest:
        owner[field.name] = value[:longest]
        return True
    if field.kind is Kind.STRINGS and isinstance(value, list):
        short = [each[:longest] if isinstance(each, str) else each for each in value]
        owner[field.name] = short
        return short != value
    return False


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    return Truncate() if settings.last(TruncateStrings) else None
