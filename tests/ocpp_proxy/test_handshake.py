"""The opening handshake as a wallbox meets it: raw sockets, real central systems behind."""

from __future__ import annotations

import asyncio
import base64
import http
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ocpp_proxy.errors import OptionError
from ocpp_proxy.server import ProxyServer
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request, Response

from tests.ocpp_proxy.conftest import StartCentral, StartProxy
from tests.ocpp_proxy.harness import (
    OCPP16,
    Central,
    ask,
    central_system,
    charger,
    free_port,
    proxy_server,
    request,
    until,
)


def basic(text: str) -> str:
    return "Authorization: Basic " + base64.b64encode(text.encode()).decode()


# What the library checks, and what the proxy says before it.


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (request(), 101),
        (request("//ocpp///CP1/"), 101),
        (request("http://host//CP1"), 101),
        (request(without=("Connection",), more=("connection: keep-alive, upgrade",)), 101),
        (request(more=("Content-Length: 0",)), 101),
        (request(more=("Sec-WebSocket-Extensions: permessage-deflate",)), 101),
        (request(without=("Upgrade",), more=("Upgrade: WebSocket",)), 101),
        (request(without=("Connection",)), 426),
        (request(without=("Sec-WebSocket-Version",), more=("Sec-WebSocket-Version: 8",)), 400),
        (request(without=("Sec-WebSocket-Key",)), 400),
        (request(version="HTTP/1.0"), 505),
        (request(method="POST"), 405),
        (request(method="HEAD", without=("Upgrade",)), 405),
        (request("/" + "a" * 9000), 414),
        (request(more=tuple(f"X-{n}: y" for n in range(130))), 431),
        (request(more=("Content-Length: 5",)), 0),
        (request().replace(b"\r\n", b"\n"), 0),
        (request(more=("X-Folded: a\r\n b",)), 0),
        (request("/CP\xe41"), 0),
        (request("/CP 1"), 0),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 0),
        (request(without=("Upgrade",)), 404),
        (request("/", without=("Upgrade",)), 200),
        (request("/"), 404),
        (request("/a\tb"), 400),
        (request("/%00"), 400),
        (request("/%0d%0aX:y"), 400),
        (request("/a/../b"), 400),
        (request("/a/%2e%2E/b"), 400),
        (request("/a\\b"), 400),
        (request("/a#b"), 400),
        (request("/" + "a" * 512), 400),
    ],
)
async def test_each_request_gets_its_answer(proxy: ProxyServer, raw: bytes, status: int) -> None:
    answer = await ask(proxy.port, raw)
    assert answer.status == status
    if status == 101:
        assert answer.header("Sec-WebSocket-Extensions") is None


async def test_a_browser_is_told_what_this_is(proxy: ProxyServer) -> None:
    answer = await ask(proxy.port, request("/", without=("Upgrade",)))
    assert "OCPP proxy" in answer.body


@pytest.mark.parametrize(
    ("offer", "status", "echo"),
    [
        ("ocpp1.6", 101, "ocpp1.6"),
        ("OCPP1.6", 101, "OCPP1.6"),
        ("ocpp1.6J", 101, "ocpp1.6J"),
        ("ocpp16", 101, "ocpp16"),
        ("ocpp2.0.1, ocpp1.6", 101, "ocpp1.6"),
        ("ocpp1.6,,", 101, "ocpp1.6"),
        (None, 101, None),
        ("", 101, None),
        (" , ", 101, None),
        ("ocpp2.0.1", 400, None),
        ("ocpp 1.6", 400, None),
    ],
)
async def test_subprotocols(
    proxy: ProxyServer, central: Central, offer: str | None, status: int, echo: str | None
) -> None:
    answer = await ask(proxy.port, request(protocol=offer))
    assert answer.status == status
    assert answer.header("Sec-WebSocket-Protocol") == echo
    if status == 101:
        assert central.requests[0][1].get_all("Sec-WebSocket-Protocol") == ["ocpp1.6"]
    else:
        assert central.requests == []


async def test_a_repeated_subprotocol_header_is_one_list(proxy: ProxyServer) -> None:
    raw = request(protocol="ocpp2.0.1", more=("Sec-WebSocket-Protocol: ocpp1.6",))
    assert (await ask(proxy.port, raw)).header("Sec-WebSocket-Protocol") == "ocpp1.6"


