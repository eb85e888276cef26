"""Rule `delay_commands_until_boot`: no command before the charger's boot is answered.

Some chargers start again when they are asked something earlier (lbbrhzn/ocpp#1503, #1414).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..relay.events import Leg
from . import reading
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings


@dataclass(frozen=True, slots=True)
class DelayCommands(Setting):
    """The longest delay in seconds."""

    seconds: float


def _read(words: list[str]) -> Setting:
    reading.expect(words, 1)
    return DelayCommands(reading.seconds(words[0]))


LINES = (LineKind("delay_commands_until_boot SECONDS", _read),)


class Delay(Rule):
    """Holds upstream's CALLs up, in order, until a boot was answered or the time is over.

    The time runs from the connection, and anew from each BootNotification.
    """

    name = "delay_commands_until_boot"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self._began = False

    def upstream_changed(self, up: bool, now: float) -> None:
        if up and not self._began:
            self._began = True
            self._until = now + self._seconds

    def from_charger(self, passage: Passage) -> None:
        if passage.is_call and passage.action == "BootNotification":
            self._until = passage.now + self._seconds

    def from_upstream(self, passage: Passage) -> None:
        if self._until is None:
            return
        if not passage.is_call and passage.action == "BootNotification":
            self._until = None
            passage.release(Leg.UPSTREAM)
        elif passage.is_call and passage.now < self._until:
            passage.delay(self._until - passage.now)
            passage.notes.append((self.name, "waits for the boot"))


def make(settings: Settings, _around: Surroundings) -> Rule | None:
    setting = settings.last(DelayCommands)
    return Delay(setting.seconds) if setting and setting.seconds else None
