"""The CALLs going to one leg: passed on as they come, or in turn while one of ours is open."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from .backlog import Backlog
from .calls import PATIENCE_SECONDS, OpenCall, OpenCalls
from .events import Leg, Send

TURN_SECONDS: Final = 10.0  # for an answer, and for open CALLs to end before one of ours


class Line:
    """One direction's CALLs and the rule that ours never meet an open one of the peer.

    Ordinarily a CALL is passed on at once. A CALL of ours waits until none is open (at most
    10 s), then the peer's CALLs queue behind it until its answer (at most 10 s). While
    `sequential` every CALL waits for the answer of the one before it (at most 10 s each), ours
    first: that is how a returning upstream gets what it missed.

    may_send: asked before a queued CALL is sent in sequence; False keeps it and all behind it.
    """

    def __init__(self, leg: Leg, may_send: Callable[[OpenCall, float], bool] | None = None) -> None:
        self.leg = leg
        self.open = OpenCalls()
        self.waiting = Backlog()
        self.own: deque[OpenCall] = deque()
        self.current: OpenCall | None = None
        self.late = OpenCalls()
        self.sequential = False
        self.delayed_until: float | None = None
        self.lapsed: list[OpenCall] = []
        self._may_send = may_send

    @property
    def free(self) -> bool:
        """Whether a CALL of the peer can be passed on at once."""
        return self.current is None and not self.sequential and self.delayed_until is None

    @property
    def busy(self) -> bool:
        """Whether anything waits for time to pass or an answer to come."""
        return (
            self.current is not None
            or self.sequential
            or self.delayed_until is not None
            or bool(self.own)
            or bool(self.waiting)
        )

    def sent(self, call: OpenCall, now: float) -> None:
        """A CALL of the peer goes out now."""
        if self.late:
            self.late.pop(call.id)
        if self.leg is Leg.UPSTREAM and self.open:
            self.open.forget_repeated_by(call)
        self._opened(call, now)

    def _opened(self, call: OpenCall, now: float) -> None:
        call.until = now + PATIENCE_SECONDS
        self.open.add(call)

    def inject(self, call: OpenCall, now: float) -> None:
        """Queue a CALL of ours."""
        call.until = now + TURN_SECONDS
        self.own.append(call)

    def answered(self, call_id: str) -> OpenCall | None:
        """Take the CALL an answer from the leg belongs to; None if it is nobody's."""
        if self.current is not None and self.current.id == call_id:
            call, self.current = self.current, None
            return call
        if self.late and (late := self.late.pop(call_id)) is not None:
            return late
        return self.open.pop(call_id)

    def call(self, call_id: str) -> OpenCall | None:
        """The CALL an answer with this id would belong to."""
        if self.current is not None and self.current.id == call_id:
            return self.current
        return self.late.get(call_id) or self.open.get(call_id)

    def forget_answer(self, call: OpenCall) -> None:
        """The answer to a CALL, should it still come, is for nobody."""
        call.answered = True
        self.late.add(call)

    def pump(self, now: float) -> list[Send]:
        """Send whatever has its turn; call after everything that may have changed that."""
        self._expire(now)
        sends = []
        while self.current is None and (call := self._next(now)) is not None:
            if call.own is not None or self.sequential:
                call.until = now + TURN_SECONDS
                self.late.pop(call.id)
                self.current = call
            else:
                self.sent(call, now)
            sends.append(Send(self.leg, call.data, call.text))
        if self.sequential and self.current is None and not self.own and not self.waiting:
            self.sequential = False
        return sends

    def _expire(self, now: float) -> None:
        if self.delayed_until is not None and now >= self.delayed_until:
            self.delayed_until = None
        call = self.current
        if call is None or now < call.until:
            return
        self.current = None
        if call.swallows:
            self.late.add(call)
        else:
            self._opened(call, now)
        if call.own is not None:
            self.lapsed.append(call)

    def _next(self, now: float) -> OpenCall | None:
        if self.sequential:
            if self.own:
                return self.own.popleft()
            head = self.waiting.head
            if head is None or (self._may_send is not None and not self._may_send(head, now)):
                return None
            return self.waiting.popleft()
        if self.waiting and self.delayed_until is None:
            return self.waiting.popleft()
        if self.own and (now >= self.own[0].until or not self.open.awaited(now)):
            return self.own.popleft()
        return None

    def drop(self) -> None:
        """The session is over."""
        self.current = None
        self.sequential = False
        self.delayed_until = None
        self.own.clear()
        for calls in (self.open, self.late, self.waiting):
            calls.drain()

    def forget_calls(self) -> None:
        """The sender of the CALLs is gone: drop what waits, and answers that still come."""
        self.waiting.drain()
        self.delayed_until = None
        for call in self.open.drain():
            self.forget_answer(call)

    def release(self, now: float) -> None:
        """End a delay; what waits goes out with the next `pump`, before what comes after it."""
        if self.delayed_until is not None:
            self.delayed_until = now

    def give_way(self, now: float) -> None:
        """Too much waits: the peer's CALLs are passed on in order with the next `pump`."""
        self.release(now)
        if self.current is not None:
            self.current.until = now

    def lapse_own(self) -> None:
        """Ours have nowhere to go: they count as unanswered."""
        self.lapsed.extend(self.own)
        self.own.clear()

    def deadline(self) -> float | None:
        """When `pump` has something to do without being told; None for never."""
        times = [self.delayed_until] if self.delayed_until is not None else []
        if self.current is not None:
            times.append(self.current.until)
        elif self.own:
            times.append(self.own[0].until)
        return min(times, default=None)

    def cut(self, now: float) -> list[OpenCall]:
        """The leg is gone: the peer's CALLs it has not answered, in order; ours are forgotten."""
        self.open.expire(now)
        first = [call for call in (self.current, *self.own) if call is not None]
        calls = [*self.open.drain(), *first, *self.waiting.drain()]
        self.lapsed.extend(call for call in first if call.own is not None)
        self.current = None
        self.own.clear()
        self.late.drain()
        self.sequential = False
        self.delayed_until = None
        return [call for call in calls if call.own is None]
