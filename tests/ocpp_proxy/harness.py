"""Runs the proxy for tests, in this process or as one of its own, and central systems behind it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ocpp_proxy.commandline import Settings
from ocpp_proxy.server import ProxyServer, pace_of
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Subprotocol

from ocpp_proxy import options

# An upper bound while waiting for an event; nothing is expected to take that long.
SOON = 10.0
OCPP16 = Subprotocol("ocpp1.6")


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


async def until(
    what: Callable[[], Any], why: str = "it never happened", within: float = SOON
) -> None:
    """Wait until `what` is true, at most `within` seconds."""
    try:
        async with asyncio.timeout(within):
            while not what():  # noqa: ASYNC110 - what is waited for belongs to others
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(why) from None


@dataclass
class Central:
    """A central system that notes who came and what they said, and answers by `reply`."""

    port: int
    requests: list[tuple[str, Headers]] = field(default_factory=list)
    connections: list[ServerConnection] = field(default_factory=list)
    messages: list[str | bytes] = field(default_factory=list)
    closes: list[tuple[int | None, str | None]] = field(default_factory=list)
    reply: Callable[[str | bytes], str | bytes | None] = lambda message: None
    on_connect: Callable[[ServerConnection], Awaitable[None]] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.requests.append((connection.request.path, connection.request.headers))
        self.connections.append(connection)
        if self.on_connect is not None:
            await self.on_connect(connection)
        with suppress(ConnectionClosed):
            async for message in connection:
                self.messages.append(message)
                answer = self.reply(message)
                if answer is not None:
                    await connection.send(answer)
        await connection.wait_closed()
        self.closes.append((connection.close_code, connection.close_reason))


@asynccontextmanager
async def central_system(port: int = 0, **more: Any) -> AsyncIterator[Central]:
    """A running central system; `more` goes to `websockets.asyncio.server.serve`."""
    central = Central(port)
    more = {"subprotocols": [OCPP16], "ping_interval": None, "close_timeout": 1, **more}
    async with serve(central.handle, "127.0.0.1", port, **more) as server:
        central.port = next(iter(server.sockets)).getsockname()[1]
        yield central


@asynccontextmanager
async def proxy_server(
    data: Path, target: str | int, *, pace: dict[str, Any] | None = None, **raw: Any
) -> AsyncIterator[ProxyServer]:
    """The real server in this process; `raw` are options, `pace` shortens times.

    `listen_host`, `tls_folder` … of Settings may be among `raw` too.
    """
    own = {name: raw.pop(name) for name in list(raw) if name in Settings.__dataclass_fields__}
    if isinstance(target, int):
        target = f"ws://127.0.0.1:{target}"
    read, _ = options.read({"target_url": target, **raw})
    settings = Settings(read, data, **{"listen_host": "127.0.0.1", "listen_port": 0, **own})
    server = ProxyServer(settings, pace=replace(pace_of(settings), **(pace or {})))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def charger(
    port: int, path: str = "/CP1", *, source: str = "127.0.0.1", **more: Any
) -> AsyncIterator[ClientConnection]:
    """A wallbox connected through the proxy; `source` is its address."""
    scheme = "wss" if "ssl" in more else "ws"
    more = {"subprotocols": [OCPP16], "compression": None, "ping_interval": None, **more}
    more.setdefault("close_timeout", 1)
    connection = await connect(
        f"{scheme}://127.0.0.1:{port}{path}", proxy=None, local_addr=(source, 0), **more
    )
    try:
        yield connection
    finally:
        if connection.state is not State.CLOSED:
            await connection.close()


async def closed_with(connection: ClientConnection) -> tuple[int | None, str | None]:
    """Wait for the end of a connection; code and reason the peer sent."""
    async with asyncio.timeout(SOON):
        with suppress(ConnectionClosed):
            while True:
                await connection.recv()
        await connection.wait_closed()
    return connection.close_code, connection.close_reason


def request(
    path: str = "/CP1",
    *,
    protocol: str | None = "ocpp1.6",
    without: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
    method: str = "GET",
    version: str = "HTTP/1.1",
) -> bytes:
    """A WebSocket handshake as raw bytes, with headers left out or added."""
    lines = {
        "Host": "wallbox.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }
    if protocol is not None:
        lines["Sec-WebSocket-Protocol"] = protocol
    kept = [f"{name}: {value}" for name, value in lines.items() if name not in without]
    return "\r\n".join([f"{method} {path} {version}", *kept, *more, "", ""]).encode("latin-1")


@dataclass(frozen=True)
class Answer:
    """What came back for raw bytes until the end of the headers and body, or of the connection."""

    raw: bytes

    @property
    def status(self) -> int:
        """0 when nothing came back at all."""
        return int(self.raw.split(b" ", 2)[1]) if self.raw else 0

    @property
    def body(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[2].decode()

    def header(self, name: str) -> str | None:
        for line in self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(": ")
            if key.lower() == name.lower():
                return value
        return None


async def ask(port: int, raw: bytes, *, source: str = "127.0.0.1") -> Answer:
    """Send raw bytes and read one HTTP answer, or whatever comes until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    try:
        async with asyncio.timeout(SOON + 5):
            with suppress(ConnectionError):
                writer.write(raw)
                await writer.drain()
            return Answer(await _answer(reader))
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except ConnectionError:
        return b""
    if b" 101 " in head[:20]:
        return head
    with suppress(ConnectionError):
        return head + await reader.read()
    return head


class ProxyProcess:
    """`python -m ocpp_proxy` as a process of its own, with its log."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self.lines: list[str] = []
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def over(self) -> bool:
        return self._process.returncode is not None

    async def read_log(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode().rstrip("\n"))

    async def ended(self) -> int:
        async with asyncio.timeout(SOON + 5):
            return await self._process.wait()

    async def stop(self) -> int:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()


@asynccontextmanager
async def proxy_process(
    folder: Path, *arguments: str, options: dict[str, Any] | None = None, **environment: str
) -> AsyncIterator[ProxyProcess]:
    """The program started the way a person would; given `options`, from a file in `folder`."""
    port = free_port()
    command = [sys.executable, "-m", "ocpp_proxy", "--listen-host", "127.0.0.1"]
    command += ["--listen-port", str(port), "--data", str(folder / "data"), "--page-port", "0"]
    if options is not None:
        file = folder / "options.json"
        file.write_text(json.dumps(options))
        command += ["--options", str(file)]
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    running = ProxyProcess(process, port)
    log = asyncio.ensure_future(running.read_log())
    try:
        yield running
    finally:
        running.kill()
        await process.wait()
        await log
