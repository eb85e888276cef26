"""Rules `replay_boot` and `replay_status`: what a returning central system is told again."""

from __future__ import annotations

from dataclasses import dataclass

from . import reading
from .rule import LineKind, Setting


@dataclass(frozen=True, slots=True)
class ReplayBoot(Setting):
    """Whether the last BootNotification is sent again."""

    on: bool


@dataclass(frozen=True, slots=True)
class ReplayStatus(Setting):
    """Whether the latest StatusNotification of each connector is sent again."""

    on: bool


def _on(words: list[str]) -> bool:
    reading.expect(words, 1)
    return reading.one_of(words[0], ("on", "off")) == "on"


LINES = (
    LineKind("replay_boot on|off", lambda words: ReplayBoot(_on(words))),
    LineKind("replay_status on|off", lambda words: ReplayStatus(_on(words))),
)
