"""Whatever happens in whatever order: no CALL lost, answered twice, reordered or invented for."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from ocpp_proxy.relay import Leg, RelaySettings, StationMemory

from tests.ocpp_proxy.relaying import BOOT, Bench, call, meter_values, result, status

INFORMS = ("Heartbeat", "StatusNotification", "MeterValues", "FirmwareStatusNotification")
OWNED = ("BootNotification", "Authorize", "StartTransaction", "StopTransaction", "DataTransfer")
TURN = 10.0
PATIENCE = 120.0  # a charger has given up by then


class Session(RuleBasedStateMachine):
    """A charger that may have several CALLs open, and an upstream that comes and goes."""

    @initialize(known=st.booleans(), replay=st.booleans())
    def begin(self, known: bool, replay: bool) -> None:
        memory = StationMemory()
        if known:
            memory.saw("BootNotification", call("b", "BootNotification", BOOT))
        chosen = RelaySettings(hold_seconds=1e6, replay_boot=replay, replay_status=replay)
        self.bench = Bench(chosen, memory)
        self.number = 0
        self.asked: dict[str, str] = {}  # the charger's CALLs without answer: id → action
        self.given_up: set[str] = set()
        self.sent_at: dict[str, float] = {}
        self.bytes: dict[str, bytes] = {}
        self.answered: set[str] = set()
        self.inbox: list[list[Any]] = []  # what this upstream connection has to answer
        self.arrived: Counter[str] = Counter()  # ids on this upstream connection
        self.order: list[str] = []  # owned CALLs, as they arrived on this connection
        self.own_open: dict[str, float] = {}
        self.commands: set[str] = set()  # upstream's CALLs the charger has to answer
        self.answerable: set[str] = set()  # and which of them this upstream asked

    def look(self) -> None:
        """Take what came out and check it."""
        for frame in self.bench.frames:
            message = json.loads(frame.data)
            if frame.leg is Leg.CHARGER:
                self.charger_gets(message)
            else:
                self.upstream_gets(message, frame.data)
        self.bench.frames.clear()

    def charger_gets(self, message: list[Any]) -> None:
        kind, message_id = message[0], message[1]
        if kind == 2:
            self.commands.add(message_id)
            return
        if message_id in self.given_up:
            self.given_up.remove(message_id)
            return
        assert message_id in self.asked, "an answer nobody waits for"
        action = self.asked.pop(message_id)
        self.answered.add(message_id)
        if action in OWNED:
            assert message[2]["from"] == "upstream", "an invented answer"

    def upstream_gets(self, message: list[Any], data: bytes) -> None:
        kind, message_id = message[0], message[1]
        if kind == 3:
            assert message_id in self.answerable, "an answer for another connection"
            self.answerable.remove(message_id)
            return
        now = self.bench.now
        self.arrived[message_id] += 1
        assert self.arrived[message_id] == 1, "sent twice on one connection"
        waiting_own = [sent for sent in self.own_open.values() if now < sent + TURN]
        assert not waiting_own, "a CALL beside an open one of ours"
        if message_id.startswith("px-"):
            self.own_open[message_id] = now
        else:
            assert data == self.bytes[message_id], "bytes changed"
            if message[2] in OWNED and message[2] != "BootNotification":
                self.order.append(message_id)
        self.sent_at[message_id] = now
        self.inbox.append(message)

    @rule(action=st.sampled_from(INFORMS + OWNED), connector=st.integers(0, 2))
    @precondition(lambda self: len(self.asked) < 12)
    def charger_calls(self, action: str, connector: int) -> None:
        self.number += 1
        message_id = str(self.number)
        payload: dict[str, Any] = {"n": self.number}
        if action == "MeterValues":
            payload |= meter_values(connector)
        elif action == "StatusNotification":
            payload |= status(connector, "Charging", "2026-01-01T00:00:00Z")
        self.asked[message_id] = action
        self.bytes[message_id] = call(message_id, action, payload)
        self.bench.charger(self.bytes[message_id])
        self.look()

    @rule(data=st.data(), pending=st.booleans())
    @precondition(lambda self: self.inbox and self.bench.relay.upstream_up)
    def upstream_answers(self, data: st.DataObject, pending: bool) -> None:
        message = data.draw(st.sampled_from(self.inbox))
        self.answer(message, "Pending" if pending else "Accepted")

    def answer(self, message: list[Any], state: str) -> None:
        self.inbox.remove(message)
        self.own_open.pop(message[1], None)
        self.bench.upstream(result(message[1], {"from": "upstream", "status": state}))
        self.look()

    @rule(action=st.sampled_from(["GetConfiguration", "TriggerMessage", "ChangeConfiguration"]))
    @precondition(lambda self: self.bench.relay.upstream_up)
    def upstream_calls(self, action: str) -> None:
        self.number += 1
        message_id = f"u{self.number}"
        payload = {"requestedMessage": "MeterValues", "key": "WebSocketPingInterval"}
        self.answerable.add(message_id)
        self.bench.upstream(call(message_id, action, payload))
        self.look()
        assert message_id in self.commands

    @rule(data=st.data())
    @precondition(lambda self: self.commands)
    def charger_answers(self, data: st.DataObject) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.commands)))
        self.commands.remove(message_id)
        self.bench.charger(result(message_id))
        self.look()
        assert message_id not in self.answerable, "an answer was lost"

    @rule()
    @precondition(lambda self: self.bench.relay.upstream_up)
    def upstream_goes(self) -> None:
        for message in self.inbox:
            if self.bench.now - self.sent_at[message[1]] >= PATIENCE and message[1] in self.asked:
                del self.asked[message[1]]
                self.given_up.add(message[1])
        self.inbox.clear()
        self.answerable.clear()
        self.own_open.clear()
        self.bench.lose_upstream()
        self.look()

    @rule()
    @precondition(lambda self: not self.bench.relay.upstream_up)
    def upstream_comes(self) -> None:
        self.arrived.clear()
        self.order.clear()
        self.bench.upstream_returns()
        self.look()

    @rule()
    @precondition(lambda self: not self.bench.relay.upstream_up)
    def dial_fails(self) -> None:
        self.bench.dial_fails()
        assert self.bench.dials

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 5.0, 11.0, 31.0]))
    def time_passes(self, seconds: float) -> None:
        end = self.bench.now + seconds
        while self.bench.now < end:
            step = self.bench.relay.deadline or end
            self.bench.wait(max(0.0, min(step, end) - self.bench.now))
            self.look()

    @rule()
    def clock_jumps(self) -> None:
        self.bench.clock_offset += timedelta(days=1)

    @invariant()
    def the_session_lives_and_is_bounded(self) -> None:
        if not hasattr(self, "bench"):
            return
        assert not self.bench.relay.ended
        assert self.order == sorted(self.order, key=int), "reordered"

    def teardown(self) -> None:
        """In the end upstream is there and answers everything: every CALL has its answer."""
        if not hasattr(self, "bench"):
            return
        if not self.bench.relay.upstream_up:
            self.upstream_comes()
        for _ in range(200):
            while self.inbox:
                self.answer(self.inbox[0], "Accepted")
            if not self.asked and self.bench.relay.deadline is None:
                break
            self.time_passes(1.0)
        assert not self.asked, "a CALL was lost"
        assert self.bench.relay.deadline is None


# A case is a whole session of up to 60 events, so fewer of them than for a reader of one message.
TestSession = Session.TestCase
TestSession.settings = settings(
    max_examples=settings().max_examples // 12, stateful_step_count=60, deadline=None
)
