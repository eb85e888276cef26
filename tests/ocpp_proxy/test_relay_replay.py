"""What a returning upstream is told, in which order, and what of it the charger notices."""

from __future__ import annotations

from itertools import pairwise

from ocpp_proxy.relay import RelaySettings, StationMemory

from tests.ocpp_proxy.relaying import BOOT, Bench, call, meter_values, result, status

ACCEPTED = {"status": "Accepted", "currentTime": "2026-11-01T12:00:00Z", "interval": 60}
PENDING = {**ACCEPTED, "status": "Pending"}
START = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-11-01T11:59:00Z"}


def used(settings: RelaySettings | None = None) -> Bench:
    """A session in which the charger booted, and told the states of two connectors."""
    bench = Bench(settings)
    bench.charger(call("b", "BootNotification", BOOT))
    bench.upstream(result("b", ACCEPTED))
    old = "2026-10-01T00:00:00Z"
    bench.charger(call("s1", "StatusNotification", status(1, "Charging", old)))
    bench.charger(call("s0", "StatusNotification", status(0, "Available")))
    bench.upstream(result("s1"))
    bench.upstream(result("s0"))
    bench.take_charger()
    bench.take_upstream()
    return bench


def test_a_silent_charger_is_introduced_by_its_cached_boot_and_statuses() -> None:
    bench = used()
    bench.lose_upstream()
    bench.wait(2)
    bench.upstream_returns()
    boot, zero, one = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert boot[2:] == ["BootNotification", BOOT]
    assert zero[2:] == ["StatusNotification", status(0, "Available")]
    now = "2026-11-01T12:00:02.000Z"
    assert one[2:] == ["StatusNotification", status(1, "Charging", now)]
    assert all(m[1].startswith("px-") and len(m[1]) <= 36 for m in (boot, zero, one))
    assert len({m[1] for m in (boot, zero, one)}) == 3
    assert bench.take_charger() == []


def test_each_replayed_call_waits_for_the_answer_of_the_one_before() -> None:
    bench = used()
    bench.lose_upstream()
    bench.charger(call("m", "MeterValues", meter_values(1)))
    bench.upstream_returns()
    for action in ("BootNotification", "StatusNotification", "StatusNotification", "MeterValues"):
        [message] = bench.take_upstream()
        assert message[2] == action
        bench.upstream(result(message[1], ACCEPTED if action == "BootNotification" else {}))
    assert bench.take_upstream() == []


