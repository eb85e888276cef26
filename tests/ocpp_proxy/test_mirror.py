"""A second central system without its connection: what it is sent, and what its CALLs get."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.mirror.link import delay_after
from ocpp_proxy.mirror.mirror import Mirror
from ocpp_proxy.mirror.queue import MAX_BYTES, MAX_MESSAGES, Queue, Waiting
from ocpp_proxy.relay import StationMemory

from tests.ocpp_proxy.relaying import BOOT, NOON, call, meter_values, result, status
from tests.ocpp_proxy.ruling import fewer

START = {"connectorId": 1, "idTag": "A", "meterStart": 10, "timestamp": "2026-11-01T12:00:00Z"}
STOP = {"transactionId": 7, "meterStop": 20, "timestamp": "2026-11-01T13:00:00Z"}


class Side:
    """A mirror with a clock that only moves when told, and what the secondary got."""

    def __init__(self, linked: bool = True, boot: bool = False) -> None:
        self.now = 100.0
        self.memory = StationMemory()
        self.notes: list[str] = []
        self.mirror = Mirror(
            lambda: self.memory, lambda: NOON, Random(3), lambda text: self.notes.append(text)
        )
        if boot:
            self.memory.saw("BootNotification", call("b", "BootNotification", BOOT))
        self.got: list[Any] = []
        if linked:
            self.link()

    def link(self) -> None:
        self._sent(self.mirror.linked(self.now))

    def copy(self, message_id: str, action: str, payload: object = None) -> None:
        self.copy_raw(call(message_id, action, payload))

    def copy_raw(self, data: bytes) -> None:
        self._sent(self.mirror.copied(data, True, self.now))

    def says(self, data: bytes) -> None:
        self._sent(self.mirror.received(data, self.now))

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.mirror.deadline is not None and self.mirror.deadline <= end:
            self.now = max(self.now, self.mirror.deadline)
            self._sent(self.mirror.due(self.now))
            assert self.mirror.deadline is None or self.mirror.deadline > self.now
        self.now = end

    def _sent(self, sends: list[tuple[bytes, bool]]) -> None:
        self.got += [json.loads(data) for data, _text in sends]

    def take(self) -> list[Any]:
        taken, self.got = self.got, []
        return taken


def paired(side: Side) -> None:
    """A transaction that is 7 at the primary and 70 at the secondary."""
    side.copy("s", "StartTransaction", START)
    side.mirror.primary_said(result("s", {"transactionId": 7}))
    side.says(result("s", {"transactionId": 70}))
    side.take()


def test_copies_go_out_one_at_a_time_with_the_same_ids() -> None:
    side = Side()
    side.copy("1", "Heartbeat")
    side.copy("2", "StatusNotification", status(1, "Available"))
    assert [m[1] for m in side.take()] == ["1"]
    side.says(result("1"))
    assert [m[1] for m in side.take()] == ["2"]


def test_a_copy_is_the_charger_s_own_text() -> None:
    side = Side()
    data = b'[2, "1","Heartbeat",{ } ]'
    assert side.mirror.copied(data, False, 1.0) == [(data, False)]


def test_a_secondary_that_stays_silent_gets_the_next_after_half_a_minute() -> None:
    side = Side()
    side.copy("1", "Heartbeat")
    side.copy("2", "Heartbeat")
    side.wait(29)
    assert [m[1] for m in side.take()] == ["1"]
    side.wait(2)
    assert [m[1] for m in side.take()] == ["2"]
    side.says(result("1"))
    assert side.take() == []


def test_its_transaction_ids_are_put_in_place_of_the_primarys() -> None:
    side = Side()
    paired(side)
    side.copy("m", "MeterValues", {**meter_values(1), "transactionId": 7})
    side.says(result("m"))
    side.copy("t", "StopTransaction", STOP)
    values, stop = side.take()
    assert values[3] == {**meter_values(1), "transactionId": 70}
    assert stop == [2, "t", "StopTransaction", {**STOP, "transactionId": 70}]


def test_the_primary_may_answer_later_than_the_secondary() -> None:
    side = Side()
    side.copy("s", "StartTransaction", START)
    side.says(result("s", {"transactionId": 70}))
    side.mirror.primary_said(result("s", {"transactionId": 7}))
    side.take()
    side.copy("t", "StopTransaction", STOP)
    assert side.take()[0][3]["transactionId"] == 70


def test_ids_are_remembered_over_new_connections_of_both_sides() -> None:
    side = Side()
    paired(side)
    side.mirror.unlinked()
    side.copy("t", "StopTransaction", STOP)
    side.link()
    assert [m[3]["transactionId"] for m in side.take() if m[1] == "t"] == [70]


def test_without_a_pair_meter_values_lose_their_id_and_a_stop_is_left_out() -> None:
    side = Side()
    side.copy("m", "MeterValues", {**meter_values(1), "transactionId": 7})
    side.says(result("m"))
    side.copy("t", "StopTransaction", STOP)
    side.copy("h", "Heartbeat")
    values, heartbeat = side.take()
    assert values[3] == meter_values(1)
    assert heartbeat[1] == "h"
    assert side.notes == ["StopTransaction left out: its transaction was never told"]


def test_broken_meter_values_with_an_id_nobody_can_replace_are_left_out() -> None:
    side = Side()
    side.copy_raw(b'[2,"m","MeterValues","transactionId":7')
    assert side.take() == []


def test_a_start_the_charger_repeats_under_another_id_is_told_once() -> None:
    side = Side()
    side.copy("s1", "StartTransaction", START)
    side.copy("s2", "StartTransaction", START)
    side.says(result("s1", {"transactionId": 70}))
    side.mirror.primary_said(result("s2", {"transactionId": 7}))
    side.copy("t", "StopTransaction", STOP)
    side.says(result("t"))
    side.copy("t2", "StopTransaction", STOP)
    assert [m[1] for m in side.take()] == ["s1", "t"]


def test_a_start_it_never_answered_is_told_again_when_the_charger_repeats_it() -> None:
    side = Side()
    side.copy("s1", "StartTransaction", START)
    side.wait(31)
    side.copy("s2", "StartTransaction", START)
    assert [m[1] for m in side.take()] == ["s1", "s2"]


def test_a_start_answered_late_counts_all_the_same() -> None:
    side = Side()
    side.copy("s", "StartTransaction", START)
    side.mirror.primary_said(result("s", {"transactionId": 7}))
    side.wait(31)
    side.says(result("s", {"transactionId": 70}))
    side.copy("t", "StopTransaction", STOP)
    assert side.take()[-1][3]["transactionId"] == 70


def test_the_cached_boot_comes_first_at_each_connection() -> None:
    side = Side(linked=False, boot=True)
    side.copy("s", "StatusNotification", status(1, "Available"))
    side.link()
    [boot] = side.take()
    assert boot[1].startswith("px-")
    assert boot[2:] == ["BootNotification", BOOT]
    side.says(result(boot[1], {"status": "Accepted"}))
    assert [m[1] for m in side.take()] == ["s"]
    side.mirror.unlinked()
    side.link()
    assert side.take()[0][2] == "BootNotification"


def test_a_boot_of_the_charger_goes_in_place_of_the_cached_one() -> None:
    side = Side(linked=False, boot=True)
    side.copy("h", "StatusNotification", status(1, "Available"))
    side.copy("b", "BootNotification", BOOT)
    side.link()
    side.says(result("b", {"status": "Accepted"}))
    assert [m[1] for m in side.take()] == ["b", "h"]


def test_nothing_but_boots_is_sent_until_one_is_accepted() -> None:
    side = Side(boot=True)
    [boot] = side.take()
    side.copy("h", "StatusNotification", status(1, "Available"))
    side.says(result(boot[1], {"status": "Pending", "interval": 20}))
    side.wait(19)
    assert side.take() == []
    side.wait(2)
    [again] = side.take()
    assert again[2] == "BootNotification"
    side.says(result(again[1], {"status": "Accepted"}))
    assert [m[1] for m in side.take()] == ["h"]


def test_what_was_on_its_way_when_it_left_is_told_again() -> None:
    side = Side()
    side.copy("s", "StartTransaction", START)
    side.copy("h", "Heartbeat")
    side.mirror.unlinked()
    side.link()
    assert [m[1] for m in side.take()] == ["s", "s"]
    side.says(result("s", {"transactionId": 70}))
    assert side.take() == []


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("GetConfiguration", {}, [3, "u", {"configurationKey": [], "unknownKey": []}]),
        (
            "GetConfiguration",
            {"key": ["A", "B"]},
            [3, "u", {"configurationKey": [], "unknownKey": ["A", "B"]}],
        ),
        ("ChangeConfiguration", {"key": "A", "value": "1"}, [3, "u", {"status": "Rejected"}]),
        ("TriggerMessage", {"requestedMessage": "MeterValues"}, [3, "u", {"status": "Rejected"}]),
        (
            "TriggerMessage",
            {"requestedMessage": "FirmwareStatusNotification"},
            [3, "u", {"status": "Rejected"}],
        ),
    ],
)
def test_its_commands_are_answered_without_the_charger(
    action: str, payload: object, answer: object
) -> None:
    side = Side()
    side.says(call("u", action, payload))
    assert side.take() == [answer]


@pytest.mark.parametrize("action", ["Reset", "RemoteStartTransaction", "UnlockConnector", "Odd"])
def test_it_may_not_command(action: str) -> None:
    side = Side()
    side.says(call("u", action))
    assert [m[:3] for m in side.take()] == [[4, "u", "SecurityError"]]
    assert side.notes == [f"refused its {action}"]


def test_a_trigger_is_followed_by_what_is_cached_with_its_own_transaction_id() -> None:
    side = Side()
    paired(side)
    known = call("m", "MeterValues", {**meter_values(1), "transactionId": 7})
    side.memory.saw("MeterValues", known)
    side.memory.saw("StatusNotification", call("s", "StatusNotification", status(1, "Charging")))
    side.says(call("u", "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}))
    accepted, values = side.take()
    assert accepted == [3, "u", {"status": "Accepted"}]
    assert values[1].startswith("px-")
    assert values[3]["transactionId"] == 70
    side.says(result(values[1]))
    side.says(call("v", "TriggerMessage", {"requestedMessage": "StatusNotification"}))
    assert side.take()[1][2:] == ["StatusNotification", status(1, "Charging")]


def test_a_flood_of_triggers_does_not_fill_the_queue() -> None:
    side = Side(boot=True)
    for number in range(500):
        side.says(call(str(number), "TriggerMessage", {"requestedMessage": "BootNotification"}))
    assert len(side.mirror.queue) <= 1


def test_meter_values_and_heartbeats_give_way_first_and_transactions_last() -> None:
    queue = Queue()
    for number in range(40):
        for action in ("StartTransaction", "MeterValues", "StatusNotification"):
            queue.add(Waiting(f"{action}{number}", action, b"x"))
    kept = [call.action for call in iter(queue.pop, None) if call is not None]
    assert len(kept) == MAX_MESSAGES
    assert kept.count("StartTransaction") == kept.count("StatusNotification") == 40
    assert queue.dropped == 20


def test_the_queue_never_holds_more_than_its_bytes() -> None:
    queue = Queue()
    queue.add(Waiting("s", "StopTransaction", bytes(1000)))
    for number in range(10):
        queue.add(Waiting(str(number), "DataTransfer", bytes(100_000)))
    kept = [call for call in iter(queue.pop, None) if call is not None]
    size = sum([len(call.data) for call in kept])
    assert size <= MAX_BYTES
    assert kept[0].id == "s"


def test_dials_come_ever_less_often_and_never_all_at_once() -> None:
    for failures, middle in ((0, 1.0), (1, 2.0), (5, 32.0), (9, 300.0), (10_000, 300.0)):
        delays = [delay_after(failures, Random(seed)) for seed in range(50)]
        assert middle * 0.5 <= min(delays) < max(delays) <= middle * 1.5


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["copy", "says", "primary", "link", "unlink", "wait"]),
            st.binary(max_size=40)
            | st.sampled_from(
                [
                    call("s", "StartTransaction", START),
                    call("t", "StopTransaction", STOP),
                    call("m", "MeterValues", {**meter_values(1), "transactionId": 7}),
                    call("b", "BootNotification", BOOT),
                    call("u", "TriggerMessage", {"requestedMessage": "BootNotification"}),
                    result("s", {"transactionId": 7}),
                    result("b", {"status": "Pending", "interval": 5}),
                    b'[2,"x","MeterValues",{"transactionId":1e999}]',
                    b'[3,"s",{"transactionId":true}]',
                ]
            ),
        )
    )
)
@fewer
def test_no_peer_can_upset_it(steps: list[tuple[str, bytes]]) -> None:
    side = Side(boot=True)
    for step, data in steps:
        match step:
            case "copy":
                side.mirror.copied(data, True, side.now)
            case "says":
                side.mirror.received(data, side.now)
            case "primary":
                side.mirror.primary_said(data)
            case "link":
                side.mirror.unlinked()
                side.mirror.linked(side.now)
            case "unlink":
                side.mirror.unlinked()
            case "wait":
                side.wait(11)
