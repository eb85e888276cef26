"""What rules can have the relay do: replace, answer, refuse, swallow, delay, inject."""

from __future__ import annotations

from collections.abc import Callable

from ocpp_proxy.relay import Injection, LateAnswer, Leg, Message, Refusal, Send, Verdict

from tests.ocpp_proxy.relaying import Bench, call, result

Hook = Callable[[Message, float], Verdict | None]


def silent(_message: Message, _now: float) -> Verdict | None:
    return None


class Scripted:
    """Rules that decide what the test says."""

    def __init__(self, charger: Hook = silent, upstream: Hook = silent) -> None:
        self.deadline: float | None = None
        self.on_due: Verdict | None = None
        self.on_answer: Verdict | None = None
        self.answers: list[tuple[object, bytes | None]] = []
        self.ups: list[bool] = []
        self._charger = charger
        self._upstream = upstream

    def charger_message(self, message: Message, now: float) -> Verdict | None:
        return self._charger(message, now)

    def upstream_message(self, message: Message, now: float) -> Verdict | None:
        return self._upstream(message, now)

    def answered(self, injection: Injection, answer: bytes | None, now: float) -> Verdict | None:
        self.answers.append((injection.tag, answer))
        return self.on_answer

    def due(self, now: float) -> Verdict | None:
        self.deadline = None
        return self.on_due

    def upstream_changed(self, up: bool, now: float) -> None:
        self.ups.append(up)


def on(action: str, verdict: Verdict) -> Hook:
    def hook(message: Message, _now: float) -> Verdict | None:
        return verdict if message.head is not None and message.head.action == action else None

    return hook


def test_a_message_no_rule_acts_on_passes_byte_for_byte() -> None:
    bench = Bench(rules=Scripted())
    for data in (b"hello", b'[2, "1","X" ,{"a":1.0}]', b'[3,"9",{}]\0'):
        bench.charger(data, text=False)
        bench.upstream(data)
    assert (
        bench.to_upstream
        == bench.to_charger
        == [
            b"hello",
            b'[2, "1","X" ,{"a":1.0}]',
            b'[3,"9",{}]\0',
        ]
    )


def test_text_and_kind_of_a_message_can_be_replaced() -> None:
    new = call("1", "MeterValues", {"fixed": 1})
    bench = Bench(rules=Scripted(on("MeterValues", Verdict(data=new, text=True))))
    bench.charger(call("1", "MeterValues", {"broken": 1}), text=False)
    assert bench.frames == [Send(Leg.UPSTREAM, new, True)]


def test_what_is_no_ocpp_can_be_made_some() -> None:
    new = call("1", "Authorize", {"idTag": "A"})

    def mend(message: Message, _now: float) -> Verdict | None:
        return Verdict(data=new) if message.head is None else None

    bench = Bench(rules=Scripted(mend))
    bench.lose_upstream()
    bench.charger(b"2,1,Authorize")
    bench.upstream_returns()
    assert bench.to_upstream == [new]


def test_the_hold_keeps_a_call_as_the_rules_left_it() -> None:
    new = call("1", "Authorize", {"idTag": "B"})
    bench = Bench(rules=Scripted(on("Authorize", Verdict(data=new))))
    bench.charger(call("1", "Authorize", {"idTag": "A"}))
    bench.lose_upstream()
    bench.upstream_returns()
    assert bench.to_upstream == [new, new]


def test_a_call_can_be_answered_in_the_place_of_the_other_side() -> None:
    bench = Bench(rules=Scripted(upstream=on("GetConfiguration", Verdict(answer={"a": 1}))))
    bench.upstream(b'[2,7,"GetConfiguration",{}]')
    assert bench.take_upstream() == [[3, 7, {"a": 1}]]
    assert bench.take_charger() == []


def test_a_call_can_be_refused() -> None:
    verdict = Verdict(answer=Refusal("NotSupported", "blocked"))
    bench = Bench(rules=Scripted(charger=on("DataTransfer", verdict)))
    bench.charger(call("1", "DataTransfer"))
    assert bench.take_charger() == [[4, "1", "NotSupported", "blocked", {}]]
    assert bench.take_upstream() == []


def test_a_charger_is_answered_by_a_rule_while_upstream_is_away_too() -> None:
    bench = Bench(rules=Scripted(on("FirmwareStatusNotification", Verdict(answer=b"{}"))))
    bench.lose_upstream()
    bench.charger(call("1", "FirmwareStatusNotification"))
    assert bench.take_charger() == [[3, "1", {}]]
    bench.upstream_returns()
    assert bench.take_upstream() == []


