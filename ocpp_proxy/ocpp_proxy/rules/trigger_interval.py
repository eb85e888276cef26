"""Rule `trigger_min_interval`: repeated triggers that a slow charger would choke on.

evcc asks for MeterValues every 2 s while the last ones are old; a MENNEKES AMTRON 4You blocks for
a while then (evcc-io/evcc#32236).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..frames import CallResult, decode
from ..relay.events import Leg
from ..relay.memory import StationMemory
from . import reading
from .answering import ACCEPTED
from .passage import Passage
from .rule import LineKind, Rule, Setting, Settings, Surroundings

MOST_TRIGGERS: Final = 64

Trigger = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class TriggerInterval(Setting):
    """Seconds between two equal triggers."""

    seconds: float


def _read(words: list[str]) -> Setting:
    reading.expect(words, 1)
    return TriggerInterval(reading.seconds(words[0]))


LINES = (LineKind("trigger_min_interval SECONDS", _read),)


class MinInterval(Rule):
    """Answers a trigger that comes too soon; of MeterValues the last ones are sent again.

    What the charger did not accept is no trigger: the next one reaches it.
    """

    name = "trigger_min_interval"

    def __init__(self, seconds: float, memory: StationMemory) -> None:
        self._seconds = seconds
        self._memory = memory
        self._sent: dict[Trigger, float] = {}

    def from_upstream(self, passage: Passage) -> None:
        if not passage.is_call or passage.action != "TriggerMessage":
            return
        trigger = _trigger(passage.message.payload)
        sent = self._sent.get(trigger)
        if sent is None or passage.now - sent >= self._seconds:
            if len(self._sent) >= MOST_TRIGGERS:
                self._sent.clear()
            self._sent[trigger] = passage.now
            return
        passage.answer(self, ACCEPTED, f"{trigger[0]} triggered again too soon, answered here")
        if trigger[0] == "MeterValues":
            self._send_again(passage, trigger[1])

    def _send_again(self, passage: Passage, connector: int | None) -> None:
        for known in self._memory.meter_connectors():
            payload = self._memory.meter_values(known) if connector in (None, 0, known) else None
            if payload is not None:
                passage.inject(self, Leg.UPSTREAM, "MeterValues", payload)

    def from_charger(self, passage: Passage) -> None:
        if passage.is_call or passage.action != "TriggerMessage":
            return
        message = decode(passage.data)
        if not isinstance(message, CallResult) or message.payload.get("status") != "Accepted":
            self._sent.pop(_trigger(passage.request), None)


def _trigger(payload: dict[str, object]) -> Trigger:
    connector = payload.get("connectorId")
    wanted = str(payload.get("requestedMessage"))[:50]
    return wanted, connector if isinstance(connector, int) else None


def make(settings: Settings, around: Surroundings) -> Rule | None:
    setting = settings.last(TriggerInterval)
    return MinInterval(setting.seconds, around.memory) if setting and setting.seconds else None
