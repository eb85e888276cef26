"""The relay's HTTP side: paths, key, limits."""

from __future__ import annotations

import hmac
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .commands import RejectedError, check_command, parse_request
from .runner import Relay

MAX_BODY = 64 * 1024
_SOCKET_TIMEOUT_S = 20.0
_MAX_CONNECTIONS = 16
_MOST_REFUSALS = 64


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    relay: Relay
    protocol_version = "HTTP/1.1"
    server_version = "solar_charger-relay"
    sys_version = ""
    timeout = _SOCKET_TIMEOUT_S

    def do_GET(self) -> None:
        """`/health` for everybody, `/status` with the key."""
        path = self.path.partition("?")[0]
        if path == "/health":
            self._answer(200, self.relay.health())
        elif path != "/status":
            self._answer(404, {"error": "Not found"})
        elif self._authorized():
            self._answer(200, self.relay.status())

    def do_POST(self) -> None:
        """`/ble/command` and `/ble/wake`."""
        path = self.path.partition("?")[0]
        body = self._body()
        if body is None:
            return
        if path not in ("/ble/command", "/ble/wake"):
            self._answer(404, {"error": "Not found"})
        elif not self._authorized():
            return
        elif path == "/ble/wake":
            answer = self.relay.run("wake", [], "vcsec")
            self._answer(200, {name: answer[name] for name in ("success", "output", "duration")})
        else:
            self._command(body)

    def _command(self, body: bytes) -> None:
        try:
            command, args, domain = parse_request(body)
            args = check_command(command, args)
        except RejectedError as error:
            self._answer(400, {"error": str(error)})
            return
        self._answer(200, self.relay.run(command, args, domain))

    def _body(self) -> bytes | None:
        """The whole body, read before any answer so that the connection stays in step."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal() or len(length) > 9:
            self._refuse(411, "Content-Length required")
            return None
        if int(length) > MAX_BODY:
            self._refuse(413, f"at most {MAX_BODY} bytes")
            return None
        return self.rfile.read(int(length))

    def _authorized(self) -> bool:
        wanted = self.relay.settings.api_key.encode()
        given = self.headers.get("X-API-Key", "").encode("utf-8", "surrogateescape")
        if not wanted or hmac.compare_digest(wanted, given):
            return True
        self._answer(401, {"error": "Unauthorized"})
        return False

    def _refuse(self, status: int, error: str) -> None:
        self.close_connection = True
        self._answer(status, {"error": error})

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line per request; of refusals one a minute for each status and address."""
        refused = isinstance(code, int) and code >= 400
        if not refused or refusals.admit(str(code), str(self.client_address[0])):
            super().log_request(code, size)

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """What is no HTTP, and connections that say nothing."""
        if refusals.admit("error", str(self.client_address[0])):
            super().log_error(format, *args)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """One line, without headers."""
        line = (format % args).encode("ascii", "backslashreplace").decode()
        shown = "".join(c if c.isprintable() else "?" for c in line[:200])
        log("INFO", f"{self.client_address[0]} {shown}")


class RelayServer(ThreadingHTTPServer):
    """Serves a few clients at a time; more wait in the kernel's queue."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, address: tuple[str, int], relay: Relay) -> None:
        handler = type("BoundHandler", (Handler,), {"relay": relay})
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self._slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__(address, handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle one connection and give its slot back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Drop connections beyond the limit: a Pi Zero has 512 MB."""
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away costs one line."""
        if refusals.admit("broken", str(client_address[0])):
            log("WARNING", f"{client_address[0]}: {sys.exc_info()[1]}")


def log(level: str, text: str) -> None:
    """One line per event."""
    print(f"[{time.strftime('%H:%M:%S')}] {level}: {text}", flush=True)  # noqa: T201


class Refusals:
    """Admits one line a minute for each cause and address, in a table of bounded size."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def admit(self, cause: str, address: str) -> bool:
        """Whether this line may be written."""
        now = self._clock()
        with self._lock:
            self._last = {key: at for key, at in self._last.items() if now - at < 60.0}
            if (cause, address) in self._last or len(self._last) >= _MOST_REFUSALS:
                return False
            self._last[cause, address] = now
            return True


refusals = Refusals()
