"""Which answer belongs to which CALL, for those who look at the messages of one station. Pure."""

from __future__ import annotations

from typing import NamedTuple

from . import frames
from .relay.events import Leg as Side

MOST_OPEN = 64


class Facts(NamedTuple):
    """What the head of a message says; of an answer the action and round trip (s) of its CALL.

    `kind` is the OCPP-J message type, 0 for what does not begin like one.
    """

    kind: int
    id: str
    action: str
    round_trip: float | None

    @property
    def kind_name(self) -> str:
        """CALL, CALLRESULT or CALLERROR; in words what is none of them."""
        other = f"type {self.kind}" if self.kind else "no OCPP-J"
        return frames.KIND_NAMES.get(self.kind, other)


class Pairing:
    """The open CALLs of both directions; both sides may use "1", so their CALLs live apart."""

    __slots__ = ("_of_charger", "_of_upstream", "answered")

    def __init__(self) -> None:
        self._of_charger: dict[str, tuple[str, float]] = {}
        self._of_upstream: dict[str, tuple[str, float]] = {}
        # The last answer that found its CALL.
        self.answered: Facts | None = None

    def asked(self, source: Side, head: frames.Head, now: float) -> None:
        """Take note of a CALL."""
        calls = self._of_charger if source is Side.CHARGER else self._of_upstream
        calls.pop(head.id, None)  # an id used again is the newest
        calls[head.id] = head.action, now
        if len(calls) > MOST_OPEN:
            del calls[next(iter(calls))]

    def follow(self, source: Side, head: frames.Head | None, now: float) -> Facts:
        """Take note of a message from one leg at `now` (monotonic seconds) by its head."""
        if head is None:
            return Facts(0, "", "", None)
        kind, message_id, action = head
        if kind == frames.CALL:
            self.asked(source, head, now)
            return Facts(kind, message_id, action, None)
        call = None
        if kind in frames.KIND_NAMES:
            calls = self._of_upstream if source is Side.CHARGER else self._of_charger
            call = calls.pop(message_id, None)
        if call is None:
            return Facts(kind, message_id, "", None)
        self.answered = Facts(kind, message_id, call[0], now - call[1])
        return self.answered
