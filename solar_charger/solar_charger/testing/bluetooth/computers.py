"""What the two computers of the car do with a request that has been let in. No I/O.

Vehicle security keeps the keys, tells the sleep status and wakes; infotainment charges. Source:
`vcsec.proto` and `car_server.proto` of teslamotors/vehicle-command.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from google.protobuf.json_format import ParseDict
from tesla_protocol.command import car_server_pb2 as cs
from tesla_protocol.command import keys_pb2 as keys
from tesla_protocol.command import universal_message_pb2 as um
from tesla_protocol.command import vcsec_pb2 as vcsec
from tesla_protocol.command import vehicle_pb2 as vehicle

from ..house import Car
from .sessions import FaultError

MAY_CHARGE = frozenset(
    {
        keys.Role.ROLE_OWNER,
        keys.Role.ROLE_DRIVER,
        keys.Role.ROLE_FM,
        keys.Role.ROLE_CHARGING_MANAGER,
    }
)
"""Roles that may command a charge and wake the car; the others may read."""


@dataclass
class Keychain:
    """Public keys the car knows, and the one that waits for the key card."""

    roles: dict[bytes, int] = field(default_factory=dict)
    waiting: tuple[bytes, int] | None = None

    def ask(self, operation: vcsec.WhitelistOperation) -> vcsec.FromVCSECMessage | None:
        """A request to add a key: None while it waits for the card, else a refusal."""
        change = operation.addKeyToWhitelistAndAddPermissions
        key = change.key.PublicKeyRaw
        if key in self.roles:
            return _whitelisted(
                vcsec.WHITELISTOPERATION_INFORMATION_ATTEMPTING_TO_ADD_KEY_THAT_IS_ALREADY_ON_THE_WHITELIST
            )
        self.waiting = (key, change.keyRole)
        return None

    def tap(self) -> vcsec.FromVCSECMessage | None:
        """Somebody holds the key card to the console: None where nothing waits."""
        if self.waiting is None:
            return None
        key, role = self.waiting
        self.roles[key], self.waiting = role, None
        return _whitelisted(vcsec.WHITELISTOPERATION_INFORMATION_NONE)

    def give_up(self) -> vcsec.FromVCSECMessage | None:
        """Nobody came with the card."""
        if self.waiting is None:
            return None
        self.waiting = None
        return _whitelisted(
            vcsec.WHITELISTOPERATION_INFORMATION_LOCAL_ENTITY_AUTH_FAILED_TIMED_OUT_WAITING_FOR_TAP
        )


def _whitelisted(
    information: vcsec.WhitelistOperation_information_E,
) -> vcsec.FromVCSECMessage:
    good = information == vcsec.WHITELISTOPERATION_INFORMATION_NONE
    status = vcsec.OPERATIONSTATUS_OK if good else vcsec.OPERATIONSTATUS_ERROR
    return vcsec.FromVCSECMessage(
        commandStatus=vcsec.CommandStatus(
            operationStatus=status,
            whitelistOperationStatus=vcsec.WhitelistOperation_status(
                whitelistOperationInformation=information, operationStatus=status
            ),
        )
    )


def security_answer(car: Car, role: int, text: bytes, *, wakes: bool) -> vcsec.FromVCSECMessage:
    """Carry out a signed request to vehicle security. Raises FaultError.

    `wakes`: whether a wish to wake is obeyed.
    """
    request = vcsec.UnsignedMessage.FromString(text)
    if request.HasField("InformationRequest"):
        status = vcsec.VehicleStatus()
        ParseDict(car.body_state(), status)
        return vcsec.FromVCSECMessage(vehicleStatus=status)
    if request.WhichOneof("sub_message") != "RKEAction":
        raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_INVALID_COMMAND)
    _demand(role)
    car.heard.append("wake")
    if wakes:
        car.asleep = False
    # Written out although it is the default: the answer must not be empty.
    command = vcsec.CommandStatus(operationStatus=vcsec.OPERATIONSTATUS_OK)
    return vcsec.FromVCSECMessage(commandStatus=command)


def is_a_command(text: bytes) -> bool:
    """Whether a request to infotainment changes something."""
    asked = cs.Action.FromString(text).vehicleAction.WhichOneof("vehicle_action_msg")
    return asked not in ("getVehicleData", "ping")


def infotainment_answer(car: Car, role: int, text: bytes) -> cs.Response:
    """Carry out a signed request to infotainment. Raises FaultError."""
    action = cs.Action.FromString(text).vehicleAction
    asked = action.WhichOneof("vehicle_action_msg")
    if asked == "ping":
        answer = cs.Response()
        answer.ping.ping_id = action.ping.ping_id
        answer.ping.local_timestamp.seconds = int(time.time())
        return answer
    if asked == "getVehicleData":
        answer = cs.Response()
        state = vehicle.ChargeState()
        ParseDict(car.charge_state(), state, ignore_unknown_fields=True)
        answer.vehicleData.charge_state.CopyFrom(state)
        return answer
    _demand(role)
    if asked == "setChargingAmpsAction":
        return _told(car.command("charging-set-amps", action.setChargingAmpsAction.charging_amps))
    if asked == "chargingSetLimitAction":
        return _told(car.command("charging-set-limit", action.chargingSetLimitAction.percent))
    if asked == "chargingStartStopAction":
        stop = action.chargingStartStopAction.WhichOneof("charging_action") == "stop"
        return _told(car.command("charging-stop" if stop else "charging-start"))
    raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_INVALID_COMMAND)


def _told(reason: str | None) -> cs.Response:
    status = cs.ActionStatus(result=cs.OperationStatus_E.OPERATIONSTATUS_OK)
    if reason is not None:
        status.result = cs.OperationStatus_E.OPERATIONSTATUS_ERROR
        status.result_reason.plain_text = reason
    return cs.Response(actionStatus=status)


def _demand(role: int) -> None:
    if role not in MAY_CHARGE:
        raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_INSUFFICIENT_PRIVILEGES)