def test_a_call_without_answer_holds_up_the_replay_ten_seconds() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    assert [m[2] for m in bench.take_upstream()] == ["BootNotification"]
    bench.wait(9.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert [m[2] for m in bench.take_upstream()] == ["StatusNotification"]


def test_a_boot_of_the_charger_that_waits_goes_first_and_is_answered_to_the_charger() -> None:
    bench = used()
    bench.lose_upstream()
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    bench.charger(call("b2", "BootNotification", BOOT))
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(BootNotification=ACCEPTED, Authorize={"token": 1})
    assert [m[2] for m in seen] == [
        "BootNotification",
        "StatusNotification",
        "StatusNotification",
        "Authorize",
    ]
    assert seen[0][1] == "b2"
    assert bench.take_charger() == [[3, "b2", ACCEPTED], [3, "a", {"token": 1}]]


def test_what_was_answered_during_the_hold_is_not_answered_again() -> None:
    bench = used()
    bench.lose_upstream()
    bench.charger(call("m", "MeterValues", meter_values(1)))
    bench.take_charger()
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert seen[-1] == [2, "m", "MeterValues", meter_values(1)]
    assert bench.take_charger() == []


def test_a_late_answer_to_a_replayed_call_is_swallowed_and_to_a_waiting_one_relayed() -> None:
    bench = Bench()
    bench.lose_upstream()
    bench.charger(call("m", "MeterValues", meter_values(1)))
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    bench.take_charger()
    bench.upstream_returns()
    bench.wait(25)
    assert [m[1] for m in bench.take_upstream()] == ["m", "a"]
    bench.upstream(result("m"))
    bench.upstream(result("a", {"token": 1}))
    assert bench.take_charger() == [[3, "a", {"token": 1}]]


def test_what_timed_out_in_a_replay_comes_before_what_still_waited_in_the_next() -> None:
    bench = Bench()
    bench.lose_upstream()
    for number in range(3):
        bench.charger(call(str(number), "DataTransfer", {"n": number}))
    bench.upstream_returns()
    bench.wait(15)
    assert [m[1] for m in bench.take_upstream()] == ["0", "1"]
    bench.lose_upstream()
    bench.upstream_returns()
    assert [m[1] for m in bench.answer_upstream_calls()] == ["0", "1", "2"]


def test_an_id_that_timed_out_for_one_request_is_answered_for_the_next() -> None:
    bench = Bench()
    bench.lose_upstream()
    bench.charger(call("1", "MeterValues", meter_values(1)))
    bench.charger(call("1", "Authorize", {"idTag": "A"}))
    bench.take_charger()
    bench.upstream_returns()
    bench.wait(25)
    bench.upstream(result("1", {"token": 1}))
    assert bench.take_charger() == [[3, "1", {"token": 1}]]


def test_what_the_charger_sends_during_the_replay_queues_and_is_not_answered_locally() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.charger(call("h", "Heartbeat"))
    bench.charger(call("m", "MeterValues", meter_values(1)))
    assert bench.take_charger() == []
    seen = bench.answer_upstream_calls(BootNotification=ACCEPTED, Heartbeat={"token": 1})
    assert [m[1] for m in seen[-2:]] == ["h", "m"]
    assert bench.take_charger() == [[3, "h", {"token": 1}], [3, "m", {}]]


def test_notices_that_read_the_same_are_each_sent_and_answered_during_a_replay() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.charger(call("h1", "Heartbeat"))
    bench.charger(call("h2", "Heartbeat"))
    bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert [m[1] for m in bench.take_charger()] == ["h1", "h2"]


def test_after_the_replay_calls_pass_at_once_again() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification=ACCEPTED)
    bench.charger(call("h1", "Heartbeat"))
    bench.charger(call("h2", "Heartbeat"))
    assert [m[1] for m in bench.take_upstream()] == ["h1", "h2"]


def test_calls_of_upstream_pass_at_once_during_the_replay() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.take_upstream()
    bench.upstream(call("u", "GetConfiguration"))
    assert [m[1] for m in bench.take_charger()] == ["u"]
    bench.charger(result("u", {"configurationKey": []}))
    assert bench.take_upstream() == [[3, "u", {"configurationKey": []}]]


def test_upstream_lost_in_the_middle_of_the_replay_gets_all_of_it_anew() -> None:
    bench = used()
    bench.lose_upstream()
    bench.charger(call("m", "MeterValues", meter_values(1)))
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    bench.take_charger()
    bench.upstream_returns()
    bench.upstream(result(bench.take_upstream()[0][1], ACCEPTED))
    bench.charger(call("h", "Heartbeat"))
    bench.lose_upstream()
    assert [m[1] for m in bench.take_charger()] == ["h"]
    bench.take_upstream()
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert [m[2] for m in seen[:3]] == ["BootNotification", *["StatusNotification"] * 2]
    assert [m[1] for m in seen[3:]] == ["m", "a"]
    assert [m[1] for m in bench.take_charger()] == ["a"]


def test_boot_and_statuses_are_left_out_where_the_owner_wants_no_replay() -> None:
    bench = used(RelaySettings(replay_boot=False, replay_status=False))
    bench.lose_upstream()
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    bench.upstream_returns()
    assert [m[1] for m in bench.take_upstream()] == ["a"]


def boots(bench: Bench) -> int:
    return sum(m[2] == "BootNotification" for m in bench.take_upstream() if m[0] == 2)


def test_a_pending_boot_is_repeated_every_two_seconds_until_it_is_accepted() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(BootNotification=PENDING)
    assert [m[2] for m in seen] == ["BootNotification", *["StatusNotification"] * 2]
    for _ in range(5):
        bench.wait(1.9)
        assert boots(bench) == 0
        bench.wait(0.1)
        seen = bench.answer_upstream_calls(BootNotification=PENDING)
        assert [m[2] for m in seen] == ["BootNotification"]
    bench.wait(2)
    bench.answer_upstream_calls(BootNotification=ACCEPTED)
    bench.wait(600)
    assert boots(bench) == 0
    assert bench.take_charger() == []