def test_a_message_can_be_swallowed() -> None:
    bench = Bench(rules=Scripted(upstream=on("Reset", Verdict(forward=False, note="no resets"))))
    bench.upstream(call("1", "Reset"))
    assert bench.frames == []
    assert [note.text for note in bench.notes] == ["no resets"]


def test_an_answer_is_shown_with_its_request() -> None:
    seen: list[tuple[str, bytes | None]] = []

    def look(message: Message, _now: float) -> Verdict | None:
        seen.append((message.request_action, message.request))
        return None

    bench = Bench(rules=Scripted(charger=look))
    request = call("u", "GetConfiguration", {"key": ["A"]})
    bench.upstream(request)
    bench.charger(result("u"))
    bench.charger(result("u"))
    assert seen == [("GetConfiguration", request), ("", None)]


def late_answer() -> Bench:
    verdict = Verdict(answer_after=LateAnswer(5.0, {"status": "Accepted"}))
    return Bench(rules=Scripted(upstream=on("TriggerMessage", verdict)))


def test_a_slow_charger_is_answered_for_and_its_late_answer_dropped() -> None:
    bench = late_answer()
    bench.upstream(call("u", "TriggerMessage"))
    assert [m[1] for m in bench.take_charger()] == ["u"]
    bench.wait(4.9)
    assert bench.take_upstream() == []
    bench.wait(0.2)
    assert bench.take_upstream() == [[3, "u", {"status": "Accepted"}]]
    bench.charger(result("u", {"status": "Rejected"}))
    assert bench.take_upstream() == []


def test_a_charger_is_answered_for_from_the_moment_upstream_asked_even_if_its_call_waits() -> None:
    def both(message: Message, _now: float) -> Verdict | None:
        return Verdict(answer_after=LateAnswer(2.0, b"{}"), delay=30.0)

    bench = Bench(rules=Scripted(upstream=both))
    bench.upstream(call("u", "TriggerMessage"))
    bench.wait(29)
    assert bench.take_upstream() == bench.take_charger() == []
    bench.wait(3)
    assert [m[1] for m in bench.take_charger()] == ["u"]
    assert bench.take_upstream() == [[3, "u", {}]]


def test_an_answer_a_rule_swallows_ends_its_call() -> None:
    def swallow(message: Message, _now: float) -> Verdict | None:
        return Verdict(forward=message.request_action != "Reset")

    injection = Injection(Leg.CHARGER, "ChangeConfiguration", {})
    ask = on("ClearCache", Verdict(answer=b"{}", inject=(injection,)))
    bench = Bench(rules=Scripted(swallow, ask))
    bench.upstream(call("u1", "Reset"))
    bench.charger(result("u1"))
    assert bench.take_upstream() == []
    bench.upstream(call("u2", "ClearCache"))
    assert [m[2] for m in bench.take_charger()] == ["Reset", "ChangeConfiguration"]


def test_an_upstream_that_sends_much_behind_ours_is_let_through() -> None:
    bench, _rules = injecting()
    bench.wait(5)
    bench.take_charger()
    for number in range(40):
        bench.upstream(call(str(number), "DataTransfer", {"n": number}))
    seen = [m[1] for m in bench.take_charger() if m[2] == "DataTransfer"]
    assert seen == [str(number) for number in range(40)]
    assert bench.closes == []


def test_a_charger_quick_enough_is_not_answered_for() -> None:
    bench = late_answer()
    bench.upstream(call("u", "TriggerMessage"))
    bench.wait(4)
    bench.charger(result("u", {"status": "Rejected"}))
    bench.upstream(call("v", "TriggerMessage"))
    bench.wait(2)
    assert bench.take_upstream() == [[3, "u", {"status": "Rejected"}]]


def test_no_upstream_is_answered_for_a_call_of_the_one_before() -> None:
    bench = late_answer()
    bench.upstream(call("u", "TriggerMessage"))
    bench.lose_upstream()
    bench.upstream_returns()
    bench.wait(10)
    assert bench.take_upstream() == []


def until_boot(message: Message, now: float) -> Verdict | None:
    if message.head is not None and message.head.kind == 2:
        return Verdict(delay=30.0)
    return Verdict(release=Leg.UPSTREAM) if message.request_action == "BootNotification" else None


