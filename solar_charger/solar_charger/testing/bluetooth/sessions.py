"""The car's half of signed sessions: key agreement, epochs, counters, sealed answers. No I/O.

Source: teslamotors/vehicle-command `pkg/protocol/protocol.md`; messages by PyPI `tesla-protocol`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tesla_protocol.command import signatures_pb2 as sig
from tesla_protocol.command import universal_message_pb2 as um

RandomBytes = Callable[[int], bytes]
_TAG_BYTES = 16


class FaultError(Exception):
    """A request the car does not accept; `fault` is the number it answers with."""

    def __init__(self, fault: um.MessageFault_E) -> None:
        super().__init__(um.MessageFault_E.Name(fault))
        self.fault = fault


def metadata(*fields: tuple[sig.Tag, bytes]) -> bytes:
    """Tag, length, value of each field, and the end mark: what a signature covers besides text."""
    parts = [bytes([tag, len(value)]) + value for tag, value in fields]
    return b"".join(parts) + bytes([sig.Tag.TAG_END])


def _number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def public_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half as an uncompressed point, 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def agree(own: ec.EllipticCurvePrivateKey, other: bytes) -> bytes:
    """The 16-byte key both sides derive. Raises ValueError where `other` is no P-256 point."""
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), other)
    return hashlib.sha1(own.exchange(ec.ECDH(), point)).digest()[:16]


@dataclass
class _Peer:
    key: bytes
    counter: int = 0
    answers: int = 0


@dataclass
class Sessions:
    """All sessions of one computer of the car; a reboot begins a new epoch."""

    domain: um.Domain
    vin: str
    private_key: ec.EllipticCurvePrivateKey
    random: RandomBytes
    began: float
    """When the epoch began, monotonic seconds."""
    epoch: bytes = b""
    _peers: dict[bytes, _Peer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.epoch = self.epoch or self.random(16)

    def reboot(self, now: float) -> None:
        """Forget every session."""
        self.epoch, self.began = self.random(16), now
        self._peers.clear()

    def add_info(
        self, answer: um.RoutableMessage, client: bytes, challenge: bytes, now: float
    ) -> None:
        """Put the authenticated state of the client's session into an answer."""
        peer = self._peer(client)
        info = sig.SessionInfo(
            counter=peer.counter,
            publicKey=public_bytes(self.private_key),
            epoch=self.epoch,
            clock_time=self._clock(now),
            status=sig.Session_Info_Status.SESSION_INFO_STATUS_OK,
        ).SerializeToString()
        covered = metadata(
            (sig.Tag.TAG_SIGNATURE_TYPE, bytes([sig.SignatureType.SIGNATURE_TYPE_HMAC])),
            (sig.Tag.TAG_PERSONALIZATION, self.vin.encode()),
            (sig.Tag.TAG_CHALLENGE, challenge),
        )
        key = hmac.digest(peer.key, b"session info", "sha256")
        answer.session_info = info
        tag = hmac.digest(key, covered + info, "sha256")
        answer.signature_data.session_info_tag.tag = tag

    def open(self, request: um.RoutableMessage, now: float) -> bytes:
        """The text of a signed request. Raises FaultError for everything that is not in order."""
        signed = request.signature_data.AES_GCM_Personalized_data
        if signed.epoch != self.epoch:
            raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_INCORRECT_EPOCH)
        if signed.expires_at < self._clock(now):
            raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_TIME_EXPIRED)
        peer = self._peer(request.signature_data.signer_identity.public_key)
        fields = [
            *self._about(sig.SignatureType.SIGNATURE_TYPE_AES_GCM_PERSONALIZED),
            (sig.Tag.TAG_EPOCH, signed.epoch),
            (sig.Tag.TAG_EXPIRES_AT, _number(signed.expires_at)),
            (sig.Tag.TAG_COUNTER, _number(signed.counter)),
        ]
        if request.flags:
            fields.append((sig.Tag.TAG_FLAGS, _number(request.flags)))
        covered = hashlib.sha256(metadata(*fields)).digest()
        sealed = request.protobuf_message_as_bytes + signed.tag
        try:
            text = AESGCM(peer.key).decrypt(signed.nonce, sealed, covered)
        except (InvalidTag, ValueError) as error:
            raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_INVALID_SIGNATURE) from error
        if signed.counter <= peer.counter:
            raise FaultError(um.MessageFault_E.MESSAGEFAULT_ERROR_INVALID_TOKEN_OR_COUNTER)
        peer.counter = signed.counter
        return text

    def seal(self, answer: um.RoutableMessage, request: um.RoutableMessage, text: bytes) -> None:
        """Put `text` into the answer: encrypted where the request asked for it."""
        if not request.flags & (1 << um.Flags.FLAG_ENCRYPT_RESPONSE):
            answer.protobuf_message_as_bytes = text
            return
        peer = self._peer(request.signature_data.signer_identity.public_key)
        peer.answers += 1
        nonce = self.random(12)
        kind = sig.SignatureType.SIGNATURE_TYPE_AES_GCM_PERSONALIZED
        request_hash = bytes([kind]) + request.signature_data.AES_GCM_Personalized_data.tag
        covered = metadata(
            *self._about(sig.SignatureType.SIGNATURE_TYPE_AES_GCM_RESPONSE),
            (sig.Tag.TAG_COUNTER, _number(peer.answers)),
            (sig.Tag.TAG_FLAGS, _number(answer.flags)),
            (sig.Tag.TAG_REQUEST_HASH, request_hash),
            (sig.Tag.TAG_FAULT, _number(answer.signedMessageStatus.signed_message_fault)),
        )
        sealed = AESGCM(peer.key).encrypt(nonce, text, hashlib.sha256(covered).digest())
        answer.protobuf_message_as_bytes = sealed[:-_TAG_BYTES]
        answer.signature_data.AES_GCM_Response_data.CopyFrom(
            sig.AES_GCM_Response_Signature_Data(
                nonce=nonce, counter=peer.answers, tag=sealed[-_TAG_BYTES:]
            )
        )

    def _about(self, kind: sig.SignatureType) -> list[tuple[sig.Tag, bytes]]:
        return [
            (sig.Tag.TAG_SIGNATURE_TYPE, bytes([kind])),
            (sig.Tag.TAG_DOMAIN, bytes([self.domain])),
            (sig.Tag.TAG_PERSONALIZATION, self.vin.encode()),
        ]

    def _clock(self, now: float) -> int:
        return int(now - self.began)

    def _peer(self, client: bytes) -> _Peer:
        if client not in self._peers:
            try:
                self._peers[client] = _Peer(agree(self.private_key, client))
            except ValueError as error:
                fault = um.MessageFault_E.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID
                raise FaultError(fault) from error
        return self._peers[client]
