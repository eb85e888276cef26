"""Acceptance of the handshake, the untouched relay and the limits, with the real program.

The number in a name is the point of the acceptance list: 2 the answers a wallbox gets, 3 odd
subprotocols, 4 a relay true to the byte, 8 limits.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import PLAIN, Quirks

from tests.ocpp_proxy.harness import (
    ask,
    central_system,
    charger,
    closed_with,
    free_port,
    request,
    until,
)
from tests.ocpp_proxy.proxied import UNHURRIED, logged, proxied, url

ONCE = replace(PLAIN, reconnect_delays=())
REFUSALS = [
    (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"far\"\r\n", 401),
    (b"HTTP/1.1 403 Forbidden\r\n", 403),
    (b"HTTP/1.1 404 Not Found\r\n", 404),
    (b"HTTP/1.1 301 Moved Permanently\r\nLocation: /elsewhere\r\n", 502),
    (b"HTTP/1.1 500 Oops\r\n", 502),
    (b"HTTP/1.1 429 Slow down\r\n", 502),
    (b"HTTP/1.1 101 Switching Protocols\r\n", 502),
    (b"SSH-2.0-OpenSSH_9.2\r\n", 502),
    (b"", 502),
]  # fmt: skip


@asynccontextmanager
async def answering(raw: bytes | None) -> AsyncIterator[int]:
    """An upstream that answers every request with these header lines, or with silence for None."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if raw is None:
            await reader.read()
        elif raw:
            writer.write(raw + b"Content-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(("answer", "status"), REFUSALS)
async def test_acceptance_02_a_refusal_of_upstream_becomes_the_right_status(
    answer: bytes, status: int, tmp_path: Path
) -> None:
    async with answering(answer) as port, proxied(tmp_path, port) as proxy:
        got = await ask(proxy.port, request())
        assert got.status == status
        assert str(port) not in got.body
        assert got.header("WWW-Authenticate") == ('Basic realm="far"' if status == 401 else None)
        if b" 301 " in answer:
            await until(lambda: logged(proxy, "redirects to", "/elsewhere"), "not logged")


async def test_acceptance_02_an_upstream_that_says_nothing_becomes_504(tmp_path: Path) -> None:
    async with (
        answering(None) as port,
        proxied(tmp_path, port, upstream_open_timeout=1) as proxy,
    ):
        assert (await ask(proxy.port, request())).status == 504


async def test_acceptance_02_an_upstream_without_subprotocol_becomes_400(tmp_path: Path) -> None:
    async with (
        central_system(subprotocols=None) as central,
        proxied(tmp_path, central.port) as proxy,
    ):
        assert (await ask(proxy.port, request())).status == 400


async def test_acceptance_02_an_upstream_that_closes_at_once_becomes_503(tmp_path: Path) -> None:
    async with CentralSystem() as system, proxied(tmp_path, system.port) as proxy:
        async with charger(system.port, "/CP1"):
            assert (await ask(proxy.port, request())).status == 503
        await until(lambda: logged(proxy, "1008", "already exists"), "not logged")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request(), 101),
        (request(without=("Connection",)), 426),
        (request(without=("Connection",), more=("Connection: keep-alive, Upgrade",)), 101),
        (request(without=("Sec-WebSocket-Key",)), 400),
        (request(without=("Sec-WebSocket-Version",), more=("Sec-WebSocket-Version: 8",)), 400),
        (request(version="HTTP/1.0"), 505),
        (request(method="POST"), 405),
        (request("/" + "x" * 9000), 414),
        (request(more=tuple(f"X-{n}: y" for n in range(130))), 431),
        (request(more=("Content-Length: 0",)), 101),
        (request("/x" * 300), 400),
        (request("/../CP1"), 400),
        (request("/%2e%2e/CP1"), 400),
        (request("/CP%00"), 400),
        (request("/CP%0d%0aX:y"), 400),
        (request("/a\\b"), 400),
        (request("/"), 404),
        (request("http://elsewhere.example//CP1"), 101),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
)  # fmt: skip
async def test_acceptance_02_a_handshake_gets_the_answer_of_the_table(
    raw: bytes, status: int, tmp_path: Path
) -> None:
    async with central_system() as central, proxied(tmp_path, central.port) as proxy:
        assert (await ask(proxy.port, raw)).status == status
        paths = [path for path, _ in central.requests]
        assert paths == (["/CP1"] if status == 101 else [])


