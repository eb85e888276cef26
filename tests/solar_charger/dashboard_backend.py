"""A stand-in for the event loop behind page and API: what it is asked is kept, what it answers is
made up, and a whole day of samples is in its journal.
"""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import requests
from solar_charger.commands import Action, Answer, Request, refused, success
from solar_charger.dashboard import Listeners
from solar_charger.dashboard.server import Server
from solar_charger.dashboard.stream import Streams
from solar_charger.journal import JournalError
from solar_charger.journal.schema import AUDIT_COLUMNS, SAMPLE_COLUMNS
from solar_charger.view import View, ViewBoard

SOON = 10.0
NOW = datetime(2026, 6, 21, 17, 20, tzinfo=UTC).timestamp()
VIN = "5YJ3E1EA7KF317000"
DAY_S = 86_400


def iso(wall: float) -> str:
    """As the journal writes times."""
    return datetime.fromtimestamp(int(wall), UTC).isoformat().replace("+00:00", "Z")


DOCUMENT: dict[str, Any] = {
    "mode_ext": "SOLAR", "enabled": True, "takeover": False, "max_amps": 32, "min_amps": 5,
    "target_soc": 60, "deadline": "07:00", "deadline_soc": 80, "start_w": 1200, "amps": 15.9,
    "target_amps": 17, "available_w": 4020, "own_w": 3816, "grid_w": -204, "excess_watts": 204,
    "production_watts": 4610, "battery": 63, "car_limit": 80, "battery_age_sec": 74,
    "session_energy": 11240, "solar_energy": 1482300, "grid_energy": 96100, "state": "Charging",
    "controller_state": "charging", "reason": "surplus",
    "reason_text": "4020 W of sun are left for the car: 17 A of 240 V fit, 16 A flow now.",
    "text": "4020 W of sun are left for the car: 17 A of 240 V fit, 16 A flow now.",
    "alarms": [], "eta": iso(NOW + 9000), "starts_today": 3, "commands_today": 87,
    "ble_fail_count": 1, "ble_backoff_remaining": 0, "plugged": True, "charging": True,
    "problem": False, "grid_charge_warning": False, "stale": False, "ble_ok": True,
    "pending_normalization": False, "dry_run": True, "deadline_state": None,
}  # fmt: skip
RECORD: dict[str, Any] = {
    "mode": "SOLAR", "mode_ext": "SOLAR", "amps": 15.9, "target_amps": 17, "battery": 63,
    "battery_age_sec": 74, "excess_watts": 204, "production_watts": 4610, "state": "Charging",
    "timestamp": "2026-06-21T17:20:00", "timestamp_utc": iso(NOW), "ble_fail_count": 1,
    "ble_backoff_remaining": 0, "ble_backoff_until": 0, "grid_charge_warning_amps": None,
    "relay_unreachable_streak": 0, "relay_unreachable_alert": False, "is_preconditioning": False,
}  # fmt: skip
SOURCES: list[dict[str, Any]] = [
    {"name": "envoy", "role": "grid_w", "ok": True, "age_s": 2.1, "value": -204, "unit": "W",
     "error": None},
    {"name": "envoy", "role": "production_w", "ok": True, "age_s": 2.1, "value": 4610, "unit": "W",
     "error": None},
    {"name": "twc", "role": "twc", "ok": True, "age_s": 1.4, "unit": None,
     "value": {"vehicle_connected": True, "vehicle_current_a": 15.9},
     "error": None},
    {"name": "home_assistant", "role": "house_battery_soc", "ok": False, "age_s": 412.0,
     "value": 88, "unit": "%", "error": "sensor.battery_level is unavailable"},
]  # fmt: skip
SETUP: dict[str, Any] = {
    "vin": True, "key": True, "link": "python_ble", "link_problem": "", "car_read": True,
    "can_go_live": True, "dry_run_option": True, "passive": False, "version": "0.1.0",
    "public_key_pem": "-----BEGIN PUBLIC KEY-----\nMFkw…\n-----END PUBLIC KEY-----\n",
}  # fmt: skip


def day_rows(now: float, step_s: int) -> list[list[Any]]:
    """A day with a night, a morning in MANUAL, sun, clouds at noon and a charge from the sun."""
    rows = []
    for at in range(int(now) - DAY_S, int(now), max(60, step_s)):
        hour = at % DAY_S / 3600
        sun = max(0.0, math.sin(math.pi * (hour - 5) / 15)) ** 1.3 * 8200
        if 11 <= hour < 13.5:
            sun *= 0.45 + 0.35 * math.sin(at / 240) ** 2
        house = 420 + 160 * math.sin(at / 1900) ** 2 + (1900 if 6.6 < hour < 6.9 else 0)
        manual = 5.5 <= hour < 6.5
        target = max(0, int((sun - house - 100) / 240)) if 8 <= hour < 20 else 0
        target = 32 if manual else min(32, target) if target >= 5 else 0
        amps = max(0.0, target - 0.4) if target else 0.0
        own = amps * 240
        state = "night" if hour < 5 or hour >= 20.5 else "charging" if target else "paused"
        rows.append(
            [iso(at), round(sun), round(house + own - sun), round(house + own), round(own), None,
             round(sun - house), amps, target, 40 + round(hour), "MANUAL" if manual else "SOLAR",
             "manual" if manual else state]
        )  # fmt: skip
    return rows


