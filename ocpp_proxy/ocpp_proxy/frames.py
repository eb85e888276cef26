"""OCPP-J messages as bytes: a cheap look at the head, a tolerant parse, and building.

Nothing here changes what is relayed; readers get what can be understood of a message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from .repair import depth_exceeds, repaired

CALL: Final = 2
CALLRESULT: Final = 3
CALLERROR: Final = 4

KIND_NAMES: Final = {CALL: "CALL", CALLRESULT: "CALLRESULT", CALLERROR: "CALLERROR"}

MAX_DECODE_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32
MAX_ID_BYTES: Final = 512

# The head `[2,"id","Action"`; a byte order mark, NULs and blanks in front and a number as id have
# been met in the field, a comma may be missing.
_HEAD = re.compile(
    rb'(?:\xef\xbb\xbf)?[\s\x00]*\[\s*(\d{1,3})\s*,\s*(?:"([^"\\]{0,512}(?:\\.[^"\\]{0,512}){0,64})"|'
    rb'(-?\d[\d.eE+-]{0,40}))\s*,?\s*(?:"([^"\\]{0,255})")?',
    re.DOTALL,
)

_USUAL_BEGINNINGS: Final = {b"[2,": CALL, b"[3,": CALLRESULT, b"[4,": CALLERROR}
_USUAL_HEAD_BYTES: Final = 256


class Head(NamedTuple):
    """What stands before the payload: message type number, id as text, action of a CALL or ''."""

    kind: int
    id: str
    action: str


@dataclass(frozen=True, slots=True)
class Call:
    """A CALL (OCPP-J 1.6 §4.2.1)."""

    id: str
    action: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallResult:
    """A CALLRESULT (OCPP-J 1.6 §4.2.2)."""

    id: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallError:
    """A CALLERROR (OCPP-J 1.6 §4.2.3); code names of 1.6 and 2.0.1 are taken as they are."""

    id: str
    code: str = ""
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no OCPP-J, with the reason in a few words."""

    reason: str


Decoded = Call | CallResult | CallError | Unreadable


def scan(data: bytes) -> Head | None:
    """Message type, id and action without parsing; None if it does not begin like OCPP-J.

    A number as id counts as its text, so that an answer with the id quoted still fits. Ids of more
    than 512 bytes are not looked at (OCPP-J 1.6 §4.1.4 allows 36 characters).
    """
    return _usual_head(data) or _any_head(data)


def _usual_head(data: bytes) -> Head | None:
    """The head of a message written the way nearly all are, `[2,"id","Action",` or `[3,"id",`."""
    parts = data[:_USUAL_HEAD_BYTES].split(b'"', 4)
    kind = _USUAL_BEGINNINGS.get(parts[0])
    if kind is None or len(parts) < 3 or b"\\" in parts[1] or parts[2][:1] != b",":
        return None
    try:
        if kind != CALL:
            return Head(kind, parts[1].decode(), "")
        if len(parts) < 5 or parts[2] != b"," or b"\\" in parts[3]:
            return None
        return Head(CALL, parts[1].decode(), parts[3].decode())
    except UnicodeDecodeError:
        return None


def _any_head(data: bytes) -> Head | None:
    match = _HEAD.match(data)
    if match is None:
        return None
    kind, quoted, number, action = match.groups()
    raw_id = number if quoted is None else quoted
    if len(raw_id) > MAX_ID_BYTES:
        return None
    named = kind == b"2" and action is not None
    return Head(int(kind), _text(raw_id), _text(action) if named else "")


def _text(raw: bytes) -> str:
    if b"\\" in raw:
        try:
            return _printable(json.loads(b'"' + raw + b'"', strict=False))
        except ValueError:
            pass
    return raw.decode("utf-8", "backslashreplace")


def _printable(value: object) -> str:
    """As text that can be encoded: lone surrogates become escapes."""
    return str(value).encode("utf-8", "backslashreplace").decode()


def decode(data: bytes, max_bytes: int = MAX_DECODE_BYTES, max_depth: int = MAX_DEPTH) -> Decoded:
    """Parse as much of a message as can be understood; never raises.

    Survives what wallboxes have been seen to send: numeric ids, trailing NULs or garbage,
    truncated JSON, stray commas, missing or additional elements, `null` or `[]` as payload.
    """
    if len(data) > max_bytes:
        return Unreadable(f"{len(data)} bytes are too many to decode")
    if depth_exceeds(data, max_depth):
        return Unreadable(f"nested deeper than {max_depth}")
    message = parse(data, max_depth)
    if not isinstance(message, list):
        return Unreadable("not a JSON array")
    return _classified(message)