@pytest.mark.parametrize(
    ("headers", "echoed"),
    [
        ((), None),
        (("",), None),
        (("OCPP1.6",), "OCPP1.6"),
        (("ocpp1.6J",), "ocpp1.6J"),
        (("ocpp2.0.1, ocpp1.6",), "ocpp1.6"),
        (("ocpp2.0.1", "ocpp1.6"), "ocpp1.6"),
        ((" ocpp1.6 ,",), "ocpp1.6"),
    ],
)
async def test_acceptance_03_odd_subprotocols_become_operational_under_evcc(
    headers: tuple[str, ...], echoed: str | None, tmp_path: Path
) -> None:
    quirks = replace(ONCE, subprotocol_headers=headers)
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as box,
    ):
        await box.events.wait_for("connected", subprotocol=echoed)
        await system.events.wait_for("operational")
        assert [e["subprotocols"] for e in system.events.find("request")] == [["ocpp1.6"]]


async def test_acceptance_03_a_version_nobody_here_speaks_is_told_so(tmp_path: Path) -> None:
    quirks = replace(ONCE, subprotocol_headers=("ocpp2.0.1",))
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), quirks) as box,
    ):
        refused = await box.events.wait_for("refused", status=400)
        assert "ocpp1.6" in refused["body"]
        assert system.events.find("request") == []


ODD_MESSAGES: list[str | bytes] = [
    '[2,"1","Heartbeat",{}]',
    '[ 2 , "1" , "Heartbeat" , { } ]\n',
    '[2,1,"Heartbeat",{"a":1.0,"a":1.00,"b":1e2}]',
    '[2,"1","MeterValues",{"sampledValue":[,{"value":"1"}]}]',
    '[3,"9",{"configurationKey":[]',
    '[2,"1","BootNotification",{"chargePointModel":"\x00é\\u00e9"}]\x00',
    '[4,"1","GenericError"]',
    "no JSON at all",
    "",
    "x" * 1_000_000,
    b"\xff\xfe invalid UTF-8 in a binary frame",
    b'[2,"1","Heartbeat",{}]',
]


@pytest.mark.parametrize("message", ODD_MESSAGES, ids=lambda m: repr(m[:30]))
async def test_acceptance_04_every_message_arrives_as_it_was_sent_both_ways(
    message: str | bytes, tmp_path: Path
) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port) as proxy,
        charger(proxy.port) as box,
    ):
        await box.send(message)
        await until(lambda: central.messages, "nothing arrived upstream")
        assert central.messages == [message]
        await central.connections[0].send(message)
        async with asyncio.timeout(10):
            assert await box.recv() == message


async def test_acceptance_04_invalid_utf8_in_a_text_frame_passes_untouched(tmp_path: Path) -> None:
    raw = b'[2,"1","DataTransfer",{"vendorId":"\xe9"'
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("BOX1", url(proxy), ONCE) as box,
    ):
        await box.events.wait_for("connected")
        box.send_raw(raw)
        await system.events.wait_for("unanswered", data=raw)
        assert not box.ever_closed


async def test_acceptance_04_the_order_of_a_thousand_messages_is_kept(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port) as proxy,
        charger(proxy.port) as box,
    ):
        sent = [f'[2,"{n}","Heartbeat",{{}}]' for n in range(1500)]
        for message in sent:
            await box.send(message)
        await until(lambda: len(central.messages) == len(sent), "some were lost")
        assert central.messages == sent


async def test_acceptance_08_one_connection_too_many_gets_503_but_a_takeover_does_not(
    tmp_path: Path,
) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port, max_connections=2) as proxy,
        charger(proxy.port, "/CP1"),
        charger(proxy.port, "/CP2") as second,
    ):
        assert (await ask(proxy.port, request("/CP3"))).status == 503
        async with charger(proxy.port, "/CP2"):
            assert await closed_with(second) == (1008, "replaced by new connection")


