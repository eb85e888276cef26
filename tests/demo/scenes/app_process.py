"""The real app as a process of a scene; its log lines become the scene's."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from types import TracebackType

from tests.demo.scenes.verdict import say


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listening(port: int, seconds: float = 30.0) -> None:
    """Returns once something accepts on the port; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


class AppProcess:
    """`python -m <app>` with arguments, as a context manager that ends it as a supervisor would."""

    def __init__(self, app: str, *arguments: str) -> None:
        self._command = (sys.executable, "-m", app, *arguments)
        self.process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> AppProcess:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = await asyncio.create_subprocess_exec(*self._command, env=environment)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), 12)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def ended(self) -> None:
        """Returns when the app ended by itself, which no scene wants."""
        assert self.process is not None
        await self.process.wait()
        say(f"✘ the app ended by itself with {self.process.returncode}")