def _classified(message: list[Any]) -> Decoded:
    if len(message) < 2 or isinstance(message[0], bool) or not isinstance(message[0], int):
        return Unreadable("no message type number")
    kind, raw_id, *rest = message
    if isinstance(raw_id, bool) or not isinstance(raw_id, str | int | float):
        return Unreadable("no message id")
    message_id = _printable(raw_id)
    if kind == CALL:
        if not rest or not isinstance(rest[0], str):
            return Unreadable("CALL without action")
        return Call(message_id, _printable(rest[0]), _object(rest, 1))
    if kind == CALLRESULT:
        return CallResult(message_id, _object(rest, 0))
    if kind == CALLERROR:
        return CallError(message_id, _string(rest, 0), _string(rest, 1), _object(rest, 2))
    return Unreadable(f"unknown message type {kind}")


def _object(elements: list[Any], index: int) -> dict[str, Any]:
    value = elements[index] if len(elements) > index else None
    return value if isinstance(value, dict) else {}


def _string(elements: list[Any], index: int) -> str:
    value = elements[index] if len(elements) > index else None
    return _printable(value) if isinstance(value, str) else ""


def parse(data: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """The JSON value of a message or payload, repaired if need be; None if there is none.

    NaN and Infinity, which are no JSON, become None; deeper nesting than `max_depth` is none.
    """
    if depth_exceeds(data, max_depth):
        return None
    text = data.decode("utf-8-sig", "replace").strip("\0 \t\r\n")
    try:
        return _DECODER.raw_decode(text)[0]
    except ValueError:
        pass
    try:
        return _DECODER.raw_decode(repaired(text))[0]
    except ValueError:
        return None


_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _name: None)


def payload_of(data: bytes) -> dict[str, Any]:
    """The payload of a CALL or CALLRESULT as an object; empty if it has none or is unreadable."""
    message = decode(data)
    return message.payload if isinstance(message, Call | CallResult) else {}


def tail(call: bytes) -> bytes:
    """Everything behind id and action: equal tails of equal actions mean the same request."""
    match = _HEAD.match(call)
    return call if match is None else call[match.end() :].strip(b"\0 \t\r\n,")


def payload_bytes(call: bytes) -> bytes | None:
    """The payload of a CALL exactly as written; None unless it is an object and good JSON."""
    payload = tail(call).removesuffix(b"]").rstrip()
    try:
        return payload if isinstance(json.loads(payload), dict) else None
    except (ValueError, RecursionError):
        return None


def with_id(call: bytes, message_id: str) -> bytes:
    """The same CALL under another id, otherwise byte for byte the same."""
    match = _HEAD.match(call)
    if match is None:
        raise ValueError("not an OCPP-J message")
    start, end = match.span(2)
    if start < 0:
        start, end = match.span(3)
        return call[:start] + b'"' + message_id.encode() + b'"' + call[end:]
    return call[:start] + message_id.encode() + call[end:]


def id_token(message: bytes) -> bytes:
    """The id exactly as written, with its quotes if it has any."""
    match = _HEAD.match(message)
    if match is None:
        raise ValueError("not an OCPP-J message")
    quoted: bytes | None = match[2]
    return b'"' + quoted + b'"' if quoted is not None else bytes(match[3])


def json_bytes(value: Any) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which has no UTF-8 form, is written escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace")


def build_call(message_id: str, action: str, payload: bytes | Mapping[str, Any]) -> bytes:
    """A CALL; a payload given as bytes goes in as it is."""
    head = b"[2," + json_bytes(message_id) + b"," + json_bytes(action) + b","
    return head + _written(payload) + b"]"


def answer_to(call: bytes, payload: bytes | Mapping[str, Any]) -> bytes:
    """The CALLRESULT to a CALL, with the id exactly as the CALL had it."""
    return b"[3," + id_token(call) + b"," + _written(payload) + b"]"


def refusal_of(call: bytes, code: str, description: str = "") -> bytes:
    """The CALLERROR to a CALL, with the id exactly as the CALL had it."""
    error = json_bytes(code) + b"," + json_bytes(description[:255])
    return b"[4," + id_token(call) + b"," + error + b",{}]"


def _written(payload: bytes | Mapping[str, Any]) -> bytes:
    return payload if isinstance(payload, bytes) else json_bytes(dict(payload))
