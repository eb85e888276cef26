"""ocpp_proxy between wallboxes evcc would refuse and a central system like evcc that restarts."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

from ocpp_proxy.testing.central_setup import Charger
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.central_timing import Timing
from ocpp_proxy.testing.events import Event, EventLog
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC, Quirks
from ocpp_proxy.testing.wire import CallFailed

from tests.demo.scenes.app_process import AppProcess, free_port, listening
from tests.demo.scenes.verdict import Jobs, say

STATION = "AcTec001"
DOUBLED_SLASH = Quirks(
    target="//{id}",
    subprotocol_headers=(),
    boot={"chargePointVendor": "AcTEC", "chargePointModel": "EV-AC22K", "firmwareVersion": "V1"},
    boot_on_reconnect=False,
    status_on_reconnect=False,
)
# Leaves commands unanswered and takes limits in watts only; rules speak for it.
DEAF_STATION = "AcTec002"
DEAF_RULES = "actec; profile template=daily; add_total_power"
LIMITS = (6.0, 10.0, 16.0, 8.0)
RESTART_AFTER, RESTART_EVERY, AWAY = 12.0, 90.0, 4.0

CLEANED = "evcc sees /AcTec001, the wallbox asked for //AcTec001"
BOOTED = "BootNotification reached evcc"
METERED = "MeterValues reached evcc"
LIMITED = "a charging limit reached the wallbox"
REPLAYED = "evcc restarted and got the boot again from the proxy"
RESUMED = "MeterValues flow again after the restart"
DEAF_SET_UP = "evcc set up a wallbox that answers none of its questions"
DEAF_LIMITED = "its limit in amperes reached that wallbox in watts"
DEAF_TOTAL = "evcc got the total power that wallbox leaves out"
KEPT = "the wallbox's socket was never closed"


class Scene:
    """Follows both far sides' events and ticks the jobs off."""

    def __init__(self) -> None:
        self.jobs = Jobs(
            CLEANED, BOOTED, METERED, LIMITED, REPLAYED, RESUMED,
            DEAF_SET_UP, DEAF_LIMITED, DEAF_TOTAL,
        )  # fmt: skip
        self.wallbox_closed = False
        self.restarts = 0

    def at_wallbox(self, event: Event) -> None:
        """One event of the wallbox."""
        if event.name in ("connected", "disconnected", "refused", "status", "transaction_started"):
            say(f"wallbox: {event.line()}")
        if event.name == "disconnected":
            self.wallbox_closed = True
        if event.name == "profile":
            self.jobs.done(LIMITED)

    def at_deaf_wallbox(self, event: Event) -> None:
        """One event of the wallbox that needs rules."""
        if event.name in ("connected", "disconnected", "refused", "status", "transaction_started"):
            say(f"wallbox: {event.line()}")
        if event.name == "profile" and event["unit"] == "W" and event["accepted"]:
            self.jobs.done(DEAF_LIMITED)

    def at_central_system(self, event: Event) -> None:
        """One event of the central system."""
        if event.name not in ("command_answered", "command", "heartbeat", "stray_answer"):
            say(f"evcc: {shortened(event)}")
        if event.name == "request" and event["target"] == f"/{STATION}":
            self.jobs.done(CLEANED)
        if event.station == DEAF_STATION:
            self.about_the_deaf_one(event)
        elif event.name == "boot":
            self.jobs.done(REPLAYED if self.restarts else BOOTED)
        elif event.name == "meter_values":
            self.jobs.done(RESUMED if self.restarts else METERED)

    def about_the_deaf_one(self, event: Event) -> None:
        """One event of the central system about the wallbox that needs rules."""
        if event.name == "operational":
            self.jobs.done(DEAF_SET_UP)
        if event.name == "meter_values" and total_power(event) is not None:
            self.jobs.done(DEAF_TOTAL)

    def exit_code(self) -> int:
        """0 if every job was done and the wallbox never lost its socket."""
        code = self.jobs.exit_code()
        say(f"{'✘ not' if self.wallbox_closed else '✔'} {KEPT}")
        return 1 if self.wallbox_closed else code


def shortened(event: Event) -> str:
    """The event as a line; of MeterValues only the power."""
    if event.name != "meter_values":
        return event.line()
    return f"{event.station} meter_values power={total_power(event) or '?'} W"


