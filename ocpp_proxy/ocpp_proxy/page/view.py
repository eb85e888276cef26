"""What the page shows, as JSON: stations, refusals, messages. Only looks, changes nothing."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..messages import Message, timestamp
from ..station import Connector
from ..station import Station as State
from .advice import advice
from .watch import Watch

if TYPE_CHECKING:
    from ..server import ProxyServer
    from ..session import Session
    from ..stations import Station

# So many messages go into one answer; the rest comes with the next.
MOST_MESSAGES = 100

Json = dict[str, Any]


class View:
    """Reads a running proxy and the page's observer; times in the JSON are ISO 8601, UTC."""

    def __init__(
        self,
        proxy: ProxyServer,
        watch: Watch,
        *,
        wall_time: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proxy = proxy
        self._watch = watch
        self._wall_time = wall_time
        self._monotonic = monotonic
        # Message numbers begin anew with each run of the program.
        self.run = secrets.token_hex(4)

    def number(self, cursor: str) -> int:
        """The number of the last message somebody has; 0 for one of another run or none."""
        run, _, number = cursor.partition("-")
        good = run == self.run and number.isascii() and number.isdigit() and len(number) < 16
        return int(number) if good else 0

    def stations(self) -> list[Json]:
        """Every station known, connected ones first, then by id."""
        now = self._monotonic()
        states = self._watch.stations(now)
        known = {station.id: station for station in self._proxy.stations}
        found = [
            self._station(station_id, known.get(station_id), states.get(station_id), now)
            for station_id in {**known, **states}
        ]
        return sorted(found, key=lambda each: (not each["connected"], each["id"]))

    def refusals(self) -> list[Json]:
        """Who was not let in, the latest first."""
        return [
            {
                "address": each.address,
                "asked": each.asked,
                "status": each.status,
                "reason": each.reason,
                "advice": advice(each.cause),
                "cause": each.cause,
                "count": each.count,
                "first": timestamp(each.first),
                "last": timestamp(each.last),
            }
            for each in self._proxy.refusals
        ]

    def messages(self, after: int) -> tuple[list[Json], bool]:
        """The next messages with a higher number, and whether there are still more."""
        found = self._watch.after(after, MOST_MESSAGES + 1)
        return [message.to_json() for message in found[:MOST_MESSAGES]], len(found) > MOST_MESSAGES

    def all_messages(self) -> list[Message]:
        """Everything in the ring, the oldest first."""
        return self._watch.all()

    def head(self) -> Json:
        """What every answer begins with."""
        return {"run": self.run, "now": timestamp(self._wall_time())}

    def whole(self, after: int) -> Json:
        """Everything at once, with the messages after a number."""
        messages, more = self.messages(after)
        return {
            **self.head(),
            "stations": self.stations(),
            "refused": self.refusals(),
            "messages": messages,
            "more": more,
        }

    def _station(
        self, station_id: str, known: Station | None, state: State | None, now: float
    ) -> Json:
        session = known.session if known else None
        boot = _boot(known)
        heard = self._watch.heard.get(station_id)
        return {
            "id": station_id,
            "connected": session is not None,
            "heard": None if heard is None else timestamp(heard),
            "seen": timestamp(known.seen) if known and known.seen else None,
            "connects": known.connects if known else 0,
            "vendor": (state and state.vendor) or boot.get("chargePointVendor") or "",
            "model": (state and state.model) or boot.get("chargePointModel") or "",
            "serial": (state and state.serial) or boot.get("chargePointSerialNumber") or "",
            "firmware": (state and state.firmware) or boot.get("firmwareVersion") or "",
            "registration": state.registration if state else None,
            "connectors": _connectors(state, session is not None),
            **(_session(session, self._wall_time() - now) if session else _no_session()),
        }


def _session(session: Session, to_wall: float) -> Json:
    upstream = session.upstream
    up = session.relay.upstream_up and upstream is not None
    return {
        "since": timestamp(session.since + to_wall),
        "peer": session.charger.client,
        "upstream": "connected" if up else "away",
        "target": str(session.route.target),
        "path": session.route.path,
        "subprotocol": session.charger.protocol.subprotocol,
        "latency_charger": _milliseconds(session.charger.latency),
        "latency_upstream": _milliseconds(upstream.latency) if upstream and up else None,
    }


def _no_session() -> Json:
    names = ("since", "peer", "target", "path", "subprotocol")
    latencies = {"latency_charger": None, "latency_upstream": None}
    return {"upstream": "none", **dict.fromkeys(names), **latencies}


def _connectors(state: State | None, connected: bool) -> list[Json]:
    """Connector 0, the station as a whole, only when it has something to complain about."""
    if state is None:
        return []
    return [
        _connector(each, connected)
        for number, each in sorted(state.connectors.items())
        if number or each.problem
    ]


def _connector(connector: Connector, connected: bool) -> Json:
    values, limit = connector.values, connector.limit
    return {
        "number": connector.number,
        "status": connector.status,
        "error": None if connector.error_code == "NoError" else connector.error_code,
        "info": connector.error_details.get("info"),
        "running": connector.transaction is not None,
        "transaction": connector.transaction_id,
        "since": _moment(connector.session_start),
        "session_energy": connector.session_energy,
        "energy": values.get("energy_total"),
        # What flowed when it was last heard of says nothing about now.
        "power": values.get("power") if connected else None,
        "current": _current(values) if connected else None,
        "soc": values.get("soc") if connected else None,
        "limit": {"value": limit.value, "unit": limit.unit} if limit else None,
    }


def _current(values: dict[str, float]) -> float | None:
    lines = [values[key] for key in ("current_l1", "current_l2", "current_l3") if key in values]
    return values.get("current_max", max(lines, default=None))


def _boot(known: Station | None) -> Json:
    """What the station said of itself at its last boot, as far as it is text."""
    if known is None or known.memory.boot is None:
        return {}
    try:
        boot = json.loads(known.memory.boot)
    except ValueError:
        return {}
    if not isinstance(boot, dict):
        return {}
    return {key: value[:255] for key, value in boot.items() if isinstance(value, str)}


def _milliseconds(seconds: float) -> float | None:
    return round(seconds * 1000, 1) if seconds else None


def _moment(wall: float | None) -> str | None:
    """A time a wallbox told; None for what no calendar holds."""
    try:
        return None if wall is None else timestamp(wall)
    except (ValueError, OverflowError, OSError):
        return None
