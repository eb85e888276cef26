"""Rule `fix_timestamps`: times of the charger that the central system cannot read.

Seen: without zone (Growatt THOR, evcc-io/evcc#10399), empty and `0000-00-00T00:00:00.000Z`
(AcTec; evcc-io/evcc#17836).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..actions import ACTIONS, Field, Kind
from ..relay.hold import FIRST_PLAUSIBLE_YEAR
from ..relay.memory import timestamp
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .schema import fields_of, walk
from .words import LineError

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_FIRST_SET_YEAR = 2020  # clocks of charge points that were never set begin in 1970 or 2000


@dataclass(frozen=True, slots=True)
class FixTimestamps(Setting):
    """The zone of times that name none."""

    zone: tzinfo = UTC


def _read(words: list[str]) -> Setting:
    reading.expect(words, 0, 1)
    return FixTimestamps(zone(words[0])) if words else FixTimestamps()


def zone(word: str) -> tzinfo:
    """A zone by its name in the IANA database or as offset like +02:00; raises LineError."""
    if word.upper() in ("UTC", "Z"):
        return UTC
    match = _OFFSET.fullmatch(word)
    if match and int(match[2]) < 24 and int(match[3]) < 60:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset)
    try:
        return ZoneInfo(word)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LineError(f"{word!r} is no zone like Europe/Berlin or +01:00") from None


LINES = (LineKind("fix_timestamps [ZONE]", _read),)


def fixed(raw: object, assumed: tzinfo, now: datetime) -> str | None:
    """The time as it should be; None if it is right as it is, or there is no knowing better."""
    moment = _moment(raw, assumed)
    if moment is not None:
        right = isinstance(raw, str) and _RFC3339.fullmatch(raw) is not None
        return None if right else timestamp(moment)
    return timestamp(now) if now.year >= FIRST_PLAUSIBLE_YEAR else None


def _moment(raw: object, assumed: tzinfo) -> datetime | None:
    if not isinstance(raw, str) or not 10 <= len(raw.strip()) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(raw.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=assumed)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= _FIRST_SET_YEAR else None


@cache
def _has_times(fields: tuple[Field, ...]) -> bool:
    return any(field.kind is Kind.DATE_TIME or _has_times(field.members) for field in fields)


_ACTIONS = frozenset(
    name for name, action in ACTIONS.items() if _has_times(action.request + action.answer)
)


class Fix(Rule):
    """Adds a missing zone; zero, empty, unreadable and missing needed times become now."""

    name = "fix_timestamps"

    def __init__(self, assumed: tzinfo, wall_clock: Callable[[], datetime]) -> None:
        self._zone = assumed
        self._wall_clock = wall_clock

    def from_charger(self, passage: Passage) -> None:
        if passage.action not in _ACTIONS or (payload := passage.payload) is None:
            return
        now = self._wall_clock()

        def change(owner: dict[str, Any], field: Field) -> bool:
            if field.kind is not Kind.DATE_TIME or (field.optional and not _given(owner, field)):
                return False
            text = fixed(owner.get(field.name), self._zone, now)
            if text is not None:
                owner[field.name] = text
            return text is not None

        if walk(payload, fields_of(passage), change):
            passage.edited(self, "time corrected")


def _given(owner: dict[str, Any], field: Field) -> bool:
    return owner.get(field.name) is not None


def make(settings: Settings, around: Surroundings) -> Rule | None:
    setting = settings.last(FixTimestamps)
    return Fix(setting.zone, around.wall_clock) if setting else None
