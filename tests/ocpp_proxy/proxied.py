"""The proxy as a process between the simulated far sides, ready to be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ocpp_proxy.testing.central_timing import Timing
from ocpp_proxy.testing.wallbox_quirks import PLAIN, SILENT

from tests.ocpp_proxy.harness import ProxyProcess, proxy_process, until

# Where nothing is compiled yet and other stages run beside it, a program starts slowly.
START_SECONDS = 60.0

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
    async with AsyncExitStack() as stack:
        while True:
            process = await stack.enter_async_context(
                proxy_process(folder, *target, *arguments, options=options)
            )
            known = partial(_known_how_it_started, process)
            await until(known, "the proxy never listened", within=START_SECONDS)
            # Another program may take a free port before ours listens on it.
            if not (process.over and logged(process, "cannot listen")):
                break
        assert logged(process, "listening on"), process.lines
        yield process


def _known_how_it_started(process: ProxyProcess) -> bool:
    return process.over or bool(logged(process, "listening on"))


def logged(process: ProxyProcess, *words: str) -> list[str]:
    """The log lines that hold all the words."""
    return [line for line in process.lines if all(word in line for word in words)]


def url(process: ProxyProcess) -> str:
    """Where wallboxes connect."""
    return f"ws://127.0.0.1:{process.port}"
