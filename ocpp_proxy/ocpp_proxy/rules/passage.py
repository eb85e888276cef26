"""A message on its way through the rules of a session: what they read, change and decide."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ..frames import CALL, CALLRESULT, MAX_DEPTH, Head, id_token, json_bytes, payload_of, scan
from ..relay.events import Leg
from ..relay.rules import Injection, LateAnswer, Message, Payload, Refusal, Verdict
from ..repair import depth_exceeds

if TYPE_CHECKING:
    from .rule import Rule

LARGEST_REWRITTEN: Final = 1 << 20


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def strictly(data: bytes) -> Any:
    """The JSON value of a message; raises ValueError for what is not exactly JSON in UTF-8."""
    if len(data) > LARGEST_REWRITTEN or depth_exceeds(data, MAX_DEPTH):
        raise ValueError("too large or too deep")
    return json.loads(data.decode("utf-8"), parse_constant=_no_constant)


class Passage:
    """One message; the first rule that settles it is the last one that sees it.

    data, text: the message as it will go on, as text or binary frame.
    action: of an answer that of its CALL; "" if there is none.
    """

    def __init__(self, message: Message, now: float) -> None:
        self.message = message
        self.now = now
        self.data = message.data
        self.text = message.text
        self.head: Head | None = message.head
        self.notes: list[tuple[str, str]] = []
        self._elements: list[Any] | None = None
        self._parsed = False
        self._edited = False
        self._answer: Payload | Refusal | None = None
        self._late: LateAnswer | None = None
        self._swallowed = False
        self._delay: float | None = None
        self._release: Leg | None = None
        self._inject: list[Injection] = []

    # What it is.

    @property
    def is_call(self) -> bool:
        return self.head is not None and self.head.kind == CALL

    @property
    def is_result(self) -> bool:
        return self.head is not None and self.head.kind == CALLRESULT

    @property
    def action(self) -> str:
        if self.head is not None and self.head.kind == CALL:
            return self.head.action
        return self.message.request_action

    @property
    def payload(self) -> dict[str, Any] | None:
        """The payload as it goes on, to be read and changed; None unless it is good JSON.

        Say `edited` after a change.
        """
        elements, place = self._parse(), self._place
        if elements is None or len(elements) <= place or not isinstance(elements[place], dict):
            return None
        payload: dict[str, Any] = elements[place]
        return payload

    @property
    def request(self) -> dict[str, Any]:
        """Of an answer the payload of its CALL as it was sent on; {} if unknown."""
        return {} if self.message.request is None else payload_of(self.message.request)

    @property
    def _place(self) -> int:
        return 3 if self.is_call else 2

    def _parse(self) -> list[Any] | None:
        if not self._parsed:
            self._parsed = True
            try:
                value = strictly(self.data)
            except ValueError:
                value = None
            known = self.is_call or self.is_result
            self._elements = value if known and isinstance(value, list) else None
        return self._elements

    # What rules do with it.

    def edited(self, rule: Rule, note: str) -> None:
        """The payload was changed."""
        self._edited = True
        self.notes.append((rule.name, note))

    def renamed(self, rule: Rule, action: str, payload: dict[str, Any], note: str) -> None:
        """The CALL is another one now, under the same id."""
        if self.head is not None:
            self._elements = [CALL, self.head.id, action, payload]
            self._parsed = True
            self.head = self.head._replace(action=action)
            self.edited(rule, note)

    def replaced(self, rule: Rule, data: bytes, note: str) -> None:
        """The whole message was changed, before anybody read its payload."""
        self.data = data
        self.head = scan(data)
        self._parsed = False
        self.notes.append((rule.name, note))

    def as_text(self, rule: Rule, note: str) -> None:
        """The message goes on as text frame."""
        self.text = True
        self.notes.append((rule.name, note))

    def answer(self, rule: Rule, answer: Payload | Refusal, note: str) -> None:
        """The sender of the CALL is answered; nothing goes on."""
        self._answer = answer
        self.notes.append((rule.name, note))

    def answer_late(self, late: LateAnswer) -> None:
        """The CALL goes on, and its sender is answered if the charger stays silent."""
        self._late = late

    def delay(self, seconds: float) -> None:
        """The CALLs of this sender wait, this one first."""
        self._delay = seconds

    def release(self, leg: Leg) -> None:
        """The CALLs of this leg need not wait any more."""
        self._release = leg

    def inject(self, rule: Rule, leg: Leg, action: str, payload: Payload) -> None:
        """Send a CALL of our own."""
        self._inject.append(Injection(leg, action, payload, tag=(rule, action)))

    @property
    def settled(self) -> bool:
        """Whether it is answered and the other rules have no say."""
        return self._answer is not None

    def verdict(self) -> Verdict | None:
        """What is to be done; None if nothing was changed or decided."""
        if self._edited and self._answer is None:
            self._write()
        changed = self.data is not self.message.data
        text = None if self.text == self.message.text else self.text
        verdict = Verdict(
            data=self.data if changed else None,
            text=text,
            answer=self._answer,
            answer_after=self._late,
            delay=self._delay,
            release=self._release,
            inject=tuple(self._inject),
        )
        return None if verdict == _NOTHING else verdict

    def _write(self) -> None:
        """Bring the payload into the message, with the id exactly as it was."""
        elements = self._elements
        assert elements is not None
        try:
            json.dumps(elements, allow_nan=False)
            rest = b"".join(b"," + json_bytes(each) for each in elements[2:])
            kind = json_bytes(elements[0])
            self.data = b"[" + kind + b"," + id_token(self.data) + rest + b"]"
        except ValueError:
            # A number too large for a float cannot be written again: the message stays as it was.
            self.notes.clear()


_NOTHING: Final = Verdict()
