"""CALLs on their way: one CALL, and the table of those sent and not answered yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Final

from ..frames import tail

MAX_OPEN: Final = 64
MAX_OPEN_BYTES: Final = 256 * 1024
PATIENCE_SECONDS: Final = 120.0  # no sender met so far waits longer for an answer
OWN_PREFIX: Final = "px-"

# Requests whose answer says nothing; the sender goes on all the same without having been told.
ONLY_INFORMS: Final = frozenset(
    {
        "Heartbeat",
        "StatusNotification",
        "MeterValues",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
        "SecurityEventNotification",
        "LogStatusNotification",
        "SignedFirmwareStatusNotification",
    }
)


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
    until: when waiting for a turn or for the answer ends, or its sender has surely given it up,
    monotonic seconds.
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

    def same_request(self, other: OpenCall) -> bool:
        """Whether both ask the same; what only informs is no repeat, even if it reads the same."""
        return (
            self.action == other.action
            and self.action not in ONLY_INFORMS
            and tail(self.data) == tail(other.data)
        )


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

    def forget_repeated_by(self, call: OpenCall) -> None:
        """Forget an open CALL that asks the same: whoever repeats it has given it up.

        Otherwise a StartTransaction that was never answered would be sent again to the next
        upstream, long after its repeat was.
        """
        for known in self._calls.values():
            if known.same_request(call):
                self.pop(known.id)
                return

    def expire(self, now: float) -> None:
        """Forget CALLs their senders have surely given up, for the same reason."""
        for call in list(self._calls.values()):
            if now >= call.until:
                self.pop(call.id)

    def awaited(self, now: float) -> bool:
        """Whether anybody may still wait for an answer."""
        return any(now < call.until for call in self._calls.values())

    def drain(self) -> list[OpenCall]:
        """Take out all, oldest first."""
        calls = list(self._calls.values())
        self._calls.clear()
        self._bytes = 0
        return calls


def own_id(random: Random) -> str:
    """An id for a CALL of our own: 19 characters, which no peer makes by chance."""
    return f"{OWN_PREFIX}{random.getrandbits(64):016x}"
