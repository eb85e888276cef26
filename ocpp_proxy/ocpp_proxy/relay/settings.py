"""What a station's relay can be told to do differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Choices of the owner, per station.

    on_upstream_loss: keep the charger and redial, or close it at once.
    hold_seconds: how long the charger is kept without upstream, in seconds.
    replay_boot, replay_status: whether a returning upstream gets the last BootNotification and
    the latest StatusNotification of each connector.
    """

    on_upstream_loss: Literal["hold", "close"] = "hold"
    hold_seconds: float = 120.0
    replay_boot: bool = True
    replay_status: bool = True
