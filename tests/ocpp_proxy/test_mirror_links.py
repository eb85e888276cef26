"""Second central systems on real sockets, beside a primary that comes and goes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox

from tests.ocpp_proxy.conftest import StartProxy
from tests.ocpp_proxy.harness import central_system, charger, closed_with, free_port, until
from tests.ocpp_proxy.proxied import PATIENT, UNHURRIED, logged, proxied, url
from tests.ocpp_proxy.relaying import call


async def test_a_secondary_learns_everything_with_its_own_transaction_ids(
    start_proxy: StartProxy,
) -> None:
    async with CentralSystem(timing=UNHURRIED) as first, CentralSystem(timing=UNHURRIED) as second:
        proxy = await start_proxy(first.port, secondaries=[{"url": f"{second.url}/"}])
        # So that its numbers differ.
        for _ in range(100):
            next(second._transactions)
        async with Wallbox(
            "BOX 1", f"ws://127.0.0.1:{proxy.port}/", replace(PATIENT, target="/BOX%201")
        ) as box:
            await first.events.wait_for("operational")
            assert (await second.events.wait_for("request"))["target"] == "/BOX%201"
            second.station("BOX 1").set_up_done = True
            session = await box.charge()
            assert session is not None
            start = await second.events.wait_for("start_transaction")
            assert start["id"] not in (0, session.id)
            await box.send_meter_values(1)
            values = await second.events.wait_for("meter_values", after=start.number)
            while "transactionId" not in values["payload"]:  # a copy from before, for a trigger
                values = await second.events.wait_for("meter_values", after=values.number + 1)
            assert values["payload"]["transactionId"] == start["id"]
            await box.unplug()
            stop = await second.events.wait_for("stop_transaction")
            assert stop["transactionId"] == start["id"]
            assert (await first.events.wait_for("stop_transaction"))["transactionId"] == session.id
            await second.events.wait_for("boot", status="Accepted")
            commands = {e["action"] for e in box.events.find("command")}
            assert commands == {e["action"] for e in first.events.find("command")}


async def test_a_transaction_keeps_its_other_id_over_a_wi_fi_loss(start_proxy: StartProxy) -> None:
    async with CentralSystem(timing=UNHURRIED) as first, CentralSystem(timing=UNHURRIED) as second:
        proxy = await start_proxy(first.port, secondaries=[{"url": second.url}])
        for _ in range(100):
            next(second._transactions)
        async with Wallbox("BOX1", f"ws://127.0.0.1:{proxy.port}", PATIENT) as box:
            await first.events.wait_for("operational")
            second.station("BOX1").set_up_done = True
            await box.charge()
            start = await second.events.wait_for("start_transaction")
            assert box.link is not None
            box.link.abort()
            await box.events.wait_for("connected", count=2)
            await first.events.wait_for("boot", count=2)
            await box.unplug()
            stop = await second.events.wait_for("stop_transaction")
            assert stop["transactionId"] == start["id"]


async def test_a_secondary_has_its_own_credentials_and_never_the_charger_s(
    start_proxy: StartProxy,
) -> None:
    async with central_system() as first, central_system() as second, central_system() as third:
        secondaries = [
            {"url": f"{second.url}/ocpp", "username": "me", "password": "secret"},
            {"url": third.url, "stations": ["CP1"]},
        ]
        proxy = await start_proxy(first.port, secondaries=secondaries)
        headers = {"Authorization": "Basic Q1AxOmtleQ=="}
        async with (
            charger(proxy.port, additional_headers=headers),
            charger(proxy.port, "/CP2"),
        ):
            await until(lambda: len(second.requests) == 2, "the secondary was not dialled")
            await until(lambda: third.requests, "the other secondary was not dialled")
        assert sorted(path for path, _ in second.requests) == ["/ocpp/CP1", "/ocpp/CP2"]
        assert {found["Authorization"] for _, found in second.requests} == {"Basic bWU6c2VjcmV0"}
        assert [path for path, _ in third.requests] == ["/CP1"]
        assert "Authorization" not in third.requests[0][1]
        assert first.requests[0][1]["Authorization"] == "Basic Q1AxOmtleQ=="


async def test_copies_are_what_the_rules_left_and_no_answers(start_proxy: StartProxy) -> None:
    async with central_system() as first, central_system() as second:
        proxy = await start_proxy(
            first.port, secondaries=[{"url": second.url}], rules=["map_id_tag A B"]
        )
        first.reply = lambda message: None
        second.reply = lambda message: '[3,"1",{"idTagInfo":{"status":"Blocked"}}]'
        async with charger(proxy.port) as box:
            await box.send(call("1", "Authorize", {"idTag": "A"}), text=True)
            await until(lambda: second.messages, "no copy came")
            assert second.messages == ['[2,"1","Authorize",{"idTag":"B"}]']
            await first.connections[0].send('[2,"u","ClearCache",{}]')
            assert await box.recv() == '[2,"u","ClearCache",{}]'
            await box.send('[3,"u",{}]')
            await until(lambda: len(first.messages) == 2, "the answer was lost")
            assert len(second.messages) == 1


async def test_a_secondary_that_commands_is_refused_and_the_charger_hears_nothing(
    start_proxy: StartProxy,
) -> None:
    async with central_system() as first, central_system() as second:
        proxy = await start_proxy(first.port, secondaries=[{"url": second.url}])
        async with charger(proxy.port) as box:
            await until(lambda: second.connections, "the secondary was not dialled")
            await second.connections[0].send('[2,"9","Reset",{"type":"Hard"}]')
            await until(lambda: second.messages, "it was left waiting")
            assert second.messages == ['[4,"9","SecurityError","this connection is read-only",{}]']
            await first.connections[0].send('[2,"u","ClearCache",{}]')
            assert await box.recv() == '[2,"u","ClearCache",{}]'


async def test_copies_go_out_while_the_primary_is_away(start_proxy: StartProxy) -> None:
    async with central_system() as second, AsyncExitStack() as stack:
        async with central_system() as first:
            proxy = await start_proxy(first.port, secondaries=[{"url": second.url}])
            box = await stack.enter_async_context(charger(proxy.port))
            await until(lambda: second.connections, "the secondary was not dialled")
        status = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
        await box.send(call("s", "StatusNotification", status), text=True)
        async with asyncio.timeout(5):
            assert await box.recv() == '[3,"s",{}]'
        await until(lambda: second.messages, "no copy came")


async def test_a_missing_secondary_costs_the_charger_nothing_and_is_dialled_again(
    tmp_path: Path,
) -> None:
    port = free_port()
    async with (
        CentralSystem(timing=UNHURRIED) as first,
        proxied(tmp_path, first.port, secondaries=[{"url": f"ws://127.0.0.1:{port}"}]) as proxy,
        Wallbox("BOX1", url(proxy), PATIENT) as box,
    ):
        await first.events.wait_for("operational")
        await until(lambda: logged(proxy, "WARNING", "BOX1", str(port)), "no line about it")
        assert box.link is not None
        async with CentralSystem(port=port, timing=UNHURRIED) as second:
            boot = await second.events.wait_for("boot", within=20)
            assert boot["payload"] == dict(box.quirks.boot)
            await second.events.wait_for("status", connector=1)
        assert not box.ever_closed


async def test_a_secondary_that_takes_the_connection_and_says_nothing_delays_nobody(
    start_proxy: StartProxy,
) -> None:
    async with CentralSystem(timing=UNHURRIED) as first, central_system() as second:
        proxy = await start_proxy(first.port, secondaries=[{"url": second.url}])
        async with Wallbox("BOX1", f"ws://127.0.0.1:{proxy.port}", PATIENT) as box:
            await first.events.wait_for("operational")
            assert await box.charge() is not None
            await box.unplug()
            await first.events.wait_for("stop_transaction")
            await until(lambda: second.messages, "nothing was copied")
        assert len(second.messages) == 1


async def test_it_leaves_with_the_charger_and_comes_back_with_it(start_proxy: StartProxy) -> None:
    async with central_system() as first, central_system() as second:
        proxy = await start_proxy(first.port, secondaries=[{"url": second.url}])
        async with charger(proxy.port):
            await until(lambda: second.connections, "the secondary was not dialled")
        await until(lambda: second.closes, "it stayed")
        assert second.closes == [(1001, "charger connection lost")]
        async with charger(proxy.port):
            await until(lambda: len(second.connections) == 2, "it did not come back")


async def test_a_proxy_that_stops_tells_the_secondary(start_proxy: StartProxy) -> None:
    async with central_system() as first, central_system() as second:
        proxy = await start_proxy(first.port, secondaries=[{"url": second.url}])
        async with charger(proxy.port) as box:
            await box.send(call("h", "Heartbeat"), text=True)
            await until(lambda: second.messages, "no copy came")
            await proxy.stop()
            assert (await closed_with(box))[0] == 1001
            await until(lambda: second.closes, "it stayed")
            assert second.closes == [(1001, "proxy stops")]


async def test_a_secondary_that_is_this_proxy_is_refused_as_a_loop(tmp_path: Path) -> None:
    port = free_port()
    async with (
        central_system() as first,
        proxied(
            tmp_path, first.port, "--listen-port", str(port),
            secondaries=[{"url": f"ws://127.0.0.1:{port}"}],
        ) as proxy,
        charger(port),
    ):  # fmt: skip
        await until(lambda: logged(proxy, "508"), "nobody noticed")
        assert len(first.requests) == 1
