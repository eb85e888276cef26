"""Sorts what tesla-fleet-api and bleak raise into result classes, by name: the packages need not
be there.

Names: Teslemetry/python-tesla-fleet-api `exceptions.py` (1.18), hbldh/bleak `exc.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .link import ResultClass
from .results import Command, classify_reason

_MESSAGE_FAULT = re.compile(
    r"^(?:TeslaFleetMessageFault|SignedMessageInformationFault)(\w+)$|^(\w+)Fault$"
)

_FAULTS = {
    "Busy": ResultClass.BUSY,
    "Timeout": ResultClass.BUSY,
    "Internal": ResultClass.BUSY,
    "NotOnWhitelist": ResultClass.NOT_PAIRED,
    "UnknownKeyId": ResultClass.NOT_PAIRED,
    "InactiveKey": ResultClass.NOT_PAIRED,
    "InsufficientPrivileges": ResultClass.ROLE,
    "RemoteAccessDisabled": ResultClass.DISABLED,
    "InvalidSignature": ResultClass.SESSION,
    "InvalidTokenOrCounter": ResultClass.SESSION,
    "IncorrectEpoch": ResultClass.SESSION,
    "TimeExpired": ResultClass.SESSION,
    "RepeatedCounter": ResultClass.SESSION,
    "InvalidToken": ResultClass.SESSION,
    "TokenAndCounterInvalid": ResultClass.SESSION,
    "AESDecryptAuth": ResultClass.SESSION,
    "SessionInfoAuthentication": ResultClass.SESSION,
}

_CLASSES = {
    "BluetoothUnconfirmedCommand": ResultClass.UNKNOWN_RESULT,
    # A state check contradicted the command: it may be sent again.
    "BluetoothCommandFailed": ResultClass.BUSY,
    # Raised before anything mutating went out: the handshake got no answer.
    "BluetoothTimeout": ResultClass.UNREACHABLE,
    "SignedCommandResponseReplayed": ResultClass.SESSION,
    "PrivateKeyError": ResultClass.CONFIG,
    "SigningDisabled": ResultClass.CONFIG,
    "WhitelistOperationAttemptingToAddExistingKey": ResultClass.OK_ALREADY,
    "WhitelistOperationLocalEntityAuthFailedTimedOutWaitingForTap": ResultClass.TIMEOUT,
    "BleakBluetoothNotAvailableError": ResultClass.ADAPTER,
    "BleakDeviceNotFoundError": ResultClass.UNREACHABLE,
    "BleakNotFoundError": ResultClass.UNREACHABLE,
    "BleakOutOfConnectionSlotsError": ResultClass.ADAPTER,
}

_ADAPTER_WORDS = re.compile(
    r"no (?:powered )?bluetooth adapters|adapter .*not found|org\.bluez\.error\.notready"
    r"|serviceunknown|name ?has ?no ?owner|no such file or directory|connection refused"
    r"|unknownobject|no such adapter",
    re.IGNORECASE,
)
_PERMISSION_WORDS = re.compile(r"accessdenied|not ?authorized|permission denied", re.IGNORECASE)


def classify_error(command: Command, error: BaseException) -> ResultClass:
    """The class of anything the library or the radio stack under it raised."""
    name = type(error).__name__
    if name in _CLASSES:
        return _CLASSES[name]
    fault = _MESSAGE_FAULT.match(name)
    if fault is not None:
        return _FAULTS.get(fault[1] or fault[2] or "", ResultClass.CAR_REFUSED)
    if name.startswith("WhitelistOperation"):
        return ResultClass.CAR_REFUSED
    return _of_the_radio(error)


def classify_answer(command: Command, answer: object) -> tuple[ResultClass, str]:
    """Class and text of a command's answer: a refusal comes back as a value, too."""
    response = answer.get("response") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        return ResultClass.OTHER, f"odd answer: {str(answer)[:80]}"
    reason = str(response.get("reason") or "")[:400]
    if response.get("result") is True:
        return ResultClass.OK, reason
    if reason.lower() == "too many retries":
        return ResultClass.BUSY, "the car asked to wait, four times"
    return classify_reason(command, reason), reason


def told(error: BaseException) -> str:
    """What people read: the message, with the stack's own reason behind it."""
    parts = [str(each) or type(each).__name__ for each in _chain(error)]
    return ": ".join(dict.fromkeys(parts))[:400]


def _of_the_radio(error: BaseException) -> ResultClass:
    words = told(error)
    names = {type(each).__name__ for each in _chain(error)}
    if _PERMISSION_WORDS.search(words) or "PermissionError" in names:
        return ResultClass.PERMISSION
    if "BleakBluetoothNotAvailableError" in names or _ADAPTER_WORDS.search(words):
        return ResultClass.ADAPTER
    reached_radio = {"BluetoothTransportError", "BleakError", "BleakDBusError", "TimeoutError"}
    if names & reached_radio or "not found" in words:
        return ResultClass.UNREACHABLE
    return ResultClass.OTHER


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
