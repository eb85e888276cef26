"""The simulated wallbox: it behaves like a real one, well or badly as asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ocpp_proxy.testing.central_answers import OLD_FEATURES
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.central_timing import Timing
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC, BENY, GRIZZL_E, PLAIN, PRESETS, SILENT, Quirks
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from tests.ocpp_proxy.strict_peers import strict_server

UNHURRIED = Timing(knows_after=0.0)


@dataclass
class Ear:
    """A server that notes every frame as it came and answers a boot, nothing else."""

    url: str = ""
    frames: list[str | bytes] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[ServerConnection] = field(default_factory=list)

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for message in connection:
            self.frames.append(message)
            self.heard.set()
            if isinstance(message, str) and '"BootNotification"' in message:
                number = json.loads(message.strip("\x00"), strict=False)[1]
                answer = {"status": "Accepted", "currentTime": "", "interval": 60}
                await connection.send(json.dumps([3, number, answer]))

    async def frame_with(self, text: str) -> str | bytes:
        async with asyncio.timeout(5):
            while True:
                for frame in self.frames:
                    if text in (frame if isinstance(frame, str) else frame.decode()):
                        return frame
                self.heard.clear()
                await self.heard.wait()


@asynccontextmanager
async def ear(**settings: Any) -> AsyncIterator[Ear]:
    found = Ear()
    async with serve(
        found.handle, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp1.6")], **settings
    ) as server:
        found.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield found


async def test_a_whole_charging_session_passes_a_strict_central_system() -> None:
    async with strict_server() as (server, port):
        async with Wallbox("BOX1", f"ws://127.0.0.1:{port}", replace(PLAIN, connectors=2)) as box:
            await box.events.wait_for("call_answered", action="StatusNotification", count=3)
            session = await box.charge(2)
            await box.send_meter_values(2)
            await box.unplug(2)
            await box.notify("FirmwareStatusNotification")
            await box.send_heartbeat()
        assert session is not None
        assert session.id == 4711
        stop = server.events.find("call", method="StopTransaction")[0]["params"]
        statuses = [
            e["params"]["status"]
            for e in server.events.find("call", method="StatusNotification")
            if e["params"]["connectorId"] == 2
        ]
        assert stop["reason"] == "EVDisconnected"
        assert stop["transactionId"] == 4711
        assert statuses == ["Available", "Preparing", "Charging", "Available"]
        assert server.complaints() == []


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("CancelReservation", {"reservationId": 1}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "120"}),
    ("ClearCache", {}),
    ("ClearChargingProfile", {}),
    ("DataTransfer", {"vendorId": "Example"}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}),
    ("GetConfiguration", {}),
    ("GetConfiguration", {"key": ["HeartbeatInterval", "Unheard"]}),
    ("GetDiagnostics", {"location": "ftp://192.0.2.1/x"}),
    ("GetLocalListVersion", {}),
    ("RemoteStartTransaction", {"idTag": "evcc", "connectorId": 1}),
    ("RemoteStopTransaction", {"transactionId": 9}),
    (
        "ReserveNow",
        {"connectorId": 1, "expiryDate": "2030-01-01T00:00:00Z", "idTag": "x", "reservationId": 1},
    ),
    ("Reset", {"type": "Soft"}),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full"}),
    ("TriggerMessage", {"requestedMessage": "MeterValues"}),
    ("UnlockConnector", {"connectorId": 1}),
    ("UpdateFirmware", {"location": "ftp://192.0.2.1/x", "retrieveDate": "2030-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize(("action", "payload"), COMMANDS)
async def test_every_command_gets_an_answer_that_fits_the_official_schema(
    action: str, payload: dict[str, Any]
) -> None:
    async with (
        strict_server() as (server, port),
        Wallbox("BOX1", f"ws://127.0.0.1:{port}", replace(PLAIN, reconnect_delays=())) as box,
    ):
        await box.registered.wait()
        await server.call(action, payload)
        await server.events.wait_for("answered", method=action)
        assert server.complaints() == []


@pytest.mark.parametrize("target", ["//BOX1", "///a//BOX1?x=//1", "/ocpp/BOX1", "/CP%201", "/"])
async def test_the_request_target_goes_out_byte_for_byte(target: str) -> None:
    async with CentralSystem() as system:
        quirks = replace(PLAIN, target=target, reconnect_delays=())
        async with Wallbox("BOX1", system.url, quirks):
            await system.events.wait_for("request", target=target)


@pytest.mark.parametrize(
    "headers",
    [(), ("",), ("OCPP1.6",), ("ocpp2.0.1, ocpp1.6",), ("ocpp2.0.1", "ocpp1.6"), ("ocpp1.6J",)],
)
async def test_subprotocol_headers_go_out_as_the_quirk_says(headers: tuple[str, ...]) -> None:
    async with CentralSystem() as system:
        quirks = replace(PLAIN, subprotocol_headers=headers, reconnect_delays=())
        async with Wallbox("BOX1", system.url, quirks):
            await system.events.wait_for("request", subprotocols=list(headers))


async def test_a_password_of_raw_bytes_goes_out_as_basic_authentication() -> None:
    async with ear() as server:
        quirks = replace(PLAIN, password=bytes([0, 1, 2, 255, 255]))
        async with Wallbox("AL1000", server.url, quirks) as box:
            await box.registered.wait()
            request = server.connections[0].request
            assert request is not None
            assert request.headers["Authorization"] == "Basic QUwxMDAwOgABAv//"


async def test_a_limit_lowers_what_the_car_draws_and_zero_pauses_it() -> None:
    async with CentralSystem(timing=UNHURRIED) as system, Wallbox("BOX1", system.url) as box:
        await system.events.wait_for("operational")
        await box.charge()
        assert await system.set_limit("BOX1", 8) == "Accepted"
        await box.events.wait_for("profile", limit=8.0)
        assert box.connectors[1].power == pytest.approx(8 * 690)
        assert await system.set_limit("BOX1", 0) == "Accepted"
        await system.events.wait_for("status", status="SuspendedEVSE")
        assert box.connectors[1].power == 0


async def test_an_actec_takes_watts_only_ignores_zero_and_three_commands() -> None:
    async with ear() as server, Wallbox("AcTec001", server.url, ACTEC) as box:
        await box.registered.wait()
        connection = server.connections[0]
        for action, payload in COMMANDS:
            if action in ("ChangeAvailability", "TriggerMessage"):
                await connection.send(json.dumps([2, f"x{action}", action, payload]))
                await box.events.wait_for("ignored", action=action)
        await box.plug()
        starting = asyncio.create_task(box.start_transaction(1, "tag"))
        for unit, limit, status, amps in (
            ("A", 6.0, "Rejected", 16),
            ("W", 5520.0, "Accepted", 8),
            ("W", 0.0, "Accepted", 16),
        ):
            await connection.send(json.dumps([2, f"{unit}{limit}", *_profile(unit, limit)]))
            answer = json.loads(await server.frame_with(f'[3,"{unit}{limit}"'))[2]
            assert answer["status"] == status
            assert "connectorId" in answer
            await box.settle()
            assert box.connectors[1].amps == pytest.approx(amps)
        starting.cancel()
        assert not any("xTriggerMessage" in str(frame) for frame in server.frames)


def _profile(unit: str, limit: float) -> tuple[str, dict[str, Any]]:
    schedule = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return "SetChargingProfile", {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 231,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": schedule,
        },
    }


async def test_an_actec_drops_the_link_after_four_errors_to_its_firmware_status() -> None:
    quirks = replace(ACTEC, target="/{id}", firmware_status_every=0.02)
    async with (
        CentralSystem(features=OLD_FEATURES, timing=UNHURRIED) as system,
        Wallbox("AcTec001", system.url, quirks) as box,
    ):
        await box.events.wait_for("disconnected")
        failed = box.events.find("call_failed", action="FirmwareStatusNotification")
        assert len([e for e in failed if e["code"] == "NotSupported"]) == 4
        assert box.ever_closed


async def test_losing_wifi_leaves_the_old_socket_open_while_a_new_one_connects() -> None:
    async with CentralSystem(timing=UNHURRIED) as system, Wallbox("BOX1", system.url) as box:
        await system.events.wait_for("operational")
        box.lose_wifi()
        await system.events.wait_for("duplicate")
        await box.events.wait_for("disconnected", code=1008)
        assert system.events.find("disconnected") == []


async def test_a_box_that_answers_no_pings_leaves_them_without_pong() -> None:
    quirks = replace(PLAIN, answers_pings=False, reconnect_delays=())
    async with (
        ear(ping_interval=0.05, ping_timeout=0.2) as server,
        Wallbox("BOX1", server.url, quirks) as box,
    ):
        await box.events.wait_for("disconnected", code=1011)


async def test_an_ordinary_box_answers_pings() -> None:
    async with ear(ping_interval=None) as server, Wallbox("BOX1", server.url) as box:
        await box.registered.wait()
        async with asyncio.timeout(5):
            await (await server.connections[0].ping())
        assert box.link is not None
        assert box.link.pings_seen == 1


async def test_a_box_that_wants_traffic_leaves_an_idle_connection_with_1001() -> None:
    quirks = replace(SILENT, closes_when_idle=0.2, reconnect_delays=())
    async with CentralSystem() as system, Wallbox("BOX1", system.url, quirks):
        await system.events.wait_for("disconnected", code=1001)


async def test_a_transaction_begun_offline_is_reported_when_the_box_is_back() -> None:
    quirks = replace(PLAIN, reconnect_delays=(0.05,))
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        Wallbox("BOX1", system.url, quirks) as box,
    ):
        await system.events.wait_for("operational")
        await system.stop()
        await box.events.wait_for("disconnected", code=1006)
        charging = asyncio.create_task(box.charge())
        await system.start()
        await system.events.wait_for("start_transaction")
        async with asyncio.timeout(5):
            session = await charging
        assert session is not None
        assert session.id is not None


@pytest.mark.parametrize(("one_open_call", "sent"), [(True, 1), (False, 3)])
async def test_only_a_disciplined_box_waits_for_each_answer(one_open_call: bool, sent: int) -> None:
    quirks = replace(
        SILENT, one_open_call=one_open_call, status_on_reconnect=False, call_timeout=0.5
    )
    async with ear() as server, Wallbox("BOX1", server.url, quirks) as box:
        await box.registered.wait()
        calls = [asyncio.create_task(box.call("Heartbeat", {})) for _ in range(3)]
        await server.frame_with("Heartbeat")
        await box.events.wait_for("call_failed", code="Timeout")
        assert sum("Heartbeat" in str(frame) for frame in server.frames) == sent
        for call in calls:
            call.cancel()


@pytest.mark.parametrize(
    ("quirks", "within", "written"),
    [
        (Quirks(zero_timestamps=True), "StatusNotification", '"0000-00-00T00:00:00.000Z"'),
        (Quirks(numeric_ids=True), "BootNotification", '[2,1,"BootNotification"'),
        (Quirks(trailing_nul=True), "BootNotification", "}]\x00"),
        (Quirks(nul_in_strings=True), "BootNotification", '"chargePointModel":"\x00Plain'),
        (BENY, "MeterValues", '"sampledValue":[,{'),
        (Quirks(number_values=True), "MeterValues", '"value":0,'),
        (Quirks(empty_values=True), "MeterValues", '"value":""'),
        (GRIZZL_E, "GetConfiguration", '"unknownKey":["x"]'),
    ],
)
async def test_a_quirk_shows_on_the_wire(quirks: Quirks, within: str, written: str) -> None:
    quirks = replace(quirks, subprotocol_headers=("ocpp1.6",), target="/x")
    async with ear() as server, Wallbox("BOX1", server.url, quirks) as box:
        await box.registered.wait()
        connection = server.connections[0]
        if within == "MeterValues":
            await connection.send('[2,"m","TriggerMessage",{"requestedMessage":"MeterValues"}]')
            await server.frame_with('[3,"m"')
            first = json.loads(str(await server.frame_with("StatusNotification")))[1]
            await connection.send(f'[3,"{first}",{{}}]')
        if within == "GetConfiguration":
            await connection.send('[2,"g","GetConfiguration",{"key":["x"]}]')
            frame = await server.frame_with('[3,"g"')
            assert str(frame).endswith(written)
            return
        assert written in str(await server.frame_with(f'"{within}"'))


async def test_binary_frames_carry_the_same_text() -> None:
    quirks = replace(PLAIN, binary_frames=True)
    async with ear() as server, Wallbox("BOX1", server.url, quirks):
        assert isinstance(await server.frame_with("BootNotification"), bytes)


@pytest.mark.parametrize("name", PRESETS)
async def test_every_preset_boots_at_a_central_system_that_takes_it(name: str) -> None:
    quirks = replace(PRESETS[name], target="/{id}", subprotocol_headers=("ocpp1.6",))
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        Wallbox("BOX1", system.url, quirks) as box,
    ):
        await system.events.wait_for("boot", status="Accepted")
        async with asyncio.timeout(5):
            await box.registered.wait()