def test_calls_of_upstream_can_wait_for_the_boot_answer_in_order() -> None:
    bench = Bench(rules=Scripted(upstream=until_boot))
    bench.charger(call("b", "BootNotification"))
    bench.upstream(call("u1", "Reset"))
    bench.upstream(call("u2", "ClearCache"))
    assert bench.take_charger() == []
    bench.upstream(result("b", {"status": "Accepted"}))
    assert [m[1] for m in bench.take_charger()] == ["b", "u1", "u2"]


def test_delayed_calls_go_out_when_the_time_is_over() -> None:
    bench = Bench(rules=Scripted(upstream=until_boot))
    bench.upstream(call("u1", "Reset"))
    bench.wait(29.9)
    assert bench.take_charger() == []
    bench.wait(0.2)
    assert [m[1] for m in bench.take_charger()] == ["u1"]


def test_a_call_for_upstream_is_injected_after_the_answer_that_caused_it() -> None:
    boot = Injection(Leg.UPSTREAM, "BootNotification", {"chargePointModel": "M"}, tag="boot")
    rules = Scripted(upstream=on("TriggerMessage", Verdict(answer=b"{}", inject=(boot,))))
    bench = Bench(rules=rules)
    bench.upstream(call("u", "TriggerMessage"))
    answer, injected = bench.take_upstream()
    assert answer[:2] == [3, "u"]
    assert injected[2:] == ["BootNotification", {"chargePointModel": "M"}]
    reply = result(injected[1], {"status": "Accepted"})
    bench.upstream(reply)
    assert rules.answers == [("boot", reply)]
    assert bench.take_charger() == []


def injecting() -> tuple[Bench, Scripted]:
    """Rules that change the charger's configuration twice at a time of their own."""
    rules = Scripted()
    rules.deadline = 1005.0
    rules.on_due = Verdict(
        inject=tuple(Injection(Leg.CHARGER, "ChangeConfiguration", {}, tag=n) for n in (1, 2))
    )
    bench = Bench(rules=rules)
    return bench, rules


def test_calls_for_the_charger_go_out_one_at_a_time() -> None:
    bench, rules = injecting()
    bench.wait(5)
    [first] = bench.take_charger()
    bench.charger(result(first[1]))
    [second] = bench.take_charger()
    bench.charger(result(second[1]))
    assert [tag for tag, _answer in rules.answers] == [1, 2]
    assert bench.take_upstream() == []


def test_a_call_does_not_wait_for_one_that_was_given_up_long_ago() -> None:
    bench, rules = injecting()
    rules.deadline = bench.now + 130
    bench.upstream(call("u1", "Reset"))
    bench.wait(130)
    assert [m[2] for m in bench.take_charger()] == ["Reset", "ChangeConfiguration"]


def test_calls_for_the_charger_wait_for_an_open_one_of_upstream_and_hold_up_the_next() -> None:
    bench, _rules = injecting()
    bench.upstream(call("u1", "Reset"))
    bench.wait(5)
    assert [m[1] for m in bench.take_charger()] == ["u1"]
    bench.charger(result("u1"))
    [injected] = bench.take_charger()
    bench.upstream(call("u2", "Reset"))
    assert bench.take_charger() == []
    bench.charger(result(injected[1]))
    assert bench.take_charger()[0][1] == "u2"


def test_a_call_for_the_charger_may_be_open_while_upstream_comes_and_goes() -> None:
    bench, rules = injecting()
    bench.wait(5)
    [first] = bench.take_charger()
    bench.lose_upstream()
    bench.charger(result(first[1]))
    assert [tag for tag, _answer in rules.answers] == [1]


def test_rules_hear_of_a_call_that_was_not_answered() -> None:
    bench, rules = injecting()
    bench.wait(25)
    assert rules.answers == [(1, None), (2, None)]


def test_rules_hear_at_once_that_a_call_cannot_reach_an_upstream_that_is_away() -> None:
    injection = Injection(Leg.UPSTREAM, "DataTransfer", {}, tag=1)
    rules = Scripted(charger=on("Heartbeat", Verdict(inject=(injection,))))
    rules.on_answer = Verdict(inject=(injection,))
    bench = Bench(rules=rules)
    bench.lose_upstream()
    bench.charger(call("h", "Heartbeat"))
    assert rules.answers[0] == (1, None)
    assert [m[1] for m in bench.take_charger()] == ["h"]


def test_rules_are_told_when_upstream_comes_and_goes() -> None:
    rules = Scripted()
    bench = Bench(rules=rules)
    bench.lose_upstream()
    bench.upstream_returns()
    assert rules.ups == [True, False, True]
