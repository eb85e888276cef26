"""Sorts what tesla-control, a relay or the car itself answers into result classes; pure text work.

The texts are those of teslamotors/vehicle-command v0.4.1 (cmd/tesla-control, pkg/protocol,
pkg/connector/ble).
"""

from __future__ import annotations

import re
from enum import StrEnum

from .link import ResultClass


class Command(StrEnum):
    """What we ask of a car, in tesla-control's words."""

    SET_AMPS = "charging-set-amps"
    START = "charging-start"
    STOP = "charging-stop"
    SET_LIMIT = "charging-set-limit"
    WAKE = "wake"
    READ_BODY = "body-controller-state"
    READ_CHARGE = "state"
    PING = "ping"
    PAIR = "add-key-request"


_REFUSAL = re.compile(r"car could not execute command:[ \t]*([^\r\n]*)", re.IGNORECASE)
_DATED_LINE = re.compile(r"^\d{4}[-/]\d\d[-/]\d\d[T ][^\n]*(?:\n|$)", re.MULTILINE)

_REFUSAL_WORDS: dict[tuple[Command, str], ResultClass] = {
    (Command.START, "is_charging"): ResultClass.OK_ALREADY,
    (Command.START, "complete"): ResultClass.COMPLETE,
    (Command.STOP, "not_charging"): ResultClass.OK_ALREADY,
    # `already_set` and `requested` are unverified.
    (Command.SET_AMPS, "already_set"): ResultClass.OK_ALREADY,
    (Command.SET_LIMIT, "already_set"): ResultClass.OK_ALREADY,
    (Command.START, "requested"): ResultClass.OK_PENDING,
}
_REFUSAL_OF_ANY_COMMAND = {
    "disconnected": ResultClass.NOT_PLUGGED,
    "no_power": ResultClass.NO_POWER,
}

# The first row that matches wins. Missing rights come first, because the adapter's own messages
# ("can't down device: operation not permitted") would hide them.
_ROWS: tuple[tuple[ResultClass, str], ...] = (
    (ResultClass.PERMISSION, r"operation not permitted"),
    (
        ResultClass.BUSY,
        r"vehicle busy or finishing wake-up|messagefault_error_(?:busy|timeout|internal)\b",
    ),
    (ResultClass.MAX_CONN, r"already connected to the maximum number of ble devices"),
    (ResultClass.UNKNOWN_RESULT, r"couldn't verify success:"),
    (ResultClass.UNREACHABLE, r"^\s*error:.*context deadline exceeded"),
    (ResultClass.TIMEOUT, r"failed to execute command: context deadline exceeded"),
    (ResultClass.UNREACHABLE, r"failed to (?:scan|dial|enumerate|discover)\b"),
    (
        ResultClass.NOT_PAIRED,
        (
            r"public key has not been paired|messagefault_error_unknown_key_id"
            r"|key_not_on_whitelist|inactive_key"
        ),
    ),
    (ResultClass.ROLE, r"insufficient_privileges"),
    (ResultClass.DISABLED, r"remote_access_disabled"),
    (
        ResultClass.SESSION,
        (
            r"invalid_signature|invalid_token_or_counter|incorrect_epoch|time_expired"
            r"|failed to load session cache"
        ),
    ),
    (
        ResultClass.ADAPTER,
        (
            r"failed to enable device|failed to find a ble device|can't init hci"
            r"|can't (?:down|up) device|no devices available|broken pipe"
        ),
    ),
    (ResultClass.CONFIG, r"command requires a vin|private key|unrecognized command"),
)
_COMPILED = tuple(
    (result_class, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for result_class, pattern in _ROWS
)
_BAD_FLAGS_EXIT = 2


def classify(command: Command, error_text: str, exit_code: int | None = 1) -> ResultClass:
    """The class of one call: exit code 0 is success, everything else is told by its text.

    `error_text` is tesla-control's standard error, or a relay's `error`; `exit_code` is None
    where the far side hides it.
    """
    if exit_code == 0:
        return ResultClass.OK
    said = without_log_lines(error_text)
    refusal = _REFUSAL.search(said)
    if refusal is not None:
        return classify_refusal(command, refusal.group(1))
    for result_class, pattern in _COMPILED:
        if pattern.search(said):
            return result_class
    return ResultClass.CONFIG if exit_code == _BAD_FLAGS_EXIT else ResultClass.OTHER


def classify_refusal(command: Command, reason: str) -> ResultClass:
    """The class of a reason the car itself gave for not doing `command`.

    A word that means "already so" counts for its own command only: `not_charging` is success
    for a stop and a refusal for a change of the limit.
    """
    word = reason.strip().strip(".\"'").strip().lower()
    found = _REFUSAL_WORDS.get((command, word)) or _REFUSAL_OF_ANY_COMMAND.get(word)
    return found or ResultClass.CAR_REFUSED


def classify_reason(command: Command, reason: str) -> ResultClass:
    """The class of a `reason` field, which holds the car's bare word or a whole error text.

    python-tesla-fleet-api hands back the bare word, TeslaBleHttpProxy wraps it in text.
    """
    if _REFUSAL.search(reason) is None:
        bare = classify_refusal(command, reason)
        if bare is not ResultClass.CAR_REFUSED:
            return bare
    found = classify(command, reason, None)
    return ResultClass.CAR_REFUSED if found is ResultClass.OTHER else found


def without_log_lines(output: str) -> str:
    """The output less the log lines of tesla-control, which begin with a date."""
    return _DATED_LINE.sub("", output)
