"""A wallbox and a central system joined: what goes through, what ends, who is replaced."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import AsyncExitStack
from typing import Any

import pytest
from ocpp_proxy.server import ProxyServer
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from tests.ocpp_proxy.conftest import StartCentral, StartProxy
from tests.ocpp_proxy.harness import (
    SOON,
    Central,
    ask,
    central_system,
    charger,
    closed_with,
    free_port,
    request,
    until,
)

HEARTBEAT = '[2,"1","Heartbeat",{}]'
# Text a re-serialising proxy would change: spaces, duplicate keys, number forms, escapes, order.
ODD = '[2 , "7","DataTransfer",{"b":1.0,"a":1e2,"a":"\\u00e4\\/","n":1234567890123456789012345}] '


async def told(connection: Any) -> str | bytes:
    async with asyncio.timeout(SOON):
        message: str | bytes = await connection.recv()
        return message


# What goes through.


async def test_messages_pass_unchanged_in_both_directions(
    proxy: ProxyServer, central: Central
) -> None:
    central.reply = lambda message: message
    async with charger(proxy.port) as box:
        for message in (ODD, "", "no OCPP at all", '[3,"x",{}]', b"\x00\x01\xff", b"[2]"):
            await box.send(message)
            assert await told(box) == message
        assert central.messages[:2] == [ODD, ""]


async def test_text_that_is_no_utf8_passes_unchanged(proxy: ProxyServer, central: Central) -> None:
    async with charger(proxy.port) as box:
        await box.send(b'[2,"1","StatusNotification",{"info":"Gr\xfcn"}]', text=True)
        async with asyncio.timeout(SOON):
            await until(lambda: central.connections)
            closed = central.connections[0]
            # The library of this central system is strict and closes; what counts is that it
            # got exactly these bytes as text.
            await closed.wait_closed()
        assert closed.close_code == 1006
        assert closed.protocol.close_sent is not None
        assert closed.protocol.close_sent.code == 1007


async def test_fragments_arrive_as_one_message(proxy: ProxyServer, central: Central) -> None:
    async with charger(proxy.port) as box:
        await box.send(["[2,", '"1",', '"Heartbeat",{}]'])
        await until(lambda: central.messages == [HEARTBEAT])


async def test_a_large_message_passes_and_a_larger_one_ends_the_connection(
    start_proxy: StartProxy, start_central: StartCentral
) -> None:
    central = await start_central(max_size=None)
    proxy = await start_proxy(central.port, max_message_size=100_000)
    async with charger(proxy.port) as box:
        await box.send("x" * 100_000)
        await until(lambda: central.messages == ["x" * 100_000])
        await box.send("x" * 100_001)
        assert (await closed_with(box))[0] == 1009
    await until(lambda: [code for code, _ in central.closes] == [1009])


async def test_sixteen_mebibytes_of_junk_end_the_one_who_sent_them(
    proxy: ProxyServer, central: Central
) -> None:
    central.reply = lambda message: message
    async with charger(proxy.port, "/good") as good, charger(proxy.port, "/bad") as bad:
        sending = asyncio.create_task(bad.send(bytes(16 << 20)))
        assert (await closed_with(bad))[0] == 1009
        await asyncio.wait([sending])
        await good.send(HEARTBEAT)
        assert await told(good) == HEARTBEAT


async def test_upstream_may_speak_first(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    central = await start_central()

    async def greet(connection: ServerConnection) -> None:
        for number in range(20):
            await connection.send(f'[2,"{number}","TriggerMessage",{{}}]')

    central.on_connect = greet
    proxy = await start_proxy(central.port)
    async with charger(proxy.port) as box:
        for number in range(20):
            assert json.loads(await told(box))[1] == str(number)


# What ends.


@pytest.mark.parametrize(
    ("code", "reason", "seen"),
    [(1000, "done", (1000, "done")), (4001, "ä" * 40, (4001, "ä" * 40)),
     (1001, "", (1001, "")), (3000, "x", (3000, "x"))],
)  # fmt: skip
async def test_the_chargers_goodbye_reaches_upstream(
    proxy: ProxyServer, central: Central, code: int, reason: str, seen: tuple[int, str]
) -> None:
    async with charger(proxy.port) as box:
        await box.close(code, reason)
    await until(lambda: central.closes == [seen])
    await until(lambda: proxy.stations.sessions == [])


async def test_a_charger_that_vanishes_is_told_upstream(
    proxy: ProxyServer, central: Central
) -> None:
    async with charger(proxy.port) as box:
        sock = box.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        box.transport.abort()
    await until(lambda: central.closes == [(1001, "charger connection lost")])


@pytest.mark.parametrize("mode", ["hold", "close"])
@pytest.mark.parametrize("code", [1002, 1003, 1008, 4000])
async def test_upstreams_refusal_reaches_the_charger(
    start_proxy: StartProxy, central: Central, mode: str, code: int
) -> None:
    proxy = await start_proxy(central.port, on_upstream_loss=mode)
    async with charger(proxy.port) as box:
        await central.connections[0].close(code, "not you")
        assert await closed_with(box) == (code, "not you")


async def test_close_mode_passes_upstreams_end_on(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, on_upstream_loss="close")
    async with charger(proxy.port) as box:
        central.connections[0].transport.abort()
        assert await closed_with(box) == (1012, "upstream lost")


async def test_hold_mode_keeps_the_charger_over_a_restart_of_upstream(
    start_proxy: StartProxy, running: AsyncExitStack
) -> None:
    port = free_port()
    proxy = await start_proxy(port)
    async with central_system(port) as before:
        box = await running.enter_async_context(charger(proxy.port))
        await box.send('[2,"b","BootNotification",{"chargePointVendor":"v"}]')
        await until(lambda: before.messages)
    await box.send('[2,"h","Heartbeat",{}]')
    answer = json.loads(await told(box))
    assert answer[:2] == [3, "h"]
    assert set(answer[2]) == {"currentTime"}
    async with central_system(port) as after:
        await until(lambda: after.messages, "upstream never heard of the boot again")
        assert json.loads(after.messages[0])[2:] == ["BootNotification", {"chargePointVendor": "v"}]
        await until(lambda: proxy.stations.sessions[0].relay.upstream_up)


async def test_hold_mode_gives_up_after_hold_seconds(
    start_proxy: StartProxy, running: AsyncExitStack
) -> None:
    port = free_port()
    proxy = await start_proxy(port, hold_seconds=1)
    async with central_system(port):
        box = await running.enter_async_context(charger(proxy.port))
    assert await closed_with(box) == (1012, "upstream lost")
    await until(lambda: proxy.stations.sessions == [])


async def test_a_charger_that_leaves_during_hold_ends_the_dialling(
    start_proxy: StartProxy, running: AsyncExitStack
) -> None:
    port = free_port()
    proxy = await start_proxy(port)
    async with central_system(port):
        box = await running.enter_async_context(charger(proxy.port))
    await until(lambda: proxy.stations.sessions[0].upstream is None)
    await box.close()
    await until(lambda: proxy.stations.sessions == [])
    await until(lambda: not [one for one in asyncio.all_tasks() if "_redial" in repr(one)])


@pytest.mark.parametrize("silent", ["charger", "upstream"])
async def test_a_half_open_leg_is_found_by_pings(
    start_proxy: StartProxy, running: AsyncExitStack, silent: str
) -> None:
    proxy = await start_proxy(
        port := free_port(), on_upstream_loss="close",
        pace={"ping_interval": 0.1, "ping_timeout": 0.3},
    )  # fmt: skip
    central = await running.enter_async_context(central_system(port))
    box = await running.enter_async_context(charger(proxy.port))
    if silent == "charger":
        box.transport.pause_reading()
        await until(lambda: central.closes == [(1001, "charger connection lost")])
    else:
        central.connections[0].transport.pause_reading()
        assert await closed_with(box) == (1012, "upstream lost")


# Backpressure.


async def test_a_stalled_upstream_stops_the_charger_and_memory_stays_bounded(
    start_proxy: StartProxy, running: AsyncExitStack
) -> None:
    central = await running.enter_async_context(central_system(max_queue=1))
    proxy = await start_proxy(
        central.port, on_upstream_loss="close", pace={"send_timeout": 1.0, "ping_interval": 0.0}
    )
    async with charger(proxy.port, "/CP1", write_limit=4096) as box:
        central.connections[0].transport.pause_reading()
        session = proxy.stations.sessions[0]
        sent = 0

        async def flood() -> None:
            nonlocal sent
            while True:
                await box.send(bytes(500_000))
                sent += 1

        flooding = asyncio.create_task(flood())
        await until(lambda: session.charger.reading_paused, "the charger was never stopped")
        assert session.upstream is not None
        assert session.upstream.transport.get_write_buffer_size() < 3 << 20
        assert await closed_with(box) == (1012, "upstream lost")
        await asyncio.wait([flooding])
        # Kernel buffers on both sides take a few megabytes; we do not add to them.
        assert sent < 60


async def test_a_slow_upstream_gets_everything_in_order(
    start_proxy: StartProxy, running: AsyncExitStack
) -> None:
    central = await running.enter_async_context(central_system(max_queue=1))
    proxy = await start_proxy(central.port)
    async with charger(proxy.port) as box:
        slow = central.connections[0].transport
        slow.pause_reading()
        session = proxy.stations.sessions[0]
        sending = asyncio.create_task(box.send("0" * 900_000))
        numbers = [f"{number:0200000}" for number in range(100)]

        async def send() -> None:
            await sending
            for number in numbers:
                await box.send(number)

        task = asyncio.create_task(send())
        await until(lambda: session.charger.reading_paused)
        slow.resume_reading()
        await task
        await until(lambda: len(central.messages) == 101)
        assert central.messages[1:] == numbers


async def test_a_charger_that_sends_too_fast_is_slowed_down_and_loses_nothing(
    proxy: ProxyServer, central: Central
) -> None:
    async with charger(proxy.port) as box:
        session = proxy.stations.sessions[0]
        for number in range(1100):
            await box.send(str(number))
        await until(lambda: session.charger.reading_paused)
        await until(lambda: len(central.messages) == 1100)
        assert central.messages == [str(number) for number in range(1100)]
        await until(lambda: not session.charger.reading_paused)


# The same station twice.


async def test_a_newcomer_replaces_a_half_open_connection(
    proxy: ProxyServer, running: AsyncExitStack, central: Central
) -> None:
    old = await running.enter_async_context(charger(proxy.port))
    old.transport.pause_reading()
    async with charger(proxy.port) as new:
        sessions = proxy.stations.sessions
        assert len(sessions) == 1
        await new.send(HEARTBEAT)
        await until(lambda: central.messages == [HEARTBEAT])
    old.transport.resume_reading()
    assert await closed_with(old) == (1008, "replaced by new connection")


async def test_upstream_never_sees_two_connections_of_one_station(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    central, open_now, most = await start_central(), 0, 0

    async def count(connection: ServerConnection) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)

        async def leave() -> None:
            nonlocal open_now
            await connection.wait_closed()
            open_now -= 1

        leaving.append(asyncio.create_task(leave()))

    leaving: list[asyncio.Task[None]] = []
    central.on_connect = count
    proxy = await start_proxy(central.port)
    for _ in range(4):
        async with charger(proxy.port):
            assert len(proxy.stations.sessions) == 1
            async with charger(proxy.port):
                pass
    assert most == 1
    await asyncio.wait(leaving)


async def test_two_boxes_with_one_id_are_told_apart(
    proxy: ProxyServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as boxes:
        for number in range(6):
            last = await boxes.enter_async_context(
                charger(proxy.port, source=f"127.0.0.{2 + number % 2}")
            )
        answer = await ask(proxy.port, request(), source="127.0.0.2")
        assert answer.status == 409
        assert "give every wallbox its own id" in caplog.text
        await last.send(HEARTBEAT)
        assert proxy.stations.sessions[0].charger.peer == "127.0.0.3"
        assert proxy.stations.sessions[0].relay.upstream_up


async def test_a_takeover_needs_no_free_place_and_others_do(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, max_connections=2)
    async with charger(proxy.port, "/a"), charger(proxy.port, "/b") as b:
        with pytest.raises(InvalidStatus) as caught:
            async with charger(proxy.port, "/c"):
                pass
        assert caught.value.response.status_code == 503
        async with charger(proxy.port, "/b"):
            assert (await closed_with(b))[0] == 1008


async def test_many_newcomers_of_one_id_at_once_end_with_one_session(
    proxy: ProxyServer, central: Central
) -> None:
    async with AsyncExitStack() as boxes:

        async def come() -> None:
            await boxes.enter_async_context(charger(proxy.port))

        await asyncio.gather(*(come() for _ in range(5)))
        assert len(proxy.stations.sessions) == 1
        await until(lambda: len(central.connections) - len(central.closes) == 1)


async def test_upstream_that_still_holds_the_old_connection_is_dialled_again(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    central = await start_central()
    proxy = await start_proxy(central.port)
    async with charger(proxy.port) as box:
        reason = "a connection with this ID already exists"
        await central.connections[0].close(1008, reason)
        await until(lambda: len(central.connections) == 2)
        await until(lambda: proxy.stations.sessions[0].relay.upstream_up)
        central.reply = lambda message: message
        await box.send(HEARTBEAT)
        assert await told(box) == HEARTBEAT


async def test_a_broken_station_does_not_delay_another(
    start_proxy: StartProxy, running: AsyncExitStack
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    hung = await asyncio.start_server(hang, "127.0.0.1", 0)
    running.push_async_callback(hung.wait_closed)
    running.callback(hung.close)
    central = await running.enter_async_context(central_system())
    proxy = await start_proxy(
        central.port,
        stations=[
            {"id": "bad", "target_url": f"ws://127.0.0.1:{hung.sockets[0].getsockname()[1]}"}
        ],
        upstream_open_timeout=2,
    )
    waiting = asyncio.create_task(ask(proxy.port, request("/bad")))
    async with charger(proxy.port, "/good"):
        assert not waiting.done()
    assert (await waiting).status == 504
