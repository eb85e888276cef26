"""What every rule is made of: the line that asks for it, and what it does in a session."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar

from ..relay.memory import StationMemory
from ..relay.rules import Verdict
from .passage import Passage


@dataclass(frozen=True, slots=True)
class Setting:
    """What one rule line says; of two about the same subject the later one counts."""

    @property
    def subject(self) -> Hashable:
        """What the line is about, among lines of its kind."""
        return None


@dataclass(frozen=True, slots=True)
class LineKind:
    """A kind of rule line: its grammar, and what reads the words behind its name.

    `read` raises LineError.
    """

    grammar: str
    read: Callable[[list[str]], Setting]

    @property
    def name(self) -> str:
        """The line's first word."""
        return self.grammar.split()[0]


S = TypeVar("S", bound=Setting)


class Settings:
    """All that the rule lines of a station say."""

    def __init__(self, settings: Iterable[Setting]) -> None:
        self._settings: dict[tuple[type[Setting], Hashable], Setting] = {}
        for setting in settings:
            self._settings[type(setting), setting.subject] = setting

    def of(self, kind: type[S]) -> list[S]:
        """The settings of one kind, in the order of their first lines."""
        return [each for each in self._settings.values() if isinstance(each, kind)]

    def last(self, kind: type[S]) -> S | None:
        """The only setting of a kind that has but one subject; None without one."""
        return next(iter(self.of(kind)), None)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule may ask for: the station's caches and the time, which knows its zone."""

    memory: StationMemory
    wall_clock: Callable[[], datetime]


class Rule:
    """One rule in one session; `deadline` is when `due` wants to be called, monotonic seconds.

    Of the verdicts of `answered` and `due` only `release`, `inject` and `note` count.
    """

    name: ClassVar[str]
    deadline: float | None = None

    def from_charger(self, passage: Passage) -> None:
        """A message of the charger passes."""

    def from_upstream(self, passage: Passage) -> None:
        """A message of upstream passes."""

    def answered(self, what: object, answer: bytes | None, now: float) -> Verdict | None:
        """A CALL this rule injected was answered; None: it was not."""
        return None

    def due(self, now: float) -> Verdict | None:
        """The deadline has passed and must be moved or cleared."""
        return None

    def upstream_changed(self, up: bool, now: float) -> None:
        """Upstream is up or was lost."""


Maker = Callable[[Settings, Surroundings], Rule | None]
