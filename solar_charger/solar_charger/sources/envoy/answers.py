"""Parses a gateway's answers; pure.

Forms: pyenphase/pyenphase (models, `docs/`), which keeps recordings of many firmware versions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from ...json_values import (
    JsonObject,
    UnreadableAnswerError,
    as_object,
    load_json,
    load_object,
    number,
    objects,
    text,
    whole,
)

_MAX_INFO_BYTES = 64 * 1024
_MAX_EPOCH = 2**40
_MAX_WATT_HOURS = 10**13


@dataclass(frozen=True, slots=True)
class Info:
    """`/info`, which every gateway shows without asking who we are."""

    serial: str
    firmware: tuple[int, ...]
    """(7, 6, 175) for `D7.6.175`."""
    metered: bool | None
    """False: no current transformers, so it knows production only."""
    web_tokens: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """One row of `/ivp/meters`."""

    eid: int
    kind: str
    """`production`, `net-consumption`, `total-consumption`, `storage` …"""
    enabled: bool
    phase_mode: str | None
    metering: str | None
    """`normal`, `not-metering`, `check-wiring`."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A phase of a meter; active power is positive towards the switchboard."""

    active_power: float | None
    current: float | None
    voltage: float | None

    @property
    def signed_current(self) -> float | None:
        """The current with the sign of its power: the gateway reports the r.m.s. value."""
        if self.current is None or self.active_power is None:
            return None
        return math.copysign(abs(self.current), self.active_power)


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One row of `/ivp/meters/readings`."""

    eid: int
    stamp: int | None
    """The gateway's clock in epoch seconds; only ever compared with itself."""
    total: Channel
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """A block of `/production.json`."""

    watts: float | None
    stamp: int | None
    volts: float | None
    """Sum over the phases."""
    phases: int


@dataclass(frozen=True, slots=True)
class Production:
    """`/production.json`; None is "not there"."""

    production: Measured | None
    net: Measured | None
    total: Measured | None


def parse_info(data: bytes) -> Info:
    """Read `/info`.

    Raises UnreadableAnswerError.
    """
    if len(data) > _MAX_INFO_BYTES or b"<!" in data:
        raise UnreadableAnswerError("/info is no gateway's answer")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UnreadableAnswerError(f"/info is no XML: {error}") from error
    serial = (root.findtext("device/sn") or "").strip()
    software = (root.findtext("device/software") or "").strip()
    version = re.match(r"[A-Za-z]*(\d+(?:\.\d+)*)", software)
    if not re.fullmatch(r"\w{6,20}", serial) or version is None:
        raise UnreadableAnswerError("/info names no serial number or software version")
    return Info(
        serial=serial,
        firmware=tuple(int(part[:9]) for part in version[1].split(".")[:6]),
        metered=_xml_flag(root, "device/imeter"),
        web_tokens=bool(_xml_flag(root, "web-tokens")),
    )


def _xml_flag(root: ElementTree.Element, path: str) -> bool | None:
    word = (root.findtext(path) or "").strip().lower()
    return {"true": True, "false": False}.get(word)


def parse_meters(data: bytes) -> tuple[Meter, ...]:
    """Read `/ivp/meters`; rows without eid or kind are left out.

    Raises UnreadableAnswerError.
    """
    rows = load_json(data)
    if not isinstance(rows, list):
        raise UnreadableAnswerError("/ivp/meters is no list")
    return tuple(
        Meter(
            eid=eid,
            kind=kind,
            enabled=row.get("state") == "enabled",
            phase_mode=text(row.get("phaseMode")),
            metering=text(row.get("meteringStatus")),
        )
        for row in objects(rows)
        if (eid := whole(row.get("eid"), 0, _MAX_EPOCH)) is not None
        and (kind := text(row.get("measurementType"))) is not None
    )


def parse_readings(data: bytes) -> dict[int, MeterReading]:
    """Read `/ivp/meters/readings` by eid: order and count differ from `/ivp/meters`.

    Raises UnreadableAnswerError.
    """
    rows = load_json(data)
    if not isinstance(rows, list):
        raise UnreadableAnswerError("/ivp/meters/readings is no list")
    return {
        eid: MeterReading(
            eid=eid,
            stamp=whole(row.get("timestamp"), 1, _MAX_EPOCH),
            total=_channel(row),
            channels=tuple(_channel(each) for each in objects(row.get("channels"))[:3]),
        )
        for row in objects(rows)
        if (eid := whole(row.get("eid"), 0, _MAX_EPOCH)) is not None
    }


def _channel(row: Mapping[str, Any]) -> Channel:
    return Channel(
        active_power=number(row.get("activePower")),
        current=number(row.get("current")),
        voltage=number(row.get("voltage")),
    )


def parse_production(data: bytes) -> Production:
    """Read `/production.json` or `/production`.

    Production is the meter's where one counts, else the sum the inverters report; the
    consumption blocks are told apart by `measurementType`, never by their order.
    Raises UnreadableAnswerError.
    """
    answer = load_object(data)
    blocks = objects(answer.get("production"))
    metered = _first(blocks, type="eim", measurementType="production")
    inverters = _first(blocks, type="inverters")
    use = metered if metered and (whole(metered.get("activeCount"), 0, 10**6) or 0) else inverters
    consumption = objects(answer.get("consumption"))
    result = Production(
        production=_measured(use),
        net=_measured(_first(consumption, measurementType="net-consumption")),
        total=_measured(_first(consumption, measurementType="total-consumption")),
    )
    if (result.production, result.net, result.total) == (None, None, None):
        raise UnreadableAnswerError("/production.json holds no measurement")
    return result


def _first(blocks: list[JsonObject], **wanted: str) -> JsonObject | None:
    return next(
        (b for b in blocks if all(b.get(key) == value for key, value in wanted.items())), None
    )


def _measured(block: JsonObject | None) -> Measured | None:
    if block is None:
        return None
    active = whole(block.get("activeCount"), 0, 10**6)
    if active == 0 and block.get("type") == "eim":
        return None
    return Measured(
        watts=number(block.get("wNow")),
        stamp=whole(block.get("readingTime"), 1, _MAX_EPOCH),
        volts=number(block.get("rmsVoltage")),
        phases=len(objects(block.get("lines"))) or 1,
    )


def parse_v1_production(data: bytes) -> float | None:
    """`wattsNow` of `/api/v1/production`; None where the endpoint is broken.

    All three energies 0 is how firmware without current transformers shows a dead endpoint.
    Raises UnreadableAnswerError.
    """
    answer = load_object(data)
    names = ("wattHoursToday", "wattHoursSevenDays", "wattHoursLifetime")
    energies = [whole(answer.get(name), 0, _MAX_WATT_HOURS) for name in names]
    if not any(energies):
        return None
    return number(answer.get("wattsNow"))


def parse_stream_event(line: bytes) -> dict[str, tuple[Channel, ...]] | None:
    """One line of `/stream/meter`; None for lines that carry no data.

    Fields seen: vk2him/Enphase-Envoy-mqtt-json. Phases that are not wired carry zero volts.
    Raises UnreadableAnswerError.
    """
    if not line.startswith(b"data:"):
        return None
    answer = load_object(line[5:].strip())
    return {
        kind: tuple(
            Channel(number(row.get("p")), number(row.get("i")), number(row.get("v")))
            for phase in ("ph-a", "ph-b", "ph-c")
            if (row := as_object(block.get(phase, {}), phase)) and number(row.get("v"))
        )
        for kind, block in answer.items()
        if isinstance(block, dict)
    }