def audit_line(number: int, wall: float, **more: Any) -> dict[str, Any]:
    """A line as the journal gives it."""
    line: dict[str, Any] = dict.fromkeys(AUDIT_COLUMNS, "")
    line |= {"id": number, "ts_utc": iso(wall), "mono": 1.0, "duration": None, **more}
    return line


def audit_lines(now: float) -> list[dict[str, Any]]:
    """A few things that happened, newest first."""
    happened: list[tuple[int, dict[str, Any]]] = [
        (120, {"actor": "controller", "action": "set_amps", "from": "15", "to": "17",
               "reason": "surplus", "result_class": "OK", "duration": 4.1}),
        (3600, {"actor": "ui", "action": "mode", "from": "MANUAL", "to": "SOLAR"}),
        (9000, {"actor": "controller", "action": "start", "reason": "surplus",
                "result_class": "OK", "duration": 6.8,
                "text": "2350 W of sun for 60 s: a charge begins at 9 A."}),
        (18000, {"actor": "controller", "action": "stop", "reason": "budget_spent",
                 "result_class": "UNREACHABLE", "duration": 20.0,
                 "text": "Failed to find the car: out of range or asleep."}),
        (30000, {"actor": "controller", "action": "decide", "from": "paused: stop",
                 "to": "starting: charge 6 A", "reason": "surplus"}),
        (52000, {"actor": "controller", "action": "decide", "from": "charging: charge 5 A",
                 "to": "night: stop", "reason": "night"}),
    ]  # fmt: skip
    return [
        audit_line(900 - index, now - ago, **more) for index, (ago, more) in enumerate(happened)
    ]


