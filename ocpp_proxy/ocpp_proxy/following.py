"""Copies of a station's messages → its state. No I/O; never raises, whatever the messages hold."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from . import frames, meter
from .actions.choices import (
    AUTHORIZATION_STATUS,
    CHARGE_POINT_STATUS,
    ERROR_CODE,
    REGISTRATION_STATUS,
    SIGNED_FIRMWARE_STATUS,
    STOP_REASON,
)
from .observers import ConnectionFacts
from .relay.events import Leg
from .station import Connector, Limit, Station
from .transaction import Transaction, final_energy

# CALLs of one direction whose answer is still to come.
MOST_OPEN = 64
# A repetition of a CALL later than this (s) is a replay: its content is history.
SAME_MESSAGE = 2.0
# Home Assistant's longest state.
LONGEST_TEXT = 255

Payload = Mapping[str, Any]


class Open:
    """A CALL waiting for its answer."""

    __slots__ = ("action", "at", "payload")

    def __init__(self, action: str, payload: Payload, at: float) -> None:
        self.action, self.payload, self.at = action, payload, at


class Follower:
    """Keeps one `Station` up to date; every change raises `changes`."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.changes = 0
        # Both sides may use the same ids: CALLs of the charger and of upstream live apart.
        self._open: dict[Leg, OrderedDict[str, Open]] = {leg: OrderedDict() for leg in Leg}

    # Connections.

    def connected(self, facts: ConnectionFacts) -> None:
        """The charger's connection stands, upstream's too."""
        station = self.station
        station.charger_connected = station.upstream_connected = True
        station.connects += 1
        station.peer_address = _text(facts.peer) or None
        station.protocol = _text(facts.subprotocol) or None
        self.changes += 1

    def disconnected(self) -> None:
        """The charger's connection is gone."""
        self.station.charger_connected = self.station.upstream_connected = False
        for calls in self._open.values():
            calls.clear()
        self.changes += 1

    def upstream(self, up: bool) -> None:
        """Upstream's connection came or went."""
        self.station.upstream_connected = up
        self.changes += 1

    def latency(self, leg: Leg, ms: float) -> None:
        """A ping's round trip on one leg."""
        if leg is Leg.CHARGER:
            self.station.latency_charger = round(ms, 1)
        else:
            self.station.latency_upstream = round(ms, 1)
        self.changes += 1

    def tick(self, now: float) -> None:
        """Let readings grow old."""
        if self.station.tick(now):
            self.changes += 1

    # Messages.

    def message(self, leg: Leg, data: bytes, now: float, wall: float, own: bool = False) -> None:
        """Take one message over, as `Observer.message` describes it."""
        moment = wall if wall >= meter.CLOCK_SET else None
        if leg is Leg.CHARGER and not own:
            self.station.last_message = moment or self.station.last_message
            self.changes += 1
        message = frames.decode(data)
        if isinstance(message, frames.Call):
            self._call(leg, message, now, wall, own)
        elif isinstance(message, frames.CallResult | frames.CallError):
            self._answer(leg, message)

    def _call(self, leg: Leg, call: frames.Call, now: float, wall: float, own: bool) -> None:
        calls = self._open[leg]
        before = calls.pop(call.id, None)
        calls[call.id] = Open(call.action, call.payload, now)
        if len(calls) > MOST_OPEN:
            calls.popitem(last=False)
        if leg is not Leg.CHARGER:
            return
        rewritten = before is not None and now - before.at <= SAME_MESSAGE
        if own and not rewritten:
            return
        if handler := _CALLS.get(call.action):
            handler(self.station, call.payload, now, wall)
            self.changes += 1

    def _answer(self, leg: Leg, answer: frames.CallResult | frames.CallError) -> None:
        asked = Leg.UPSTREAM if leg is Leg.CHARGER else Leg.CHARGER
        call = self._open[asked].pop(answer.id, None)
        if call is None or isinstance(answer, frames.CallError):
            return
        table = _ANSWERS_OF_UPSTREAM if asked is Leg.CHARGER else _ANSWERS_OF_CHARGER
        if handler := table.get(call.action):
            handler(self.station, call.payload, answer.payload)
            self.changes += 1


# What the charger says.


def _boot(station: Station, payload: Payload, now: float, wall: float) -> None:
    station.vendor = _text(payload.get("chargePointVendor"))
    station.model = _text(payload.get("chargePointModel"))
    station.serial = _text(payload.get("chargePointSerialNumber")) or _text(
        payload.get("chargeBoxSerialNumber")
    )
    station.firmware = _text(payload.get("firmwareVersion"))
    station.last_boot = wall if wall >= meter.CLOCK_SET else None


