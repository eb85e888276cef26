"""Reads of the stored past from any thread, each with a connection of its own."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import masking
from .journal import JournalError
from .schema import AUDIT_COLUMNS, RAW_S, SAMPLE_COLUMNS, SESSION_COLUMNS

MOST_ROWS = 9000
MOST_LINES = 500
_WORDS = ("mode_ext", "controller_state")


class Reader:
    """See `dashboard.JournalReader`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def history(self, begin: float, end: float, step_s: int) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows from `begin` to `end` (epoch s), means of `step_s` seconds.

        The step is widened to keep to 9000 rows. Raises JournalError.
        """
        step = max(step_s, RAW_S, -int(-(end - begin) // MOST_ROWS))
        means = ", ".join(name if name in _WORDS else f"avg({name})" for name in SAMPLE_COLUMNS[1:])
        # The words of the group's last row: SQLite takes bare columns from the row of max().
        query = (
            f"SELECT ts_utc / {step} * {step}, {means}, max(ts_utc) FROM samples "
            f"WHERE ts_utc >= ? AND ts_utc < ? GROUP BY ts_utc / {step} "
            f"ORDER BY 1 LIMIT {MOST_ROWS}"
        )
        rows = self._all(query, (int(begin), int(end)))
        return list(SAMPLE_COLUMNS), [[_iso(row[0]), *row[1:-1]] for row in rows]

    def sessions(self, limit: int) -> list[dict[str, Any]]:
        """The newest sessions first. Raises JournalError."""
        columns = ", ".join(SESSION_COLUMNS)
        rows = self._all(
            f"SELECT {columns} FROM sessions ORDER BY id DESC LIMIT ?", (_lines(limit),)
        )
        found = [dict(zip(SESSION_COLUMNS, row, strict=True)) for row in rows]
        for session in found:
            for name in ("start_utc", "end_utc"):
                session[name] = _iso(session[name])
        return found

    def audit(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Newest first, with ids below `before`. Raises JournalError."""
        where, values = ("WHERE id < ?", (before,)) if before is not None else ("", ())
        query = f"SELECT {_AUDIT} FROM audit {where} ORDER BY id DESC LIMIT ?"
        rows = self._all(query, (*values, _lines(limit)))
        return [_audit_line(row) for row in rows]

    def audit_csv(self) -> Iterator[str]:
        """The whole audit log, oldest first, line by line. Raises JournalError."""
        yield _csv_line(AUDIT_COLUMNS)
        last = 0
        while True:
            query = f"SELECT {_AUDIT} FROM audit WHERE id > ? ORDER BY id LIMIT {MOST_LINES}"
            rows = self._all(query, (last,))
            for row in rows:
                last = row[0]
                yield _csv_line(_audit_line(row).values())
            if len(rows) < MOST_LINES:
                return

    def _all(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        try:
            with closing(
                sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5.0)
            ) as connection:
                return connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"the store cannot be read: {error}") from error


_AUDIT = ", ".join(f'"{name}"' for name in AUDIT_COLUMNS)


def _audit_line(row: tuple[Any, ...]) -> dict[str, Any]:
    line: dict[str, Any] = dict(zip(AUDIT_COLUMNS, row, strict=True))
    line["ts_utc"] = _iso(line["ts_utc"])
    return {key: masking.text(v) if isinstance(v, str) else v for key, v in line.items()}


def _csv_line(values: Any) -> str:
    made = io.StringIO()
    # A cell that begins like a formula would be run by a spreadsheet.
    safe = [f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t" else v for v in values]
    csv.writer(made).writerow(safe)
    return made.getvalue()


def _lines(limit: int) -> int:
    return min(MOST_LINES, max(1, limit))


def _iso(epoch: float) -> str:
    """ISO 8601 in UTC, whole seconds; a time no calendar holds counts as 1970."""
    try:
        return datetime.fromtimestamp(int(epoch), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return "1970-01-01T00:00:00Z"
