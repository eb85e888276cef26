"""How a simulated wallbox obeys the central system: one function per action."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .wire import CALL, Payload, schema_faults

if TYPE_CHECKING:
    from .wallbox import Wallbox

Deed = Callable[[], Coroutine[Any, Any, Any]]


class Refusal(Exception):
    """The CALL gets a CALLERROR with this code."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code} {description}")
        self.code, self.description = code, description


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and what the box does after it was sent."""

    payload: Payload
    then: Deed | None = None


def obey(box: Wallbox, action: str, payload: Any) -> Reply:
    """Carry out one CALL of the central system.

    Raises:
        Refusal: unknown action, or a payload that breaks the schema.
    """
    handler = _HANDLERS.get(action)
    if handler is None or action in box.quirks.not_implemented:
        raise Refusal("NotImplemented", f"{action} is not known here")
    faults = schema_faults(CALL, action, payload)
    if faults:
        raise Refusal("FormationViolation", faults[0].text)
    return handler(box, payload)


def _status(status: str, then: Deed | None = None) -> Reply:
    return Reply({"status": status}, then)


def _change_availability(box: Wallbox, payload: Payload) -> Reply:
    operative = payload["type"] == "Operative"
    for connector in box.connectors.values():
        if payload["connectorId"] in (0, connector.number):
            connector.operative = operative
    if box.quirks.reboots_on_change_availability:
        return _status("Accepted", box.power_cycle)
    return _status("Accepted", box.settle)


def _change_configuration(box: Wallbox, payload: Payload) -> Reply:
    key, value = payload["key"], payload["value"]
    status = box.settings.change(key, value)
    box.events.add("configured", box.id, key=key, value=value, status=status)
    return _status(status)


def _get_configuration(box: Wallbox, payload: Payload) -> Reply:
    return Reply(box.settings.get(payload.get("key")))


def _trigger(box: Wallbox, payload: Payload) -> Reply:
    wanted, connector = payload["requestedMessage"], payload.get("connectorId")
    if connector is not None and connector not in (0, *box.connectors):
        return _status("Rejected")
    deeds: dict[str, Deed] = {
        "BootNotification": box.send_boot,
        "Heartbeat": box.send_heartbeat,
        "StatusNotification": lambda: box.send_statuses(connector),
        "MeterValues": lambda: box.send_meter_values(connector, "Trigger"),
        "FirmwareStatusNotification": lambda: box.notify("FirmwareStatusNotification"),
        "DiagnosticsStatusNotification": lambda: box.notify("DiagnosticsStatusNotification"),
    }
    return _status("Accepted", deeds[wanted])


def _set_charging_profile(box: Wallbox, payload: Payload) -> Reply:
    number, profile = payload["connectorId"], payload["csChargingProfiles"]
    schedule = profile["chargingSchedule"]
    fits = number in (0, *box.connectors) and (
        schedule["chargingRateUnit"] in box.quirks.limit_units
    )
    if fits and profile["chargingProfilePurpose"] == "TxProfile":
        fits = number in box.connectors and box.connectors[number].transaction is not None
    extra = {"connectorId": number} if box.quirks.extra_result_members else {}
    box.events.add(
        "profile",
        box.id,
        connector=number,
        unit=schedule["chargingRateUnit"],
        limit=float(schedule["chargingSchedulePeriod"][0]["limit"]),
        accepted=fits,
        profile=profile,
    )
    if not fits:
        return Reply({"status": "Rejected"} | extra)
    box.profiles.add(number, profile)
    return Reply({"status": "Accepted"} | extra, box.settle)


def _clear_charging_profile(box: Wallbox, payload: Payload) -> Reply:
    return _status("Accepted", box.settle) if box.profiles.clear(payload) else _status("Unknown")


def _get_composite_schedule(box: Wallbox, payload: Payload) -> Reply:
    connector = box.connectors.get(payload["connectorId"] or 1)
    if connector is None:
        return _status("Rejected")
    unit = payload.get("chargingRateUnit") or ("A" if "A" in box.quirks.limit_units else "W")
    amps = box.profiles.limit(connector, box.now())
    limit = round(amps * (box.quirks.watts_per_amp if unit == "W" else 1), 1)
    return Reply(
        {
            "status": "Accepted",
            "connectorId": payload["connectorId"],
            "scheduleStart": box.stamp(),
            "chargingSchedule": {
                "duration": payload["duration"],
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }
    )


def _remote_start(box: Wallbox, payload: Payload) -> Reply:
    connector = box.connectors.get(payload.get("connectorId", 1))
    if connector is None or connector.transaction is not None or not connector.operative:
        return _status("Rejected")
    number, tag = connector.number, payload["idTag"]
    if "chargingProfile" in payload:
        box.profiles.add(number, payload["chargingProfile"])
    connector.remote_tag = tag
    if not connector.plugged:
        return _status("Accepted")
    return _status("Accepted", lambda: box.start_transaction(number, tag))


def _remote_stop(box: Wallbox, payload: Payload) -> Reply:
    for number, connector in box.connectors.items():
        running = connector.transaction
        if running is not None and running.id == payload["transactionId"]:
            return _status("Accepted", partial(box.stop_transaction, number, "Remote"))
    return _status("Rejected")


def _reset(box: Wallbox, payload: Payload) -> Reply:
    async def restart() -> None:
        reason = f"{payload['type']}Reset"
        for connector in box.connectors.values():
            if connector.transaction is not None:
                await box.stop_transaction(connector.number, reason)
        await box.power_cycle()

    return _status("Accepted", restart)


def _unlock_connector(box: Wallbox, payload: Payload) -> Reply:
    connector = box.connectors.get(payload["connectorId"])
    if connector is None:
        return _status("NotSupported")
    if connector.transaction is None:
        return _status("Unlocked")
    number = connector.number
    return _status("Unlocked", lambda: box.stop_transaction(number, "UnlockCommand"))


def _data_transfer(_box: Wallbox, _payload: Payload) -> Reply:
    return _status("UnknownVendorId")


def _local_list(box: Wallbox, payload: Payload) -> Reply:
    box.local_list_version = payload["listVersion"]
    return _status("Accepted")


def _get_local_list_version(box: Wallbox, _payload: Payload) -> Reply:
    return Reply({"listVersion": box.local_list_version})


def _get_diagnostics(box: Wallbox, _payload: Payload) -> Reply:
    return Reply({"fileName": f"{box.id}.log"}, lambda: box.notify("DiagnosticsStatusNotification"))


_HANDLERS: dict[str, Callable[[Wallbox, Payload], Reply]] = {
    "CancelReservation": lambda _box, _payload: _status("Rejected"),
    "ChangeAvailability": _change_availability,
    "ChangeConfiguration": _change_configuration,
    "ClearCache": lambda _box, _payload: _status("Accepted"),
    "ClearChargingProfile": _clear_charging_profile,
    "DataTransfer": _data_transfer,
    "GetCompositeSchedule": _get_composite_schedule,
    "GetConfiguration": _get_configuration,
    "GetDiagnostics": _get_diagnostics,
    "GetLocalListVersion": _get_local_list_version,
    "RemoteStartTransaction": _remote_start,
    "RemoteStopTransaction": _remote_stop,
    "ReserveNow": lambda _box, _payload: _status("Rejected"),
    "Reset": _reset,
    "SendLocalList": _local_list,
    "SetChargingProfile": _set_charging_profile,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock_connector,
    "UpdateFirmware": lambda box, _payload: Reply(
        {}, lambda: box.notify("FirmwareStatusNotification")
    ),
}
