"""The simulated car keeps Tesla's rules: what a real one would refuse, it refuses.

A stand-in that took everything would prove nothing about our driver.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from solar_charger.car.keys import generate_key, load_key
from solar_charger.testing.bluetooth.frames import (
    MAX_MESSAGE_BYTES,
    SILENCE_ENDS_FRAME_S,
    Reassembler,
    chunks,
    framed,
)
from solar_charger.testing.house import Car

from tests.solar_charger.bluetooth_stand import OURS, VIN, Hurried, needs_bluetooth, public_hex

MTUS = (23, 247, 517)


@settings(max_examples=500)  # pure and small; the sizes repeat
@given(
    st.lists(st.binary(min_size=1, max_size=MAX_MESSAGE_BYTES), min_size=1, max_size=4),
    st.sampled_from(MTUS),
)
def test_messages_come_out_of_their_chunks_as_they_went_in(messages: list[bytes], mtu: int) -> None:
    reassembler = Reassembler()
    found: list[bytes] = []
    for message in messages:
        pieces = chunks(framed(message), mtu)
        assert all(len(piece) <= mtu - 3 for piece in pieces)
        for piece in pieces:
            found += reassembler.feed(piece, 0.0)
    assert found == messages


def test_half_a_message_is_dropped_after_a_second_of_silence() -> None:
    reassembler = Reassembler()
    assert reassembler.feed(framed(b"forgotten")[:5], 10.0) == []
    assert reassembler.feed(framed(b"next"), 10.1 + SILENCE_ENDS_FRAME_S) == [b"next"]


def test_a_length_no_message_has_is_thrown_away() -> None:
    reassembler = Reassembler()
    assert reassembler.feed(b"\xff\xff" + b"x" * 200, 0.0) == []
    assert reassembler.feed(framed(b"next"), 0.1) == [b"next"]
    with pytest.raises(ValueError, match="1025"):
        framed(b"x" * (MAX_MESSAGE_BYTES + 1))


class Wire:
    """The package's own client with a car at the end of a wire, and what went over it."""

    def __init__(self, folder: Path, vin_of_client: str = VIN) -> None:
        from solar_charger.testing.bluetooth.car import BluetoothCar
        from tesla_protocol.command.keys_pb2 import Role

        self.now = 1000.0
        self.sent: list[bytes] = []
        self.car = BluetoothCar(
            Car(vin=VIN),
            ec.generate_private_key(ec.SECP256R1()),
            clock=lambda: self.now,
            random=os.urandom,
        )
        generate_key(folder / "private.pem")
        key = folder / "private.pem"
        self.car.keys.roles[bytes.fromhex(public_hex(key))] = Role.Value(OURS)
        self.client = self._client(vin_of_client, load_key(key))

    def _client(self, vin: str, key: ec.EllipticCurvePrivateKey) -> Any:
        stack = Hurried()
        self.base_error = stack.base_error
        made: dict[str, Any] = {"client": stack.vehicle(vin, key)}
        made["client"]._send = self._send
        made["client"].connect_if_needed = self._nothing
        return made["client"]

    async def _nothing(self, *_: Any) -> None:
        """The wire is always there."""

    async def _send(self, message: Any, requires: str, *_: Any, **__: Any) -> Any:
        self.sent.append(message.SerializeToString())
        answer = self.deliver(self.sent[-1])
        self.client.validate_msg(answer, message.uuid)
        return answer

    def deliver(self, frame: bytes) -> Any:
        """The car's answer to a message."""
        from tesla_protocol.command.universal_message_pb2 import RoutableMessage

        answer = self.car.receive(frame)
        assert answer is not None
        return RoutableMessage.FromString(answer)

    def fault(self, frame: bytes) -> str:
        """The name of the fault the car answers with."""
        from tesla_protocol.command.universal_message_pb2 import MessageFault_E

        number = self.deliver(frame).signedMessageStatus.signed_message_fault
        return MessageFault_E.Name(number).removeprefix("MESSAGEFAULT_ERROR_")

    def changed(self, **fields: Any) -> bytes:
        """The last message with fields of its signature changed."""
        from tesla_protocol.command.universal_message_pb2 import RoutableMessage

        message = RoutableMessage.FromString(self.sent[-1])
        for name, value in fields.items():
            setattr(message.signature_data.AES_GCM_Personalized_data, name, value)
        changed: bytes = message.SerializeToString()
        return changed


@pytest.fixture
def wire(tmp_path: Path) -> Wire:
    return Wire(tmp_path)


@needs_bluetooth
async def test_a_recorded_command_is_worth_nothing(wire: Wire) -> None:
    await wire.client.charge_start()
    assert wire.fault(wire.sent[-1]) == "INVALID_TOKEN_OR_COUNTER"
    assert wire.car.car.heard == ["charging-start"]


@needs_bluetooth
async def test_a_command_with_anything_changed_is_no_command(wire: Wire) -> None:
    await wire.client.set_charging_amps(10)
    assert wire.fault(wire.changed(counter=99)) == "INVALID_SIGNATURE"
    assert wire.fault(wire.changed(expires_at=99_999)) == "INVALID_SIGNATURE"
    assert wire.fault(wire.changed(nonce=b"0" * 12)) == "INVALID_SIGNATURE"
    assert wire.fault(wire.changed(epoch=b"0" * 16)) == "INCORRECT_EPOCH"
    assert wire.car.car.heard == ["charging-set-amps 10"]


@needs_bluetooth
async def test_a_command_from_a_while_ago_has_expired(wire: Wire) -> None:
    await wire.client.set_charging_amps(10)
    wire.now += 60
    assert wire.fault(wire.changed(counter=99)) == "TIME_EXPIRED"


@needs_bluetooth
async def test_a_command_meant_for_another_car_is_not_taken(tmp_path: Path) -> None:
    wire = Wire(tmp_path, vin_of_client="5YJ3E1EA7KF000999")
    wire.client._handshake_retry_interval = 0.0
    with pytest.raises(wire.base_error, match="authentication"):
        await wire.client.charge_start()
    assert wire.car.car.heard == []


@needs_bluetooth
async def test_a_new_session_carries_on_where_the_counter_was(wire: Wire) -> None:
    from tesla_protocol.command.universal_message_pb2 import Domain

    await wire.client.set_charging_amps(10)
    counter = wire.client._sessions[Domain.DOMAIN_INFOTAINMENT].counter
    await wire.client._handshake(Domain.DOMAIN_INFOTAINMENT)
    assert wire.client._sessions[Domain.DOMAIN_INFOTAINMENT].counter == counter
    await wire.client.set_charging_amps(11)
    assert wire.car.car.request_amps == 11
