from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.car.link import ResultClass as R
from solar_charger.car.results import (
    Command,
    classify,
    classify_reason,
    without_log_lines,
)
from solar_charger.testing.tesla_control import TROUBLES

REFUSED = "Failed to execute command: car could not execute command: "

ROWS = [
    (Command.START, REFUSED + "is_charging", R.OK_ALREADY),
    (Command.START, REFUSED + "complete", R.COMPLETE),
    (Command.STOP, REFUSED + "not_charging", R.OK_ALREADY),
    (Command.SET_LIMIT, REFUSED + "already_set", R.OK_ALREADY),
    (Command.SET_AMPS, REFUSED + "already_set", R.OK_ALREADY),
    (Command.START, REFUSED + "requested", R.OK_PENDING),
    (Command.START, REFUSED + "disconnected", R.NOT_PLUGGED),
    (Command.SET_AMPS, REFUSED + "disconnected", R.NOT_PLUGGED),
    (Command.START, REFUSED + "no_power", R.NO_POWER),
    (Command.START, REFUSED + "charging_schedule_active", R.CAR_REFUSED),
    (Command.SET_LIMIT, "vehicle busy or finishing wake-up", R.BUSY),
    (Command.START, "MESSAGEFAULT_ERROR_BUSY", R.BUSY),
    (Command.START, "MESSAGEFAULT_ERROR_TIMEOUT", R.BUSY),
    (Command.START, "MESSAGEFAULT_ERROR_INTERNAL", R.BUSY),
    (Command.START, "already connected to the maximum number of BLE devices", R.MAX_CONN),
    (Command.STOP, "Couldn't verify success: context deadline exceeded", R.UNKNOWN_RESULT),
    (Command.STOP, "Error: context deadline exceeded", R.UNREACHABLE),
    (Command.STOP, "Error: failed to connect: context deadline exceeded", R.UNREACHABLE),
    (Command.STOP, "Failed to execute command: context deadline exceeded", R.TIMEOUT),
    (Command.STOP, "Error: failed to scan for BLE", R.UNREACHABLE),
    (Command.STOP, "failed to dial for BLE", R.UNREACHABLE),
    (Command.STOP, "failed to enumerate device services", R.UNREACHABLE),
    (Command.STOP, "failed to discover service characteristics", R.UNREACHABLE),
    (Command.PING, "your public key has not been paired with the vehicle", R.NOT_PAIRED),
    (Command.PING, "MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID", R.NOT_PAIRED),
    (Command.PING, "SIGNEDMESSAGE_INFORMATION_FAULT_KEY_NOT_ON_WHITELIST", R.NOT_PAIRED),
    (Command.PING, "MESSAGEFAULT_ERROR_INACTIVE_KEY", R.NOT_PAIRED),
    (Command.START, "MESSAGEFAULT_ERROR_INSUFFICIENT_PRIVILEGES", R.ROLE),
    (Command.START, "MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED", R.DISABLED),
    (Command.START, "MESSAGEFAULT_ERROR_INVALID_SIGNATURE", R.SESSION),
    (Command.START, "MESSAGEFAULT_ERROR_INVALID_TOKEN_OR_COUNTER", R.SESSION),
    (Command.START, "MESSAGEFAULT_ERROR_INCORRECT_EPOCH", R.SESSION),
    (Command.START, "MESSAGEFAULT_ERROR_TIME_EXPIRED", R.SESSION),
    (Command.START, "failed to load session cache: EOF", R.SESSION),
    (Command.START, "failed to enable device", R.ADAPTER),
    (Command.START, "Error: failed to find a BLE device: hci0", R.ADAPTER),
    (Command.START, "can't init hci: no such device", R.ADAPTER),
    (Command.START, "can't down device", R.ADAPTER),
    (Command.START, "can't up device", R.ADAPTER),
    (Command.START, "no devices available", R.ADAPTER),
    (Command.START, "write: broken pipe", R.ADAPTER),
    (Command.START, "can't down device: operation not permitted", R.PERMISSION),
    (Command.START, "Error: command requires a VIN", R.CONFIG),
    (Command.START, "Error: failed to load private key: no such file", R.CONFIG),
    (Command.START, "Error: unrecognized command: charge", R.CONFIG),
    (Command.START, "a text nobody knows", R.OTHER),
    (Command.START, "", R.OTHER),
]


@pytest.mark.parametrize(("command", "text", "wanted"), ROWS, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("change", [str, str.upper, str.lower])
def test_each_known_text_has_its_class_in_any_case(
    command: Command, text: str, wanted: R, change: Callable[[str], str]
) -> None:
    assert classify(command, change(text)) is wanted


@pytest.mark.parametrize(
    ("word", "of_another_command"),
    [
        ("is_charging", Command.STOP),
        ("is_charging", Command.SET_LIMIT),
        ("not_charging", Command.START),
        ("not_charging", Command.SET_LIMIT),
        ("already_set", Command.START),
        ("complete", Command.STOP),
        ("requested", Command.STOP),
    ],
)
def test_a_word_that_means_already_so_is_a_refusal_for_any_other_command(
    word: str, of_another_command: Command
) -> None:
    assert classify(of_another_command, REFUSED + word) is R.CAR_REFUSED


def test_the_cars_own_words_are_looked_at_before_anything_else_in_the_text() -> None:
    text = "operation not permitted\n" + REFUSED + "is_charging\nbroken pipe"
    assert classify(Command.START, text) is R.OK_ALREADY


def test_words_inside_other_words_do_not_count() -> None:
    assert classify(Command.STOP, REFUSED + "not_charging_yet") is R.CAR_REFUSED
    assert classify(Command.START, "it is_charging already") is R.OTHER


def test_log_lines_that_begin_with_a_date_are_ignored() -> None:
    noise = "2026-01-24T14:30:00+01:00 [warn ] operation not permitted\n"
    assert classify(Command.START, noise + REFUSED + "is_charging") is R.OK_ALREADY
    assert classify(Command.START, noise) is R.OTHER
    assert without_log_lines(noise + "text") == "text"


def test_exit_code_zero_is_success_whatever_is_printed_and_two_is_bad_flags() -> None:
    assert classify(Command.START, REFUSED + "complete", 0) is R.OK
    assert classify(Command.START, "flag provided but not defined: -x", 2) is R.CONFIG


@pytest.mark.parametrize("name", TROUBLES)
def test_every_trouble_of_the_fake_program_is_known_to_the_table(name: str) -> None:
    assert classify(Command.STOP, TROUBLES[name][0]) is not R.OTHER


def test_a_reason_may_be_the_bare_word_or_a_whole_text() -> None:
    assert classify_reason(Command.START, "is_charging") is R.OK_ALREADY
    assert classify_reason(Command.STOP, "is_charging") is R.CAR_REFUSED
    assert classify_reason(Command.START, REFUSED + "complete") is R.COMPLETE
    assert classify_reason(Command.START, "MESSAGEFAULT_ERROR_BUSY") is R.BUSY
    assert classify_reason(Command.START, "something new") is R.CAR_REFUSED


@given(st.sampled_from(Command), st.text(), st.integers(1, 255) | st.none())
def test_no_failing_call_is_ever_taken_for_success_but_by_its_own_word(
    command: Command, text: str, code: int
) -> None:
    found = classify(command, text, code)
    if found in (R.OK, R.OK_ALREADY):
        assert "car could not execute command:" in text.lower()
