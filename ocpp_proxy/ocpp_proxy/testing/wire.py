"""OCPP-J framing and the official 1.6 schemas, as both fakes use them (OCPP-J 1.6 §4.2)."""

from __future__ import annotations

import decimal
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from ocpp.messages import get_validator  # type: ignore[import-untyped]

CALL, CALLRESULT, CALLERROR = 2, 3, 4
Payload = dict[str, Any]

# Schemas with `multipleOf: 0.1`, which only decimal numbers can meet.
_DECIMAL = {
    (CALL, "SetChargingProfile"),
    (CALL, "RemoteStartTransaction"),
    (CALLRESULT, "GetCompositeSchedule"),
}


class CallFailed(Exception):
    """A CALL of ours got a CALLERROR, no answer in time, or lost its connection."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code} {description}".strip())
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """The first way in which a payload breaks the schema: JSON Schema keyword and a text."""

    keyword: str
    text: str


@dataclass(slots=True)
class Message:
    """One OCPP-J message; `kind` is 2, 3 or 4 and fields of other kinds stay empty."""

    kind: int
    id: Any
    action: str = ""
    payload: Any = None
    code: str = ""
    description: str = ""
    details: Any = field(default_factory=dict)


def encode_call(message_id: Any, action: str, payload: Payload) -> str:
    """A CALL as text."""
    return _compact([CALL, message_id, action, payload])


def encode_result(message_id: Any, payload: Payload) -> str:
    """A CALLRESULT as text."""
    return _compact([CALLRESULT, message_id, payload])


def encode_error(message_id: Any, code: str, description: str, elements: int = 5) -> str:
    """A CALLERROR as text; some firmware sends only 3 or 4 of its elements."""
    return _compact([CALLERROR, message_id, code, description, {}][:elements])


def decode(text: str | bytes) -> Message | None:
    """The message, forgiving about missing tail elements; None when it is no OCPP-J message."""
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parts, list) or len(parts) < 3:
        return None
    if parts[0] == CALL and isinstance(parts[2], str):
        return Message(CALL, parts[1], action=parts[2], payload=_at(parts, 3, {}))
    if parts[0] == CALLRESULT:
        return Message(CALLRESULT, parts[1], payload=parts[2])
    if parts[0] == CALLERROR:
        return Message(
            CALLERROR,
            parts[1],
            code=str(parts[2]),
            description=str(_at(parts, 3, "")),
            details=_at(parts, 4, {}),
        )
    return None


def schema_faults(kind: int, action: str, payload: Any) -> list[SchemaFault]:
    """How the payload breaks the official schema of this request (2) or response (3).

    Raises:
        LookupError: OCPP 1.6 has no such action.
    """
    try:
        if (kind, action) in _DECIMAL:
            validator = get_validator(kind, action, "1.6", parse_float=decimal.Decimal)
            payload = json.loads(json.dumps(payload), parse_float=decimal.Decimal)
        else:
            validator = get_validator(kind, action, "1.6")
    except OSError:
        raise LookupError(action) from None
    return [
        SchemaFault(cast(str, error.validator), str(error.message))
        for error in validator.iter_errors(payload)
    ]


def utc_text(moment: datetime) -> str:
    """RFC 3339 with milliseconds and `Z`, the form most wallboxes send."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _compact(parts: list[Any]) -> str:
    return json.dumps(parts, separators=(",", ":"), ensure_ascii=False)


def _at(parts: list[Any], index: int, default: Any) -> Any:
    return parts[index] if len(parts) > index else default
