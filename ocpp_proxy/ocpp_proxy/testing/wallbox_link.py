"""A wallbox's WebSocket: its raw handshake and frames, without the courtesy of a good client."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from .wallbox_quirks import Quirks

HANDSHAKE_TIMEOUT = 30.0


class HandshakeRefused(Exception):
    """The server did not switch protocols; `status` is 0 when it sent no HTTP answer at all."""

    def __init__(self, status: int, body: str = "", retry_after: str | None = None) -> None:
        super().__init__(f"HTTP {status} {body}".strip())
        self.status = status
        self.body = body
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Ending:
    """How a link ended for the wallbox: 1006 means without a close frame from the server."""

    code: int
    reason: str = ""


class _Protocol(ClientProtocol):
    """Can leave pings unanswered, and takes any subprotocol it offered."""

    answers_pings = True

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING and not self.answers_pings:
            self.events.append(frame)
        else:
            super().recv_frame(frame)


def split_url(url: str) -> tuple[str, str]:
    """`ws://host:port` and the raw rest, which no URL parser may clean."""
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", slash + path


class WallboxLink:
    """One connection from the handshake to its end."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        protocol: _Protocol,
    ) -> None:
        self._reader, self._writer, self._protocol = reader, writer, protocol
        self._early: list[object] = []  # frames that came together with the handshake's answer
        self._vanished = False
        self.pings_seen = 0
        self.last_heard = asyncio.get_running_loop().time()

    @classmethod
    async def open(
        cls, url: str, station_id: str, quirks: Quirks, tls: ssl.SSLContext | None = None
    ) -> WallboxLink:
        """Connect and shake hands.

        Raises:
            OSError: no TCP or TLS connection.
            HandshakeRefused: an HTTP answer other than 101, or none.
        """
        base, prefix = split_url(url)
        uri = parse_uri(base + "/")
        offered = [
            Subprotocol(token.strip())
            for header in quirks.subprotocol_headers
            for token in header.split(",")
        ]
        protocol = _Protocol(uri, subprotocols=offered, max_size=None)
        protocol.answers_pings = quirks.answers_pings
        context = (tls or ssl.create_default_context()) if uri.secure else None
        reader, writer = await asyncio.open_connection(uri.host, uri.port, ssl=context)
        link = cls(reader, writer, protocol)
        target = prefix.rstrip("/") + quirks.target.replace("{id}", station_id)
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                await link._shake_hands(_request(protocol, target, station_id, quirks))
        except BaseException:
            writer.transport.abort()
            raise
        return link

    async def _shake_hands(self, request: Request) -> None:
        self._protocol.send_request(request)
        self._flush()
        while not (events := self._protocol.events_received()):
            if self._protocol.handshake_exc is not None:
                break
            await self._feed()
        if (failure := self._protocol.handshake_exc) is None:
            self._early = list(events[1:])
            return
        if isinstance(failure, InvalidStatus):
            answer = failure.response
            body = (answer.body or b"").decode("utf-8", "replace").strip()
            raise HandshakeRefused(answer.status_code, body, answer.headers.get("Retry-After"))
        raise HandshakeRefused(0, str(failure))

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self._protocol.subprotocol

    def send(self, message: str | bytes, binary: bool = False) -> None:
        """Send one message; text may hold anything, also what is no UTF-8 when given as bytes."""
        data = message.encode() if isinstance(message, str) else message
        if self._vanished or self._protocol.state.name != "OPEN":
            return
        if binary:
            self._protocol.send_binary(data)
        else:
            self._protocol.send_text(data)
        self._flush()

    def ping(self) -> None:
        """Send a ping frame."""
        if not self._vanished and self._protocol.state.name == "OPEN":
            self._protocol.send_ping(b"wb")
            self._flush()

    async def read(self, received: Callable[[bytes], None]) -> Ending:
        """Hand over each message until the connection ends."""
        parts: list[bytes] = []
        events: list[object] = self._early
        while True:
            for frame in events:
                if not isinstance(frame, Frame):
                    continue
                self.last_heard = asyncio.get_running_loop().time()
                self.pings_seen += frame.opcode is Opcode.PING
                if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                    parts.append(bytes(frame.data))
                    if frame.fin:
                        received(b"".join(parts))
                        parts = []
            if self._vanished:
                return Ending(1006, "vanished")
            if self._reader.at_eof() or self._protocol.close_rcvd is not None:
                return await self._finish()
            await self._feed()
            events = list(self._protocol.events_received())

    async def _finish(self) -> Ending:
        self._flush()
        self._writer.close()
        try:
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()
        rcvd = self._protocol.close_rcvd
        return Ending(1006) if rcvd is None else Ending(rcvd.code, rcvd.reason)

    async def _feed(self) -> None:
        try:
            data = await self._reader.read(65536)
        except OSError:
            data = b""
        if self._vanished:
            return
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and not self._writer.transport.is_closing():
                self._writer.write(data)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; `read` returns when it is over."""
        if self._protocol.state.name == "OPEN":
            self._protocol.send_close(code, reason)
            self._flush()

    def abort(self) -> None:
        """End the TCP connection without a close frame, as a crash does."""
        self._writer.transport.abort()

    def vanish(self) -> None:
        """Say and hear nothing any more but leave the socket open: Wi-Fi is gone, TCP half-open."""
        self._vanished = True
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]
        self._reader.feed_eof()


def _request(protocol: ClientProtocol, target: str, station_id: str, quirks: Quirks) -> Request:
    request = protocol.connect()
    request.path = target
    del request.headers["Sec-WebSocket-Protocol"]
    for value in quirks.subprotocol_headers:
        request.headers["Sec-WebSocket-Protocol"] = value
    for name, value in quirks.extra_headers:
        request.headers[name] = value
    if quirks.no_connection_header:
        del request.headers["Connection"]
    if quirks.password is not None:
        key = quirks.password
        secret = key.encode() if isinstance(key, str) else key
        token = base64.b64encode(station_id.encode() + b":" + secret).decode()
        request.headers["Authorization"] = f"Basic {token}"
    return request
