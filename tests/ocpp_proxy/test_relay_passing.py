"""The relay while both legs are up: everything passes as it came."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.frames import scan
from ocpp_proxy.relay import Close, Closed, Leg, RelaySettings, Send

from tests.ocpp_proxy.relaying import Bench, call, result

MESSAGES = st.one_of(
    st.binary(max_size=80),
    st.builds(
        lambda kind, message_id, rest: b'[%d,"%s",%s]' % (kind, message_id, rest),
        st.integers(0, 9),
        st.sampled_from([b"1", b"2", b"px-1", b"\xff", b""]),
        st.sampled_from(
            [b'"Heartbeat",{}', b'"BootNotification",{"a":1.0}', b"{}", b'"X",,', b'"MeterValues"']
        ),
    ),
)


# A case is a course of messages, so fewer of them than for a reader of one message.
@settings(max_examples=settings().max_examples // 10)
@given(st.lists(st.tuples(st.sampled_from(Leg), MESSAGES, st.booleans()), max_size=30))
def test_every_message_is_passed_on_byte_for_byte_at_once_and_in_order(
    messages: list[tuple[Leg, bytes, bool]],
) -> None:
    bench = Bench()
    for leg, data, text in messages:
        bench.perform(bench.relay.received(leg, scan(data), data, text, bench.now))
    other = {Leg.CHARGER: Leg.UPSTREAM, Leg.UPSTREAM: Leg.CHARGER}
    assert bench.frames == [Send(other[leg], data, text) for leg, data, text in messages]


def test_many_calls_may_be_open_in_both_directions() -> None:
    bench = Bench()
    for number in range(200):
        bench.charger(call(str(number), "DataTransfer"))
        bench.upstream(call(str(number), "DataTransfer"))
    for number in range(200):
        bench.charger(result(str(number)))
        bench.upstream(result(str(number)))
    assert len(bench.to_upstream) == len(bench.to_charger) == 400


@pytest.mark.parametrize(
    ("seen", "code", "reason"),
    [
        (Closed(1000, "bye"), 1000, "bye"),
        (Closed(1005), 1000, ""),
        (Closed(1006), 1001, "charger connection lost"),
        (Closed(1009, "too big"), 1009, "too big"),
    ],
)
def test_upstream_is_told_how_the_charger_left(seen: Closed, code: int, reason: str) -> None:
    bench = Bench()
    bench.lose_charger(seen)
    assert bench.closes == [Close(Leg.UPSTREAM, code, reason)]
    assert bench.relay.ended
    assert not bench.relay.upstream_up


@pytest.mark.parametrize("mode", ["hold", "close"])
@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 1010, 4001])
def test_an_upstream_that_refuses_closes_the_charger_at_once(mode: str, code: int) -> None:
    bench = Bench(RelaySettings(on_upstream_loss=mode))  # type: ignore[arg-type]
    bench.lose_upstream(Closed(code, "not you"))
    assert bench.closes == [Close(Leg.CHARGER, code, "not you")]
    assert bench.relay.ended
    assert any(note.level == "error" for note in bench.notes)


@pytest.mark.parametrize(
    ("seen", "code", "reason"),
    [
        (Closed(1000), 1000, ""),
        (Closed(1001, "going"), 1001, "going"),
        (Closed(1005), 1000, ""),
        (Closed(1006), 1012, "upstream lost"),
        (Closed(1011, "oops"), 1011, "oops"),
    ],
)
def test_without_hold_the_charger_is_closed_when_upstream_goes_away(
    seen: Closed, code: int, reason: str
) -> None:
    bench = Bench(RelaySettings(on_upstream_loss="close"))
    bench.lose_upstream(seen)
    assert bench.closes == [Close(Leg.CHARGER, code, reason)]
    assert bench.dials == []
    assert bench.relay.ended


def test_stopping_closes_both_legs_with_going_away() -> None:
    bench = Bench()
    bench.perform(bench.relay.stop())
    assert {(close.leg, close.code) for close in bench.closes} == {
        (Leg.CHARGER, 1001),
        (Leg.UPSTREAM, 1001),
    }
    assert bench.relay.ended


def test_stopping_while_upstream_is_away_closes_the_charger() -> None:
    bench = Bench()
    bench.lose_upstream()
    bench.perform(bench.relay.stop())
    assert [close.leg for close in bench.closes] == [Leg.CHARGER]


def test_nothing_comes_of_a_relay_that_ended() -> None:
    bench = Bench()
    bench.lose_charger()
    bench.closes.clear()
    bench.charger(call("1", "Heartbeat"))
    bench.upstream(call("1", "Reset"))
    bench.lose_upstream()
    bench.dial_fails()
    bench.perform(bench.relay.stop())
    bench.perform(bench.relay.due(bench.now + 1000))
    assert bench.frames == []
    assert bench.closes == []
    assert bench.relay.deadline is None


def test_an_upstream_that_answers_the_dial_too_late_is_closed_again() -> None:
    bench = Bench()
    bench.lose_upstream()
    bench.lose_charger()
    bench.upstream_returns()
    assert [close.leg for close in bench.closes] == [Leg.UPSTREAM]


def test_listeners_get_a_copy_of_each_call_of_the_charger_even_while_upstream_is_away() -> None:
    bench = Bench()
    bench.relay.copies = True
    bench.charger(call("1", "Heartbeat"))
    bench.charger(result("9"))
    bench.lose_upstream()
    bench.charger(call("2", "Heartbeat"))
    assert bench.copies == [call("1", "Heartbeat"), call("2", "Heartbeat")]
