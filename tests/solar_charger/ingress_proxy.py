"""What Home Assistant does between browser and app: takes the prefix off and says so in headers."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/api/hassio_ingress/MadeUpToken-x_1"
DROPPED = ("transfer-encoding", "connection", "keep-alive")


class _Handler(BaseHTTPRequestHandler):
    port = 0
    asked: list[str]

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        self.asked.append(self.path)
        if not self.path.startswith(PREFIX + "/"):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        headers |= {"X-Ingress-Path": PREFIX, "X-Forwarded-Host": self.headers["Host"]}
        onwards = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            onwards.request(self.command, self.path.removeprefix(PREFIX), body or None, headers)
            self._give_back(onwards.getresponse())
        except (BrokenPipeError, ConnectionResetError, http.client.HTTPException, OSError):
            self.close_connection = True
        finally:
            onwards.close()

    def _give_back(self, answer: http.client.HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while part := answer.read1(65536):
            self.wfile.write(part)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""


@contextmanager
def ingress(port: int) -> Iterator[tuple[str, list[str]]]:
    """The page's address under Home Assistant's, and every path a browser asked for there."""
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"port": port, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
