"""CALLs that wait for their turn, in order and within limits."""

from __future__ import annotations

from collections import deque
from typing import Final

from .calls import OpenCall

MAX_CALLS: Final = 100
MAX_BYTES: Final = 256 * 1024
MAX_UNANSWERED_BYTES: Final = 1024 * 1024


class Backlog:
    """A queue of CALLs; answered ones may be dropped at the limit, unanswered ones never.

    Answered means that the sender has an answer already; whoever waits unanswered would miss a
    dropped CALL, so for those the caller asks `unanswered` and `heavy` and ends the session.
    """

    def __init__(self) -> None:
        self._calls: deque[OpenCall] = deque()
        self._bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def unanswered(self) -> int:
        """How many CALLs wait whose sender has no answer."""
        return sum(not call.answered for call in self._calls)

    @property
    def heavy(self) -> bool:
        """Whether several unanswered CALLs together take more than 1 MiB."""
        sizes = [len(call.data) for call in self._calls if not call.answered]
        return len(sizes) > 1 and sum(sizes) > MAX_UNANSWERED_BYTES

    @property
    def head(self) -> OpenCall | None:
        """The CALL whose turn is next."""
        return self._calls[0] if self._calls else None

    def add(self, call: OpenCall) -> None:
        """Put a CALL at the end, or in the place of the unanswered one it repeats.

        A repeat asks the same under another id: its sender has given up the former one. A former
        CALL with the same id but other content stays and counts as answered: its answer could not
        be told apart.
        """
        place = None if call.answered else self._repeated_by(call)
        if place is not None:
            self._bytes += len(call.data) - len(self._calls[place].data)
            self._calls[place] = call
            return
        for waiting in self._calls:
            if waiting.id == call.id:
                waiting.answered = True
        self._calls.append(call)
        self._bytes += len(call.data)
        self._shrink()

    def _repeated_by(self, call: OpenCall) -> int | None:
        for place, waiting in enumerate(self._calls):
            if not waiting.answered and waiting.same_request(call):
                return place
        return None

    def _shrink(self) -> None:
        while len(self._calls) > MAX_CALLS or self._bytes > MAX_BYTES:
            victim = self._droppable()
            if victim is None:
                return
            self._calls.remove(victim)
            self._bytes -= len(victim.data)
            self.dropped += 1

    def _droppable(self) -> OpenCall | None:
        """The oldest answered MeterValues, else the oldest answered CALL."""
        answered = [call for call in self._calls if call.answered]
        meter_values = (call for call in answered if call.action == "MeterValues")
        return next(meter_values, answered[0] if answered else None)

    def popleft(self) -> OpenCall:
        """Take the CALL whose turn it is."""
        call = self._calls.popleft()
        self._bytes -= len(call.data)
        return call

    def take_unanswered(self, action: str) -> OpenCall | None:
        """Take the oldest unanswered CALL of an action out of its place; None if there is none."""
        for call in self._calls:
            if call.action == action and not call.answered:
                self._calls.remove(call)
                self._bytes -= len(call.data)
                return call
        return None

    def drain(self) -> list[OpenCall]:
        """Take out all, in order."""
        calls = list(self._calls)
        self._calls.clear()
        self._bytes = 0
        return calls
