"""Sorts what tesla-fleet-api and bleak raise into result classes, by name: the packages need not
be there.

Names: Teslemetry/python-tesla-fleet-api `exceptions.py` (1.18), hbldh/bleak `exc.py`.
"""

from __future__ import annotations

import errno
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


_NO_BUS = "there is no system bus: BlueZ is reached through it, so the host must share its D-Bus"
_BUS_BROKE = "the connection to the system bus broke; the next command makes a new one"
_NO_BLUEZ = "BlueZ does not run on this machine, so there is no Bluetooth"
_NO_BLUEZ_MARKS = ("serviceunknown", "name has no owner", "namehasnoowner")
_NO_CONNECTION = (
    "the car was heard but does not let us connect: far away, or three other keys are connected "
    "(close the Tesla app of a phone nearby)"
)
_SENTENCES = {
    ResultClass.UNREACHABLE: "the car does not answer: about to leave the range, or it hangs",
    ResultClass.UNKNOWN_RESULT: "sent, but no answer came: the car may have done it",
    ResultClass.BUSY: "the car is busy or still waking up",
    ResultClass.NOT_PAIRED: "the car does not know our key: pair it",
    ResultClass.ROLE: "the car knows our key but does not let it charge: pair it again",
    ResultClass.DISABLED: "mobile access is switched off in the car",
    ResultClass.SESSION: "the car refused our signed session; the next command begins a new one",
    ResultClass.ADAPTER: "no Bluetooth adapter to work with: plug one in or switch it on",
    ResultClass.TIMEOUT: "nobody confirmed with the key card in time",
    ResultClass.PERMISSION: "the host does not let us use its Bluetooth",
}
_SAYING_IT_ALL = (ResultClass.NOT_PAIRED, ResultClass.UNKNOWN_RESULT, ResultClass.DISABLED)


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
    given = response.get("reason")
    # A ping hands back a time stamp of the car here.
    reason = given[:400] if isinstance(given, str) else ""
    if response.get("result") is True:
        return ResultClass.OK, reason
    if reason.lower() == "too many retries":
        return ResultClass.BUSY, "the car asked to wait, four times"
    return classify_reason(command, reason), reason


def told(error: BaseException) -> str:
    """The stack's own words, cause by cause; for whoever looks for the reason of a fault."""
    parts = [str(each) or type(each).__name__ for each in _chain(error)]
    return ": ".join(dict.fromkeys(parts))[:400]


def explained(result: ResultClass, error: BaseException) -> str:
    """What people read: what happened and what to do, with the stack's words behind it.

    The words are left out where they only say that waiting ended.
    """
    words = told(error)
    if "DBUS_SYSTEM_BUS" in words or isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return f"{_NO_BUS} ({words})"
    if any(mark in words.lower() for mark in _NO_BLUEZ_MARKS):
        return _NO_BLUEZ
    if result is ResultClass.ADAPTER and bus_broke(error):
        return f"{_BUS_BROKE} ({words})"
    sentence = _SENTENCES.get(result, "")
    if isinstance(error, ValueError) and result is ResultClass.UNREACHABLE:
        return not_reached("a whole scan", heard=False)
    if result is ResultClass.UNREACHABLE and _reached_out(error):
        sentence = _NO_CONNECTION
    if not sentence:
        return words
    return sentence if result in _SAYING_IT_ALL else f"{sentence} ({words})"


def not_reached(span: str, *, heard: bool) -> str:
    """Why there is no connection after `span`: not heard at all, or heard and not let in."""
    if heard:
        return f"{_NO_CONNECTION}; tried for {span}"
    return f"the car was not heard within {span}: out of range"


def bus_broke(error: BaseException) -> bool:
    """Whether the system bus went away under a call, so that nobody knows how far it came."""
    return any(
        isinstance(each, EOFError | BrokenPipeError | ConnectionResetError)
        or (isinstance(each, OSError) and each.errno == errno.EBADF)
        for each in _chain(error)
    )


def _of_the_radio(error: BaseException) -> ResultClass:
    words = told(error)
    names = {type(each).__name__ for each in _chain(error)}
    if _PERMISSION_WORDS.search(words) or "PermissionError" in names:
        return ResultClass.PERMISSION
    no_adapter = "BleakBluetoothNotAvailableError" in names or bus_broke(error)
    if no_adapter or _ADAPTER_WORDS.search(words):
        return ResultClass.ADAPTER
    reached_radio = {"BluetoothTransportError", "BleakError", "BleakDBusError", "TimeoutError"}
    if names & reached_radio or "not found" in words:
        return ResultClass.UNREACHABLE
    return ResultClass.OTHER


def _reached_out(error: BaseException) -> bool:
    names = {type(each).__name__ for each in _chain(error)}
    return "BluetoothTransportError" in names


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__
