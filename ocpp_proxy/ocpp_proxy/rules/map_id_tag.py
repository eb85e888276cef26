"""Rule `map_id_tag`: another card number on each side (evcc-io/evcc#32502)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from ..actions import ACTIONS, Field, Kind
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .schema import fields_of, walk


@dataclass(frozen=True, slots=True)
class MapIdTag(Setting):
    """The charger's tag and the central system's; tags are compared without regard to case."""

    charger: str
    upstream: str

    @property
    def subject(self) -> Hashable:
        return self.charger.casefold()


def _read(words: list[str]) -> Setting:
    reading.expect(words, 2)
    # What the charger sends may be longer than the 20 characters OCPP allows.
    return MapIdTag(reading.text(words[0], 255), reading.text(words[1], 20))


LINES = (LineKind("map_id_tag FROM TO", _read),)


def _has_tags(fields: tuple[Field, ...]) -> bool:
    return any(field.kind is Kind.ID_TOKEN or _has_tags(field.members) for field in fields)


_ACTIONS = frozenset(
    name for name, action in ACTIONS.items() if _has_tags(action.request + action.answer)
)


class MapTags(Rule):
    """Replaces tags wherever OCPP has one; of several for one tag of upstream the first counts."""

    name = "map_id_tag"

    def __init__(self, tags: list[MapIdTag]) -> None:
        self._up = {each.charger.casefold(): each.upstream for each in tags}
        self._down = {each.upstream.casefold(): each.charger for each in reversed(tags)}

    def from_charger(self, passage: Passage) -> None:
        self._map(passage, self._up)

    def from_upstream(self, passage: Passage) -> None:
        self._map(passage, self._down)

    def _map(self, passage: Passage, tags: Mapping[str, str]) -> None:
        if passage.action not in _ACTIONS or (payload := passage.payload) is None:
            return

        def change(owner: dict[str, Any], field: Field) -> bool:
            tag = owner.get(field.name)
            if field.kind is not Kind.ID_TOKEN or not isinstance(tag, str):
                return False
            other = tags.get(tag.casefold())
            if other is None or other == tag:
                return False
            owner[field.name] = other
            return True

        if walk(payload, fields_of(passage), change):
            passage.edited(self, "idTag replaced")


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    tags = settings.of(MapIdTag)
    return MapTags(tags) if tags else None
