"""The gate: whatever the controller thinks, these limits hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.command import Command, Kind
from solar_charger.gate import Gate, refusal
from solar_charger.measurements import PlugState
from solar_charger.settings import Mode, Settings

OPEN = Gate(
    max_amps=48,
    circuit_limit=32,
    car_max=48,
    plug=PlugState.PLUGGED,
    home=True,
    measured_amps=10.0,
    accepted_amps=10,
    mode=Mode.SOLAR,
    live=True,
)
READS = [Kind.READ_BODY, Kind.READ_CHARGE, Kind.PING, Kind.PAIR]
DRIVING = [Command(Kind.SET_AMPS, 8), Command(Kind.START), Command(Kind.SET_LIMIT, 80)]


def test_current_up_to_the_smallest_of_circuit_option_and_car_passes() -> None:
    assert refusal(Command(Kind.SET_AMPS, 32), OPEN) == ""
    assert "33" in refusal(Command(Kind.SET_AMPS, 33), OPEN)
    assert refusal(Command(Kind.SET_AMPS, 17), replace(OPEN, car_max=16))
    assert refusal(Command(Kind.SET_AMPS, 21), replace(OPEN, max_amps=20))


@pytest.mark.parametrize("value", [None, math.nan, 7.0, -1, True, "8", 81])
def test_a_current_that_is_no_whole_number_in_range_never_passes(value: Any) -> None:
    assert refusal(Command(Kind.SET_AMPS, value), replace(OPEN, circuit_limit=200, max_amps=200))


@pytest.mark.parametrize("value", [None, math.nan, 49, 101, 80.0, -80])
def test_a_charge_limit_outside_50_to_100_never_passes(value: Any) -> None:
    assert refusal(Command(Kind.SET_LIMIT, value), OPEN)


def test_breaker_gives_the_circuit_when_the_circuit_is_not_given() -> None:
    assert Settings(breaker_amps=40).circuit_limit == 32
    assert Settings(breaker_amps=40, circuit_amps=24).circuit_limit == 24
    assert Settings(max_amps=20).circuit_limit == 20
    assert Settings(circuit_amps=99).circuit_limit == 80


@pytest.mark.parametrize("plug", [PlugState.UNKNOWN, PlugState.UNPLUGGED])
def test_starts_and_raises_need_proof_that_the_car_is_at_home(plug: PlugState) -> None:
    away = replace(OPEN, plug=plug, home=False)
    assert refusal(Command(Kind.START), away)
    assert refusal(Command(Kind.SET_AMPS, 11), away)


def test_stop_and_lowering_go_out_while_nobody_knows_the_plug() -> None:
    unknown = replace(OPEN, plug=PlugState.UNKNOWN, home=False)
    assert refusal(Command(Kind.STOP), unknown) == ""
    assert refusal(Command(Kind.SET_AMPS, 10), unknown) == ""
    unmeasured = replace(unknown, measured_amps=None, accepted_amps=12)
    assert refusal(Command(Kind.SET_AMPS, 12), unmeasured) == ""
    assert refusal(Command(Kind.SET_AMPS, 13), unmeasured)
    assert refusal(Command(Kind.SET_AMPS, 5), replace(unmeasured, accepted_amps=None))


@pytest.mark.parametrize("command", [Command(Kind.STOP), *DRIVING])
def test_a_car_that_is_not_plugged_in_here_is_never_commanded(command: Command) -> None:
    assert refusal(command, replace(OPEN, plug=PlugState.UNPLUGGED, home=False))


def test_normalisation_passes_only_while_unplugged_and_within_the_limits() -> None:
    wanted = Command(Kind.SET_AMPS, 32, normalize=True)
    away = replace(OPEN, plug=PlugState.UNPLUGGED, home=False)
    assert refusal(wanted, away) == ""
    assert refusal(replace(wanted, value=33), away)
    assert refusal(wanted, OPEN)
    assert refusal(wanted, replace(away, plug=PlugState.UNKNOWN))


@pytest.mark.parametrize("command", [*DRIVING, Command(Kind.WAKE)])
def test_off_lets_only_a_stop_through(command: Command) -> None:
    off = replace(OPEN, mode=Mode.OFF)
    assert refusal(command, off)
    assert refusal(Command(Kind.STOP), off) == ""


@pytest.mark.parametrize("command", [Command(Kind.STOP), Command(Kind.WAKE), *DRIVING])
def test_a_dry_run_lets_nothing_through_that_the_car_would_obey(command: Command) -> None:
    assert "dry run" in refusal(command, replace(OPEN, live=False))


@pytest.mark.parametrize("kind", READS)
def test_reads_ping_and_pairing_pass_even_in_a_dry_run(kind: Kind) -> None:
    assert refusal(Command(kind), replace(OPEN, live=False)) == ""


gates = st.builds(
    Gate,
    max_amps=st.integers(-5, 200),
    circuit_limit=st.integers(-5, 200),
    car_max=st.none() | st.integers(-5, 200),
    plug=st.sampled_from(PlugState),
    home=st.booleans(),
    measured_amps=st.none() | st.floats(),
    accepted_amps=st.none() | st.integers(-5, 200),
    mode=st.sampled_from(Mode),
    live=st.booleans(),
    foreign_charger=st.booleans(),
)
commands = st.builds(
    Command,
    kind=st.sampled_from(Kind),
    value=st.none() | st.integers(-100, 300) | st.floats() | st.booleans(),
    safety=st.booleans(),
    normalize=st.booleans(),
    by_hand=st.booleans(),
)


@given(gates, commands)
def test_nothing_above_the_limit_ever_passes(gate: Gate, command: Command) -> None:
    if refusal(command, gate):
        return
    if command.kind is Kind.SET_AMPS:
        assert type(command.value) is int
        limits = [gate.max_amps, gate.circuit_limit, 80]
        limits += [] if gate.car_max is None else [gate.car_max]
        assert 0 <= command.value <= max(0, min(limits))
    if command.kind is Kind.START:
        assert gate.home
        assert gate.plug is PlugState.PLUGGED
    if command.kind in (Kind.SET_AMPS, Kind.START, Kind.SET_LIMIT, Kind.WAKE, Kind.STOP):
        assert gate.live
        assert gate.mode is not Mode.OFF or command.kind is Kind.STOP
