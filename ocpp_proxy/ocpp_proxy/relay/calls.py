"""CALLs on their way: one CALL, and the table of those sent and not answered yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

MAX_OPEN: Final = 64
MAX_OPEN_BYTES: Final = 256 * 1024
OWN_PREFIX: Final = "px-"


class Purpose(Enum):
    """Why we made a CALL of our own; its answer is relayed to nobody."""

    BOOT = "cached BootNotification"
    STATUS = "cached StatusNotification"
    METER_VALUES = "cached MeterValues"
    RULE = "rule"


@dataclass(slots=True, eq=False)
class OpenCall:
    """A CALL as it is sent, bytes untouched.

    answered: its sender has an answer or expects none any more, so the next is swallowed.
    own: why we made it; None for one of the peers.
    tag: what the rules want back with the answer to an injected CALL.
    until: when waiting for a turn or for the answer ends, monotonic seconds.
    """

    id: str
    action: str
    data: bytes
    text: bool = True
    answered: bool = False
    own: Purpose | None = None
    tag: object = None
    until: float = 0.0

    @property
    def swallows(self) -> bool:
        """Whether the answer is for nobody."""
        return self.answered or self.own is not None


class OpenCalls:
    """CALLs sent to one leg and unanswered, oldest first; the oldest are forgotten at the limit.

    A forgotten CALL's answer is still relayed, only hold and injection do not know of it. An id
    used again replaces the CALL that had it: its sender has given that one up.
    """

    __slots__ = ("_bytes", "_calls", "_max_bytes", "_max_calls")

    def __init__(self, max_calls: int = MAX_OPEN, max_bytes: int = MAX_OPEN_BYTES) -> None:
        self._calls: dict[str, OpenCall] = {}
        self._bytes = 0
        self._max_calls = max_calls
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._calls)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._calls

    def add(self, call: OpenCall) -> None:
        """Remember a CALL that was sent; the newest is kept whatever its size."""
        if call.id in self._calls:
            self.pop(call.id)
        self._calls[call.id] = call
        self._bytes += len(call.data)
        while len(self._calls) > self._max_calls or (
            self._bytes > self._max_bytes and len(self._calls) > 1
        ):
            self.pop(next(iter(self._calls)))

    def get(self, call_id: str) -> OpenCall | None:
        """The CALL with this id, if it is open."""
        return self._calls.get(call_id)

    def pop(self, call_id: str) -> OpenCall | None:
        """Take out the CALL an answer belongs to; None for an answer nobody waits for."""
        call = self._calls.pop(call_id, None)
        if call is not None:
            self._bytes -= len(call.data)
        return call

    def drain(self) -> list[OpenCall]:
        """Take out all, oldest first."""
        calls = list(self._calls.values())
        self._calls.clear()
        self._bytes = 0
        return calls


def own_id(random: Random) -> str:
    """An id for a CALL of our own: 19 characters, which no peer makes by chance."""
    return f"{OWN_PREFIX}{random.getrandbits(64):016x}"
