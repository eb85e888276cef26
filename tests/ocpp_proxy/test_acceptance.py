"""What the proxy is for, with a wallbox, a central system like evcc and the real program between.

The number in a name is the point of the acceptance list: 1 the behaviour it must have at least,
5 evcc restarts, 6 Wi-Fi drops, 10 a clean stop; 2, 3, 4 and 8 are in test_acceptance_handshake.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC, BENY, PLAIN, SILENT

from tests.ocpp_proxy.harness import central_system, charger, free_port, until
from tests.ocpp_proxy.proxied import PATIENT, STUBBORN, UNHURRIED, logged, proxied, url
from tests.ocpp_proxy.strict_peers import strict_client, strict_server

SEEN_WORKING = {
    "BootNotification",
    "StatusNotification",
    "Heartbeat",
    "MeterValues",
    "Authorize",
    "StartTransaction",
}


async def test_acceptance_01_a_wallbox_with_a_double_slash_charges_under_evcc(
    tmp_path: Path,
) -> None:
    quirks = replace(ACTEC, ignores=frozenset(), heartbeat_every=0.2, firmware_status_every=0.2)
    async with (
        CentralSystem(timing=replace(UNHURRIED, meter_tick=0.1, control_interval=0.2)) as system,
        proxied(tmp_path, system.port, log_level="debug") as proxy,
        Wallbox("AcTec001", url(proxy), quirks) as box,
    ):
        await system.events.wait_for("operational")
        request = await system.events.wait_for("request")
        assert request["target"] == "/AcTec001"
        assert request["subprotocols"] == ["ocpp1.6"]
        session = await box.charge()
        assert session is not None
        assert session.id
        assert await system.set_limit("AcTec001", 10) == "Accepted"
        assert box.connectors[1].amps == pytest.approx(10)
        await system.events.wait_for("command_answered", action="GetCompositeSchedule")
        await system.events.wait_for("heartbeat")
        await box.unplug()
        await system.events.wait_for("stop_transaction")
        answered = {e["action"] for e in box.events.find("call_answered")}
        assert answered >= SEEN_WORKING
        assert not box.ever_closed


@pytest.mark.parametrize(
    ("target", "arrives"),
    [
        ("//AcTec001", "/AcTec001"),
        ("///AcTec001", "/AcTec001"),
        ("/AcTec001/", "/AcTec001"),
        ("//AcTec001?cb=http://x//y", "/AcTec001?cb=http://x//y"),
        ("/CP%201", "/CP%201"),
    ],
)
async def test_acceptance_01_the_path_is_cleaned_and_the_query_left_alone(
    target: str, arrives: str, tmp_path: Path
) -> None:
    quirks = replace(PLAIN, target=target)
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("AcTec001", url(proxy), quirks) as box,
    ):
        await box.events.wait_for("connected")
        assert [e["target"] for e in system.events.find("request")] == [arrives]


async def test_acceptance_01_nobody_is_accepted_while_evcc_is_away(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, free_port()) as proxy,
        Wallbox("BOX1", url(proxy), PATIENT) as box,
    ):
        refused = await box.events.wait_for("refused")
        assert refused["status"] == 502
        assert "127.0.0.1" not in refused["body"]
        assert not box.events.find("connected")


async def test_acceptance_01_told_to_close_it_passes_the_loss_of_evcc_on(tmp_path: Path) -> None:
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port, on_upstream_loss="close") as proxy,
        Wallbox("BOX1", url(proxy), PATIENT) as box,
    ):
        await box.events.wait_for("connected")
        await system.stop()
        await box.events.wait_for("disconnected", code=1012, reason="upstream lost")


async def test_acceptance_01_the_log_tells_who_came_and_in_debug_each_message(
    tmp_path: Path,
) -> None:
    quirks = replace(PLAIN, target="//{id}")
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port, log_level="debug") as proxy,
    ):
        async with Wallbox("AcTec001", url(proxy), quirks):
            await system.events.wait_for("operational")
        await until(lambda: logged(proxy, "AcTec001", "1000"), "no line about the end")
        assert logged(proxy, "INFO", "AcTec001", "127.0.0.1")
        assert logged(proxy, "DEBUG", "AcTec001", "→", "BootNotification")
        assert logged(proxy, "DEBUG", "AcTec001", "←", "ChangeAvailability")


async def test_acceptance_01_the_other_leg_ends_as_soon_as_one_does(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port) as proxy,
        charger(proxy.port) as box,
    ):
        await until(lambda: central.connections, "nobody came")
        box.transport.abort()
        await until(lambda: central.closes, "upstream was left open")
        assert central.closes == [(1001, "charger connection lost")]


async def test_acceptance_01_a_reason_of_full_length_closes_the_other_leg_properly(
    tmp_path: Path,
) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port) as proxy,
        charger(proxy.port) as box,
    ):
        await box.close(4000, "x" * 123)
        await until(lambda: central.closes, "upstream was left open")
        assert central.closes == [(4000, "x" * 123)]


async def test_acceptance_01_an_idle_box_outlives_the_read_deadline_of_evcc(
    tmp_path: Path,
) -> None:
    timing = replace(UNHURRIED, read_deadline=2.0, meter_tick=60.0)
    quirks = replace(SILENT, configuration={"WebSocketPingInterval": "0"})
    async with (
        CentralSystem(timing=timing) as system,
        proxied(tmp_path, system.port, ping_interval=1) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as box,
    ):
        await box.events.wait_for("connected")
        link = box.link
        assert link is not None
        await until(lambda: link.pings_seen >= 4, "the proxy sends no pings")
        assert not system.events.find("disconnected")
        assert not box.ever_closed


async def test_acceptance_01_no_compression_on_either_leg(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port) as proxy,
        charger(proxy.port, compression="deflate") as box,
    ):
        assert box.protocol.extensions == []
        assert "Sec-WebSocket-Extensions" not in central.requests[0][1]


@pytest.mark.parametrize("connectors", [1, 2])
@pytest.mark.parametrize("unknown_for", [0.0, 1.5])
async def test_acceptance_05_evcc_restart_with_silent_wallbox_is_operational_within_5_s(
    connectors: int, unknown_for: float, tmp_path: Path
) -> None:
    quirks = replace(STUBBORN, connectors=connectors)
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as box,
    ):
        await system.events.wait_for("operational")
        await system.events.wait_for("status", connector=connectors)
        system.timing = replace(UNHURRIED, knows_after=unknown_for)
        mark = system.events.mark()
        await system.restart(away=1.0)
        knows = await system.events.wait_for("knows", after=mark)
        boot = await system.events.wait_for("boot", after=mark, status="Accepted", within=15)
        seen = [
            await system.events.wait_for("status", after=mark, connector=n)
            for n in range(1, connectors + 1)
        ]
        ready = await system.events.wait_for("operational", after=mark)
        assert max(e.at for e in (boot, ready, *seen)) - knows.at <= 5
        assert len(system.events.find("boot", after=mark, status="Accepted")) == 1
        assert not box.ever_closed


async def test_acceptance_05_a_charging_session_lives_through_an_evcc_restart(
    tmp_path: Path,
) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), PATIENT) as box,
    ):
        await system.events.wait_for("operational")
        session = await box.charge()
        assert session is not None
        await system.stop()
        await until(lambda: logged(proxy, "BOX1", "upstream lost"), "the loss was not noticed")
        assert (await box.call("Heartbeat", {}))["currentTime"]
        for _ in range(3):
            await box.send_meter_values(1)
        mark = system.events.mark()
        stopping = asyncio.create_task(box.unplug())
        await box.events.wait_for("call_sent", action="StopTransaction")
        await system.start()
        stop = await system.events.wait_for("stop_transaction", after=mark, within=20)
        assert stop["transactionId"] == session.id
        async with asyncio.timeout(10):
            await stopping
        told = [e["payload"].get("transactionId") for e in system.events.find("meter_values", mark)]
        assert told.count(session.id) >= 3
        await system.events.wait_for("status", after=mark, connector=1, status="Available")
        assert not box.ever_closed


async def test_acceptance_05_an_evcc_that_stays_away_sends_the_box_offline(tmp_path: Path) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port, hold_seconds=1) as proxy,
        Wallbox("BOX1", url(proxy), PATIENT) as box,
    ):
        await system.events.wait_for("operational")
        await system.stop()
        await box.events.wait_for("disconnected", code=1012)
        await box.events.wait_for("refused", status=502)
        mark = system.events.mark()
        await system.start()
        await system.events.wait_for("operational", after=mark)


async def test_acceptance_05_a_box_deaf_to_triggers_is_operational_within_5_s_too(
    tmp_path: Path,
) -> None:
    # Core without RemoteTrigger: evcc then triggers nothing but the first boot.
    quirks = replace(
        STUBBORN,
        ignores=frozenset({"TriggerMessage"}),
        configuration={"SupportedFeatureProfiles": "Core,SmartCharging"},
    )
    timing = replace(UNHURRIED, knows_after=1.0)
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as box,
    ):
        await system.events.wait_for("operational")
        system.timing = timing
        mark = system.events.mark()
        await system.restart(away=0.5)
        knows = await system.events.wait_for("knows", after=mark)
        ready = await system.events.wait_for("operational", after=mark, within=15)
        assert ready.at - knows.at <= 5
        assert not box.ever_closed


async def test_acceptance_05_a_transaction_begun_meanwhile_gets_evccs_number(
    tmp_path: Path,
) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), STUBBORN) as box,
    ):
        await system.events.wait_for("operational")
        await system.stop()
        await until(lambda: logged(proxy, "BOX1", "upstream"), "the loss was not noticed")
        starting = asyncio.create_task(box.start_transaction(1, "04A2B3C4"))
        await box.events.wait_for("call_sent", action="StartTransaction")
        await system.start()
        started = await box.events.wait_for("transaction_started", within=20)
        await starting
        assert started["id"] > 0
        assert len(system.events.find("start_transaction")) == 1
        assert not box.ever_closed


async def test_acceptance_05_a_restart_of_the_proxy_itself_needs_no_boot_of_the_box(
    tmp_path: Path,
) -> None:
    async with CentralSystem(timing=UNHURRIED) as system, AsyncExitStack() as rest:
        first = await rest.enter_async_context(proxied(tmp_path, system.port))
        box = await rest.enter_async_context(Wallbox("BOX1", url(first), STUBBORN))
        await system.events.wait_for("operational")
        await first.stop()
        second = await rest.enter_async_context(proxied(tmp_path, system.port))
        mark = system.events.mark()
        box.url = url(second)
        # The proxy gives the box 3 s to boot by itself.
        await system.events.wait_for("boot", after=mark, status="Accepted")
        assert len(box.events.find("call_sent", action="BootNotification")) == 1


async def test_acceptance_06_after_a_wifi_drop_the_new_session_is_usable_within_3_s(
    tmp_path: Path,
) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), PATIENT) as box,
    ):
        await system.events.wait_for("operational")
        mark = box.events.mark()
        box.lose_wifi()
        lost = asyncio.get_running_loop().time()
        await box.events.wait_for("connected", after=mark)
        booted = await box.events.wait_for("call_answered", after=mark, action="BootNotification")
        assert booted["answer"]["status"] == "Accepted"
        assert asyncio.get_running_loop().time() - lost <= 3
        assert await system.set_limit("BOX1", 6) == "Accepted"
        assert not system.events.find("duplicate")
        assert not box.events.find("disconnected", code=1008)


async def test_acceptance_06_a_box_that_does_not_boot_after_the_drop_is_online_too(
    tmp_path: Path,
) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), STUBBORN) as box,
    ):
        await system.events.wait_for("operational")
        mark = system.events.mark()
        box.lose_wifi()
        await system.events.wait_for("connected", after=mark)
        # The proxy gives the box 3 s to boot by itself; evcc alone would take 60.
        await system.events.wait_for("boot", after=mark, status="Accepted", within=6)
        await system.events.wait_for("online", after=mark)


async def test_acceptance_10_a_stop_closes_both_legs_properly(tmp_path: Path) -> None:
    quirks = replace(PLAIN, reconnect_delays=())
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as one,
        Wallbox("BOX2", url(proxy), quirks) as two,
    ):
        await one.events.wait_for("connected")
        await two.events.wait_for("connected")
        async with asyncio.timeout(10):
            assert await proxy.stop() == 0
        for box in (one, two):
            await box.events.wait_for("disconnected", code=1001)
            await system.events.wait_for("disconnected", station=box.id, code=1001)


async def test_acceptance_10_a_stop_does_not_wait_for_a_box_that_is_gone(tmp_path: Path) -> None:
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), replace(PLAIN, reconnect_delays=())) as box,
    ):
        await box.events.wait_for("connected")
        assert box.link is not None
        box.link.vanish()
        async with asyncio.timeout(10):
            assert await proxy.stop() == 0


async def test_acceptance_10_a_stop_during_a_dial_answers_503(tmp_path: Path) -> None:
    called = asyncio.Event()
    callers: list[asyncio.StreamWriter] = []  # dropped, they would close

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)
        called.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        quirks = replace(PLAIN, reconnect_delays=())
        async with (
            proxied(tmp_path, port) as proxy,
            Wallbox("BOX1", url(proxy), quirks) as box,
        ):
            async with asyncio.timeout(5):
                await called.wait()
            async with asyncio.timeout(10):
                assert await proxy.stop() == 0
            await box.events.wait_for("refused", status=503)
        # Since Python 3.12 a server's end waits for its connections.
        for writer in callers:
            writer.close()


async def test_a_strict_wallbox_finds_nothing_wrong_through_the_proxy(tmp_path: Path) -> None:
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        strict_client(url(proxy), "RPC1") as box,
    ):
        await system.events.wait_for("operational", within=20)
        mark = system.events.mark()
        await system.restart(away=0.2)
        await system.events.wait_for("operational", after=mark, within=15)
        assert await system.set_limit("RPC1", 6.37) == "Accepted"
        assert not box.events.find("disconnected")
        assert box.complaints() == []


async def test_a_strict_central_system_finds_nothing_wrong_through_the_proxy(
    tmp_path: Path,
) -> None:
    quirks = replace(BENY, stray_comma=False)
    async with (
        strict_server() as (server, port),
        proxied(tmp_path, port) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as box,
    ):
        await box.events.wait_for("call_answered", action="StatusNotification", count=2)
        session = await box.charge()
        await box.send_meter_values(1)
        await server.call("RemoteStopTransaction", {"transactionId": 4711})
        await server.events.wait_for("answered", method="RemoteStopTransaction")
        await server.events.wait_for("call", method="StopTransaction")
        assert session is not None
        assert session.id == 4711
        assert server.complaints() == []
