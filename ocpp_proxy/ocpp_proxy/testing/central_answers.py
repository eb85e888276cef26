"""Which answer or error evcc 0.313 gives to a CALL: pure, from the parsed message (seen on it)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ocpp.messages import get_validator  # type: ignore[import-untyped]

from .wire import CALL, CALLERROR, CALLRESULT, schema_faults

# Profiles Core, FirmwareManagement and Security.
FEATURES = frozenset(
    {
        "Authorize",
        "BootNotification",
        "DataTransfer",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "SecurityEventNotification",
        "SignCertificate",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
    }
)
# Releases before the two profiles answered FirmwareStatusNotification with an error.
OLD_FEATURES = FEATURES - {
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "SecurityEventNotification",
    "SignCertificate",
}

_CODES = {
    "type": "FormationViolation",
    "required": "OccurenceConstraintViolation",
    "maxLength": "PropertyConstraintViolation",
    "minItems": "PropertyConstraintViolation",
    "maxItems": "PropertyConstraintViolation",
    "enum": "GenericError",
}


class Unanswered(Exception):
    """The message is so broken that evcc says nothing."""


class CallError(Exception):
    """The message gets a CALLERROR."""

    def __init__(self, message_id: str, code: str, description: str) -> None:
        super().__init__(f"{code} {description}")
        self.id, self.code, self.description = message_id, code, description


def check_frame(parts: Any) -> None:
    """Look at the outer array of a message.

    Raises:
        Unanswered: no array, or an id that is no text of 1 to 36 characters.
        CallError: wrong number of elements or unknown message type.
    """
    if not isinstance(parts, list) or len(parts) < 2:
        raise Unanswered("no OCPP-J array")
    kind, message_id = parts[0], parts[1]
    if not isinstance(message_id, str) or not 1 <= len(message_id) <= 36:
        raise Unanswered("bad id")
    if kind not in (CALL, CALLRESULT, CALLERROR):
        raise CallError(message_id, "MessageTypeNotSupported", f"message type {kind}")
    wanted = {CALL: (4, 4), CALLRESULT: (3, 99), CALLERROR: (4, 5)}[kind]
    if not wanted[0] <= len(parts) <= wanted[1]:
        if kind == CALL:
            raise CallError(message_id, "FormationViolation", "Invalid Call message")
        raise Unanswered("wrong element count")
    if kind == CALL and not isinstance(parts[2], str):
        raise CallError(message_id, "FormationViolation", "Invalid action")


def check_call(message_id: str, action: str, payload: Any, features: frozenset[str]) -> None:
    """Look at a CALL's action and payload.

    Raises:
        CallError: with the code evcc gives.
    """
    if action not in features:
        raise CallError(message_id, "NotSupported", f"Unsupported feature {action}")
    schema = get_validator(CALL, action, "1.6").schema
    found = list(_value_faults(schema, payload))
    found += [
        (_CODES[fault.keyword], fault.text)
        for fault in schema_faults(CALL, action, payload)
        if fault.keyword in _CODES
    ]
    # Types and dates fail while evcc reads the JSON, before anything else is looked at.
    found.sort(key=lambda fault: fault[0] != "FormationViolation")
    if found:
        raise CallError(message_id, *found[0])


def _value_faults(schema: dict[str, Any], value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in schema.get("properties", {}).items():
            if key not in value:
                continue
            if value[key] == "" and "format" not in part and key in schema.get("required", ()):
                yield "OccurenceConstraintViolation", f"{key} is empty"
            else:
                yield from _value_faults(part, value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _value_faults(schema.get("items", {}), item)
    elif isinstance(value, str) and schema.get("format") == "date-time" and not is_date(value):
        yield "FormationViolation", f"cannot parse {value!r} as time"


def is_date(text: str) -> bool:
    """Whether evcc can read the time; one without zone it can."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
