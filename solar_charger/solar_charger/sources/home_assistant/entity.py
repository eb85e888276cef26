"""Reads an entity's state as Home Assistant's REST and WebSocket interfaces show it; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...json_values import JsonObject, UnreadableAnswerError, as_object, text
from ..roles import Value
from ..units import NO_VALUE


@dataclass(frozen=True, slots=True)
class Entity:
    """One state; `value` is None for `unknown`, `unavailable` and an empty text."""

    entity_id: str
    value: str | None
    unit: str | None
    reported: float | None
    """Epoch seconds of the last sign of life by Home Assistant's clock."""
    attributes: Mapping[str, Any]


def parse_entity(answer: Any) -> Entity:
    """Read one state object.

    A constant value leaves `last_updated` alone, therefore `last_reported` goes first where
    there is one (developers.home-assistant, `docs/core/entity`).
    Raises UnreadableAnswerError.
    """
    fields = as_object(answer, "the state")
    entity_id, state = text(fields.get("entity_id")), text(fields.get("state"))
    if entity_id is None or state is None:
        raise UnreadableAnswerError("a state without entity_id or state")
    attributes = fields.get("attributes")
    known: JsonObject = attributes if isinstance(attributes, dict) else {}
    stamps = [_epoch(fields.get(name)) for name in ("last_reported", "last_updated")]
    return Entity(
        entity_id=entity_id,
        value=None if state.strip().lower() in NO_VALUE else state,
        unit=text(known.get("unit_of_measurement")),
        reported=next((stamp for stamp in stamps if stamp is not None), None),
        attributes=known,
    )


def _epoch(value: Any) -> float | None:
    word = text(value)
    if word is None:
        return None
    try:
        moment = datetime.fromisoformat(word)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


class Ages:
    """Puts Home Assistant's time stamps on our monotonic clock, each once.

    A stamp seen before keeps its moment, so a jump of either clock makes nothing younger.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}

    def value(self, entity: Entity, now: float, wall: float) -> Value | None:
        """The entity's value with its moment; None where it has nothing to say."""
        if entity.value is None:
            return None
        return Value(entity.value, self._measured_at(entity, now, wall), entity.unit)

    def _measured_at(self, entity: Entity, now: float, wall: float) -> float:
        if entity.reported is None:
            return now
        last = self._seen.get(entity.entity_id)
        if last is None or last[0] != entity.reported:
            last = (entity.reported, now - max(0.0, wall - entity.reported))
            self._seen[entity.entity_id] = last
        return last[1]
