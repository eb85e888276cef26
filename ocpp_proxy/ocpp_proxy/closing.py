"""Close codes: which may be sent, and what the end of one leg means for the other."""

from __future__ import annotations

from enum import Enum
from typing import Final

from .relay.events import Closed

MAX_REASON_BYTES: Final = 123  # RFC 6455 §5.5: a control frame holds 125 bytes, two are the code
NO_STATUS: Final = 1005
ABNORMAL: Final = 1006

_GOES_AWAY: Final = frozenset({1000, 1001, NO_STATUS, ABNORMAL, 1011, 1012, 1013, 1014})
_ALREADY_EXISTS: Final = "already exists"


class UpstreamEnd(Enum):
    """What the end of the upstream leg means."""

    REFUSES = "refuses"
    GOES_AWAY = "goes away"
    ALREADY_EXISTS = "already exists"


def sendable(code: int) -> bool:
    """Whether a close frame may carry the code (RFC 6455 §7.4 and the IANA registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def close_reason(text: str) -> str:
    """The text as a close frame may carry it: no control characters, at most 123 bytes of UTF-8."""
    printable = "".join(c for c in text if c.isprintable())
    return printable.encode("utf-8", "replace")[:MAX_REASON_BYTES].decode("utf-8", "ignore")


def upstream_end(closed: Closed) -> UpstreamEnd:
    """Whether upstream refuses the charger, went away, or still holds a dead connection of it.

    evcc (ocpp-go) ends a second connection of a station by 1008 "a connection with this ID
    already exists" (seen on evcc 0.313).
    """
    if closed.code == 1008 and _ALREADY_EXISTS in closed.reason.lower():
        return UpstreamEnd.ALREADY_EXISTS
    if closed.code in _GOES_AWAY or not sendable(closed.code):
        return UpstreamEnd.GOES_AWAY
    return UpstreamEnd.REFUSES


def to_upstream(seen: Closed) -> Closed:
    """What upstream is told when the charger's leg ended as `seen`."""
    if seen.code == NO_STATUS:
        return Closed(1000)
    if not sendable(seen.code):
        return Closed(1001, "charger connection lost")
    return Closed(seen.code, close_reason(seen.reason))


def to_charger(seen: Closed) -> Closed:
    """What the charger is told when the upstream leg ended as `seen` and is not waited for."""
    if seen.code == NO_STATUS:
        return Closed(1000)
    if not sendable(seen.code):
        return Closed(1012, "upstream lost")
    return Closed(seen.code, close_reason(seen.reason))
