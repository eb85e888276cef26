"""The seam for rewriting rules: they decide, the relay acts.

A rules object belongs to one session. It sees every message before the relay does anything with
it and says what is to be done by a `Verdict`; `None` leaves the message byte for byte alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from ..frames import Head, payload_of
from .events import Leg

Payload = bytes | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came from one leg.

    head: None if it does not begin like OCPP-J.
    request: for an answer the CALL it belongs to as it was sent on, None if unknown; the action
    is in `request_action`.
    """

    leg: Leg
    data: bytes
    text: bool
    head: Head | None
    request_action: str = ""
    request: bytes | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """The payload as an object, parsed anew at each call; {} if it cannot be read."""
        return payload_of(self.data)


@dataclass(frozen=True, slots=True)
class Injection:
    """A CALL of our own for one leg; `tag` comes back with its answer, which is relayed to nobody.

    The relay gives it its id and its turn: never beside an open CALL of the other peer (after
    10 s of waiting it goes out anyway).
    """

    leg: Leg
    action: str
    payload: Payload
    tag: object = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A CALLERROR for the sender (error codes of OCPP-J 1.6 §4.2.3)."""

    code: str
    description: str = ""


class LateAnswer(NamedTuple):
    """What upstream is told when the charger does not answer its CALL within `seconds`.

    inject, note: CALLs of our own and the line for the log that go with it.
    """

    seconds: float
    payload: Payload
    inject: tuple[Injection, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done with a message; the fields can be combined.

    data, text: go on with these bytes, as text or binary frame, instead of the original.
    answer: the sender of the CALL gets this as CALLRESULT payload or CALLERROR; it is not
    forwarded.
    answer_after: forward the CALL, and if its answer takes too long, answer the sender and drop
    the late answer; only for CALLs of upstream.
    forward: False swallows the message.
    delay: CALLs of this sender wait, this one first, for so many seconds or until `release`;
    answers are never delayed.
    release: end the delay of the CALLs of this leg; they go out in order after this message.
    inject: CALLs of our own.
    note: what to log, e.g. which rule acted; `note_level` is a Home Assistant level name.
    """

    data: bytes | None = None
    text: bool | None = None
    answer: Payload | Refusal | None = None
    answer_after: LateAnswer | None = None
    forward: bool = True
    delay: float | None = None
    release: Leg | None = None
    inject: tuple[Injection, ...] = ()
    note: str | None = None
    note_level: str = "info"


class Rules(Protocol):
    """What a rules package supplies.

    deadline: monotonic seconds at which `due` wants to be called, None for never.
    """

    @property
    def deadline(self) -> float | None: ...

    def charger_message(self, message: Message, now: float) -> Verdict | None:
        """A message came from the charger (also while upstream is away)."""

    def upstream_message(self, message: Message, now: float) -> Verdict | None:
        """A message came from upstream."""

    def answered(self, injection: Injection, answer: bytes | None, now: float) -> Verdict | None:
        """An injected CALL was answered; None: not within 10 s, or its leg is gone.

        Of the verdict only `release`, `inject` and `note` count.
        """

    def due(self, now: float) -> Verdict | None:
        """The deadline has passed and must be moved or cleared.

        Of the verdict only `release`, `inject` and `note` count.
        """

    def upstream_changed(self, up: bool, now: float) -> None:
        """Upstream is up (the session began, or it came back) or was lost."""
