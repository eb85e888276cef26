"""Rule `set_config_after_boot`: settings the charger gets from us each time it starts."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from ..frames import CallResult, decode
from ..relay.calls import PATIENCE_SECONDS
from ..relay.events import Leg
from ..relay.rules import Injection, Verdict
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings

AFTER_BOOT: Final = 5.0  # seconds, while the central system sets the charger up
LOOK_AGAIN: Final = 1.0
MOST_OPEN: Final = 64


@dataclass(frozen=True, slots=True)
class SetConfig(Setting):
    """A configuration key and the value it gets."""

    key: str
    value: str

    @property
    def subject(self) -> Hashable:
        return self.key.casefold()


def _read(words: list[str]) -> Setting:
    reading.expect(words, 2)
    value = words[1] and reading.text(words[1], 500)
    return SetConfig(reading.text(words[0], 50), value)


LINES = (LineKind("set_config_after_boot KEY VALUE", _read),)


class Configure(Rule):
    """Sends ChangeConfiguration after the first accepted boot of a connection and each later one.

    One at a time, 5 s after the boot at the earliest, never while a CALL of upstream is open.
    A boot repeated for a returning central system is none: the charger kept its settings.
    """

    name = "set_config_after_boot"

    def __init__(self, keys: Sequence[SetConfig]) -> None:
        self._keys = keys
        self._left: deque[SetConfig] = deque()
        self._open: dict[str, float] = {}
        self._booted = False
        self._configured = False

    def from_charger(self, passage: Passage) -> None:
        if passage.is_call and passage.action == "BootNotification":
            self._booted = True
        elif passage.head is not None and not passage.is_call:
            self._open.pop(passage.head.id, None)

    def from_upstream(self, passage: Passage) -> None:
        if passage.is_call and passage.head is not None:
            if len(self._open) >= MOST_OPEN:
                del self._open[next(iter(self._open))]
            self._open[passage.head.id] = passage.now
        elif passage.action == "BootNotification" and (self._booted or not self._configured):
            message = decode(passage.data)
            if isinstance(message, CallResult) and message.payload.get("status") == "Accepted":
                self._booted, self._configured = False, True
                self._left = deque(self._keys)
                self.deadline = passage.now + AFTER_BOOT

    def upstream_changed(self, up: bool, now: float) -> None:
        self._open.clear()

    def due(self, now: float) -> Verdict | None:
        if any(now - since < PATIENCE_SECONDS for since in self._open.values()):
            self.deadline = now + LOOK_AGAIN
            return None
        self.deadline = None
        return self._next()

    def _next(self, note: str | None = None) -> Verdict | None:
        if not self._left:
            return Verdict(note=note) if note else None
        setting = self._left.popleft()
        payload = {"key": setting.key, "value": setting.value}
        tag = (self, setting.key)
        return Verdict(
            inject=(Injection(Leg.CHARGER, "ChangeConfiguration", payload, tag),), note=note
        )

    def answered(self, what: object, answer: bytes | None, now: float) -> Verdict | None:
        message = decode(answer) if answer is not None else None
        said = "no answer" if message is None else "an error"
        if isinstance(message, CallResult):
            said = str(message.payload.get("status"))[:20]
        if self._left:
            self.deadline = now
        return Verdict(note=f"rule {self.name}: {what}: {said}")


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    keys = settings.of(SetConfig)
    return Configure(keys) if keys else None
