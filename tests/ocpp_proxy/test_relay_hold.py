"""The relay while upstream is away: what the charger is told, what waits, when it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ocpp_proxy.relay import Close, Closed, Leg, RelaySettings

from tests.ocpp_proxy.relaying import BOOT, Bench, call, meter_values, result, status

EXISTS = Closed(1008, "a connection with this ID already exists")


def held() -> Bench:
    bench = Bench()
    bench.lose_upstream()
    return bench


def test_a_heartbeat_is_answered_with_the_time() -> None:
    bench = held()
    bench.charger(call("7", "Heartbeat"))
    assert bench.take_charger() == [[3, "7", {"currentTime": "2026-11-01T12:00:00.000Z"}]]


def test_a_charger_is_not_given_the_time_of_a_clock_that_is_plainly_wrong() -> None:
    bench = held()
    bench.clock_offset = timedelta(days=-20_000)
    bench.charger(call("7", "Heartbeat"))
    assert bench.take_charger() == []
    bench.upstream_returns()
    assert bench.take_upstream() == [[2, "7", "Heartbeat", {}]]


@pytest.mark.parametrize(
    "action",
    [
        "StatusNotification",
        "MeterValues",
        "FirmwareStatusNotification",
        "DiagnosticsStatusNotification",
        "SecurityEventNotification",
        "LogStatusNotification",
        "SignedFirmwareStatusNotification",
    ],
)
def test_what_only_informs_is_answered_empty(action: str) -> None:
    bench = held()
    bench.charger(call("7", action, {"connectorId": 1}))
    assert bench.take_charger() == [[3, "7", {}]]


@pytest.mark.parametrize(
    "action",
    [
        "BootNotification",
        "Authorize",
        "StartTransaction",
        "StopTransaction",
        "DataTransfer",
        "SignCertificate",
        "SomethingNew",
        "",
    ],
)
def test_an_answer_that_belongs_to_the_central_system_is_never_made_up(action: str) -> None:
    bench = held()
    bench.charger(call("7", action, {"x": 1}))
    bench.wait(119)
    assert bench.take_charger() == []
    bench.upstream_returns()
    assert bench.take_upstream() == [[2, "7", action, {"x": 1}]]
    bench.upstream(result("7", {"status": "Accepted", "token": 5}))
    assert bench.take_charger() == [[3, "7", {"status": "Accepted", "token": 5}]]


def test_calls_that_were_open_are_taken_up_in_order() -> None:
    bench = Bench()
    bench.charger(call("1", "Heartbeat"))
    bench.charger(call("2", "MeterValues", meter_values(1)))
    bench.charger(call("3", "Authorize", {"idTag": "A"}))
    bench.lose_upstream()
    assert [message[1] for message in bench.take_charger()] == ["1", "2"]
    bench.take_upstream()
    bench.upstream_returns()
    assert [message[1] for message in bench.answer_upstream_calls()] == ["2", "3"]
    assert [message[1] for message in bench.take_charger()] == ["3"]


def test_a_repeat_takes_the_place_of_the_call_that_waits() -> None:
    bench = held()
    start = {"connectorId": 1, "idTag": "A", "meterStart": 0}
    bench.charger(call("1", "StartTransaction", start))
    bench.charger(call("2", "DataTransfer", {"vendorId": "v"}))
    bench.charger(call("3", "StartTransaction", start))
    bench.upstream_returns()
    calls = bench.answer_upstream_calls(StartTransaction={"transactionId": 5})
    assert [message[1] for message in calls] == ["3", "2"]
    assert [message[1] for message in bench.take_charger()] == ["3", "2"]


def test_an_id_used_for_another_request_gets_only_the_newer_answer() -> None:
    bench = held()
    bench.charger(call("1", "StopTransaction", {"transactionId": 5}))
    bench.charger(call("1", "Authorize", {"idTag": "A"}))
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(Authorize={"token": 1})
    assert [message[2] for message in seen] == ["StopTransaction", "Authorize"]
    assert bench.take_charger() == [[3, "1", {"token": 1}]]


def test_a_request_that_was_repeated_and_answered_is_not_sent_to_the_next_upstream() -> None:
    bench = Bench()
    bench.charger(call("1", "StartTransaction", {"idTag": "A"}))
    bench.wait(30)
    bench.charger(call("2", "StartTransaction", {"idTag": "A"}))
    bench.upstream(result("2", {"transactionId": 5}))
    bench.take_upstream()
    bench.lose_upstream()
    bench.upstream_returns()
    assert bench.take_upstream() == []


def test_a_request_nobody_waits_for_any_more_is_not_sent_to_the_next_upstream() -> None:
    bench = Bench()
    bench.charger(call("1", "StartTransaction", {"idTag": "A"}))
    bench.wait(121)
    bench.charger(call("2", "Authorize", {"idTag": "A"}))
    bench.take_upstream()
    bench.lose_upstream()
    bench.upstream_returns()
    assert [m[1] for m in bench.take_upstream()] == ["2"]


def test_more_than_sixteen_waiting_calls_end_the_session() -> None:
    bench = held()
    for number in range(16):
        bench.charger(call(str(number), "DataTransfer", {"data": number}))
    assert bench.closes == []
    bench.charger(call("16", "DataTransfer", {"data": 16}))
    assert [(close.leg, close.code) for close in bench.closes] == [(Leg.CHARGER, 1013)]
    assert bench.relay.ended


def test_waiting_calls_of_more_than_a_mebibyte_end_the_session() -> None:
    bench = held()
    bench.charger(call("1", "DataTransfer", {"data": "x" * 1_048_000}))
    assert bench.closes == []
    bench.charger(call("2", "DataTransfer", {"data": "y" * 1000}))
    assert [close.code for close in bench.closes] == [1013]


def test_at_most_a_hundred_messages_are_kept_and_meter_values_go_first() -> None:
    bench = held()
    bench.charger(call("d", "DiagnosticsStatusNotification", {"status": "Idle"}))
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    for number in range(150):
        bench.charger(call(f"m{number}", "MeterValues", meter_values(1, str(number))))
    assert len(bench.take_charger()) == 151
    bench.upstream_returns()
    ids = [message[1] for message in bench.answer_upstream_calls()]
    assert ids == ["d", "a", *[f"m{number}" for number in range(52, 150)]]


def test_kept_messages_stay_below_a_quarter_of_a_mebibyte() -> None:
    bench = held()
    for number in range(40):
        bench.charger(call(str(number), "SecurityEventNotification", {"techInfo": "x" * 10_000}))
    bench.upstream_returns()
    ids = [message[1] for message in bench.answer_upstream_calls()]
    assert ids == [str(number) for number in range(14, 40)]


def test_answers_to_the_lost_upstream_go_nowhere() -> None:
    bench = Bench()
    bench.upstream(call("u1", "GetConfiguration"))
    bench.upstream(call("u2", "Reset"))
    bench.lose_upstream()
    bench.charger(result("u1"))
    bench.upstream_returns()
    bench.charger(result("u2"))
    assert bench.take_upstream() == []


def test_an_id_the_new_upstream_uses_again_is_answered() -> None:
    bench = Bench()
    bench.upstream(call("u1", "GetConfiguration"))
    bench.lose_upstream()
    bench.upstream_returns()
    bench.upstream(call("u1", "GetConfiguration"))
    bench.charger(result("u1", {"configurationKey": []}))
    assert bench.take_upstream() == [[3, "u1", {"configurationKey": []}]]


def test_a_waiting_call_from_a_binary_frame_stays_binary() -> None:
    bench = held()
    bench.charger(call("1", "Authorize", {"idTag": "A"}), text=False)
    bench.upstream_returns()
    assert [frame.text for frame in bench.frames] == [False]


def test_upstream_is_dialled_quickly_at_first_and_then_every_second_and_a_half() -> None:
    bench = held()
    for _ in range(5):
        bench.dial_fails()
    expected = [0.5, 1.0, 1.5, 1.5, 1.5, 1.5]
    assert len(bench.dials) == len(expected)
    for delay, middle in zip(bench.dials, expected, strict=True):
        assert 0.8 * middle <= delay <= 1.2 * middle


def test_after_the_hold_time_the_charger_is_closed_to_apply_its_own_rules() -> None:
    bench = held()
    bench.wait(119.9)
    assert bench.closes == []
    bench.wait(0.2)
    assert bench.closes == [Close(Leg.CHARGER, 1012, "upstream lost")]
    assert bench.relay.ended


def test_a_refusal_while_dialling_does_not_end_the_hold() -> None:
    bench = held()
    for _ in range(20):
        bench.wait(1)
        bench.dial_fails()
    assert bench.closes == []


def test_an_upstream_that_accepts_and_drops_again_and_again_still_ends() -> None:
    bench = held()
    for _ in range(11):
        bench.upstream_returns()
        bench.wait(10)
        bench.lose_upstream()
        assert not bench.relay.ended
    bench.upstream_returns()
    bench.wait(15)
    assert not bench.relay.ended
    bench.lose_upstream()
    assert [close.code for close in bench.closes] == [1012]


def test_hold_time_and_pace_begin_anew_after_half_a_minute_of_upstream() -> None:
    bench = held()
    for _ in range(4):
        bench.dial_fails()
    bench.wait(100)
    bench.upstream_returns()
    bench.wait(30)
    bench.dials.clear()
    bench.lose_upstream()
    assert bench.dials[0] <= 0.6
    bench.wait(119)
    assert bench.closes == []
    bench.wait(2)
    assert [close.code for close in bench.closes] == [1012]


def test_a_new_connection_that_closes_before_any_message_counts_as_a_failed_dial() -> None:
    bench = held()
    bench.upstream_returns()
    bench.lose_upstream(Closed(1002, "not now"))
    assert bench.closes == []
    assert len(bench.dials) == 2


def test_a_new_connection_that_refuses_after_a_message_closes_the_charger() -> None:
    bench = held()
    bench.upstream_returns()
    bench.charger(call("1", "Heartbeat"))
    bench.lose_upstream(Closed(1002, "no"))
    assert bench.closes == [Close(Leg.CHARGER, 1002, "no")]


@pytest.mark.parametrize("mode", ["hold", "close"])
def test_an_upstream_that_holds_a_dead_connection_is_dialled_for_a_minute(mode: str) -> None:
    bench = Bench(RelaySettings(on_upstream_loss=mode))  # type: ignore[arg-type]
    bench.lose_upstream(EXISTS)
    for _ in range(3):
        bench.dial_fails(already_exists=True)
    assert bench.dials == [2.0, 4.0, 8.0, 8.0]
    bench.charger(call("1", "Heartbeat"))
    assert len(bench.take_charger()) == 1
    bench.wait(59)
    assert bench.closes == []
    bench.wait(2)
    assert [close.code for close in bench.closes] == [1012]


def test_a_dead_connection_met_during_the_hold_is_waited_for_a_minute_from_then() -> None:
    bench = held()
    bench.wait(100)
    bench.dial_fails(already_exists=True)
    bench.wait(59)
    assert bench.closes == []
    bench.wait(2)
    assert [close.code for close in bench.closes] == [1012]


def test_a_dead_connection_found_by_the_replay_is_waited_for_as_well() -> None:
    bench = Bench()
    bench.charger(call("1", "BootNotification", BOOT))
    bench.upstream(result("1", {"status": "Accepted"}))
    bench.lose_upstream()
    bench.upstream_returns()
    bench.lose_upstream(EXISTS)
    assert bench.closes == []
    assert bench.dials[-1] == 2.0


def test_no_hold_time_closes_the_charger_at_once() -> None:
    bench = Bench(RelaySettings(hold_seconds=0))
    bench.lose_upstream()
    assert [close.code for close in bench.closes] == [1012]


def test_statuses_seen_during_the_hold_reach_upstream_once_with_the_latest_state() -> None:
    bench = held()
    bench.charger(call("1", "StatusNotification", status(1, "Preparing")))
    bench.charger(call("2", "StatusNotification", status(1, "Charging")))
    bench.upstream_returns()
    seen = bench.answer_upstream_calls()
    assert [(m[2], m[3]["status"]) for m in seen] == [("StatusNotification", "Charging")]
