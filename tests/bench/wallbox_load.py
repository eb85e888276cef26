"""Wallboxes for benches: a fixed schedule, as fast as it goes, or idle; prints one JSON line.

Open loop: send times are planned and latency counts from the planned time, so stalls count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import sys
import time
from contextlib import suppress

import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MESSAGE_BYTES = 1289
AT_ONCE = 10  # handshakes in progress


def meter_values(number: int) -> bytes:
    """A MeterValues CALL of MESSAGE_BYTES bytes, the size a three-phase wallbox sends."""
    head = b'[2,"%08d","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":' % number
    head += b'"2026-01-01T00:00:00.000Z","sampledValue":['
    sample = b'{"value":"16.0","measurand":"Current.Import","phase":"L1","unit":"A"}'
    tail = b"]}]}]"
    samples = [sample]
    while len(head) + len(b",".join([*samples, sample])) + len(tail) <= MESSAGE_BYTES:
        samples.append(sample)
    body = b",".join(samples)
    padding = MESSAGE_BYTES - len(head) - len(body) - len(tail)
    return head + body + b" " * padding + tail


class Station:
    """One wallbox connection with its own message numbers."""

    def __init__(self, connection: ClientConnection, number: int) -> None:
        self.connection = connection
        self.next_number = number * 1_000_000

    async def call(self) -> None:
        """One CALL and its answer."""
        self.next_number += 1
        await self.connection.send(meter_values(self.next_number), text=True)
        await self.connection.recv(decode=False)


async def connected(url: str, number: int, cafile: str | None) -> Station:
    """Connects one station, as `<url>/bench<number>`."""
    context = ssl.create_default_context(cafile=cafile) if cafile else None
    connection = await connect(
        f"{url}/bench{number:04d}", subprotocols=["ocpp1.6"], compression=None,  # type: ignore[list-item]
        ping_interval=None, proxy=None, ssl=context, open_timeout=30,
    )  # fmt: skip
    return Station(connection, number)


async def scheduled(stations: list[Station], rate: float, seconds: float) -> dict[str, object]:
    """Each station sends `rate` messages a second; latencies in ms."""
    begin = time.perf_counter() + 0.2
    latencies: list[float] = []

    async def one(station: Station, offset: float) -> None:
        planned = begin + offset
        while planned < begin + seconds:
            await asyncio.sleep(max(0.0, planned - time.perf_counter()))
            await station.call()
            latencies.append((time.perf_counter() - planned) * 1000)
            planned += 1 / rate

    async with asyncio.TaskGroup() as group:
        for index, station in enumerate(stations):
            group.create_task(one(station, index / len(stations) / rate))
    return {"latencies_ms": sorted(latencies)}


async def saturated(stations: list[Station], seconds: float) -> dict[str, object]:
    """Each station sends as soon as it has its answer; messages a second over all."""
    begin = time.perf_counter()
    done = 0

    async def one(station: Station) -> None:
        nonlocal done
        while time.perf_counter() < begin + seconds:
            await station.call()
            done += 1

    async with asyncio.TaskGroup() as group:
        for station in stations:
            group.create_task(one(station))
    return {"per_second": done / (time.perf_counter() - begin)}


async def idle(stations: list[Station]) -> dict[str, object]:
    """Stays connected until standard input is closed."""
    print(json.dumps({"connected": len(stations)}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    alive = 0
    for station in stations:
        with suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(10):
                await station.call()
            alive += 1
    return {"alive": alive}


async def cycles(url: str, count: int, cafile: str | None) -> dict[str, object]:
    """Connects and leaves again, `count` times, one station after the other."""
    for number in range(count):
        station = await connected(url, number % 50, cafile)
        await station.connection.close()
    return {"cycles": count}


async def main(arguments: argparse.Namespace) -> None:
    """One kind of load, then one JSON line."""
    if arguments.kind == "cycles":
        print(json.dumps(await cycles(arguments.url, arguments.stations, arguments.cafile)))
        return
    stations: list[Station] = []
    for first in range(0, arguments.stations, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, arguments.stations))
        stations += await asyncio.gather(
            *(connected(arguments.url, number, arguments.cafile) for number in numbers)
        )
    if arguments.kind == "scheduled":
        result = await scheduled(stations, arguments.rate, arguments.seconds)
    elif arguments.kind == "saturated":
        result = await saturated(stations, arguments.seconds)
    else:
        result = await idle(stations)
    print(json.dumps(result), flush=True)
    for station in stations:
        await station.connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["scheduled", "saturated", "idle", "cycles"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--cafile")
    uvloop.run(main(parser.parse_args()))
