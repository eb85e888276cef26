"""How long what is kept, and what goes first when the file grows. Blocking."""

from __future__ import annotations

import sqlite3

from .schema import MEAN_S, RAW_S

RAW_KEPT_S = 48 * 3600
MEAN_KEPT_S = 400 * 86_400
AUDIT_KEPT_S = 90 * 86_400
LARGEST = 200_000_000
_STEP = 5000

_MEANS = f"""
INSERT OR REPLACE INTO samples
SELECT ts_utc / {MEAN_S} * {MEAN_S}, {MEAN_S}, avg(pv_w), avg(grid_w), avg(load_w), avg(own_w),
       avg(battery_w), avg(available_w), avg(amps), avg(target_amps), avg(soc),
       mode_ext, controller_state
FROM (SELECT * FROM samples WHERE span_s = {RAW_S} AND ts_utc < ? ORDER BY ts_utc DESC)
GROUP BY ts_utc / {MEAN_S}
"""


def tidy(connection: sqlite3.Connection, wall: float, largest: int = LARGEST) -> None:
    """Thin, forget what is too old by `wall` (epoch s), and keep the file below `largest` bytes."""
    edge = int(wall - RAW_KEPT_S) // MEAN_S * MEAN_S
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_MEANS, (edge,))
        connection.execute("DELETE FROM samples WHERE span_s = ? AND ts_utc < ?", (RAW_S, edge))
        connection.execute(
            "DELETE FROM samples WHERE span_s = ? AND ts_utc < ?", (MEAN_S, int(wall - MEAN_KEPT_S))
        )
        connection.execute("DELETE FROM audit WHERE ts_utc < ?", (wall - AUDIT_KEPT_S,))
    shrink(connection, largest)


def shrink(connection: sqlite3.Connection, largest: int = LARGEST) -> None:
    """Delete the oldest samples, then the oldest audit lines, until the file fits."""
    while used(connection) > largest:
        gone = _delete_oldest(connection, "samples", "ts_utc") or _delete_oldest(
            connection, "audit", "id"
        )
        if not gone:
            return
        connection.execute("PRAGMA incremental_vacuum")


def used(connection: sqlite3.Connection) -> int:
    """Bytes in use, free pages not counted."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _delete_oldest(connection: sqlite3.Connection, table: str, by: str) -> bool:
    row = connection.execute(
        f"SELECT max({by}) FROM (SELECT {by} FROM {table} ORDER BY {by} LIMIT {_STEP})"
    ).fetchone()
    if row is None or row[0] is None:
        return False
    connection.execute(f"DELETE FROM {table} WHERE {by} <= ?", (row[0],))
    return True
