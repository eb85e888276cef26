"""solar_charger through a scripted day in less than a minute: sun, clouds, faults and people."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import aiomqtt
from solar_charger.journal import JournalError, Reader
from solar_charger.simulator import demo_day

from tests.demo.scenes.app_process import AppProcess, free_port, listening
from tests.demo.scenes.verdict import Jobs, say

SPEED = 1800
LOOK_EACH = 0.5
LINES = 500
DAY_S = 86400
SPARSE_S = 900
"""Simulated seconds between two lines about the current following the sun."""
SCRIPT = (
    (demo_day.PLUG_AT, f"the car is plugged in with {demo_day.PLUGGED_SOC:.0f} % in its battery"),
    (demo_day.CLEAR_AT, "a clear morning"),
    (demo_day.BROKEN_AT, "clouds come and go"),
    (demo_day.OUTAGE[0], "the meter's gateway fails"),
    (demo_day.OUTAGE[1], "the gateway is back"),
    (demo_day.UNPLUG_AT, "the car is unplugged and leaves, out of Bluetooth's reach"),
    (demo_day.REPLUG_AT, "the car is home again and plugged in"),
    (demo_day.OVERCAST_AT, "the sky is overcast"),
)

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
        self._shown_at = float("-inf")
        self._told = 0
        self._midnight: datetime | None = None

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
        second = self._second(line["ts_utc"])
        self._tell_script(second)
        if line["action"] in ("start", "stop", "set_amps", "wake"):
            self._command(line, second)
        elif line["action"] == "decide":
            becomes, was = str(line["to"]), str(line["from"])
            if becomes.partition(":")[0] != was.partition(":")[0]:
                _say_at(second, str(line["text"]))
            self._decided(becomes, was, str(line["reason"]))

    def _second(self, stamp: str) -> int:
        """Seconds since the first midnight of the simulated days."""
        now = datetime.fromisoformat(stamp).astimezone()
        if self._midnight is None:
            self._midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return int((now - self._midnight).total_seconds())

    def _tell_script(self, second: int) -> None:
        """What happened around the app since the last line."""
        while True:
            day, number = divmod(self._told, len(SCRIPT))
            at = day * DAY_S + SCRIPT[number][0]
            if at > second:
                return
            _say_at(at, f"* {SCRIPT[number][1]}")
            self._told += 1

    def _command(self, line: Mapping[str, Any], second: int) -> None:
        value = f" {line['to']} A" if line["to"] else ""
        follows = line["action"] == "set_amps" and line["result_class"] == "OK"
        if not follows or second - self._shown_at >= SPARSE_S:
            self._shown_at = second
            _say_at(second, f"car: {line['action']}{value}: {line['result_class']}")
        if line["result_class"] == "OK":
            self._obeyed(line)

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


def _say_at(second: int, text: str) -> None:
    """A line with the simulated time of day in front."""
    time = second % DAY_S
    say(f"{time // 3600:02}:{time // 60 % 60:02} {text}")


async def watch_journal(scene: Scene, data: Path) -> None:
    """Look again and again."""
    reader = Reader(data / "solar_charger.db")
    while True:
        await asyncio.to_thread(scene.look, reader)
        await asyncio.sleep(LOOK_EACH)


async def watch_mqtt(scene: Scene, port: int) -> None:
    """Wait for the announcement and a state; on a busy machine the broker may drop a newcomer."""
    seen: set[str] = set()
    while True:
        try:
            await _seen_at_broker(seen, port)
        except aiomqtt.MqttError as error:
            say(f"the demo's look at the broker failed ({error}), trying again")
            await asyncio.sleep(LOOK_EACH)
        else:
            scene.jobs.done(SHOWN)
            return


async def _seen_at_broker(seen: set[str], port: int) -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("homeassistant/device/+/config", qos=1)
        await client.subscribe("solar_charger/+/state", qos=1)
        async for message in client.messages:
            if "solar_charger" in message.topic.value:  # others are announced here too
                seen.add(message.topic.value.split("/")[0])
            if {"homeassistant", "solar_charger"} <= seen:
                return


def write_options(folder: Path, mqtt_port: int) -> Path:
    """The options as the Supervisor would write them."""
    options = {
        "source": "simulated",
        "vehicle_link": "simulated",
        "dry_run": False,
        "target_soc": 55,
        "log_level": "notice",
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
            ended, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()  # raises what went wrong in the scene itself
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
