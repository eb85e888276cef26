"""Reads what follows the question mark. No I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime

DAY_S = 86_400
USUAL_STEP_S = 10
_DIGITS = re.compile(r"[0-9]{1,19}")
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")


class QueryError(Exception):
    """A parameter that cannot be used; the text names it."""


def number(name: str, text: str, least: int, most: int) -> int:
    """A whole number in the range; raises QueryError."""
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        raise QueryError(f"{name} wants a whole number, at least {least}")
    return int(text)


def step(text: str | None) -> int:
    """Seconds between two rows, 1 to 86400; 10 when not given."""
    if text is None:
        return USUAL_STEP_S
    seconds = number("step", text, 1, 2**63 - 1)
    if seconds > DAY_S:
        raise QueryError("step wants seconds, at most 86400")
    return seconds


def period(begin: str | None, end: str | None, now: float) -> tuple[float, float]:
    """`from` and `to` as epoch seconds; the last 24 h where they are missing. Raises QueryError."""
    last = now if end is None else moment("to", end)
    first = last - DAY_S if begin is None else moment("from", begin)
    if first >= last:
        raise QueryError("from must be before to")
    return first, last


def moment(name: str, text: str) -> float:
    """An ISO 8601 time as epoch seconds; one without a zone is UTC. Raises QueryError."""
    # An unescaped + arrives as a space.
    text = _LOST_PLUS.sub("+", text.strip()) if "T" in text else text.strip()
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return found.timestamp()
    except (ValueError, OverflowError) as error:
        raise QueryError(f"{name} wants a time like 2026-01-31T12:00:00Z") from error
