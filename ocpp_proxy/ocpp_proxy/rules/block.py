"""Rule `block`: refuses an action of one side."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from ..actions import Sender
from ..relay.rules import Refusal
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings
from .words import LineError

_TRANSACTIONS = ("StartTransaction", "StopTransaction")


@dataclass(frozen=True, slots=True)
class Blocked(Setting):
    """What is refused; `key` only with ChangeConfiguration, in folded case."""

    up: bool
    action: str
    key: str = ""

    @property
    def subject(self) -> Hashable:
        return self.up, self.action, self.key


def _read(words: list[str]) -> Setting:
    reading.expect(words, 2, 3)
    up = reading.one_of(words[0], ("up", "down")) == "up"
    action = reading.action(words[1], Sender.CHARGER if up else Sender.CENTRAL_SYSTEM)
    if action in _TRANSACTIONS:
        raise LineError(f"{action} is never kept from the central system")
    if len(words) == 2:
        return Blocked(up, action)
    if action != "ChangeConfiguration":
        raise LineError("a KEY goes with ChangeConfiguration only")
    return Blocked(up, action, reading.text(words[2], 50).casefold())


LINES = (LineKind("block up|down ACTION [KEY]", _read),)


class Block(Rule):
    """Answers with CALLERROR NotSupported, a single key with SecurityError."""

    name = "block"

    def __init__(self, blocked: list[Blocked]) -> None:
        self._up = {each.action for each in blocked if each.up}
        self._down = {each.action for each in blocked if not each.up and not each.key}
        self._keys = {each.key for each in blocked if each.key}

    def from_charger(self, passage: Passage) -> None:
        if passage.is_call and passage.action in self._up:
            self._refuse(passage, "NotSupported", f"{passage.action} is blocked", "refused")

    def from_upstream(self, passage: Passage) -> None:
        if not passage.is_call:
            return
        if passage.action in self._down:
            self._refuse(passage, "NotSupported", f"{passage.action} is blocked", "refused")
        elif self._keys and passage.action == "ChangeConfiguration":
            key = passage.message.payload.get("key")
            if isinstance(key, str) and key.casefold() in self._keys:
                self._refuse(passage, "SecurityError", "this key is blocked", f"{key} refused")

    def _refuse(self, passage: Passage, code: str, description: str, note: str) -> None:
        passage.answer(self, Refusal(code, description), note)


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    blocked = settings.of(Blocked)
    return Block(blocked) if blocked else None
