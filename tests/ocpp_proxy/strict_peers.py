"""The npm package ocpp-rpc in strict mode as either far side, run by node as its own process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from ocpp_proxy.testing.events import EventLog

from tests.stand import node

SCRIPTS = Path(__file__).parent / "peers"


class StrictPeer:
    """One running peer: its events, and CALLs it can be told to make."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.events = EventLog()
        self._process = process

    async def listen(self) -> None:
        """Read its lines until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            self.events.add(told.pop("name"), **told)

    async def call(self, method: str, params: dict[str, Any]) -> None:
        """Let it send a CALL; the event `answered` or `refused` tells how that went."""
        assert self._process.stdin is not None
        line = json.dumps({"method": method, "params": params}) + "\n"
        self._process.stdin.write(line.encode())
        await self._process.stdin.drain()

    def complaints(self) -> list[str]:
        """Everything the strict mode found wrong."""
        found = self.events.find("broken") + self.events.find("bad_message")
        return [event.line() for event in found]


@asynccontextmanager
async def strict_server() -> AsyncIterator[tuple[StrictPeer, int]]:
    """A central system on a free port of loopback."""
    async with _running("server.mjs") as peer:
        listening = await peer.events.wait_for("listening", within=20)
        yield peer, listening["port"]


@asynccontextmanager
async def strict_client(
    url: str, station_id: str, password: str | None = None
) -> AsyncIterator[StrictPeer]:
    """A wallbox that connects to `url` + `/` + id, boots and reports its one connector."""
    more = [password] if password else []
    async with _running("client.mjs", url, station_id, *more) as peer:
        yield peer


@asynccontextmanager
async def _running(script: str, *settings: str) -> AsyncIterator[StrictPeer]:
    folder = await asyncio.to_thread(node.packages)
    process = await asyncio.create_subprocess_exec(
        node.program("node"),
        str(SCRIPTS / script),
        str(folder),
        *settings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    peer = StrictPeer(process)
    listening = asyncio.create_task(peer.listen())
    try:
        yield peer
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        listening.cancel()