@dataclass
class MadeJournal:
    """The stored past; `broken` makes every read fail."""

    now: float = NOW
    lines: list[dict[str, Any]] = field(default_factory=lambda: audit_lines(NOW))
    broken: bool = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def history(self, begin: float, end: float, step_s: int) -> tuple[list[str], list[list[Any]]]:
        self._look(begin, end, step_s)
        rows = [row for row in day_rows(self.now, step_s) if iso(begin) <= row[0] < iso(end)]
        return list(SAMPLE_COLUMNS), rows[:9000]

    def sessions(self, limit: int) -> list[dict[str, Any]]:
        self._look(limit)
        return [
            {"id": 12 - index, "start_utc": iso(self.now - (index + 1) * DAY_S),
             "end_utc": iso(self.now - (index + 1) * DAY_S + 21_000 - index * 900),
             "energy_wh": 18_400.0 - index * 2100, "solar_wh": 17_100.0 - index * 2700,
             "grid_wh": 1_300.0 + index * 600, "peak_a": 31.8 - index, "soc_start": 52 + index,
             "soc_end": 78 - index, "starts": 2 + index, "commands": 64 + 5 * index}
            for index in range(min(limit, 4))
        ]  # fmt: skip

    def audit(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        self._look(before, limit)
        return [line for line in self.lines if before is None or line["id"] < before][:limit]

    def audit_csv(self) -> Iterator[str]:
        yield ",".join(AUDIT_COLUMNS) + "\r\n"
        self._look()
        for line in reversed(self.lines):
            yield ",".join(str(value) for value in line.values()) + "\r\n"

    def _look(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.broken:
            raise JournalError("the store cannot be read: disk I/O error")


class MadeBackend:
    """See `dashboard.Backend`."""

    def __init__(self) -> None:
        self.board = ViewBoard()
        self.journal = MadeJournal()
        self.requests: list[Request] = []
        self.answers: dict[Action, Answer] = {}
        self.changes: dict[str, Any] = {}
        self.setup: dict[str, Any] = dict(SETUP)
        self.sources: list[dict[str, Any]] = [dict(row) for row in SOURCES]
        self.known = True
        self.well = True
        self.tickets: dict[int, dict[str, Any]] = {
            17: {"id": 17, "action": "start", "state": "done", "result_class": "OK",
                 "text": "", "duration_s": 6.1}
        }  # fmt: skip
        self._lock = threading.Lock()
        self.swap()

    @property
    def view(self) -> View:
        return self.board.view

    def swap(self, **changes: Any) -> None:
        """Something changed; the changed members are in the state from now on."""
        self.changes |= changes
        number = self.board.view.number + 1
        self.board.swap(replace(self.board.view, number=number, wall=NOW + number))

    def newer_than(self, number: int, seconds: float) -> View | None:
        return self.board.newer_than(number, seconds)

    def submit(self, request: Request, timeout_s: float = 25.0) -> Answer:
        with self._lock:
            self.requests.append(request)
        if request.action in self.answers:
            return self.answers[request.action]
        return _USUAL[request.action](request.value)

    def state(self) -> dict[str, Any]:
        return {
            **DOCUMENT, **RECORD, "mode_set": "SOLAR", "solar_takeover_requested": False,
            "foreign": False, "sources": self.sources, "next_decision_s": 6.4,
            "setup": self.setup, "number": self.view.number, **self.changes,
        }  # fmt: skip

    def config(self) -> dict[str, Any]:
        return {"mode": "SOLAR", "mode_ext": "SOLAR", "solar_takeover_requested": False}

    def charger_status(self) -> dict[str, Any] | None:
        return dict(RECORD) if self.known else None

    def envoy_data(self) -> dict[str, Any] | None:
        known = {"production_watts": 4610, "excess_watts": 204, "envoy_data_age_seconds": 2.1}
        return known if self.known else None

    def twc_connected(self) -> dict[str, Any] | None:
        return {"connected": True, "data_age_seconds": 1} if self.known else None

    def twc_status(self) -> dict[str, Any] | None:
        return {"vehicle_current_a": 15.9, "data_age_seconds": 1} if self.known else None

    def settings(self) -> dict[str, dict[str, Any]]:
        names = (
            "max_amps", "min_amps", "target_soc", "deadline", "deadline_soc", "start_w", "enabled",
        )  # fmt: skip
        found = {name: {"value": DOCUMENT[name], "from": "option"} for name in names}
        return found | {"takeover": {"value": "ask", "from": "stored"}}

    def command(self, number: int) -> dict[str, Any] | None:
        return self.tickets.get(number)

    def health(self) -> tuple[bool, dict[str, Any]]:
        return self.well, {"status": "ok" if self.well else "fault", "reasons": []}

    def options_masked(self) -> dict[str, Any]:
        return {"source": "envoy", "envoy_token": "eyJhbGciOiJub25lIn0.abcdefgh.x", "vin": VIN}

    def log_lines(self) -> list[str]:
        return [f"[17:20:00] INFO: the car is {VIN}"]


def _taken(value: Any) -> Answer:
    return success(202, id=17) if isinstance(value, str) else refused(400, "action wants a word")


_USUAL: dict[Action, Callable[[Any], Answer]] = {
    Action.MODE: lambda value: success(new_mode=str(value).upper()),
    Action.TAKEOVER: lambda value: success(message="Solar takeover requested"),
    Action.FOREIGN_STATUS: lambda value: success(),
    Action.SETTINGS: lambda value: Answer(200, {}),
    Action.LIVE: lambda value: success(dry_run=not value),
    Action.CHARGE: _taken,
    Action.PAIRING_KEY: lambda value: success(public_key_pem=SETUP["public_key_pem"]),
    Action.PAIRING_IMPORT: lambda value: success(public_key_pem=SETUP["public_key_pem"]),
    Action.PAIRING_REQUEST: lambda value: success(202, id=17),
    Action.PAIRING_CHECK: lambda value: success(202, id=17),
    Action.TEST_SOURCE: lambda value: Answer(
        200, {"ok": True, "values": {"grid_w": -204, "production_w": 4610}, "age_s": 0.3}
    ),
}


@dataclass
class Served:
    """A running server around a made backend."""

    backend: MadeBackend
    server: Server
    streams: Streams

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.server.page_port}"

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server.api_port}"


@contextmanager
def serving(
    *, always: tuple[str, ...] | None = None, now: Any = None, **listeners: Any
) -> Iterator[Served]:
    """Both listeners on free ports of the loopback; `listeners` as in `Listeners`."""
    backend = MadeBackend()
    streams = Streams(backend, now) if now else Streams(backend)
    more = {} if always is None else {"always": always}
    wanted = Listeners(
        **{"page_host": "127.0.0.1", "api_host": "127.0.0.1", "page_port": free_port(),
           "api_port": free_port(), **listeners}
    )  # fmt: skip
    server = Server(backend, wanted, streams=streams, **more)
    server.start()
    try:
        yield Served(backend, server, streams)
    finally:
        server.stop()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, method: str = "GET", **more: Any) -> requests.Response:
    """One request, without proxies of the environment."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=SOON, **more)
