"""Rules `min_limit` and `zero_action`: limits a wallbox does not obey, 0 above all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..frames import CallResult, decode
from ..meter import number
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .words import LineError


@dataclass(frozen=True, slots=True)
class MinLimit(Setting):
    """The lowest limit, in the unit the wallbox gets."""

    value: float


@dataclass(frozen=True, slots=True)
class ZeroAction(Setting):
    """What a limit of 0 becomes: keep, min_limit or remote_stop."""

    action: str


def _read_min_limit(words: list[str]) -> Setting:
    reading.expect(words, 1)
    return MinLimit(reading.positive(words[0]))


def _read_zero_action(words: list[str]) -> Setting:
    reading.expect(words, 1)
    return ZeroAction(reading.one_of(words[0], ("keep", "min_limit", "remote_stop")))


LINES = (
    LineKind("min_limit VALUE", _read_min_limit),
    LineKind("zero_action keep|min_limit|remote_stop", _read_zero_action),
)


def check(settings: Settings) -> None:
    """Raises LineError when 0 is to become a limit that is not given."""
    zero = settings.last(ZeroAction)
    if zero is not None and zero.action == "min_limit" and not settings.last(MinLimit):
        raise LineError("zero_action min_limit needs min_limit VALUE beside it")


class Limits(Rule):
    """Raises limits that are too low, and stops the transaction in place of a limit of 0.

    Stopping needs a transaction id, known from StartTransaction's answer or MeterValues; without
    one the profile is passed on with its 0.
    """

    name = "limits"

    def __init__(self, lowest: float | None, zero: str) -> None:
        self._lowest = lowest
        self._zero = zero
        self._running: dict[int, int] = {}

    def from_charger(self, passage: Passage) -> None:
        if self._zero != "remote_stop" or not passage.is_call:
            return
        payload = passage.message.payload if passage.action in _TELLING else {}
        transaction = _whole(payload.get("transactionId"))
        if passage.action == "StopTransaction":
            self._running = {c: t for c, t in self._running.items() if t != transaction}
        elif (connector := _whole(payload.get("connectorId"))) is None:
            return
        elif passage.action == "StatusNotification":
            if payload.get("status") in ("Available", "Preparing", "Finishing"):
                self._running.pop(connector, None)
        elif transaction is not None and connector < 64:
            self._running[connector] = transaction

    def from_upstream(self, passage: Passage) -> None:
        if passage.action == "StartTransaction" and self._zero == "remote_stop":
            self._started(passage)
        elif passage.is_call and passage.action == "SetChargingProfile":
            self._limit(passage)

    def _started(self, passage: Passage) -> None:
        message = decode(passage.data)
        connector = _whole(passage.request.get("connectorId"))
        if not isinstance(message, CallResult) or connector is None or connector >= 64:
            return
        transaction = _whole(message.payload.get("transactionId"))
        if transaction is not None:
            self._running[connector] = transaction

    def _limit(self, passage: Passage) -> None:
        payload = passage.payload
        periods = _periods(payload)
        if payload is None or not periods:
            return
        if self._zero == "remote_stop" and not any(_limit_of(period) for period in periods):
            transaction = self._transaction(payload)
            if transaction is not None:
                stop = {"transactionId": transaction}
                passage.renamed(self, "RemoteStopTransaction", stop, "limit 0: transaction stopped")
                return
        if self._lowest is not None and self._raise(periods, self._lowest):
            passage.edited(self, f"limit raised to {self._lowest:g}")

    def _raise(self, periods: list[dict[str, Any]], lowest: float) -> bool:
        least = 0.0 if self._zero == "min_limit" else 1e-9
        low = [each for each in periods if least <= _limit_of(each) < lowest]
        for period in low:
            period["limit"] = int(lowest) if lowest == int(lowest) else lowest
        return bool(low)

    def _transaction(self, payload: dict[str, Any]) -> int | None:
        connector = _whole(payload.get("connectorId"))
        if connector:
            return self._running.get(connector)
        # A profile for connector 0 is one for all; only with a single one is it clear which.
        running = list(self._running.values())
        return running[0] if len(running) == 1 else None


_TELLING = ("StopTransaction", "StatusNotification", "MeterValues")


def _periods(payload: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The periods of a profile; none unless every one has a limit."""
    profile = (payload or {}).get("csChargingProfiles")
    schedule = profile.get("chargingSchedule") if isinstance(profile, dict) else None
    periods = schedule.get("chargingSchedulePeriod") if isinstance(schedule, dict) else None
    if not isinstance(periods, list):
        return []
    right = [
        each
        for each in periods
        if isinstance(each, dict)
        and not isinstance(each.get("limit"), str)
        and number(each.get("limit")) is not None
    ]
    return right if len(right) == len(periods) else []


def _limit_of(period: dict[str, Any]) -> float:
    return number(period["limit"]) or 0.0


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    lowest, zero = settings.last(MinLimit), settings.last(ZeroAction)
    action = zero.action if zero else "keep"
    if lowest is None and action == "keep":
        return None
    return Limits(lowest.value if lowest else None, action)
