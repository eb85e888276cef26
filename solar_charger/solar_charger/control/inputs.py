"""What a step is given besides the measurements: the owner's wishes and what the link knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ..measurements import Snapshot
from ..settings import Mode, Settings


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the owner set, and who else is at the wheel."""

    mode: Mode = Mode.SOLAR
    enabled: bool = True
    foreign_charger: bool = False
    """Another charger posts its status: we act as in OFF."""


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What the executor knows of the car's ear; times on the monotonic clock."""

    accepted_amps: int | None = None
    """Last current the car took; None after an answer that never came."""
    accepted_at: float | None = None
    start_sent_at: float | None = None
    stop_sent_at: float | None = None
    believed_charging: bool | None = None
    charging_since: float | None = None
    commands_today: int = 0
    unreachable_since: float | None = None
    """First failure to reach the car since the last answer."""
    last_contact: float | None = None
    fault: str = ""
    """`no_driver`, `not_paired`, `role`, `disabled`, `permission`, `config`; empty: fine."""
    complete_at: float | None = None
    """When the car last answered a start with "complete"."""
    start_without_current: bool = False
    woken_at: float | None = None
    """ASLEEP became AWAKE."""
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """All a step sees. `now` is monotonic seconds, `wall` an aware time for schedules only."""

    now: float
    wall: datetime
    snapshot: Snapshot
    settings: Settings
    wishes: Wishes = field(default_factory=Wishes)
    link: LinkFacts = field(default_factory=LinkFacts)