def test_repeats_of_a_pending_boot_become_slower_and_end_after_five_minutes() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification=PENDING)
    sent = []
    for second in range(400):
        bench.wait(1)
        if bench.answer_upstream_calls(BootNotification=PENDING):
            sent.append(second + 1)
    assert sent[:3] == [2, 4, 6]
    assert [second for second in sent if second <= 60] == list(range(2, 61, 2))
    assert {after - before for before, after in pairwise(sent[30:])} == {10}
    assert 290 <= sent[-1] <= 300


def test_an_accepted_boot_of_the_charger_itself_ends_the_repeats() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification=PENDING)
    bench.charger(call("b2", "BootNotification", BOOT))
    bench.upstream(result("b2", ACCEPTED))
    bench.take_upstream()
    bench.wait(60)
    assert boots(bench) == 0


def test_a_pending_boot_of_the_charger_in_ordinary_times_is_left_to_the_charger() -> None:
    bench = Bench()
    bench.charger(call("b", "BootNotification", BOOT))
    bench.upstream(result("b", PENDING))
    bench.take_upstream()
    bench.wait(100)
    assert bench.take_upstream() == []


def test_a_charger_that_reports_often_does_not_lose_its_session_to_a_replay() -> None:
    bench = started()
    bench.upstream(call("u1", "GetConfiguration"))
    for number in range(40):
        bench.charger(call(f"m{number}", "MeterValues", meter_values(1, str(number))))
    bench.wait(15)
    seen = bench.answer_upstream_calls()
    assert bench.closes == []
    assert [m[1] for m in seen] == ["t", "a", *[f"m{number}" for number in range(40)]]


def started(boot_answer: object = ACCEPTED) -> Bench:
    """An upstream is back, and a StartTransaction waits for it."""
    bench = used(RelaySettings(replay_status=False))
    bench.charger(call("m", "MeterValues", meter_values(1, "77")))
    bench.upstream(result("m"))
    bench.take_charger()
    bench.take_upstream()
    bench.lose_upstream()
    bench.charger(call("t", "StartTransaction", START))
    bench.charger(call("a", "Authorize", {"idTag": "A"}))
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification=boot_answer)
    return bench


def test_a_transaction_starts_one_and_a_half_seconds_after_the_boot_where_no_set_up_comes() -> None:
    bench = started()
    bench.wait(1.4)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    seen = bench.answer_upstream_calls(StartTransaction={"transactionId": 5})
    assert [m[1] for m in seen] == ["t", "a"]
    assert bench.take_charger()[0] == [3, "t", {"transactionId": 5}]


def test_a_transaction_waits_for_the_last_step_of_the_set_up_and_a_moment_more() -> None:
    bench = started()
    bench.upstream(call("u1", "GetConfiguration"))
    bench.charger(result("u1"))
    bench.wait(5)
    last = {"key": "WebSocketPingInterval", "value": "30"}
    bench.upstream(call("u2", "ChangeConfiguration", last))
    assert [m[1] for m in bench.take_upstream()] == ["u1"]
    bench.charger(result("u2", {"status": "Accepted"}))
    assert [m[1] for m in bench.take_upstream()] == ["u2"]
    bench.wait(0.2)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert [m[1] for m in bench.take_upstream()] == ["t"]


def test_a_set_up_that_begins_before_the_boot_answer_counts() -> None:
    bench = used(RelaySettings(replay_status=False))
    bench.lose_upstream()
    bench.charger(call("t", "StartTransaction", START))
    bench.upstream_returns()
    [boot] = bench.take_upstream()
    bench.upstream(call("u1", "ChangeAvailability", {"connectorId": 0, "type": "Operative"}))
    bench.upstream(result(boot[1], ACCEPTED))
    bench.wait(14)
    assert bench.take_upstream() == []