async def test_a_missing_subprotocol_may_be_refused(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, accept_missing_subprotocol=False)
    answer = await ask(proxy.port, request(protocol=None))
    assert answer.status == 400
    assert "ocpp1.6" in answer.body


async def test_a_missing_connection_header_is_repaired_if_wished(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, repair_connection_header=True)
    for raw in (
        request(without=("Connection",)),
        request(without=("Connection",), more=("Connection: keep-alive",)),
    ):
        assert (await ask(proxy.port, raw)).status == 101


# Where it is sent.


@pytest.mark.parametrize(
    ("options", "asked", "path"),
    [
        ({}, "//ocpp//CP1/?a=//b", "/ocpp/CP1?a=//b"),
        ({"station_path": "last_segment"}, "/ocpp/CP1", "/CP1"),
        ({"default_station_id": "Grizzl E"}, "/", "/Grizzl%20E"),
        ({"upstream_path_prefix": "/steve/"}, "/CP1", "/steve/CP1"),
        ({"stations": [{"id": "CP1", "upstream_id": "box/1"}]}, "/ws/CP1", "/ws/box%2F1"),
        ({}, "/CP%201", "/CP%201"),
    ],
)
async def test_the_path_upstream(
    start_proxy: StartProxy, central: Central, options: dict[str, Any], asked: str, path: str
) -> None:
    proxy = await start_proxy(central.port, **options)
    assert (await ask(proxy.port, request(asked))).status == 101
    assert central.requests[0][0] == path


async def test_the_target_may_have_a_path_and_credentials(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(f"ws://user:p%40ss@127.0.0.1:{central.port}/base//x/")
    assert (await ask(proxy.port, request(more=(basic("CP1:own"),)))).status == 101
    path, headers = central.requests[0]
    assert path == "/base/x/CP1"
    assert base64.b64decode(headers["Authorization"].split()[1]) == b"user:p@ss"


async def test_headers_upstream(proxy: ProxyServer, central: Central) -> None:
    more = ("User-Agent: AcTec", basic("CP1:x"), "Cookie: a", "Origin: file://",
            "X-Forwarded-For: 203.0.113.1")  # fmt: skip
    await ask(proxy.port, request(more=more))
    headers = central.requests[0][1]
    assert headers["User-Agent"] == "AcTec"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["Via"] == f"1.1 {proxy.via}"
    assert headers["Host"] == f"127.0.0.1:{central.port}"
    assert "Authorization" in headers
    assert "Cookie" not in headers
    assert "Origin" not in headers


async def test_a_proxy_whose_target_is_itself_says_so(
    start_proxy: StartProxy, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    first = await start_proxy(port)
    second = await start_proxy(first.port, listen_port=port)
    assert (await ask(second.port, request())).status == 502
    assert "its target is itself" in caplog.text
    answer = await ask(first.port, request(more=(f"Via: 1.1 x, 1.1 {first.via}",)))
    assert answer.status == 508


async def test_a_target_that_is_the_own_listener_is_refused_at_the_start(
    start_proxy: StartProxy,
) -> None:
    port = free_port()
    with pytest.raises(OptionError, match="is this proxy itself"):
        await start_proxy(f"ws://localhost:{port}", listen_port=port)
    # The same port of another address, here of this machine, is somebody else.
    await start_proxy(f"ws://127.0.0.2:{port}", listen_port=port)


# What upstream says becomes the answer.


async def answered_by(start_central: StartCentral, *reply: Any) -> Central:
    def process_request(connection: ServerConnection, request: Request) -> Response:
        status, headers = reply
        response = connection.respond(http.HTTPStatus(status), "no\n")
        response.headers.update(Headers(headers))
        return response

    return await start_central(process_request=process_request)


@pytest.mark.parametrize(
    ("upstream", "status"),
    [(401, 401), (403, 403), (404, 404), (301, 502), (302, 502), (308, 502), (400, 502),
     (409, 502), (429, 502), (500, 502), (503, 502)],
)  # fmt: skip
async def test_a_status_of_upstream_becomes_ours(
    start_central: StartCentral, start_proxy: StartProxy, upstream: int, status: int
) -> None:
    headers = [("Location", "/CP1"), ("WWW-Authenticate", 'Basic realm="up"')]
    central = await answered_by(start_central, upstream, headers)
    proxy = await start_proxy(central.port)
    answer = await ask(proxy.port, request())
    assert answer.status == status
    assert str(central.port) not in answer.body
    assert len(answer.body.splitlines()) == 1
    expected = 'Basic realm="up"' if upstream in (401, 403) else None
    assert answer.header("WWW-Authenticate") == expected


async def test_a_refused_connection_is_502(start_proxy: StartProxy) -> None:
    proxy = await start_proxy(free_port())
    answer = await ask(proxy.port, request())
    assert (answer.status, answer.body) == (502, "upstream not reachable\n")


async def test_a_name_nobody_knows_is_502(start_proxy: StartProxy) -> None:
    proxy = await start_proxy("ws://nobody.invalid:8887")
    assert (await ask(proxy.port, request())).status == 502


async def raw_central(start: Any, reply: bytes | None) -> int:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if reply is not None:
            writer.write(reply)
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    start.push_async_callback(server.wait_closed)
    start.callback(server.close)
    return int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b"SSH-2.0-x\r\n", 502),
        (b"", 502),
        (
            (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
            ),
            502,
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 502),
        (None, 504),
    ],
)  # fmt: skip
async def test_an_upstream_that_speaks_no_websocket(
    running: Any, start_proxy: StartProxy, reply: bytes | None, status: int
) -> None:
    port = await raw_central(running, reply)
    proxy = await start_proxy(port, upstream_open_timeout=1)
    assert (await ask(proxy.port, request())).status == status


