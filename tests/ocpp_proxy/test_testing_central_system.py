"""The simulated central system: it behaves towards stations as evcc 0.313 was seen to."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.testing.central_answers import OLD_FEATURES
from ocpp_proxy.testing.central_router import route
from ocpp_proxy.testing.central_setup import MEASURANDS
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.central_timing import Timing
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC, PLAIN, SILENT
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.ocpp_proxy.strict_peers import strict_client

UNHURRIED = Timing(knows_after=0.0)
HASTY = Timing(
    knows_after=0.0,
    connect_timeout=0.5,
    boot_trigger=0.05,
    boot_timeout=0.2,
    command_timeout=0.2,
    meter_timeout=0.2,
    status_trigger=0.1,
    status_timeout=0.3,
    meter_tick=0.05,
    meter_interval=0.1,
    control_interval=0.05,
    online_after=0.3,
    gives_up_after=0.1,
)


@asynccontextmanager
async def raw(system: CentralSystem, target: str = "/BOX1") -> AsyncIterator[ClientConnection]:
    """A station that sends exactly what the test says."""
    async with connect(
        system.url + target, subprotocols=[Subprotocol("ocpp1.6")], ping_interval=None
    ) as connection:
        yield connection


async def ask(connection: ClientConnection, message: str | bytes) -> Any:
    await connection.send(message)
    return json.loads(await connection.recv())


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/AcTec001", (101, "AcTec001")),
        ("/CP%201", (101, "CP 1")),
        ("//AcTec001?a=b", (301, "/AcTec001?a=b")),
        ("///a//b", (301, "/a/b")),
        ("/a/../b", (301, "/b")),
        ("/./b", (301, "/b")),
        ("/AcTec001/", (404, "404 page not found")),
        ("/ocpp/AcTec001", (404, "404 page not found")),
        ("/a%2Fb", (404, "404 page not found")),
        ("/", (404, "404 page not found")),
    ],
)
def test_a_target_is_routed_as_evcc_does(target: str, answer: tuple[int, str]) -> None:
    assert route(target) == answer


async def test_a_doubled_slash_is_answered_by_a_redirect_that_a_wallbox_does_not_follow() -> None:
    async with CentralSystem() as system:
        quirks = replace(PLAIN, target="//{id}?a=b", reconnect_delays=())
        async with Wallbox("AcTec001", system.url, quirks) as box:
            await box.events.wait_for("refused", status=301)
        redirected = await system.events.wait_for("redirected", location="/AcTec001?a=b")
        assert redirected["target"] == "//AcTec001?a=b"


@pytest.mark.parametrize("headers", [(), ("",), ("OCPP1.6",), ("ocpp2.0.1",)])
async def test_without_exactly_ocpp16_the_connection_opens_and_closes_with_1002(
    headers: tuple[str, ...],
) -> None:
    async with CentralSystem() as system:
        quirks = replace(PLAIN, subprotocol_headers=headers, reconnect_delays=())
        async with Wallbox("BOX1", system.url, quirks) as box:
            await box.events.wait_for("connected", subprotocol=None)
            await box.events.wait_for(
                "disconnected", code=1002, reason="invalid or unsupported subprotocol"
            )


async def test_a_second_connection_of_an_id_is_closed_with_1008_and_the_first_stays() -> None:
    async with CentralSystem() as system, raw(system) as first, raw(system) as second:
        with pytest.raises(ConnectionClosed) as closed:
            await second.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert closed.value.rcvd.reason == "a connection with this ID already exists"
        assert (await ask(first, '[2,"1","Heartbeat",{}]'))[0] == 3


async def test_a_station_is_set_up_by_thirteen_commands_one_at_a_time() -> None:
    async with CentralSystem(timing=UNHURRIED) as system, Wallbox("BOX1", system.url):
        await system.events.wait_for("operational")
        sent = [(e["action"], e["payload"]) for e in system.events.find("command")]
        accepted = ",".join(name for name in MEASURANDS if name not in ("Power.Offered", "SoC"))
        samples = "MeterValuesSampledData"
        assert sent == [
            ("ChangeAvailability", {"connectorId": 0, "type": "Operative"}),
            ("GetConfiguration", {}),
            *(("ChangeConfiguration", {"key": samples, "value": name}) for name in MEASURANDS),
            ("ChangeConfiguration", {"key": samples, "value": accepted}),
            ("TriggerMessage", {"requestedMessage": "MeterValues"}),
            ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "10"}),
            ("ChangeConfiguration", {"key": "WebSocketPingInterval", "value": "30"}),
        ]


async def test_before_it_knows_its_chargers_it_answers_pending_and_keeps_the_status() -> None:
    timing = replace(UNHURRIED, knows_after=None, boot_trigger=0.05)
    quirks = replace(PLAIN, ignores_pending=True)
    async with (
        CentralSystem(timing=timing) as system,
        Wallbox("BOX1", system.url, quirks) as box,
    ):
        await system.events.wait_for("boot", status="Pending")
        await system.events.wait_for("status", connector=1)
        session = await box.charge()
        assert session is not None
        assert session.id == 0
        await box.unplug()
        assert system.events.find("command") == []
        system.know()
        await system.events.wait_for("operational")
        triggers = [
            e["payload"]["requestedMessage"]
            for e in system.events.find("command", action="TriggerMessage")
        ]
        assert triggers == ["BootNotification", "MeterValues"]
        session = await box.charge()
        assert session is not None
        assert session.id is not None
        assert session.id > 0


async def test_no_answer_to_get_configuration_makes_the_charger_fail() -> None:
    quirks = replace(ACTEC, target="/{id}")
    async with CentralSystem(timing=HASTY) as system, Wallbox("AcTec001", system.url, quirks):
        await system.events.wait_for("command_failed", action="ChangeAvailability", code="Timeout")
        await system.events.wait_for("failed")
        await system.events.wait_for("gave_up")


async def test_a_station_without_status_makes_the_charger_fail() -> None:
    quirks = replace(PLAIN, connectors=0)
    async with CentralSystem(timing=HASTY) as system, Wallbox("BOX1", system.url, quirks):
        await system.events.wait_for("failed", cause="timeout: no status")


async def test_a_station_that_never_comes_makes_the_charger_fail() -> None:
    async with CentralSystem(stations=["BOX1"], timing=HASTY) as system:
        await system.events.wait_for("failed", station="BOX1")


async def test_a_silent_station_is_asked_for_its_boot_again_during_the_set_up() -> None:
    timing = replace(HASTY, knows_after=None)
    async with CentralSystem(timing=timing) as system:
        ignoring = replace(SILENT, ignores=frozenset({"TriggerMessage"}), ignores_pending=True)
        async with Wallbox("BOX1", system.url, ignoring):
            await system.events.wait_for("status", connector=1)
            system.know()
            await system.events.wait_for("operational")
            asked = system.events.find("command", action="TriggerMessage")
            wanted = [e["payload"]["requestedMessage"] for e in asked]
            assert wanted[:3] == ["BootNotification", "BootNotification", "MeterValues"]


async def test_a_list_with_core_but_without_remote_trigger_stops_the_triggers() -> None:
    quirks = replace(PLAIN, configuration={"SupportedFeatureProfiles": "Core,SmartCharging"})
    async with CentralSystem(timing=HASTY) as system, Wallbox("BOX1", system.url, quirks):
        await system.events.wait_for("operational")
        assert system.events.find("command", action="TriggerMessage") == []


async def test_a_restart_gives_no_close_frame_and_forgets_everything() -> None:
    quirks = replace(SILENT, reconnect_delays=(0.05,))
    async with CentralSystem(timing=UNHURRIED) as system, Wallbox("BOX1", system.url, quirks) as b:
        await system.events.wait_for("operational")
        port = system.port
        await system.restart()
        await b.events.wait_for("disconnected", code=1006)
        await b.events.wait_for("connected", count=2)
        assert system.port == port
        assert not system.station("BOX1").statuses
        assert system.station("BOX1").boot is None


async def test_only_messages_and_pings_renew_the_read_deadline() -> None:
    timing = replace(UNHURRIED, knows_after=None, read_deadline=0.4)
    async with CentralSystem(timing=timing) as system, raw(system) as connection:
        for _ in range(8):
            await asyncio.sleep(0.1)
            await (await connection.ping())
        await asyncio.sleep(0.1)
        await connection.pong()
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is None


async def test_after_a_reconnect_without_boot_the_charger_is_offline_for_a_while() -> None:
    timing = replace(UNHURRIED, online_after=0.3, meter_tick=60)
    quirks = replace(SILENT, reconnect_delays=(0.01,))
    async with CentralSystem(timing=timing) as system, Wallbox("BOX1", system.url, quirks) as box:
        await system.events.wait_for("operational")
        mark = system.events.mark()
        box.disconnect()
        await system.events.wait_for("connected", after=mark)
        assert not system.chargers["BOX1"].online
        await system.events.wait_for("online", after=mark)
        assert system.events.find("boot", after=mark) == []
        assert system.events.find("command", after=mark) == []


async def test_a_boot_during_operation_runs_the_set_up_again() -> None:
    async with CentralSystem(timing=UNHURRIED) as system, Wallbox("BOX1", system.url) as box:
        await system.events.wait_for("operational")
        mark = system.events.mark()
        await box.send_boot()
        await system.events.wait_for("reboot_detected", after=mark)
        await system.events.wait_for("operational", after=mark)
        assert len(system.events.find("command", after=mark)) == 13


async def test_the_first_command_may_overtake_the_answer_to_the_boot() -> None:
    timing = replace(UNHURRIED, boot_answer_delay=0.1)
    async with CentralSystem(timing=timing) as system, Wallbox("BOX1", system.url) as box:
        answered = await box.events.wait_for("call_answered", action="BootNotification")
        first = await box.events.wait_for("command", action="ChangeAvailability")
        assert first.number < answered.number


async def test_values_too_old_are_asked_for_and_the_schedule_where_nothing_is_offered() -> None:
    quirks = replace(PLAIN, configuration={"MeterValuesSampledData": "Voltage"})
    ignoring = replace(quirks, not_implemented=frozenset({"ChangeConfiguration"}))
    async with CentralSystem(timing=HASTY) as system, Wallbox("BOX1", system.url, ignoring):
        await system.events.wait_for("operational")
        mark = system.events.mark()
        trigger = await system.events.wait_for("command", action="TriggerMessage", after=mark)
        assert trigger["payload"] == {"requestedMessage": "MeterValues", "connectorId": 1}
        await system.events.wait_for("command_answered", action="GetCompositeSchedule")


async def test_a_box_that_takes_power_only_gets_watts() -> None:
    quirks = replace(PLAIN, limit_units=frozenset({"W"}))
    async with CentralSystem(timing=UNHURRIED) as system, Wallbox("BOX1", system.url, quirks) as b:
        await system.events.wait_for("operational")
        assert await system.set_limit("BOX1", 10.0) == "Accepted"
        await b.events.wait_for("profile", unit="W", limit=6900.0, accepted=True)


async def test_with_remote_start_a_plugged_car_charges_without_a_card() -> None:
    async with (
        CentralSystem(timing=UNHURRIED, remote_start="evcc") as system,
        Wallbox("BOX1", system.url) as box,
    ):
        await system.events.wait_for("operational")
        await box.plug()
        started = await system.events.wait_for("start_transaction")
        assert started["idTag"] == "evcc"
        await system.events.wait_for("status", status="Charging")
        await box.unplug()
        await system.events.wait_for("stop_transaction")
        await box.plug()
        await system.events.wait_for("start_transaction", count=2)


STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('[2,"1","Heartbeat"]', "FormationViolation"),
        ('[5,"1",{}]', "MessageTypeNotSupported"),
        ('[2,"1","Reservate",{}]', "NotSupported"),
        (("StatusNotification", STATUS | {"timestamp": ""}), "FormationViolation"),
        (("StatusNotification", STATUS | {"timestamp": "0000-00-00T00"}), "FormationViolation"),
        (("StatusNotification", STATUS | {"status": 7}), "FormationViolation"),
        (("StatusNotification", STATUS | {"status": "Sleeping"}), "GenericError"),
        (("StatusNotification", STATUS | {"info": "x" * 51}), "PropertyConstraintViolation"),
        (("Authorize", {}), "OccurenceConstraintViolation"),
        (("Authorize", {"idTag": ""}), "OccurenceConstraintViolation"),
        (("Authorize", {"idTag": "x" * 21}), "PropertyConstraintViolation"),
    ],
)
async def test_a_faulty_call_gets_the_error_evcc_gives(
    message: str | tuple[str, dict[str, Any]], code: str
) -> None:
    text = message if isinstance(message, str) else json.dumps([2, "1", *message])
    async with CentralSystem() as system, raw(system) as connection:
        answer = await ask(connection, text)
        assert answer[:3] == [4, "1", code]


@pytest.mark.parametrize(
    "message",
    ["{", '[2,"1","Heartbeat",{}]\x00', '[2,1,"Heartbeat",{}]', '[2,"","Heartbeat",{}]',
     f'[2,"{"x" * 37}","Heartbeat",{{}}]', '[3,"unasked",{}]'],
)  # fmt: skip
async def test_some_broken_messages_get_no_answer_and_cost_nothing(message: str) -> None:
    async with CentralSystem() as system, raw(system) as connection:
        await connection.send(message)
        answer = await ask(connection, '[2,"next","Heartbeat",{}]')
        assert answer[1] == "next"


@pytest.mark.parametrize(
    "message",
    [
        '[2,"1","Heartbeat",null]',
        '[2,"1","Heartbeat",{"extra":1}]',
        b'[2,"1","Heartbeat",{}]',
        json.dumps([2, "1", "StatusNotification", STATUS | {"timestamp": "2026-01-01T00:00:00"}]),
    ],
)
async def test_harmless_deviations_are_accepted(message: str | bytes) -> None:
    async with CentralSystem() as system, raw(system) as connection:
        assert (await ask(connection, message))[:2] == [3, "1"]
        assert (await ask(connection, message))[:2] == [3, "1"]


async def test_older_releases_do_not_know_firmware_status() -> None:
    call = '[2,"1","FirmwareStatusNotification",{"status":"Idle"}]'
    async with CentralSystem() as system, raw(system) as connection:
        assert await ask(connection, call) == [3, "1", {}]
    async with CentralSystem(features=OLD_FEATURES) as system, raw(system) as connection:
        answer = await ask(connection, call)
        assert answer[2:4] == ["NotSupported", "Unsupported feature FirmwareStatusNotification"]


async def test_an_unknown_path_is_404() -> None:
    async with CentralSystem() as system:
        with pytest.raises(InvalidStatus, match="404"):
            async with raw(system, "/ocpp/BOX1"):
                pass


async def test_a_strict_wallbox_finds_nothing_wrong_with_set_up_and_limits() -> None:
    async with CentralSystem(timing=UNHURRIED) as system, strict_client(system.url, "RPC1") as box:
        await system.events.wait_for("operational", within=20)
        assert await system.set_limit("RPC1", 6.37) == "Accepted"
        await box.events.wait_for("call", method="SetChargingProfile")
        assert box.complaints() == []


async def test_both_fakes_run_as_processes_that_print_a_line_per_event() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with (
        _process("central-system", "--port", str(port)) as system,
        _process("wallbox", "--url", f"ws://127.0.0.1:{port}", "--id", "B1",
                 "--quirk", "reconnect_delays=0.1", "--charge-after", "0.1") as box,
    ):  # fmt: skip
        await _line(box, r"B1 transaction_started connector=1 id=\d+")
        await _line(system, r"B1 operational")
        box.send_signal(signal.SIGTERM)
        await _line(system, r"B1 disconnected code=1000")
        system.send_signal(signal.SIGTERM)
        assert [await system.wait(), await box.wait()] == [0, 0]


@asynccontextmanager
async def _process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ocpp_proxy.testing", *arguments,
        cwd=Path(__file__).parents[2] / "ocpp_proxy", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _line(process: asyncio.subprocess.Process, pattern: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(15):
        async for line in process.stdout:
            if re.match(pattern, line.decode()):
                return
    raise AssertionError(f"ended without {pattern}")