def total_power(event: Event) -> str | None:
    """The power without phase in MeterValues."""
    for sample in event["payload"]["meterValue"][-1]["sampledValue"]:
        if sample.get("measurand") == "Power.Active.Import" and "phase" not in sample:
            return str(sample["value"])
    return None


async def charge_and_steer(box: Wallbox, system: CentralSystem) -> None:
    """The car charges; evcc changes the limit every few seconds."""
    await system.events.wait_for("operational", within=60, station=box.id)
    await box.charge()
    step = 0
    while True:
        charger = system.chargers.get(box.id)
        if charger is not None and charger.online:
            await set_limit(charger, LIMITS[step % len(LIMITS)])
            step += 1
        await asyncio.sleep(5)


async def set_limit(charger: Charger, amps: float) -> None:
    """One new limit; evcc may be restarting at this very moment."""
    try:
        said = await charger.set_limit(amps)
        say(f"evcc: sets {charger.station.id} to {amps:.0f} A: {said}")
    except CallFailed as failure:
        say(f"evcc: could not set {charger.station.id} to {amps:.0f} A: {failure}")


async def restart_now_and_then(system: CentralSystem, scene: Scene) -> None:
    """evcc restarts, first soon, then now and then."""
    await asyncio.sleep(RESTART_AFTER)
    while True:
        say(f"evcc: restarts, away for {AWAY:.0f} s")
        await system.stop()
        await asyncio.sleep(AWAY)
        scene.restarts += 1
        await system.start()
        await asyncio.sleep(RESTART_EVERY)


async def play(mqtt_port: int, stopping: asyncio.Event) -> int:
    """The whole scene until it is told to stop."""
    scene, port = Scene(), free_port()
    system = CentralSystem(
        timing=Timing(meter_interval=3.0), events=EventLog(scene.at_central_system)
    )
    with tempfile.TemporaryDirectory(prefix="ocpp-proxy-demo-") as folder:
        async with system:
            app = AppProcess(
                "ocpp_proxy", "--options", str(write_options(Path(folder), system.port, mqtt_port)),
                "--data", folder, "--listen-host", "127.0.0.1", "--listen-port", str(port),
                "--page-host", "127.0.0.1", "--page-port", "0",
            )  # fmt: skip
            async with app:
                await listening(port)
                simulated = (
                    f"wallbox {STATION} (doubled slash, no subprotocol), wallbox {DEAF_STATION} "
                    f"(leaves commands unanswered), evcc on {system.url}"
                )
                say(f"@ready\tws://127.0.0.1:{port}/\t{simulated}")
                say(f"wallbox: asks for //{STATION} without a subprotocol")
                await act(scene, system, app, port, stopping)
    return scene.exit_code()


async def act(
    scene: Scene, system: CentralSystem, app: AppProcess, port: int, stopping: asyncio.Event
) -> None:
    """Wallboxes, limits and restarts until the end; the verdict on the socket comes before it."""
    url = f"ws://127.0.0.1:{port}"
    events, deaf_events = EventLog(scene.at_wallbox), EventLog(scene.at_deaf_wallbox)
    async with (
        Wallbox(STATION, url, DOUBLED_SLASH, events=events) as box,
        Wallbox(DEAF_STATION, url, ACTEC, events=deaf_events) as deaf,
    ):
        work = [
            asyncio.create_task(charge_and_steer(box, system)),
            asyncio.create_task(charge_and_steer(deaf, system)),
            asyncio.create_task(restart_now_and_then(system, scene)),
        ]
        ends = [asyncio.create_task(app.ended()), asyncio.create_task(stopping.wait())]
        await asyncio.wait([*work, *ends], return_when=asyncio.FIRST_COMPLETED)
        closed = scene.wallbox_closed
        for task in (*work, *ends):
            task.cancel()
        await asyncio.gather(*work, *ends, return_exceptions=True)
    scene.wallbox_closed = closed


def write_options(folder: Path, upstream: int, mqtt_port: int) -> Path:
    """The options as the Supervisor would write them."""
    options = {
        "target_host": "127.0.0.1",
        "target_port": upstream,
        "stations": [{"id": DEAF_STATION, "rules": DEAF_RULES}],
        "mqtt_host": "127.0.0.1",
        "mqtt_port": mqtt_port,
    }
    file = folder / "options.json"
    file.write_text(json.dumps(options))
    return file


async def main(mqtt_port: int) -> int:
    """Until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return await play(mqtt_port, stopping)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mqtt-port", type=int, required=True)
    sys.exit(asyncio.run(main(parser.parse_args().mqtt_port)))
