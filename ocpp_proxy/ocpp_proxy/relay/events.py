"""What goes into and comes out of a station's relay: the words it shares with its shell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Leg(Enum):
    """One of the two connections of a session."""

    CHARGER = "charger"
    UPSTREAM = "upstream"


class Send(NamedTuple):
    """Send one WebSocket message, as text or binary frame, exactly these bytes."""

    leg: Leg
    data: bytes
    text: bool = True


@dataclass(frozen=True, slots=True)
class Close:
    """Close one leg with a sendable code and a reason of at most 123 bytes of UTF-8."""

    leg: Leg
    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial upstream after `delay` seconds; a later Dial or the end of the session replaces it."""

    delay: float


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the log; `level` is a Home Assistant level name (debug, info, warning …)."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A CALL of the charger as the rules left it, for those who only listen; see Relay.copies."""

    data: bytes
    text: bool = True


Effect = Send | Close | Dial | Note | Copy


@dataclass(frozen=True, slots=True)
class Closed:
    """How a leg ended, as seen on it (RFC 6455 §7.4.1).

    1005: closed without status; 1006: ended without a close frame.
    """

    code: int
    reason: str = ""
