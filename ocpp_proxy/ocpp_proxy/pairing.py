"""Which answer belongs to which CALL, for those who look at the messages of one station. Pure."""

from __future__ import annotations

from collections import OrderedDict
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


class Pairing:
    """The open CALLs of both directions; both sides may use "1", so their CALLs live apart."""

    __slots__ = ("_open", "answered")

    def __init__(self) -> None:
        self._open: dict[Side, OrderedDict[str, tuple[str, float]]] = {
            Side.CHARGER: OrderedDict(),
            Side.UPSTREAM: OrderedDict(),
        }
        # The last answer that found its CALL.
        self.answered: Facts | None = None

    def follow(self, source: Side, data: bytes, now: float) -> Facts:
        """Take note of a message from one leg at `now` (monotonic seconds)."""
        head = frames.scan(data)
        if head is None:
            return Facts(0, "", "", None)
        if head.kind == frames.CALL:
            calls = self._open[source]
            calls[head.id] = head.action, now
            if len(calls) > MOST_OPEN:
                calls.popitem(last=False)
            return Facts(frames.CALL, head.id, head.action, None)
        return self._answer(source, head, now)

    def _answer(self, source: Side, head: frames.Head, now: float) -> Facts:
        asker = Side.UPSTREAM if source is Side.CHARGER else Side.CHARGER
        call = self._open[asker].pop(head.id, None)
        if call is None:
            return Facts(head.kind, head.id, "", None)
        self.answered = Facts(head.kind, head.id, call[0], now - call[1])
        return self.answered
