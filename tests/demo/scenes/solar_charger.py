"""solar_charger through a scripted day in less than a minute: sun, clouds, faults and people."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiomqtt
from solar_charger.journal import JournalError, Reader

from tests.demo.scenes.app_process import AppProcess, free_port, listening
from tests.demo.scenes.verdict import Jobs, say

SPEED = 1800
LOOK_EACH = 0.5
LINES = 500

EMERGENCY = "plugged in at 48 %: charged at once, whatever the sun did"
EMERGENCY_ENDED = "the emergency charge ended at its target"
FOLLOWED = "the current followed the sun"
OUTAGE = "the meter fell silent: nothing was raised, the current was lowered"
PENDING = "unplugged out of reach: full current waits to be given back"
REPLUGGED = "plugged in again: the waiting full current was dropped, the sun decides"
NIGHT = "night came, and nothing charges any more"
SHOWN = "Home Assistant sees the charger over MQTT"


class Scene:
    """Reads the app's own audit log as it grows and ticks the jobs off."""

    def __init__(self) -> None:
        self.jobs = Jobs(
            EMERGENCY, EMERGENCY_ENDED, FOLLOWED, OUTAGE, PENDING, REPLUGGED, NIGHT, SHOWN
        )
        self._last = 0
        self._currents: set[str] = set()
        self._pending = False
        self._silent = False

    def look(self, reader: Reader) -> None:
        """Take the new lines of the audit log."""
        try:
            lines = reader.audit(None, LINES)
        except JournalError:
            return  # not made yet
        for line in reversed(lines):
            if line["id"] > self._last:
                self._last = line["id"]
                self.line(line)

    def line(self, line: Mapping[str, Any]) -> None:
        """One line of the audit log."""
        if line["action"] in ("start", "stop", "set_amps", "wake"):
            value = f" {line['to']} A" if line["to"] else ""
            say(f"car: {line['action']}{value}: {line['result_class']} ({line['reason']})")
            if line["result_class"] == "OK":
                self._obeyed(line)
        elif line["action"] == "decide":
            self._decided(str(line["to"]), str(line["from"]), str(line["reason"]))

    def _obeyed(self, line: Mapping[str, Any]) -> None:
        figures = json.loads(line["inputs_json"] or "{}")
        if line["reason"] == "low_battery" and line["action"] == "start":
            self.jobs.done(EMERGENCY)
        if line["action"] == "set_amps" and (figures.get("production_w") or 0) > 500:
            self._currents.add(line["to"])
            if len(self._currents) >= 4:
                self.jobs.done(FOLLOWED)
            if self._silent:
                self.jobs.done(OUTAGE)

    def _decided(self, becomes: str, was: str, reason: str) -> None:
        state = becomes.partition(":")[0]
        if was.startswith("emergency") and state != "emergency":
            self.jobs.done(EMERGENCY_ENDED)
        self._silent = state == "stale"
        if state == "away" and reason == "normalize":
            self._pending = True
            self.jobs.done(PENDING)
        if self._pending and state not in ("away", "unknown_plug"):
            self.jobs.done(REPLUGGED)
            if state == "night":
                self.jobs.done(NIGHT)


async def watch_journal(scene: Scene, data: Path) -> None:
    """Look again and again."""
    reader = Reader(data / "solar_charger.db")
    while True:
        await asyncio.to_thread(scene.look, reader)
        await asyncio.sleep(LOOK_EACH)


async def watch_mqtt(scene: Scene, port: int) -> None:
    """Wait for the announcement and a state."""
    seen = set()
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("homeassistant/device/+/config", qos=1)
        await client.subscribe("solar_charger/+/state", qos=1)
        async for message in client.messages:
            seen.add(message.topic.value.split("/")[0])
            if {"homeassistant", "solar_charger"} <= seen:
                scene.jobs.done(SHOWN)
                return


def write_options(folder: Path, mqtt_port: int) -> Path:
    """The options as the Supervisor would write them."""
    options = {
        "source": "simulated",
        "vehicle_link": "simulated",
        "dry_run": False,
        "target_soc": 55,
        "mqtt_host": "127.0.0.1",
        "mqtt_port": mqtt_port,
    }
    file = folder / "options.json"
    file.write_text(json.dumps(options))
    return file


async def play(mqtt_port: int, stopping: asyncio.Event) -> int:
    """The whole scene until it is told to stop."""
    scene, page = Scene(), free_port()
    with tempfile.TemporaryDirectory(prefix="solar-charger-demo-") as folder:
        app = AppProcess(
            "solar_charger", "--options", str(write_options(Path(folder), mqtt_port)),
            "--data", folder, "--page-host", "127.0.0.1", "--page-port", str(page),
            "--api-port", "0", "--speed", str(SPEED),
        )  # fmt: skip
        async with app:
            await listening(page)
            say(
                f"@ready\thttp://127.0.0.1:{page}/\tcar, meter and sun; a day in {86400 // SPEED} s"
            )
            work = [
                asyncio.create_task(watch_journal(scene, Path(folder))),
                asyncio.create_task(app.ended()),
                asyncio.create_task(stopping.wait()),
            ]
            shown = asyncio.create_task(watch_mqtt(scene, mqtt_port))
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in (*work, shown):
                task.cancel()
            await asyncio.gather(*work, shown, return_exceptions=True)
    return scene.jobs.exit_code()


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
