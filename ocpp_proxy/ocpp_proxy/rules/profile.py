"""Rule `profile`: SetChargingProfile in the form a wallbox takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Final

from ..actions.choices import PROFILE_PURPOSE
from ..meter import number as as_number
from ..relay.memory import timestamp
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .words import LineError

WATTS_PER_AMP: Final = 690.0  # three phases of 230 V
DAY: Final = 86400
_MOST: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Profile(Setting):
    """The wanted form; None leaves a field as it comes."""

    unit: str | None = None
    watts_per_amp: float | None = None
    stack_level: int | None = None
    kind: str | None = None
    purpose: str | None = None
    connector_id: int | None = None
    number_phases: int | None = None
    id: int | None = None
    template: str | None = None


_KEYS: Final[dict[str, Callable[[str], Any]]] = {
    "unit": lambda word: reading.one_of(word, ("A", "W")),
    "watts_per_amp": reading.positive,
    "stack_level": lambda word: reading.whole(word, 0, _MOST),
    "kind": lambda word: reading.one_of(word, ("Absolute", "Recurring", "Relative")),
    "purpose": lambda word: reading.one_of(word, PROFILE_PURPOSE),
    "connector_id": lambda word: reading.whole(word, 0, _MOST),
    "number_phases": lambda word: reading.whole(word, 1, 3),
    "id": lambda word: reading.whole(word, 0, _MOST),
    "template": lambda word: reading.one_of(word, ("daily",)),
}

# What an AcTec EV-AC22K takes (SensorsIot/Wallbox-EVCC-Proxy: Actec_errors.md).
_DAILY: Final = Profile(
    unit="W", stack_level=0, kind="Absolute", purpose="TxDefaultProfile", number_phases=3, id=231
)


def _read(words: list[str]) -> Setting:
    if not words:
        raise LineError("too few words")
    given: dict[str, Any] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator:
            raise LineError(f"{word!r} is no KEY=VALUE")
        name = reading.one_of(key, _KEYS)
        given[name] = _KEYS[name](value)
    profile = Profile(**given)
    return filled(profile) if profile.template else profile


def filled(profile: Profile) -> Profile:
    """What the line leaves open, from its template."""
    missing = {
        field.name: getattr(_DAILY, field.name)
        for field in fields(Profile)
        if getattr(profile, field.name) is None
    }
    return replace(profile, **missing)


LINES = (LineKind(f"profile KEY=VALUE… with KEY one of {', '.join(_KEYS)}", _read),)


class Rewrite(Rule):
    """Brings charging profiles into the wanted form; numbers already in its unit stay."""

    name = "profile"

    def __init__(self, form: Profile, wall_clock: Callable[[], datetime]) -> None:
        self._form = form
        self._wall_clock = wall_clock

    def from_upstream(self, passage: Passage) -> None:
        if passage.is_call and passage.action in ("SetChargingProfile", "RemoteStartTransaction"):
            self._rewrite(passage)

    def _rewrite(self, passage: Passage) -> None:
        payload, form = passage.payload, self._form
        starts = passage.action == "RemoteStartTransaction"
        profile = payload and payload.get("chargingProfile" if starts else "csChargingProfiles")
        if not isinstance(profile, dict) or not _has_schedule(profile) or payload is None:
            return
        before = repr(payload)
        if starts:  # such a profile is always a TxProfile (OCPP 1.6 §5.11)
            form = replace(form, purpose=None, connector_id=None)
        elif form.connector_id is not None:
            payload["connectorId"] = form.connector_id
        rewritten(profile, form, self._wall_clock())
        if repr(payload) != before:
            passage.edited(self, "charging profile rewritten")


def _has_schedule(profile: dict[str, Any]) -> bool:
    schedule = profile.get("chargingSchedule")
    periods = schedule.get("chargingSchedulePeriod") if isinstance(schedule, dict) else None
    return isinstance(periods, list) and all(isinstance(each, dict) for each in periods)


def rewritten(profile: dict[str, Any], form: Profile, now: datetime) -> None:
    """Change a profile that has a schedule with periods; `now` knows its zone."""
    schedule = profile["chargingSchedule"]
    _convert(schedule, form)
    if form.template == "daily":
        _lay_on_the_day(profile, schedule, now.astimezone(UTC))
    for name, value in (
        ("chargingProfileId", form.id),
        ("stackLevel", form.stack_level),
        ("chargingProfileKind", form.kind),
    ):
        if value is not None:
            profile[name] = value
    if form.purpose is not None:
        profile["chargingProfilePurpose"] = form.purpose
        if form.purpose != "TxProfile":
            profile.pop("transactionId", None)  # belongs to a TxProfile only (OCPP 1.6 §7.8)
    if form.number_phases is not None:
        for period in schedule["chargingSchedulePeriod"]:
            period["numberPhases"] = form.number_phases


def _convert(schedule: dict[str, Any], form: Profile) -> None:
    """Bring all limits into the wanted unit."""
    comes_in = schedule.get("chargingRateUnit")
    if form.unit is None or comes_in == form.unit or comes_in not in ("A", "W"):
        return
    schedule["chargingRateUnit"] = form.unit
    periods = schedule["chargingSchedulePeriod"]
    for period in periods:
        period["limit"] = _converted(period.get("limit"), _watts_per_amp(period, form), form.unit)
    if periods and "minChargingRate" in schedule:
        factor = _watts_per_amp(periods[0], form)
        schedule["minChargingRate"] = _converted(schedule["minChargingRate"], factor, form.unit)


def _watts_per_amp(period: dict[str, Any], form: Profile) -> float:
    """Watts for each ampere on the phases of this period, three if nothing is said."""
    phases = period.get("numberPhases")
    if isinstance(phases, bool) or not isinstance(phases, int) or not 1 <= phases <= 3:
        phases = form.number_phases or 3
    return (form.watts_per_amp or WATTS_PER_AMP) * phases / 3


def _converted(limit: Any, watts_per_amp: float, unit: str) -> Any:
    """A limit in the other unit, never more than it was, in steps of 0.1 (OCPP 1.6 §7.14)."""
    value = None if isinstance(limit, str) else as_number(limit)
    if value is None:
        return limit
    result = value * watts_per_amp if unit == "W" else value / watts_per_amp
    tenths = math.floor(round(result * 10, 6))
    return tenths // 10 if tenths % 10 == 0 else tenths / 10


def _lay_on_the_day(profile: dict[str, Any], schedule: dict[str, Any], now: datetime) -> None:
    """A schedule from midnight UTC that has now's limit up to the next period of today."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    second = int((now - midnight).total_seconds())
    shift = second - _offset(profile, schedule, now)
    periods: list[dict[str, Any]] = []
    for period in schedule["chargingSchedulePeriod"]:
        at = period.get("startPeriod")
        start = at + shift if isinstance(at, int) and not isinstance(at, bool) else 0
        if start <= second:
            periods = [{**period, "startPeriod": 0}]
        elif start < DAY and periods:
            periods.append({**period, "startPeriod": start})
    schedule["chargingSchedulePeriod"] = periods or schedule["chargingSchedulePeriod"]
    schedule["duration"] = DAY
    schedule["startSchedule"] = timestamp(midnight)
    profile["recurrencyKind"] = "Daily"
    for name in ("validFrom", "validTo"):
        profile.pop(name, None)


def _offset(profile: dict[str, Any], schedule: dict[str, Any], now: datetime) -> int:
    """How many seconds ago an absolute schedule began; 0 for one that begins now."""
    start = schedule.get("startSchedule")
    if profile.get("chargingProfileKind") == "Relative" or not isinstance(start, str):
        return 0
    try:
        moment = datetime.fromisoformat(start)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int((now - moment).total_seconds())
    except (ValueError, OverflowError):
        return 0


def make(settings: Settings, around: Surroundings) -> Rule | None:
    form = settings.last(Profile)
    return Rewrite(form, around.wall_clock) if form else None