def _heartbeat(station: Station, payload: Payload, now: float, wall: float) -> None:
    station.last_heartbeat = wall if wall >= meter.CLOCK_SET else None


def _firmware_status(station: Station, payload: Payload, now: float, wall: float) -> None:
    station.firmware_status = _choice(payload.get("status"), SIGNED_FIRMWARE_STATUS)


def _authorize(station: Station, payload: Payload, now: float, wall: float) -> None:
    station.id_tag = _text(payload.get("idTag")) or station.id_tag


def _status(station: Station, payload: Payload, now: float, wall: float) -> None:
    connector = _connector(station, payload)
    if connector is None:
        return
    connector.status = _choice(payload.get("status"), CHARGE_POINT_STATUS)
    connector.error_code = _choice(payload.get("errorCode"), ERROR_CODE)
    connector.error_details = {
        key: text
        for key in ("info", "vendorId", "vendorErrorCode")
        if (text := _text(payload.get(key)))
    }
    if connector.status == "Available":
        connector.end_transaction()


def _meter_values(station: Station, payload: Payload, now: float, wall: float) -> None:
    connector = _connector(station, payload)
    if connector is None:
        return
    for reading in meter.readings(payload.get("meterValue")):
        if connector.freshness.is_present(reading, now, wall):
            connector.take(meter.live(reading.samples), now)
    _running(connector, _integer(payload.get("transactionId")))


def _running(connector: Connector, transaction_id: int | None) -> None:
    """Meter values name the transaction: its start may have been before our time."""
    # Some chargers write 0 or -1 when no transaction runs, some send last values after the stop.
    if transaction_id is None or transaction_id <= 0:
        return
    if transaction_id == connector.ended_transaction_id:
        return
    if connector.transaction is None:
        connector.transaction = Transaction()
    connector.transaction_id = transaction_id


def _start(station: Station, payload: Payload, now: float, wall: float) -> None:
    connector = _connector(station, payload)
    if connector is None:
        return
    # A StartTransaction repeated after a lost connection starts nothing anew.
    started = meter.timestamp(payload.get("timestamp"))
    repeated = started is not None and started == connector.session_start
    if repeated and connector.transaction is not None:
        return
    start = _kilowatt_hours(payload.get("meterStart"))
    connector.transaction = Transaction.begin(start, connector.values.get("energy_total"))
    connector.transaction_id = None
    connector.session_energy = 0.0
    connector.session_start = started or (wall if wall >= meter.CLOCK_SET else None)
    connector.stop_reason = None
    station.id_tag = _text(payload.get("idTag")) or station.id_tag


def _stop(station: Station, payload: Payload, now: float, wall: float) -> None:
    connector = station.with_transaction(_integer(payload.get("transactionId")))
    if connector is None:
        return
    begin = end = None
    for reading in meter.readings(payload.get("transactionData")):
        begin = _or(begin, meter.register(reading.samples, "Transaction.Begin"))
        end = _or(meter.register(reading.samples, "Transaction.End"), end)
    connector.session_energy = final_energy(
        connector.transaction,
        _kilowatt_hours(payload.get("meterStop")),
        begin,
        end,
        connector.session_energy,
    )
    # OCPP 1.6 §6.49: a missing reason means Local.
    connector.stop_reason = _choice(payload.get("reason", "Local"), STOP_REASON)
    connector.end_transaction()


# What the two sides answer.


def _booted(station: Station, request: Payload, answer: Payload) -> None:
    station.registration = _choice(answer.get("status"), REGISTRATION_STATUS)
    station.accepted = station.accepted or station.registration == "Accepted"


def _authorized(station: Station, request: Payload, answer: Payload) -> None:
    info = answer.get("idTagInfo")
    if isinstance(info, Mapping):
        station.authorization_status = _choice(info.get("status"), AUTHORIZATION_STATUS)


def _started(station: Station, request: Payload, answer: Payload) -> None:
    _authorized(station, request, answer)
    connector = _connector(station, request)
    if connector is not None and connector.transaction is not None:
        connector.transaction_id = _integer(answer.get("transactionId"))


