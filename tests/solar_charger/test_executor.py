"""The executor: which command is next, and when."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solar_charger.car.link import Result
from solar_charger.car.link import ResultClass as R
from solar_charger.command import Command, Kind
from solar_charger.control.decision import Desired, Observed
from solar_charger.executor import Executor
from solar_charger.gate import Gate, refusal
from solar_charger.measurements import PlugState
from solar_charger.settings import Mode

from tests.solar_charger.executor_worker import ASLEEP, OPEN, Worker, driving


def test_a_start_sends_the_current_first_and_then_starts() -> None:
    worker = Worker()
    sent = worker.run(Desired(charge=True, amps=9, poll=False), 30)
    assert [str(command) for command in sent] == ["read_body", "set_amps 9", "start"]


def test_a_sleeping_car_is_woken_only_where_there_is_a_reason() -> None:
    worker = Worker()
    worker.answers[Kind.READ_BODY] = Result(R.OK, data=ASLEEP)
    assert driving(worker.run(Desired(charge=True, amps=9), 60)) == []
    assert driving(worker.run(Desired(charge=True, amps=9, wake="solar"), 4)) == ["wake"]


def test_a_sleeping_car_costs_no_failure_and_no_backoff() -> None:
    worker = Worker()
    worker.answers[Kind.READ_BODY] = Result(R.ASLEEP)
    worker.run(Desired(charge=True, amps=9), 60)
    assert worker.executor.backoff.fails == 0
    assert worker.executor.backoff.remaining(worker.now) == 0


def test_a_wake_for_the_same_reason_waits_a_quarter_of_an_hour() -> None:
    worker = Worker()
    worker.answers[Kind.READ_BODY] = Result(R.OK, data=ASLEEP)
    worker.answers[Kind.WAKE] = Result(R.TIMEOUT)
    sent = driving(worker.run(Desired(charge=True, amps=9, wake="solar"), 880))
    assert sent.count("wake") == 1
    sent = driving(worker.run(Desired(charge=True, amps=9, wake="solar"), 120))
    assert sent.count("wake") == 1


def test_a_manual_charge_of_a_sleeping_car_is_started_within_a_minute() -> None:
    worker = Worker()
    worker.answers[Kind.READ_BODY] = Result(R.OK, data=ASLEEP)
    worker.run(Desired(charge=True, amps=48, wake="manual", read=True), 45)
    assert driving([command for _, command in worker.log]) == ["wake", "set_amps 48", "start"]


def test_stop_goes_before_everything_and_lowering_before_a_start() -> None:
    worker = Worker()
    worker.amps = 20.0
    assert driving(worker.run(Desired(charge=False, amps=5, limit=70), 5)) == ["stop"]


def test_normal_commands_keep_twelve_seconds_and_safety_commands_three() -> None:
    worker = Worker()
    worker.latency = 1
    worker.amps = 20.0
    worker.run(Desired(charge=True, amps=18, poll=False), 5)
    worker.run(Desired(charge=True, amps=16, poll=False), 10)
    first, second = (at for at, _ in worker.log)
    assert second - first >= 12
    worker.run(Desired(charge=True, amps=10, poll=False, safety=True), 5)
    assert worker.log[-1][0] - second >= 3
    assert worker.log[-1][0] - second <= 5


def test_a_newer_wish_replaces_an_older_one_that_was_not_sent() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.run(Desired(charge=True, amps=18, poll=False), 5)
    for amps in (17, 16, 15, 12):
        worker.run(Desired(charge=True, amps=amps, poll=False), 2)
    worker.run(Desired(charge=True, amps=12, poll=False), 20)
    assert driving([command for _, command in worker.log]) == ["set_amps 18", "set_amps 12"]


def test_an_unconfirmed_stop_is_repeated_each_30_seconds_until_no_current_flows() -> None:
    worker = Worker()
    worker.amps = 10.0
    worker.run(Desired(charge=False, poll=False), 95)
    times = [at for at, command in worker.log if command.kind is Kind.STOP]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 4
    assert all(30 <= gap <= 32 for gap in gaps)
    worker.amps = 0.0
    assert worker.run(Desired(charge=False, poll=False), 60) == []


def test_a_stop_whose_answer_was_lost_is_not_repeated_once_the_current_is_gone() -> None:
    worker = Worker()
    worker.amps = 10.0
    worker.answers[Kind.STOP] = Result(R.UNKNOWN_RESULT)
    worker.run(Desired(charge=False, poll=False), 6)
    worker.amps = 0.0
    assert worker.run(Desired(charge=False, poll=False), 120) == []


def test_a_current_whose_answer_was_lost_is_settled_by_the_measurement() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.SET_AMPS] = Result(R.TIMEOUT)
    worker.run(Desired(charge=True, amps=10, poll=False), 6)
    worker.amps = 10.0
    assert worker.run(Desired(charge=True, amps=10, poll=False), 60) == []
    assert worker.executor.facts(worker.now).accepted_amps == 10


def test_a_current_that_did_not_arrive_is_sent_again() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.SET_AMPS] = Result(R.TIMEOUT)
    sent = driving(worker.run(Desired(charge=True, amps=10, poll=False), 30))
    assert sent.count("set_amps 10") >= 2


def test_three_starts_without_current_raise_the_alarm_and_then_one_comes_each_half_hour() -> None:
    worker = Worker()
    desired = Desired(charge=True, amps=9, poll=False)
    worker.run(desired, 1200)
    assert worker.executor.facts(worker.now).start_without_current
    starts = [at for at, command in worker.log if command.kind is Kind.START]
    assert len([at for at in starts if at < starts[0] + 900]) <= 3
    before = len(starts)
    worker.run(desired, 3600)
    after = [at for at, command in worker.log if command.kind is Kind.START]
    assert 1 <= len(after) - before <= 2
    worker.run(replace(desired, epoch=1), 60)
    assert not worker.executor.facts(worker.now).start_without_current


def test_current_after_a_start_clears_the_count_of_fruitless_ones() -> None:
    worker = Worker()
    desired = Desired(charge=True, amps=9, poll=False)
    worker.run(desired, 120)
    worker.amps = 9.0
    worker.run(desired, 10)
    assert worker.executor.counters.fruitless == 0


def test_a_car_that_says_complete_is_not_started_again() -> None:
    worker = Worker()
    worker.answers[Kind.START] = Result(R.COMPLETE)
    sent = driving(worker.run(Desired(charge=True, amps=9, poll=False), 600))
    assert sent.count("start") == 1
    assert worker.executor.facts(worker.now).complete_at is not None


def test_an_unreachable_car_is_tried_after_30_s_then_ever_more_seldom() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.SET_AMPS] = Result(R.UNREACHABLE)
    worker.run(Desired(charge=True, amps=30, poll=False), 1800)
    times = [at for at, _ in worker.log]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[:4] == pytest.approx([34, 64, 124, 244], abs=3)
    assert max(gaps) <= 605


def test_a_safety_stop_waits_at_most_a_minute_and_later_five() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.STOP] = Result(R.UNREACHABLE)
    worker.run(Desired(charge=False, poll=False), 2400)
    times = [at for at, _ in worker.log]
    early = [b - a for a, b in pairwise(times) if b < times[0] + 880]
    late = [b - a for a, b in pairwise(times) if a > times[0] + 980]
    assert max(early) <= 66
    assert late
    assert all(290 <= gap <= 310 for gap in late)


def test_success_ends_the_backoff() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.SET_AMPS] = Result(R.UNREACHABLE)
    worker.run(Desired(charge=True, amps=30, poll=False), 20)
    worker.answers.clear()
    worker.run(Desired(charge=True, amps=30, poll=False), 60)
    assert worker.executor.backoff.fails == 0
    assert worker.executor.facts(worker.now).unreachable_since is None


def test_a_key_the_car_does_not_know_silences_the_radio_for_an_hour() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.STOP] = Result(R.NOT_PAIRED)
    worker.run(Desired(charge=False, poll=False), 2800)
    assert len(worker.log) == 1
    assert worker.executor.facts(worker.now).fault == "not_paired"


def test_reads_and_attempts_that_reached_no_car_are_not_counted() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.SET_AMPS] = Result(R.UNREACHABLE)
    worker.run(Desired(charge=True, amps=30), 100)
    assert worker.executor.counters.commands == 0
    worker.answers[Kind.SET_AMPS] = Result(R.CAR_REFUSED)
    worker.run(Desired(charge=True, amps=30), 300)
    assert worker.executor.counters.commands == 1


def test_at_400_commands_only_stops_and_lowering_go_out() -> None:
    worker = Worker(stored={"day": 1, "commands": 400})
    worker.amps = 20.0
    assert driving(worker.run(Desired(charge=True, amps=30, poll=False), 60)) == []
    assert driving(worker.run(Desired(charge=True, amps=10, poll=False), 30)) == ["set_amps 10"]
    assert driving(worker.run(Desired(charge=False, poll=False), 20)) == ["stop"]
    worker.day = 2
    worker.amps = 10.0
    assert driving(worker.run(Desired(charge=True, amps=30, poll=False), 30)) == ["set_amps 30"]


def test_at_most_30_reads_an_hour_while_charging_and_none_long_after_the_last_need() -> None:
    worker = Worker()
    worker.amps = 10.0
    worker.executor.belief.amps = 10
    reads = worker.run(Desired(charge=True, amps=10, read=True), 3600)
    assert len([c for c in reads if c.kind is Kind.READ_CHARGE]) <= 30
    worker.amps = 0.0
    worker.run(Desired(charge=None), 700)
    late = worker.run(Desired(charge=None), 3600)
    assert [c for c in late if c.kind is Kind.READ_CHARGE] == []
    assert len([c for c in late if c.kind is Kind.READ_BODY]) <= 6


def test_a_dry_run_reads_but_names_what_it_would_have_sent() -> None:
    worker = Worker()
    worker.gate = replace(OPEN, live=False)
    worker.amps = 20.0
    sent = worker.run(Desired(charge=False), 400)
    assert driving(sent) == []
    assert any(command.kind is Kind.READ_CHARGE for command in sent)
    found = worker.executor.next(
        Desired(charge=False), worker.seen(), worker.gate, worker.now + 60, worker.day
    )
    assert found.withheld.startswith("stop: dry run")


def test_a_person_s_ping_and_pairing_request_go_out_during_a_backoff() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.SET_AMPS] = Result(R.NOT_PAIRED)
    worker.run(Desired(charge=True, amps=30, poll=False), 20)
    worker.executor.ask(Command(Kind.PAIR, by_hand=True))
    assert driving(worker.run(Desired(poll=False), 10)) == ["pair"]


def test_a_plug_edge_makes_the_accepted_current_unknown() -> None:
    worker = Worker()
    worker.amps = 10.0
    worker.run(Desired(charge=True, amps=12, poll=False), 20)
    worker.amps = 0.0
    sent = driving(worker.run(Desired(charge=True, amps=12, poll=False, epoch=1), 30))
    assert sent == ["set_amps 12", "start"]


def test_an_assertion_sends_the_same_current_again() -> None:
    worker = Worker()
    worker.amps = 10.0
    worker.run(Desired(charge=True, amps=20, poll=False), 20)
    assert driving(worker.run(Desired(charge=True, amps=20, poll=False), 60)) == []
    again = Desired(charge=True, amps=20, poll=False, assertion=1)
    assert driving(worker.run(again, 20)) == ["set_amps 20"]


def test_memory_survives_a_restart() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.run(Desired(charge=True, amps=10, poll=False), 30)
    stored = worker.executor.remember(worker.now, 1_800_000_000.0)
    again = Executor(5.0, stored)
    assert again.counters.commands == worker.executor.counters.commands
    assert again.facts(5.0).accepted_amps == 10


def test_a_refused_key_stays_an_alarm_over_a_restart_until_an_answer_proves_otherwise() -> None:
    worker = Worker()
    worker.amps = 20.0
    worker.answers[Kind.STOP] = Result(R.NOT_PAIRED)
    worker.run(Desired(charge=False, poll=False), 30)
    again = Worker(stored=worker.executor.remember(worker.now, 1_800_000_000.0))
    assert again.executor.facts(again.now).fault == "not_paired"
    again.executor.ask(Command(Kind.PING, by_hand=True))
    again.run(Desired(poll=False), 10)
    assert again.executor.facts(again.now).fault == ""


@pytest.mark.parametrize("refused", [7, "UNREACHABLE", "nonsense", None])
def test_a_damaged_memory_of_a_refusal_is_none(refused: object) -> None:
    assert Executor(5.0, {"refused": refused}).facts(5.0).fault == ""


desires = st.builds(
    Desired,
    charge=st.none() | st.booleans(),
    amps=st.none() | st.integers(0, 100),
    limit=st.none() | st.integers(40, 110),
    wake=st.sampled_from(["", "solar", "manual"]),
    read=st.booleans(),
    poll=st.booleans(),
    safety=st.booleans(),
    normalize=st.booleans(),
    epoch=st.integers(0, 2),
    assertion=st.integers(0, 2),
)
steps = st.tuples(
    desires,
    st.none() | st.floats(0, 60),
    st.sampled_from(R),
    st.sampled_from(PlugState),
    st.sampled_from(Mode),
    st.booleans(),
    st.integers(1, 400),
)


@settings(max_examples=300)  # each example is a whole course of commands
@given(st.lists(steps, min_size=1, max_size=40))
def test_whatever_happens_every_command_passes_the_gate_and_keeps_its_distance(
    course: list[tuple[Desired, float | None, R, PlugState, Mode, bool, int]],
) -> None:
    executor, now, last = Executor(0.0), 0.0, -100.0
    for desired, amps, result, plug, mode, live, pause in course:
        now += pause
        home = plug is PlugState.PLUGGED
        gate = Gate(32, 40, None, plug, home, amps, executor.belief.amps, mode, live)
        seen = Observed(now=now, plug=plug, home=home, amps=amps, amps_at=now)
        found = executor.next(desired, seen, gate, now, 1)
        command = found.command
        if command is None:
            continue
        assert refusal(command, gate) == ""
        if command.kind in (Kind.SET_AMPS, Kind.START, Kind.STOP, Kind.SET_LIMIT):
            assert now - last >= 3.0
            last = now
        executor.finished(Result(result), now, 0.5)
        executor.facts(now)
