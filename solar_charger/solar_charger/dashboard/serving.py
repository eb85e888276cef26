"""waitress in a thread of its own around one door; what it refuses itself is said in JSON too."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from .answers import text_of

if TYPE_CHECKING:
    from .door import Door

LONGEST_REQUEST = 1 << 20
"""Beyond this nothing is read any more; up to it a body that is too long is read and refused."""
CONNECTIONS = 100
SILENCE_S = 60
END_S = 2
LOOK_S = 0.5


class _JsonErrorTask(ErrorTask):
    """Malformed HTTP, refused before there is a request for the application."""

    def execute(self) -> None:
        problem = self.request.error  # type: ignore[attr-defined]  # its stubs know no error here
        body = text_of({"status": "error", "message": f"{problem.reason}: {problem.body}"}).encode()
        self.status = f"{problem.code} {problem.reason}"
        self.response_headers = [("Content-Type", "application/json")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Channel(HTTPChannel):
    error_task_class = _JsonErrorTask


class Serving:
    """One listener: a thread that reads and writes, and `threads` that answer."""

    def __init__(self, application: Any, door: Door, name: str, threads: int) -> None:
        # A page that was closed, a queue: nothing anybody has to know.
        logging.getLogger("waitress").setLevel(logging.WARNING)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._map: dict[int, Any] = {}
        self._door = door
        self._port = int(door.getsockname()[1])
        adjustments = Adjustments(
            threads=threads, ident=None, expose_tracebacks=False, log_socket_errors=False,
            clear_untrusted_proxy_headers=False, max_request_body_size=LONGEST_REQUEST,
            connection_limit=CONNECTIONS, channel_timeout=SILENCE_S, sockets=[door],
            asyncore_use_poll=True,
        )  # fmt: skip
        self._dispatcher = ThreadedTaskDispatcher()
        self._dispatcher.set_thread_count(threads)
        self._server = TcpWSGIServer(
            application, self._map, True, door, dispatcher=self._dispatcher, adj=adjustments,
            bind_socket=False, sockinfo=(door.family, door.type, door.proto, door.getsockname()),
        )  # fmt: skip
        self._server.channel_class = _Channel
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def port(self) -> int:
        """The port really listened on."""
        return self._port

    @property
    def accepting(self) -> bool:
        """Whether the thread runs and its socket is open."""
        return self._thread.is_alive() and self._door.fileno() >= 0 and not self._ending.is_set()

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def end(self) -> None:
        """Accept nothing any more; answers that are being made may still go out."""
        self._ending.set()

    def join(self) -> None:
        """Wait for the end, at most a few seconds; threads that hang do not keep the program."""
        if self._thread.is_alive():
            self._thread.join(2 * END_S)
        elif self._map:
            self._close()

    def _run(self) -> None:
        # Not woken for the end: the server's own trigger may be closed already by then.
        while not self._ending.is_set():
            wasyncore.loop(timeout=LOOK_S, use_poll=True, map=self._map, count=1)
        self._close()

    def _close(self) -> None:
        self._server.accepting = False
        self._dispatcher.shutdown(cancel_pending=True, timeout=END_S)
        wasyncore.loop(timeout=0.0, use_poll=True, map=self._map, count=1)
        wasyncore.close_all(self._map, ignore_all=True)
