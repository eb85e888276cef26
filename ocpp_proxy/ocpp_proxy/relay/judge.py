"""Carries out what the rules decide about a message, before the relay handles what is left."""

from __future__ import annotations

from random import Random
from typing import Final

from ..frames import (
    CALL,
    CALLERROR,
    CALLRESULT,
    Head,
    answer_to,
    build_call,
    refusal_of,
    scan,
)
from .calls import OpenCall, Purpose, own_id
from .events import Effect, Leg, Note, Send
from .line import Line
from .rules import Injection, LateAnswer, Message, Payload, Refusal, Rules, Verdict

Rest = tuple[Head | None, bytes, bool]
_LOOK_AGAIN: Final = 1.0  # seconds, for a CALL that has not even been sent yet


class Judge:
    """The rules of one session and what they asked for that is still to come."""

    def __init__(self, rules: Rules, up: Line, down: Line, random: Random) -> None:
        self._rules = rules
        self._lines = {Leg.UPSTREAM: up, Leg.CHARGER: down}
        self._random = random
        self._answers_due: dict[str, tuple[float, LateAnswer]] = {}

    def judge(
        self, leg: Leg, data: bytes, text: bool, now: float
    ) -> tuple[list[Effect], Rest | None]:
        """Effects of the rules, and the message that is left to be handled, if any."""
        head = scan(data)
        message = self._message(leg, head, data, text)
        if leg is Leg.CHARGER and head is not None and head.kind != CALL:
            self._answers_due.pop(head.id, None)
        hook = self._rules.charger_message
        if leg is Leg.UPSTREAM:
            hook = self._rules.upstream_message
        verdict = hook(message, now)
        if verdict is None:
            return [], (head, data, text)
        effects = self._aside(verdict, now)
        if head is not None and head.kind == CALL and verdict.answer is not None:
            return [*effects, Send(leg, _response(data, verdict.answer))], None
        if not verdict.forward:
            self._take_answered(leg, head)
            return effects, None
        return effects, self._left(leg, message, verdict, now)

    def _message(self, leg: Leg, head: Head | None, data: bytes, text: bool) -> Message:
        request = None
        if head is not None and head.kind in (CALLRESULT, CALLERROR):
            request = self._lines[leg].call(head.id)
        if request is None:
            return Message(leg, data, text, head)
        return Message(leg, data, text, head, request.action, request.data)

    def _left(self, leg: Leg, message: Message, verdict: Verdict, now: float) -> Rest:
        data = message.data if verdict.data is None else verdict.data
        text = message.text if verdict.text is None else verdict.text
        head = message.head if verdict.data is None else scan(data)
        if head is not None and head.kind == CALL:
            if verdict.delay is not None:
                self._lines[_other(leg)].delayed_until = now + verdict.delay
            if verdict.answer_after is not None and leg is Leg.UPSTREAM:
                late = verdict.answer_after
                self._answers_due[head.id] = (now + late.seconds, late)
        return head, data, text

    def _take_answered(self, leg: Leg, head: Head | None) -> None:
        """A swallowed answer still ends its CALL."""
        if head is not None and head.kind in (CALLRESULT, CALLERROR):
            self._lines[leg].answered(head.id)

    def _aside(self, verdict: Verdict | None, now: float) -> list[Effect]:
        """What a verdict asks for beside the message itself."""
        if verdict is None:
            return []
        self._inject(verdict.inject, now)
        if verdict.release is not None:
            self._lines[_other(verdict.release)].release(now)
        return [] if verdict.note is None else [Note(verdict.note_level, verdict.note)]

    def _inject(self, injections: tuple[Injection, ...], now: float) -> None:
        for injection in injections:
            call_id = own_id(self._random)
            data = build_call(call_id, injection.action, injection.payload)
            call = OpenCall(call_id, injection.action, data, own=Purpose.RULE, tag=injection)
            self._lines[injection.leg].inject(call, now)

    def answered(self, call: OpenCall, answer: bytes | None, now: float) -> list[Effect]:
        """One of the rules' own CALLs was answered, or (None) will not be."""
        if not isinstance(call.tag, Injection):
            return []
        return self._aside(self._rules.answered(call.tag, answer, now), now)

    def upstream_changed(self, up: bool, now: float) -> None:
        """Upstream came up or was lost; what was promised to the old one is void."""
        self._answers_due.clear()
        self._rules.upstream_changed(up, now)

    def due(self, now: float) -> list[Effect]:
        """Answers for the charger whose time has come, and the rules' own deadline."""
        effects: list[Effect] = []
        line = self._lines[Leg.CHARGER]
        for call_id, (at, late) in list(self._answers_due.items()):
            if now < at:
                continue
            del self._answers_due[call_id]
            if (call := line.open.pop(call_id)) is not None:
                line.forget_answer(call)
                effects.append(Send(Leg.UPSTREAM, answer_to(call.data, late.payload)))
                self._inject(late.inject, now)
                if late.note is not None:
                    effects.append(Note("info", late.note))
            elif line.waiting:
                self._answers_due[call_id] = (now + _LOOK_AGAIN, late)
        if self._rules.deadline is not None and now >= self._rules.deadline:
            effects += self._aside(self._rules.due(now), now)
        return effects

    def deadline(self) -> float | None:
        """When `due` wants to be called; None for never."""
        times = [at for at, _late in self._answers_due.values()]
        if self._rules.deadline is not None:
            times.append(self._rules.deadline)
        return min(times, default=None)


def _response(call: bytes, answer: Payload | Refusal) -> bytes:
    if isinstance(answer, Refusal):
        return refusal_of(call, answer.code, answer.description)
    return answer_to(call, answer)


def _other(leg: Leg) -> Leg:
    return Leg.UPSTREAM if leg is Leg.CHARGER else Leg.CHARGER
