"""The statements: what is written, in the caller's transaction. Blocking."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any

from . import schema


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A stored setting and the value its option had when it was stored, both as JSON values."""

    value: Any
    option_value: Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the history; W, A, %, epoch seconds."""

    ts_utc: int
    pv_w: float | None = None
    grid_w: float | None = None
    load_w: float | None = None
    own_w: float | None = None
    battery_w: float | None = None
    available_w: float | None = None
    amps: float | None = None
    target_amps: float | None = None
    soc: float | None = None
    mode_ext: str = ""
    controller_state: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log; texts are masked by whoever writes it."""

    ts_utc: float
    mono: float
    actor: str
    action: str
    was: str = ""
    becomes: str = ""
    reason: str = ""
    inputs_json: str = ""
    result_class: str = ""
    text: str = ""
    duration: float | None = None


class Store:
    """One open file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def save_setting(self, key: str, row: SettingRow) -> None:
        """Store or replace a setting."""
        self.connection.execute(
            "INSERT OR REPLACE INTO settings VALUES (?, ?, ?)",
            (key, json.dumps(row.value), json.dumps(row.option_value)),
        )

    def save_state(self, key: str, value: Any) -> None:
        """Store or replace; None removes."""
        if value is None:
            self.connection.execute("DELETE FROM state WHERE key = ?", (key,))
            return
        self.connection.execute(
            "INSERT OR REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value))
        )

    def add_sample(self, sample: Sample) -> None:
        """A row of the raw history; two in one second: the later one."""
        values = astuple(sample)
        marks = ", ".join("?" * (len(values) + 1))
        self.connection.execute(
            f"INSERT OR REPLACE INTO samples VALUES ({marks})",
            (values[0], schema.RAW_S, *values[1:]),
        )

    def add_audit(self, entry: AuditEntry) -> None:
        """A line of the audit log."""
        columns = ", ".join(f'"{name}"' for name in schema.AUDIT_COLUMNS[1:])
        marks = ", ".join("?" * (len(schema.AUDIT_COLUMNS) - 1))
        self.connection.execute(f"INSERT INTO audit ({columns}) VALUES ({marks})", astuple(entry))

    def add_session(self, session: Mapping[str, Any]) -> None:
        """A session that has ended; members as in SESSION_COLUMNS without the id."""
        names = schema.SESSION_COLUMNS[1:]
        marks = ", ".join("?" * len(names))
        self.connection.execute(
            f"INSERT INTO sessions ({', '.join(names)}) VALUES ({marks})",
            [session.get(name) for name in names],
        )

    def settings(self) -> dict[str, SettingRow]:
        """All stored settings; one that is no JSON counts as none."""
        found = {}
        for key, value, option_value in self.connection.execute("SELECT * FROM settings"):
            try:
                found[key] = SettingRow(json.loads(value), json.loads(option_value))
            except ValueError:
                continue
        return found

    def state(self) -> dict[str, Any]:
        """Everything kept for a restart; what is no JSON counts as never kept."""
        found = {}
        for key, value in self.connection.execute("SELECT * FROM state"):
            try:
                found[key] = json.loads(value)
            except ValueError:
                continue
        return found
