"""The car as its two characteristics show it: messages in, messages out, and its moods. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from tesla_protocol.command import signatures_pb2 as sig
from tesla_protocol.command import universal_message_pb2 as um
from tesla_protocol.command import vcsec_pb2 as vcsec

from ..house import Car
from .computers import Keychain, infotainment_answer, is_a_command, security_answer
from .sessions import FaultError, RandomBytes, Sessions

SECURITY = um.Domain.DOMAIN_VEHICLE_SECURITY
INFOTAINMENT = um.Domain.DOMAIN_INFOTAINMENT


@dataclass
class Moods:
    """What a test sets; everything else of the car follows."""

    boot_s: float = 0.0
    """Infotainment answers so long after the wake; vehicle security says AWAKE at once."""
    wakes: bool = True
    silent: bool = False
    """Infotainment does not answer although the car is awake."""
    lose_answers: int = 0
    """So many commands are carried out and their answers lost on the way."""
    lose_commands: int = 0
    """So many commands are lost on the way."""
    busy: int = 0
    """So many commands are answered with MESSAGEFAULT_ERROR_BUSY."""
    fault: str = ""
    """A name of MessageFault_E without its prefix: the answer to every signed request."""
    remote_access: bool = True
    """Mobile access, as switched in the car."""


class BluetoothCar:
    """Answers one connected client at a time."""

    def __init__(
        self,
        car: Car,
        private_key: ec.EllipticCurvePrivateKey,
        *,
        clock: Callable[[], float],
        random: RandomBytes,
    ) -> None:
        self.car = car
        self.keys = Keychain()
        self.moods = Moods()
        self._clock = clock
        self._random = random
        self._booted_at = clock()
        self._client = b""
        self.sessions = {
            domain: Sessions(domain, car.vin, private_key, random, clock())
            for domain in (SECURITY, INFOTAINMENT)
        }

    def reboot(self) -> None:
        """Both computers start again: every session is void."""
        for sessions in self.sessions.values():
            sessions.reboot(self._clock())

    def reset(self) -> None:
        """A car as it was at first: awake, with no key known and every session void."""
        self.car = Car(vin=self.car.vin)
        self.keys, self.moods = Keychain(), Moods()
        self._booted_at = self._clock()
        self.reboot()

    def tap(self) -> bytes | None:
        """The key card is held to the console; the message that tells the client."""
        return self._to_client(self.keys.tap())

    def give_up(self) -> bytes | None:
        """Nobody came with the card."""
        return self._to_client(self.keys.give_up())

    def receive(self, frame: bytes) -> bytes | None:
        """The answer to one message, None where the car stays silent."""
        request = um.RoutableMessage.FromString(frame)
        domain = request.to_destination.domain
        self._client = request.from_destination.routing_address
        if domain not in self.sessions or (domain == INFOTAINMENT and not self._listening()):
            return None
        answer = self._empty_answer(domain, request)
        if request.HasField("session_info_request"):
            self._begin(answer, request)
        elif not request.HasField("signature_data"):
            return self._unsigned(request)
        elif not self._signed(answer, request):
            return None
        sent: bytes = answer.SerializeToString()
        return sent

    def _listening(self) -> bool:
        awake = not self.car.asleep and self._clock() >= self._booted_at
        return awake and not self.moods.silent

    def _empty_answer(self, domain: um.Domain, request: um.RoutableMessage) -> um.RoutableMessage:
        answer = um.RoutableMessage(uuid=self._random(16))
        answer.to_destination.routing_address = request.from_destination.routing_address
        answer.from_destination.domain = domain
        # Vehicle security has no room to repeat it.
        if domain == INFOTAINMENT:
            answer.request_uuid = request.uuid
        return answer

    def _begin(self, answer: um.RoutableMessage, request: um.RoutableMessage) -> None:
        """Answer the question for a session."""
        client = request.session_info_request.public_key
        domain = answer.from_destination.domain
        if client in self.keys.roles:
            self.sessions[domain].add_info(answer, client, request.uuid, self._clock())
        elif domain == SECURITY:
            unknown = sig.Session_Info_Status.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST
            answer.session_info = sig.SessionInfo(status=unknown).SerializeToString()
        else:
            self._refuse(answer, um.MessageFault_E.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID)

    def _unsigned(self, request: um.RoutableMessage) -> bytes | None:
        """Without a signature vehicle security takes only the wish to add a key."""
        wish = vcsec.UnsignedMessage.FromString(request.protobuf_message_as_bytes)
        if not wish.HasField("WhitelistOperation"):
            return None
        return self._to_client(self.keys.ask(wish.WhitelistOperation))

    def _to_client(self, told: vcsec.FromVCSECMessage | None) -> bytes | None:
        if told is None:
            return None
        message = um.RoutableMessage(uuid=self._random(16))
        message.to_destination.routing_address = self._client
        message.from_destination.domain = SECURITY
        message.protobuf_message_as_bytes = told.SerializeToString()
        sent: bytes = message.SerializeToString()
        return sent

    def _signed(self, answer: um.RoutableMessage, request: um.RoutableMessage) -> bool:
        """Let a signed request in and answer it; False where nothing comes back."""
        domain = request.to_destination.domain
        client = request.signature_data.signer_identity.public_key
        if client not in self.keys.roles:
            self._refuse(answer, um.MessageFault_E.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID)
            return True
        sessions = self.sessions[domain]
        try:
            text = sessions.open(request, self._clock())
            if self._lost(domain, text):
                return False
            told = self._carry_out(domain, self.keys.roles[client], text)
        except FaultError as error:
            self._refuse(answer, error.fault)
            sessions.add_info(answer, client, request.uuid, self._clock())
            return True
        sessions.seal(answer, request, told)
        return not self._answer_lost(domain, text)

    def _lost(self, domain: um.Domain, text: bytes) -> bool:
        moods = self.moods
        command = domain == INFOTAINMENT and is_a_command(text)
        if command and moods.lose_commands > 0:
            moods.lose_commands -= 1
            return True
        if moods.fault:
            raise FaultError(getattr(um, f"MESSAGEFAULT_ERROR_{moods.fault}"))
        if command and moods.busy > 0:
            moods.busy -= 1
            raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_BUSY)
        if command and not moods.remote_access:
            raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED)
        return False

    def _answer_lost(self, domain: um.Domain, text: bytes) -> bool:
        if domain != INFOTAINMENT or self.moods.lose_answers <= 0 or not is_a_command(text):
            return False
        self.moods.lose_answers -= 1
        return True

    def _carry_out(self, domain: um.Domain, role: int, text: bytes) -> bytes:
        told: bytes
        if domain == INFOTAINMENT:
            told = infotainment_answer(self.car, role, text).SerializeToString()
            return told
        slept = self.car.asleep
        told = security_answer(self.car, role, text, wakes=self.moods.wakes).SerializeToString()
        if slept and not self.car.asleep:
            self._booted_at = self._clock() + self.moods.boot_s
        return told

    def _refuse(self, answer: um.RoutableMessage, fault: um.MessageFault_E) -> None:
        status = answer.signedMessageStatus
        status.operation_status = um.OperationStatus_E.OPERATIONSTATUS_ERROR
        status.signed_message_fault = fault
