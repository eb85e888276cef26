"""The tables, and how a file of an earlier version becomes one of this version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

SAMPLE_COLUMNS = (
    "ts_utc", "pv_w", "grid_w", "load_w", "own_w", "battery_w", "available_w", "amps",
    "target_amps", "soc", "mode_ext", "controller_state",
)  # fmt: skip
SESSION_COLUMNS = (
    "id", "start_utc", "end_utc", "energy_wh", "solar_wh", "grid_wh", "peak_a", "soc_start",
    "soc_end", "starts", "commands",
)  # fmt: skip
AUDIT_COLUMNS = (
    "id", "ts_utc", "mono", "actor", "action", "from", "to", "reason", "inputs_json",
    "result_class", "text", "duration",
)  # fmt: skip
RAW_S, MEAN_S = 10, 300

_FIRST = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL, option_value TEXT NOT NULL);
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, start_utc INTEGER NOT NULL, end_utc INTEGER NOT NULL,
    energy_wh REAL NOT NULL, solar_wh REAL NOT NULL, grid_wh REAL NOT NULL, peak_a REAL,
    soc_start INTEGER, soc_end INTEGER, starts INTEGER NOT NULL, commands INTEGER NOT NULL
);
CREATE TABLE samples (
    ts_utc INTEGER NOT NULL, span_s INTEGER NOT NULL, pv_w REAL, grid_w REAL, load_w REAL,
    own_w REAL, battery_w REAL, available_w REAL, amps REAL, target_amps REAL, soc REAL,
    mode_ext TEXT, controller_state TEXT, PRIMARY KEY (ts_utc, span_s)
) WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, ts_utc REAL NOT NULL, mono REAL NOT NULL,
    actor TEXT NOT NULL, action TEXT NOT NULL, "from" TEXT, "to" TEXT, reason TEXT,
    inputs_json TEXT, result_class TEXT, text TEXT, duration REAL
);
"""
MIGRATIONS: tuple[str, ...] = (_FIRST,)
"""Statements that lead from version n to n+1; the first makes the tables."""
VERSION = len(MIGRATIONS)


class NewerSchemaError(Exception):
    """The file was written by a later version of this program."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for writing, bring its tables up to date and look it over.

    Raises sqlite3.DatabaseError for a damaged file, sqlite3.OperationalError where the disk is
    full or read-only, NewerSchemaError.
    """
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 8000000")
        _check(connection)
        _migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise sqlite3.DatabaseError(f"damaged: {found[0] if found else 'no answer'}")


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
    row = connection.execute("SELECT version FROM schema_version").fetchone()
    version = row[0] if row else 0
    if version > VERSION:
        raise NewerSchemaError(f"its tables are of version {version}, this program knows {VERSION}")
    for number in range(version, VERSION):
        # executescript would commit first; one transaction keeps a power cut from halving it.
        statements = "".join(
            (
                "BEGIN IMMEDIATE;",
                MIGRATIONS[number],
                "DELETE FROM schema_version;",
                f"INSERT INTO schema_version VALUES ({number + 1});",
                "COMMIT;",
            )
        )
        connection.executescript(statements)