def _profile_set(station: Station, request: Payload, answer: Payload) -> None:
    connector = _connector(station, request)
    profile = request.get("csChargingProfiles")
    if answer.get("status") != "Accepted" or connector is None:
        return
    limit = _limit(profile) if isinstance(profile, Mapping) else None
    connector.limit = limit or connector.limit


def _limit(profile: Payload) -> Limit | None:
    schedule = profile.get("chargingSchedule")
    periods = schedule.get("chargingSchedulePeriod") if isinstance(schedule, Mapping) else None
    first = periods[0] if isinstance(periods, list) and periods else None
    value = meter.number(first.get("limit")) if isinstance(first, Mapping) else None
    unit = schedule.get("chargingRateUnit") if isinstance(schedule, Mapping) else None
    if value is None or unit not in ("A", "W"):
        return None
    return Limit(
        round(value, 3),
        unit,
        _integer(profile.get("chargingProfileId")),
        _text(profile.get("chargingProfilePurpose")),
        _integer(profile.get("stackLevel")),
    )


def _profile_cleared(station: Station, request: Payload, answer: Payload) -> None:
    """Forget the limits the request means; each given criterion must fit (OCPP 1.6 §5.5)."""
    if answer.get("status") != "Accepted":
        return
    number = _integer(request.get("connectorId"))
    for connector in station.connectors.values():
        limit = connector.limit
        if limit is None:
            continue
        fits = (
            number in (None, connector.number)
            and _integer(request.get("id")) in (None, limit.profile_id)
            and _integer(request.get("stackLevel")) in (None, limit.stack_level)
            and _text(request.get("chargingProfilePurpose")) in ("", limit.purpose)
        )
        if fits:
            connector.limit = None


def _configuration(station: Station, request: Payload, answer: Payload) -> None:
    keys = answer.get("configurationKey")
    for entry in keys if isinstance(keys, list) else []:
        if isinstance(entry, Mapping):
            _configured(station, entry.get("key"), entry.get("value"))


def _configuration_changed(station: Station, request: Payload, answer: Payload) -> None:
    if answer.get("status") in ("Accepted", "RebootRequired"):
        _configured(station, request.get("key"), request.get("value"))


def _configured(station: Station, key: object, value: object) -> None:
    number = _integer(value)
    if number is None or number < 0:
        return
    if key == "NumberOfConnectors" and number > 0:
        station.number_of_connectors = number
    elif key == "MeterValueSampleInterval":
        station.sample_interval = float(number)


_CALLS: Mapping[str, Callable[[Station, Payload, float, float], None]] = {
    "Authorize": _authorize,
    "BootNotification": _boot,
    "FirmwareStatusNotification": _firmware_status,
    "Heartbeat": _heartbeat,
    "MeterValues": _meter_values,
    "SignedFirmwareStatusNotification": _firmware_status,
    "StartTransaction": _start,
    "StatusNotification": _status,
    "StopTransaction": _stop,
}
_ANSWERS_OF_UPSTREAM: Mapping[str, Callable[[Station, Payload, Payload], None]] = {
    "Authorize": _authorized,
    "BootNotification": _booted,
    "StartTransaction": _started,
    "StopTransaction": _authorized,
}
_ANSWERS_OF_CHARGER: Mapping[str, Callable[[Station, Payload, Payload], None]] = {
    "ChangeConfiguration": _configuration_changed,
    "ClearChargingProfile": _profile_cleared,
    "GetConfiguration": _configuration,
    "SetChargingProfile": _profile_set,
}


# Reading single fields.

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _text(value: object) -> str:
    """A text fit for Home Assistant: without control characters, at most 255 characters."""
    return _UNPRINTABLE.sub("", value).strip()[:LONGEST_TEXT] if isinstance(value, str) else ""


def _choice(value: object, choices: tuple[str, ...]) -> str | None:
    """One of the words of an enumeration, letter case ignored; None for any other."""
    text = _text(value).casefold()
    return next((choice for choice in choices if choice.casefold() == text), None)


def _integer(value: object) -> int | None:
    number = meter.number(value)
    return int(number) if number is not None and number == int(number) else None


def _kilowatt_hours(value: object) -> float | None:
    watt_hours = meter.number(value)
    return None if watt_hours is None or watt_hours < 0 else watt_hours / 1000.0


def _connector(station: Station, payload: Payload) -> Connector | None:
    number = _integer(payload.get("connectorId"))
    return None if number is None else station.connector(number)


def _or(first: float | None, second: float | None) -> float | None:
    return second if first is None else first
