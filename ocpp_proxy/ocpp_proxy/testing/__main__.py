"""`python -m ocpp_proxy.testing wallbox …` and `… central-system …`: the fakes as processes."""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
from dataclasses import fields, replace
from typing import Any

from .central_answers import FEATURES, OLD_FEATURES
from .central_system import CentralSystem
from .central_timing import Timing
from .events import Event, EventLog
from .wallbox import Wallbox
from .wallbox_quirks import PRESETS, Quirks

QUIET = {"call_sent", "call_answered", "command", "command_answered"}


def main() -> None:
    """Run one fake until SIGTERM or SIGINT; one line per event on standard output."""
    options = _parser().parse_args()
    try:
        asyncio.run(options.run(options))
    except ValueError as error:
        sys.exit(f"{error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ocpp_proxy.testing")
    kinds = parser.add_subparsers(required=True)
    box = kinds.add_parser("wallbox", help="a simulated wallbox")
    box.set_defaults(run=_run_wallbox)
    box.add_argument("--url", required=True, help="ws://HOST:PORT or wss://HOST:PORT")
    box.add_argument("--id", default="AcTec001", help="station id")
    box.add_argument("--preset", choices=PRESETS, default="plain")
    box.add_argument(
        "--quirk", action="append", default=[], metavar="NAME=VALUE", help="a field of Quirks"
    )
    box.add_argument("--ca", help="certificate file to trust for wss")
    box.add_argument("--plug-after", type=float, metavar="S", help="plug in after S s")
    box.add_argument("--charge-after", type=float, metavar="S", help="plug in and charge after S s")
    system = kinds.add_parser("central-system", help="a central system that behaves like evcc")
    system.set_defaults(run=_run_central_system)
    system.add_argument("--host", default="127.0.0.1")
    system.add_argument("--port", type=int, default=8887)
    system.add_argument("--station", action="append", help="a configured id; none: all are")
    system.add_argument(
        "--time", action="append", default=[], metavar="NAME=SECONDS", help="a field of Timing"
    )
    system.add_argument("--old", action="store_true", help="without FirmwareManagement, Security")
    system.add_argument("--remote-start", metavar="TAG", help="start when a car is plugged in")
    system.add_argument("--limits", help="amperes to set one after the other, as 6,16,0")
    system.add_argument("--limit-every", type=float, default=15.0, metavar="S")
    for each in (box, system):
        each.add_argument("--verbose", action="store_true", help="also each CALL and answer")
    return parser


def _printer(verbose: bool) -> EventLog:
    def show(event: Event) -> None:
        if verbose or event.name not in QUIET:
            sys.stdout.write(event.line() + "\n")
            sys.stdout.flush()

    return EventLog(show)


async def _stopped() -> None:
    ordered = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ordered.set)
    await ordered.wait()


async def _run_wallbox(options: argparse.Namespace) -> None:
    quirks = bend(PRESETS[options.preset], options.quirk)
    tls = ssl.create_default_context(cafile=options.ca) if options.ca else None
    events = _printer(options.verbose)
    async with Wallbox(options.id, options.url, quirks, events=events, tls=tls) as box:
        charging = asyncio.create_task(_charge(box, options))
        await _stopped()
        charging.cancel()


async def _charge(box: Wallbox, options: argparse.Namespace) -> None:
    await box.registered.wait()
    if options.plug_after is not None:
        await asyncio.sleep(options.plug_after)
        await box.plug()
    if options.charge_after is not None:
        await asyncio.sleep(options.charge_after)
        await box.charge()


async def _run_central_system(options: argparse.Namespace) -> None:
    timing = replace(Timing(), **_readings(options.time, Timing))
    system = CentralSystem(
        host=options.host,
        port=options.port,
        stations=options.station,
        timing=timing,
        events=_printer(options.verbose),
        features=OLD_FEATURES if options.old else FEATURES,
        remote_start=options.remote_start,
    )
    async with system:
        limits = [float(part) for part in options.limits.split(",")] if options.limits else []
        steering = asyncio.create_task(_steer(system, limits, options.limit_every))
        ended = asyncio.create_task(_gave_up(system))
        stopped = asyncio.create_task(_stopped())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (steering, ended, stopped):
            task.cancel()


async def _gave_up(system: CentralSystem) -> None:
    await system.events.wait_for("gave_up", within=float("inf"))


async def _steer(system: CentralSystem, limits: list[float], every: float) -> None:
    step = 0
    while limits:
        await asyncio.sleep(every)
        amps = limits[step % len(limits)]
        step += 1
        for station_id, charger in list(system.chargers.items()):
            if charger.online:
                status = await charger.set_limit(amps)
                system.events.add("limit", station_id, amps=amps, status=status)


def bend(quirks: Quirks, wanted: list[str]) -> Quirks:
    """Quirks with fields changed by `NAME=VALUE` texts.

    Raises:
        ValueError: no such field, or a value that does not fit; it names both.
    """
    return replace(quirks, **_readings(wanted, Quirks))


def _readings(wanted: list[str], kind: type[Quirks] | type[Timing]) -> dict[str, Any]:
    types = {field.name: str(field.type) for field in fields(kind)}
    found: dict[str, Any] = {}
    for text in wanted:
        name, _, value = text.partition("=")
        if name not in types:
            raise ValueError(f"{name}: not one of {', '.join(types)}")
        found[name] = _read(name, types[name], value)
    return found


def _read(name: str, kind: str, value: str) -> Any:
    if kind == "bool":
        return value.lower() in ("", "true", "yes", "1", "on")
    if kind.startswith(("int", "float")):
        if value == "none" and "None" in kind:
            return None
        return int(value) if kind.startswith("int") else float(value)
    if kind.startswith("frozenset"):
        return frozenset(value.split(",") if value else ())
    if kind == "tuple[float, ...]":
        return tuple(float(part) for part in value.split(",") if part)
    if kind == "tuple[str, ...]":
        return tuple(value.split("|")) if value != "none" else ()
    if kind.startswith("Mapping[str, float"):
        return {key: float(part) for key, part in _pairs(name, value)}
    if kind.startswith("Mapping"):
        return dict(_pairs(name, value))
    if kind.startswith("tuple[tuple"):
        return tuple(_pairs(name, value))
    return value


def _pairs(name: str, value: str) -> list[tuple[str, str]]:
    pairs = [part.partition(":") for part in value.split(",")]
    if not all(colon for _, colon, _ in pairs):
        raise ValueError(f"{name}: wants KEY:VALUE, with commas between")
    return [(key, text) for key, _, text in pairs]


if __name__ == "__main__":
    main()
