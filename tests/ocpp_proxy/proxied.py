"""The proxy as a process between the simulated far sides, ready to be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ocpp_proxy.testing.central_timing import Timing
from ocpp_proxy.testing.wallbox_quirks import PLAIN, SILENT

from tests.ocpp_proxy.harness import ProxyProcess, proxy_process, until

# evcc's times, without the waits before it knows its chargers.
UNHURRIED = Timing(knows_after=0.0)
PATIENT = replace(PLAIN, reconnect_delays=(0.1,))
STUBBORN = replace(SILENT, reconnect_delays=(0.1,))


@asynccontextmanager
async def proxied(
    folder: Path, target_port: int, *arguments: str, **options: Any
) -> AsyncIterator[ProxyProcess]:
    """A proxy process that listens and relays to a port of loopback."""
    target = ("--target-host", "127.0.0.1", "--target-port", str(target_port))
    async with proxy_process(folder, *target, *arguments, options=options) as process:
        await until(lambda: logged(process, "listening on"), "the proxy never listened")
        yield process


def logged(process: ProxyProcess, *words: str) -> list[str]:
    """The log lines that hold all the words."""
    return [line for line in process.lines if all(word in line for word in words)]


def url(process: ProxyProcess) -> str:
    """Where wallboxes connect."""
    return f"ws://127.0.0.1:{process.port}"
