"""CALLs of our own never meet an open CALL of the peer, and their answers reach nobody."""

from __future__ import annotations

from ocpp_proxy.relay import StationMemory

from tests.ocpp_proxy.relaying import BOOT, Bench, call, result

ACCEPTED = {"status": "Accepted"}


def reconnected() -> Bench:
    """A session whose cached boot is due in three seconds."""
    memory = StationMemory()
    memory.saw("BootNotification", call("b", "BootNotification", BOOT))
    return Bench(memory=memory)


def test_ours_waits_until_no_call_of_the_charger_is_open() -> None:
    bench = reconnected()
    bench.charger(call("1", "Heartbeat"))
    bench.wait(5)
    assert [m[1] for m in bench.take_upstream()] == ["1"]
    bench.upstream(result("1"))
    assert [m[2] for m in bench.take_upstream()] == ["BootNotification"]


def test_ours_waits_no_longer_than_ten_seconds() -> None:
    bench = reconnected()
    bench.charger(call("1", "Heartbeat"))
    bench.take_upstream()
    bench.wait(12.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert [m[2] for m in bench.take_upstream()] == ["BootNotification"]


def test_calls_of_the_charger_queue_behind_ours_until_its_answer() -> None:
    bench = reconnected()
    bench.wait(3)
    [boot] = bench.take_upstream()
    bench.charger(call("1", "Heartbeat"))
    bench.charger(call("2", "Authorize", {"idTag": "A"}))
    assert bench.take_upstream() == []
    bench.upstream(result(boot[1], ACCEPTED))
    assert [m[1] for m in bench.take_upstream()] == ["1", "2"]
    assert bench.take_charger() == []


def test_calls_of_the_charger_queue_behind_ours_no_longer_than_ten_seconds() -> None:
    bench = reconnected()
    bench.wait(3)
    [boot] = bench.take_upstream()
    bench.charger(call("1", "Heartbeat"))
    bench.wait(10)
    assert [m[1] for m in bench.take_upstream()] == ["1"]
    bench.upstream(result(boot[1], ACCEPTED))
    assert bench.take_charger() == []


def test_a_charger_that_sends_much_behind_ours_is_let_through_not_closed() -> None:
    bench = reconnected()
    bench.wait(3)
    bench.take_upstream()
    for number in range(150):
        bench.charger(call(str(number), "DataTransfer", {"data": number}))
    assert bench.closes == []
    bench.wait(10)
    assert [m[1] for m in bench.take_upstream()] == [str(number) for number in range(150)]


def test_answers_of_the_charger_do_not_queue_behind_ours() -> None:
    bench = reconnected()
    bench.upstream(call("u", "Reset"))
    bench.wait(3)
    bench.take_upstream()
    bench.charger(result("u"))
    assert [m[1] for m in bench.take_upstream()] == ["u"]


def test_a_late_answer_does_not_hide_that_of_a_call_with_the_same_id() -> None:
    bench = reconnected()
    bench.wait(13)
    [boot] = bench.take_upstream()
    bench.charger(call(boot[1], "Heartbeat"))
    bench.upstream(result(boot[1], {"token": 1}))
    assert bench.take_charger() == [[3, boot[1], {"token": 1}]]


def test_ours_that_is_open_when_upstream_is_lost_is_forgotten() -> None:
    bench = reconnected()
    bench.wait(3)
    bench.charger(call("1", "Authorize", {"idTag": "A"}))
    bench.take_upstream()
    bench.lose_upstream()
    bench.upstream_returns()
    seen = bench.answer_upstream_calls(BootNotification=ACCEPTED)
    assert [m[2] for m in seen] == ["BootNotification", "Authorize"]
    assert [m[1] for m in bench.take_charger()] == ["1"]
