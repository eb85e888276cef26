"""What waits for a secondary, in order and within limits."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_MESSAGES: Final = 100
MAX_BYTES: Final = 256 * 1024

# Dropped in this order: what comes again anyway, the rest, and last what is money.
_CHEAP: Final = frozenset({"MeterValues", "Heartbeat"})
_DEAR: Final = frozenset({"StartTransaction", "StopTransaction"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """A CALL for the secondary; `own` if it is ours and no copy of one of the charger's."""

    id: str
    action: str
    data: bytes
    text: bool = True
    own: bool = False


class Queue:
    """At most 100 CALLs of together 256 KiB; the oldest of the least worth give way."""

    def __init__(self) -> None:
        self._calls: deque[Waiting] = deque()
        self._bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._calls)

    def has_own(self, action: str) -> bool:
        """Whether a CALL of ours with this action waits."""
        return any(call.own and call.action == action for call in self._calls)

    def add(self, call: Waiting) -> None:
        """Put a CALL at the end."""
        self._calls.append(call)
        self._bytes += len(call.data)
        self._shrink()

    def first(self, call: Waiting) -> None:
        """Put a CALL back in front of all others."""
        self._calls.appendleft(call)
        self._bytes += len(call.data)
        self._shrink()

    def _shrink(self) -> None:
        while len(self._calls) > MAX_MESSAGES or self._bytes > MAX_BYTES:
            self._take(self._least_worth())
            self.dropped += 1

    def _least_worth(self) -> Waiting:
        for kind in (_CHEAP, None):
            for call in self._calls:
                if call.action in kind if kind else call.action not in _DEAR:
                    return call
        return self._calls[0]

    def _take(self, call: Waiting) -> None:
        self._calls.remove(call)
        self._bytes -= len(call.data)

    def pop(self) -> Waiting | None:
        """Take the CALL whose turn it is."""
        call = self._calls[0] if self._calls else None
        if call is not None:
            self._take(call)
        return call

    def take(self, action: str) -> Waiting | None:
        """Take the newest CALL of an action, and drop the older ones."""
        found = [call for call in self._calls if call.action == action]
        for call in found:
            self._take(call)
        return found[-1] if found else None

    def forget_own(self) -> None:
        """Drop what was ours: it answered to a connection that is gone."""
        for call in [call for call in self._calls if call.own or call.action == "Heartbeat"]:
            self._take(call)
