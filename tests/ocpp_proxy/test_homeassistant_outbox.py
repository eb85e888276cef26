"""What is due when, decided without a broker."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ocpp_proxy.homeassistant.publisher import Outbox


def send(outbox: Outbox, now: float) -> dict[str, str]:
    sent = {}
    for topic in outbox.due(now, 100):
        payload, _ = outbox.take(topic, now)
        outbox.acknowledged(topic, payload)
        sent[topic] = payload
    return sent


def test_only_changes_are_sent() -> None:
    outbox = Outbox(1.0)
    assert outbox.put("a", "1", retain=True)
    assert send(outbox, 0.0) == {"a": "1"}
    assert not outbox.put("a", "1", retain=True)
    assert outbox.wait(5.0) is None


def test_a_topic_is_sent_at_most_once_a_second_and_then_the_newest_value() -> None:
    outbox = Outbox(1.0)
    outbox.put("a", "1", retain=True)
    assert send(outbox, 0.0) == {"a": "1"}
    for value in "234":
        outbox.put("a", value, retain=True)
        assert send(outbox, 0.3) == {}
    outbox.put("b", "x", retain=True)
    assert send(outbox, 0.4) == {"b": "x"}
    assert outbox.wait(0.4) == 0.6
    assert send(outbox, 1.0) == {"a": "4"}


def test_a_value_that_returns_within_the_second_is_not_sent_again() -> None:
    outbox = Outbox(1.0)
    outbox.put("a", "1", retain=True)
    send(outbox, 0.0)
    outbox.put("a", "2", retain=True)
    assert not outbox.put("a", "1", retain=True)
    assert outbox.oldest is None


def test_a_change_while_the_old_value_is_under_way_is_sent_too() -> None:
    outbox = Outbox(1.0)
    outbox.put("a", "1", retain=True)
    outbox.take("a", 0.0)
    outbox.put("a", "2", retain=True)
    assert outbox.due(9.0, 8) == []
    waiting_for = outbox.ticket
    outbox.put("b", "1", retain=True)
    outbox.acknowledged("a", "1")
    assert outbox.oldest is not None
    assert outbox.oldest <= waiting_for
    assert send(outbox, 1.0) == {"a": "2", "b": "1"}
    assert outbox.oldest is None


def test_after_a_lost_connection_everything_goes_again_at_once() -> None:
    outbox = Outbox(1.0)
    for topic in "ab":
        outbox.put(topic, "1", retain=True)
    send(outbox, 0.0)
    outbox.put("b", "2", retain=True)
    outbox.take("b", 1.0)
    outbox.lost()
    assert send(outbox, 1.0) == {"b": "2", "a": "1"}


def test_a_removed_topic_is_forgotten_once_the_broker_knows() -> None:
    outbox = Outbox(1.0)
    outbox.put("a", "1", retain=True)
    send(outbox, 0.0)
    outbox.put("a", "", retain=True)
    assert send(outbox, 1.0) == {"a": ""}
    outbox.lost()
    assert outbox.wait(2.0) is None


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["", "1", "2"])),
            st.sampled_from(["take", "ack", "lost", "second"]),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_broker_ends_up_with_the_newest_values(
    steps: list[str | tuple[str, str]],
) -> None:
    outbox, now = Outbox(1.0), 0.0
    wanted: dict[str, str] = {}
    broker: dict[str, str] = {}
    under_way: list[tuple[str, str]] = []
    for step in steps:
        if isinstance(step, tuple):
            wanted[step[0]] = step[1]
            outbox.put(*step, retain=True)
        elif step == "take":
            for topic in outbox.due(now, 2):
                under_way.append((topic, outbox.take(topic, now)[0]))
        elif step == "ack" and under_way:
            topic, payload = under_way.pop(0)
            broker[topic] = payload
            outbox.acknowledged(topic, payload)
        elif step == "lost":
            under_way, broker = [], {}
            outbox.lost()
        else:
            now += 1.0
    for topic, payload in under_way:
        broker[topic] = payload
        outbox.acknowledged(topic, payload)
    for _ in range(3):
        now += 1.0
        broker |= send(outbox, now)
    assert {t: p for t, p in broker.items() if p} == {t: p for t, p in wanted.items() if p}
    assert outbox.oldest is None