def test_a_transaction_waits_at_most_fifteen_seconds_for_a_set_up() -> None:
    bench = started()
    bench.upstream(call("u1", "GetConfiguration"))
    bench.wait(14.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert [m[1] for m in bench.take_upstream()] == ["t"]


def test_a_transaction_waits_while_upstream_does_not_know_the_charger_yet() -> None:
    bench = started(PENDING)
    bench.wait(3.9)
    assert [m[2] for m in bench.answer_upstream_calls(BootNotification=ACCEPTED)] == [
        "BootNotification"
    ]
    bench.wait(1.4)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert [m[1] for m in bench.take_upstream()] == ["t"]


def test_a_repeated_start_of_the_same_transaction_is_sent_once() -> None:
    bench = started()
    bench.wait(1)
    bench.charger(call("t2", "StartTransaction", START))
    bench.wait(1)
    seen = bench.answer_upstream_calls(StartTransaction={"transactionId": 5})
    assert [m[1] for m in seen] == ["t2", "a"]


def test_a_transaction_that_begins_during_the_set_up_waits_too() -> None:
    bench = used()
    bench.lose_upstream()
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification=ACCEPTED)
    bench.upstream(call("u1", "GetConfiguration"))
    bench.charger(call("t", "StartTransaction", START))
    bench.charger(call("h", "Heartbeat"))
    bench.wait(14)
    assert bench.take_upstream() == []
    bench.wait(1)
    assert [m[1] for m in bench.answer_upstream_calls()] == ["t", "h"]


def test_meter_values_the_set_up_waits_for_are_sent_for_a_charger_kept_waiting() -> None:
    bench = started()
    bench.upstream(call("u1", "TriggerMessage", {"requestedMessage": "MeterValues"}))
    bench.charger(result("u1", {"status": "Accepted"}))
    bench.take_upstream()
    bench.wait(0.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    [values] = bench.answer_upstream_calls()
    assert values[2:] == ["MeterValues", meter_values(1, "77")]
    assert values[1].startswith("px-")


def test_a_trigger_for_one_connector_sends_the_values_of_no_other() -> None:
    bench = started()
    trigger = {"requestedMessage": "MeterValues", "connectorId": 2}
    bench.upstream(call("u1", "TriggerMessage", trigger))
    bench.wait(2)
    assert bench.take_upstream() == []


def test_a_charger_that_is_not_kept_waiting_answers_a_trigger_itself() -> None:
    bench = used()
    bench.charger(call("m", "MeterValues", meter_values(1)))
    bench.lose_upstream()
    bench.take_upstream()
    bench.upstream_returns()
    bench.answer_upstream_calls(BootNotification=ACCEPTED)
    bench.upstream(call("u1", "TriggerMessage", {"requestedMessage": "MeterValues"}))
    bench.wait(3)
    assert bench.take_upstream() == []


def reconnected() -> Bench:
    memory = StationMemory()
    memory.saw("BootNotification", call("b", "BootNotification", BOOT))
    memory.saw("StatusNotification", call("s", "StatusNotification", status(1, "Charging")))
    return Bench(memory=memory)


def test_a_charger_that_reconnects_without_booting_is_booted_after_three_seconds_once() -> None:
    bench = reconnected()
    bench.wait(2.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    [boot] = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert boot[2:] == ["BootNotification", BOOT]
    bench.wait(1000)
    assert bench.take_upstream() == []
    assert bench.take_charger() == []


def test_a_charger_that_boots_by_itself_is_not_booted_again() -> None:
    bench = reconnected()
    bench.wait(2)
    bench.charger(call("b", "BootNotification", BOOT))
    bench.upstream(result("b", ACCEPTED))
    bench.take_upstream()
    bench.wait(100)
    assert bench.take_upstream() == []


def test_a_boot_sent_for_a_reconnected_charger_is_repeated_while_it_is_pending() -> None:
    bench = reconnected()
    bench.wait(3)
    bench.answer_upstream_calls(BootNotification=PENDING)
    bench.wait(2)
    [boot] = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert boot[2] == "BootNotification"


def test_upstream_that_went_and_came_before_the_three_seconds_gets_one_boot() -> None:
    bench = reconnected()
    bench.wait(1)
    bench.lose_upstream()
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    bench.wait(10)
    seen += bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert [m[2] for m in seen].count("BootNotification") == 1
