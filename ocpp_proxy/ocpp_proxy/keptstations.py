"""What entities need to know after a restart: who was announced with what, and open sessions.

One small file, `entities.json` under the data folder. Live readings are not in it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from . import logs, meter
from .entities import CONNECTOR_ENTITIES, STATION_ENTITIES, Shown
from .station import Connector, Station
from .transaction import Transaction

FORMAT: Final = 1
MOST_BYTES: Final = 4 << 20

_log = logs.get("entities")
_STATION_KEYS = frozenset(entity.key for entity in STATION_ENTITIES)
_CONNECTOR_KEYS = frozenset(entity.key for entity in CONNECTOR_ENTITIES)
_TEXTS = ("vendor", "model", "serial", "firmware")

Kept = dict[str, tuple[Station, set[Shown]]]


def to_json(station: Station, shown: set[Shown]) -> dict[str, Any]:
    """One station as JSON."""
    return {
        **{key: getattr(station, key) for key in _TEXTS},
        "number_of_connectors": station.number_of_connectors,
        "sample_interval": station.sample_interval,
        "shown": sorted(([number, key] for number, key in shown), key=str),
        "connectors": {
            str(number): _connector_to_json(connector)
            for number, connector in station.connectors.items()
        },
    }


def _connector_to_json(connector: Connector) -> dict[str, Any]:
    running = connector.transaction
    return {
        "energy_total": connector.values.get("energy_total"),
        "session_energy": connector.session_energy,
        "session_start": connector.session_start,
        "stop_reason": connector.stop_reason,
        "transaction_id": connector.transaction_id,
        "ended_transaction_id": connector.ended_transaction_id,
        "transaction": running and {"base": running.base, "doubted": running.doubted},
    }


def from_json(station_id: str, stored: Mapping[str, Any]) -> tuple[Station, set[Shown]]:
    """The station of one entry; ValueError, TypeError, KeyError or AttributeError if it is none."""
    station = Station(station_id, accepted=True)
    for key in _TEXTS:
        setattr(station, key, str(stored[key]))
    station.number_of_connectors = _whole(stored["number_of_connectors"])
    station.sample_interval = _number(stored["sample_interval"]) or 0.0
    for number, entry in stored["connectors"].items():
        connector = station.connector(int(number))
        if connector is not None:
            _restore_connector(connector, entry)
    shown: set[Shown] = set()
    for number, key in stored["shown"]:
        known = _STATION_KEYS if number is None else _CONNECTOR_KEYS
        if key in known and (number is None or number in station.connectors):
            shown.add((number, key))
    return station, shown


def _restore_connector(connector: Connector, stored: Mapping[str, Any]) -> None:
    energy = _number(stored["energy_total"])
    if energy is not None:
        connector.values["energy_total"] = energy
    connector.session_energy = _number(stored["session_energy"])
    connector.session_start = _number(stored["session_start"])
    reason = stored["stop_reason"]
    connector.stop_reason = reason if isinstance(reason, str) else None
    connector.transaction_id = _whole(stored["transaction_id"])
    connector.ended_transaction_id = _whole(stored["ended_transaction_id"])
    running = stored["transaction"]
    if running is not None:
        connector.transaction = Transaction(_number(running["base"]), _number(running["doubted"]))


def _number(value: object) -> float | None:
    return None if isinstance(value, str) else meter.number(value)


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


class KeptStations:
    """The file; `load` once, then `save` whenever something worth keeping changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "entities.json"

    def load(self) -> Kept:
        """What the last run kept; a damaged file is set aside, a damaged entry left out."""
        try:
            if self.path.stat().st_size > MOST_BYTES:
                raise ValueError("it is too large")
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if stored["format"] != FORMAT:
                raise ValueError("it has another format")
            entries = dict(stored["stations"])
        except FileNotFoundError:
            return {}
        except OSError as error:
            _log.error("cannot read %s: %s", self.path, error)
            return {}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self._set_aside(error)
            return {}
        return dict(self._readable(entries))

    def _readable(self, entries: Mapping[str, Any]) -> Kept:
        found: Kept = {}
        for station_id, entry in entries.items():
            try:
                found[station_id] = from_json(station_id, entry)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                _log.warning("%s: the entry of %s is damaged (%s)", self.path, station_id, error)
        return found

    def _set_aside(self, error: Exception) -> None:
        damaged = self.path.with_suffix(".damaged")
        _log.warning("%s is damaged (%s); kept as %s, begun anew", self.path, error, damaged.name)
        try:
            self.path.replace(damaged)
        except OSError as failure:
            _log.error("cannot rename %s: %s", self.path, failure)

    async def save(self, kept: Mapping[str, tuple[Station, set[Shown]]]) -> None:
        """Write all of them, in a worker thread; a full disk costs only this memory."""
        stations = {each: to_json(station, shown) for each, (station, shown) in kept.items()}
        text = json.dumps({"format": FORMAT, "stations": stations}, ensure_ascii=True)
        await asyncio.to_thread(self._write, text)

    def _write(self, text: str) -> None:
        fresh = self.path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            _log.limited("error", "kept stations", "", "cannot write %s: %s", self.path, error)