async def test_acceptance_08_a_wrong_password_and_an_unknown_id_look_alike(tmp_path: Path) -> None:
    stations = [{"id": "CP1", "password": "sixteen-byte-key"}]
    async with (
        central_system() as central,
        proxied(tmp_path, central.port, stations=stations, allow_unknown_stations=False) as proxy,
    ):
        wrong = await ask(proxy.port, request("/CP1"))
        unknown = await ask(proxy.port, request("/CP9"))
        assert wrong.status == 401
        assert wrong.header("WWW-Authenticate") == 'Basic realm="OCPP"'
        assert wrong.raw == unknown.raw
        assert central.requests == []


@pytest.mark.parametrize(
    "password", ["sixteen-byte-key", b"sixteen-byte-key", bytes(range(200, 220))]
)
async def test_acceptance_08_the_right_key_gets_in(password: str | bytes, tmp_path: Path) -> None:
    text = password.hex() if password == bytes(range(200, 220)) else "sixteen-byte-key"
    quirks = Quirks(password=password, reconnect_delays=())
    async with (
        CentralSystem() as system,
        proxied(tmp_path, system.port, stations=[{"id": "CP1", "password": text}]) as proxy,
        Wallbox("CP1", url(proxy), quirks) as box,
    ):
        await box.events.wait_for("connected")
        assert not logged(proxy, "sixteen-byte-key")


async def test_acceptance_08_an_address_not_allowed_gets_no_http_at_all(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port, allowed_ips=["127.0.0.1/32"]) as proxy,
    ):
        with suppress(ConnectionResetError):  # the abort may be as quick as the connect
            assert (await ask(proxy.port, request(), source="127.0.0.2")).raw == b""
        assert central.requests == []
        assert (await ask(proxy.port, request())).status == 101


async def test_acceptance_08_a_message_too_big_ends_that_wallbox_with_1009(tmp_path: Path) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port, max_message_size=2048) as proxy,
        charger(proxy.port, "/CP1") as greedy,
        charger(proxy.port, "/CP2") as modest,
    ):
        await greedy.send("x" * 4096)
        assert (await closed_with(greedy))[0] == 1009
        await until(lambda: central.closes, "upstream was left open")
        assert central.closes[0][0] == 1009
        await modest.send("[2]")
        await until(lambda: "[2]" in central.messages, "the other one suffered")


async def test_acceptance_08_tls_on_the_plain_port_ends_at_once_with_a_hint(tmp_path: Path) -> None:
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(194)
    async with proxied(tmp_path, free_port()) as proxy:
        assert (await ask(proxy.port, hello)).raw == b""
        await until(lambda: logged(proxy, "ws://"), "no hint in the log")


async def test_acceptance_08_more_than_the_rate_allows_waits_and_nothing_is_dropped(
    tmp_path: Path,
) -> None:
    async with (
        central_system() as central,
        proxied(tmp_path, central.port) as proxy,
        charger(proxy.port, "/CP1") as eager,
        charger(proxy.port, "/CP2") as modest,
    ):
        flood = [json.dumps([2, str(n), "Heartbeat", {}]) for n in range(1300)]
        sending = asyncio.gather(*(eager.send(message) for message in flood))
        await modest.send("[2]")
        await until(lambda: "[2]" in central.messages, "the other one had to wait")
        await sending
        await until(lambda: len(central.messages) == len(flood) + 1, "some were lost")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for loopback, with its key beside it."""
    path = tmp_path / "fullchain.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=proxy", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(tmp_path / "privkey.pem"), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


async def test_acceptance_08_a_box_that_insists_on_tls_and_a_key_reaches_an_evcc_with_neither(
    certificate: Path, tmp_path: Path
) -> None:
    stations = [{"id": "CP1", "password": "sixteen-byte-key"}]
    tls = ("--tls-dir", str(tmp_path))
    async with (
        CentralSystem(timing=UNHURRIED) as system,
        proxied(tmp_path, system.port, *tls, ssl=True, stations=stations) as proxy,
        Wallbox(
            "CP1",
            f"wss://127.0.0.1:{proxy.port}",
            replace(ONCE, password="sixteen-byte-key"),
            tls=ssl.create_default_context(cafile=str(certificate)),
        ),
    ):
        await system.events.wait_for("operational")
