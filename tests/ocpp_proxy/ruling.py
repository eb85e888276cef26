"""A relay between two scripted legs with real rules, written as their owner writes them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from ocpp_proxy.relay import RelaySettings, StationMemory

from ocpp_proxy import rules
from tests.ocpp_proxy.relaying import NOON, Bench

# Each example costs some ten milliseconds: an eighth of what the profile asks for.
fewer = settings(max_examples=max(1, settings().max_examples // 8))


class RuledBench(Bench):
    """A bench with rule lines; `memory` may hold what was said before the session."""

    def __init__(self, text: str, memory: StationMemory | None = None, start: bool = True) -> None:
        plan = rules.read("rules", text)
        memory = memory or StationMemory()
        super().__init__(
            RelaySettings(replay_boot=plan.replay_boot, replay_status=plan.replay_status),
            memory,
            plan.rules(memory, lambda: NOON),
            start,
        )

    def up(self, data: bytes) -> Any:
        """What upstream gets when the charger sends this, parsed; None for nothing."""
        self.charger(data)
        got = self.take_upstream()
        assert len(got) <= 1
        return got[0] if got else None

    def down(self, data: bytes) -> Any:
        """What the charger gets when upstream sends this, parsed; None for nothing."""
        self.upstream(data)
        got = self.take_charger()
        assert len(got) <= 1
        return got[0] if got else None

    def logged(self) -> str:
        return "\n".join(note.text for note in self.notes)


def raw(kind: int, message_id: str, *rest: object) -> bytes:
    return json.dumps([kind, message_id, *rest]).encode()
