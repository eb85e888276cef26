"""A relay between two scripted legs, with a clock that only moves when told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ocpp_proxy.frames import scan
from ocpp_proxy.relay import (
    Close,
    Closed,
    Copy,
    Dial,
    Effect,
    Leg,
    Note,
    Relay,
    RelaySettings,
    Rules,
    Send,
    StationMemory,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
BOOT = {"chargePointVendor": "AcTec", "chargePointModel": "M3P"}
LOST = Closed(1006)


def call(message_id: str, action: str, payload: object = None) -> bytes:
    return json.dumps([2, message_id, action, {} if payload is None else payload]).encode()


def result(message_id: str, payload: object = None) -> bytes:
    return json.dumps([3, message_id, {} if payload is None else payload]).encode()


def meter_values(connector: int, value: str = "1") -> dict[str, Any]:
    sample = {"timestamp": "2026-11-01T11:59:00Z", "sampledValue": [{"value": value}]}
    return {"connectorId": connector, "meterValue": [sample]}


def status(connector: int, state: str, stamp: str | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = {"connectorId": connector, "errorCode": "NoError", "status": state}
    return payload if stamp is None else {**payload, "timestamp": stamp}


class Bench:
    """Feeds a relay and sorts what comes out; `take_…` gives what came since the last time."""

    def __init__(
        self,
        settings: RelaySettings | None = None,
        memory: StationMemory | None = None,
        rules: Rules | None = None,
        start: bool = True,
    ) -> None:
        self.now = 1000.0
        self.clock_offset = timedelta(0)
        self.memory = memory or StationMemory()
        self.relay = Relay(
            "CP1",
            self.memory,
            settings or RelaySettings(),
            wall_clock=self.wall_clock,
            random=Random(7),
            rules=rules,
        )
        self.to_charger: list[bytes] = []
        self.to_upstream: list[bytes] = []
        self.frames: list[Send] = []
        self.closes: list[Close] = []
        self.dials: list[float] = []
        self.copies: list[bytes] = []
        self.notes: list[Note] = []
        if start:
            self.perform(self.relay.start(self.now))

    def wall_clock(self) -> datetime:
        return NOON + self.clock_offset + timedelta(seconds=self.now - 1000.0)

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(leg, data):
                    self.frames.append(effect)
                    (self.to_charger if leg is Leg.CHARGER else self.to_upstream).append(data)
                case Close():
                    self.closes.append(effect)
                case Dial(delay):
                    self.dials.append(delay)
                case Copy(data):
                    self.copies.append(data)
                case Note():
                    self.notes.append(effect)

    def charger(self, data: bytes, text: bool = True) -> None:
        self.perform(self.relay.received(Leg.CHARGER, scan(data), data, text, self.now))

    def upstream(self, data: bytes, text: bool = True) -> None:
        self.perform(self.relay.received(Leg.UPSTREAM, scan(data), data, text, self.now))

    def lose_upstream(self, closed: Closed = LOST) -> None:
        self.perform(self.relay.lost(Leg.UPSTREAM, closed, self.now))

    def lose_charger(self, closed: Closed = LOST) -> None:
        self.perform(self.relay.lost(Leg.CHARGER, closed, self.now))

    def dial_fails(self, already_exists: bool = False) -> None:
        self.perform(self.relay.dial_failed("refused", self.now, already_exists))

    def upstream_returns(self) -> None:
        self.perform(self.relay.dialled(self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, calling `due` exactly when it is wanted."""
        end = self.now + seconds
        while self.relay.deadline is not None and self.relay.deadline <= end:
            self.now = max(self.now, self.relay.deadline)
            self.perform(self.relay.due(self.now))
            deadline = self.relay.deadline
            assert deadline is None or deadline > self.now, "due again at once"
        self.now = end

    def take_charger(self) -> list[Any]:
        taken, self.to_charger = self.to_charger, []
        return [json.loads(data) for data in taken]

    def take_upstream(self) -> list[Any]:
        taken, self.to_upstream = self.to_upstream, []
        return [json.loads(data) for data in taken]

    def answer_upstream_calls(self, **answers: Any) -> list[Any]:
        """Answer what upstream got, and what follows from it; returns the CALLs in order.

        Answers are given by action name; `{}` for the others.
        """
        seen = []
        while messages := self.take_upstream():
            for message in messages:
                seen.append(message)
                if message[0] == 2:
                    self.upstream(result(message[1], answers.get(message[2], {})))
        return seen
