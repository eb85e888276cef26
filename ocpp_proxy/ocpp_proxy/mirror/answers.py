"""What a secondary's commands get: it may look and may not touch, but is never left waiting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from ..frames import Head, answer_to, build_call, payload_of, refusal_of
from ..relay.memory import StationMemory
from .queue import Waiting

_ACCEPTED: Final = b'{"status":"Accepted"}'
_REJECTED: Final = b'{"status":"Rejected"}'


def answer(call: bytes, head: Head, repeats: list[Waiting]) -> bytes:
    """The answer to a CALL of a secondary; `repeats` is what a TriggerMessage brings."""
    if head.action == "GetConfiguration":
        wanted = payload_of(call).get("key")
        unknown = wanted if isinstance(wanted, list) else []
        return answer_to(call, {"configurationKey": [], "unknownKey": unknown})
    if head.action == "ChangeConfiguration":
        return answer_to(call, _REJECTED)
    if head.action == "TriggerMessage":
        return answer_to(call, _ACCEPTED if repeats else _REJECTED)
    return refusal_of(call, "SecurityError", "this connection is read-only")


def repeats_of(
    trigger: dict[str, Any], memory: StationMemory, new_id: Callable[[], str], now: datetime
) -> list[Waiting]:
    """The cached messages a TriggerMessage asks for, under ids of ours; none for the others."""
    wanted, connector = trigger.get("requestedMessage"), trigger.get("connectorId")

    def chosen(connectors: list[int]) -> list[int]:
        return [each for each in connectors if connector is None or each == connector]

    if wanted == "BootNotification":
        boot = boot_of(memory, new_id())
        return [] if boot is None else [boot]
    if wanted == "Heartbeat":
        call_id = new_id()
        return [Waiting(call_id, "Heartbeat", build_call(call_id, "Heartbeat", b"{}"), own=True)]
    found: list[Waiting] = []
    if wanted == "StatusNotification":
        for each in chosen(memory.status_connectors()):
            call_id = new_id()
            data = memory.status_call(each, call_id, now)
            found.append(Waiting(call_id, "StatusNotification", data, own=True))
    elif wanted == "MeterValues":
        for each in chosen(memory.meter_connectors()):
            call_id = new_id()
            data = memory.meter_values_call(each, call_id)
            found.append(Waiting(call_id, "MeterValues", data, own=True))
    return found


def boot_of(memory: StationMemory, call_id: str) -> Waiting | None:
    """The cached BootNotification as a CALL of ours."""
    data = memory.boot_call(call_id)
    return None if data is None else Waiting(call_id, "BootNotification", data, own=True)