async def test_an_upstream_without_our_subprotocol_is_400(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    central = await start_central(subprotocols=None)
    proxy = await start_proxy(central.port)
    assert (await ask(proxy.port, request())).status == 400
    await until(lambda: central.closes == [(1000, "")])


@pytest.mark.parametrize("code", [1008, 1000, 4000])
async def test_an_upstream_that_closes_at_once_is_503(
    start_central: StartCentral, start_proxy: StartProxy, code: int
) -> None:
    central = await start_central()

    async def refuse(connection: ServerConnection) -> None:
        await connection.close(code, "a connection with this ID already exists")

    central.on_connect = refuse
    proxy = await start_proxy(central.port)
    assert (await ask(proxy.port, request())).status == 503


async def test_no_101_before_upstream_has_answered(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    asked, go = asyncio.Event(), asyncio.Event()

    async def wait(connection: ServerConnection, request: Request) -> None:
        asked.set()
        await go.wait()

    central = await start_central(process_request=wait)
    proxy = await start_proxy(central.port)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    # A wallbox in a hurry does not wait for the 101 with its first frame.
    writer.write(request() + bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi")
    await asyncio.wait_for(asked.wait(), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    go.set()
    assert b" 101 " in await asyncio.wait_for(reader.readline(), 5)
    await until(lambda: central.messages == ["hi"])
    writer.close()


async def test_a_wallbox_that_gives_up_ends_the_dial(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def wait(connection: ServerConnection, request: Request) -> None:
        asked.set()
        await connection.wait_closed()
        ended.set()

    central = await start_central(process_request=wait)
    proxy = await start_proxy(central.port)
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(request())
    await asyncio.wait_for(asked.wait(), 5)
    writer.close()
    await asyncio.wait_for(ended.wait(), 3)
    assert proxy.stations.sessions == []


async def test_a_wallbox_that_gives_up_during_the_look_leaves_nothing_upstream(
    start_central: StartCentral, start_proxy: StartProxy
) -> None:
    central = await start_central()
    proxy = await start_proxy(central.port)
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(request())
    await until(lambda: central.connections)
    writer.close()
    await until(lambda: len(central.closes) == 1)
    assert proxy.stations.sessions == []


async def test_stopping_answers_503_with_retry_after(
    start_central: StartCentral, running: Any, tmp_path: Any
) -> None:
    async def wait(connection: ServerConnection, request: Request) -> None:
        await connection.wait_closed()

    central = await start_central(process_request=wait)
    async with proxy_server(tmp_path, central.port) as proxy:
        asking = asyncio.create_task(ask(proxy.port, request()))
        await until(lambda: any(leg.shaking_hands for leg in proxy._legs))
        await until(lambda: len(proxy._slots) == 1)
        await asyncio.sleep(0.05)
    answer = await asking
    assert answer.status == 503
    assert answer.header("Retry-After") == "10"


# Who may.


async def test_a_password_is_asked_for_before_upstream_is_dialled(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(
        central.port,
        stations=[{"id": "CP1", "password": "00112233445566778899aabbccddeeff"}, {"id": "CP2"}],
    )
    answer = await ask(proxy.port, request())
    assert answer.status == 401
    assert answer.header("WWW-Authenticate") == 'Basic realm="OCPP"'
    assert central.requests == []
    right = basic("CP1:00112233445566778899aabbccddeeff")
    assert (await ask(proxy.port, request("/ocpp/CP1", more=(right,)))).status == 101
    raw = base64.b64encode(b"CP1:" + bytes.fromhex("00112233445566778899aabbccddeeff")).decode()
    assert (await ask(proxy.port, request(more=(f"Authorization: Basic {raw}",)))).status == 101
    assert (await ask(proxy.port, request("/CP2"))).status == 101
    assert (await ask(proxy.port, request("/stranger"))).status == 101


async def test_unknown_id_and_wrong_password_get_the_same_bytes(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(
        central.port, stations=[{"id": "CP1", "password": "right"}], allow_unknown_stations=False
    )
    wrong = await ask(proxy.port, request(more=(basic("CP1:wrong"),)))
    unknown = await ask(proxy.port, request("/CP9", more=(basic("CP9:right"),)))
    none = await ask(proxy.port, request())
    assert wrong.status == 401
    assert wrong.raw == unknown.raw == none.raw


async def test_an_unlisted_station_is_404_when_nobody_has_a_password(
    start_proxy: StartProxy, central: Central
) -> None:
    proxy = await start_proxy(central.port, stations=[{"id": "CP1"}], allow_unknown_stations=False)
    assert (await ask(proxy.port, request("/CP9"))).status == 404
    assert (await ask(proxy.port, request("/CP1"))).status == 101


async def test_the_log_names_the_refusal_without_secrets(
    start_proxy: StartProxy, central: Central, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = await start_proxy(central.port, stations=[{"id": "CPlog", "password": "geheim"}])
    await ask(
        proxy.port,
        request(
            "/CPlog",
            more=(basic("CPlog:falsch"),),
        ),
        source="127.0.0.9",
    )
    assert "wrong password for station CPlog" in caplog.text
    assert "falsch" not in caplog.text
    assert "geheim" not in caplog.text


# Hostile requests cost nobody else anything.

_LINES = st.sampled_from(
    [b"GET /CP2 HTTP/1.1", b"GET / HTTP/1.1", b"POST /x HTTP/1.1", b"\x16\x03\x01", b"",
     b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
     b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", b"Sec-WebSocket-Protocol: ocpp1.6",
     b"Sec-WebSocket-Protocol:", b"Content-Length: 7", b"Transfer-Encoding: chunked",
     b"Authorization: Basic", b"\x00\xff", b"\r", b": x", b"X: \x01", b"Via: 1.1 a"]
) | st.binary(max_size=30)  # fmt: skip


# Each case is a connection of its own over loopback, hence fewer of them.
@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lines=st.lists(_LINES, max_size=10),
    end=st.sampled_from([b"\r\n\r\n", b"\r\n", b"\n\n", b"", bytes([0x88, 0x80, 0, 0, 0, 0])]),
)
def test_raw_noise_does_not_disturb_a_connected_station(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes
) -> None:
    async def run() -> None:
        async with (
            central_system() as central,
            proxy_server(tmp_path_factory.mktemp("data"), central.port) as proxy,
            charger(proxy.port) as box,
        ):
            central.reply = lambda message: message
            noise = b"\r\n".join(lines) + end
            with socket.create_connection(("127.0.0.1", proxy.port)) as sock:
                sock.sendall(noise)
                await box.send('[2,"1","Heartbeat",{}]')
                assert await asyncio.wait_for(box.recv(), 5) == '[2,"1","Heartbeat",{}]'
            await until(lambda: len(proxy._slots) == 0)
            assert not [one for one in asyncio.all_tasks() if "_decide" in repr(one)]

    asyncio.run(run())


async def test_a_client_library_sees_the_status(proxy: ProxyServer) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with charger(proxy.port, "/"):
            pass
    assert caught.value.response.status_code == 404
    assert OCPP16 == "ocpp1.6"
