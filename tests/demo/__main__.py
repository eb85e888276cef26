"""Starts broker and scenes, prints the table, passes their lines on, ends everything cleanly."""

from __future__ import annotations

import argparse
import signal
import socket
import sys
import threading
import time
from types import FrameType

from tests import environments
from tests.demo.processes import Child, Ready
from tests.environments import EnvironmentNotReady
from tests.tools import assets

SCENES = ("ocpp_proxy", "solar_charger")
START_SECONDS = 120.0


class DemoFailed(Exception):
    """A part of the demo did not come up; the text says which."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_broker() -> tuple[Child, int, Ready]:
    """The broker, ready; the apps get its port."""
    python = environments.make_ready(environments.broker_environment())
    port = free_port()
    child = Child("broker", [str(python), "-m", "tests.demo.broker", "--port", str(port)], ())
    ready = child.wait_ready(START_SECONDS)
    if ready is None:
        child.stop()
        raise DemoFailed("the MQTT broker did not start; its lines above say why")
    return child, port, ready


def start_scene(app: str, mqtt_port: int) -> Child:
    """One app with its simulated far side, and its pages with their libraries."""
    try:
        assets.make_ready(app)
    except assets.AssetsMissing as failure:
        raise DemoFailed(f"the libraries of {app}'s pages are missing: {failure}") from failure
    python = environments.make_ready(environments.app_environment(app))
    command = [str(python), "-m", f"tests.demo.scenes.{app}", "--mqtt-port", str(mqtt_port)]
    return Child(app, command, (app,))


def print_table(rows: list[tuple[str, Ready]]) -> None:
    """App, address of its page, what is simulated."""
    width = max(len(ready.page) for _, ready in rows)
    print(f"\n{'app':<16} {'address':<{width}} simulated")
    for name, ready in rows:
        print(f"{name:<16} {ready.page:<{width}} {ready.simulated}")
    print("\nCtrl-C ends the demo.\n", flush=True)


def watch(children: list[Child], seconds: float | None, stopping: threading.Event) -> None:
    """Waits for the end of the demo; raises DemoFailed when a part of it ends by itself."""
    until = None if seconds is None else time.monotonic() + seconds
    while not stopping.wait(0.5):
        for child in children:
            if child.process.poll() is not None:
                raise DemoFailed(f"{child.name} ended by itself; its lines above say why")
        if until is not None and time.monotonic() >= until:
            return


def play(seconds: float | None, stopping: threading.Event) -> int:
    """Runs the demo; 0 only if every app did its job."""
    children: list[Child] = []
    try:
        broker, port, ready = start_broker()
        children.append(broker)
        rows = [("broker", ready)]
        scenes = [start_scene(app, port) for app in SCENES]
        children.extend(scenes)
        for scene in scenes:
            ready_scene = scene.wait_ready(START_SECONDS)
            if ready_scene is None:
                raise DemoFailed(f"{scene.name} did not start; its lines above say why")
            rows.append((scene.name, ready_scene))
        print_table(rows)
        watch(children, seconds, stopping)
        codes = [scene.stop() for scene in scenes]
        return 1 if seconds is not None and any(codes) else 0
    except DemoFailed as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    finally:
        for child in reversed(children):
            child.stop()


def main() -> int:
    """Command line of the demo."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make demo")
    parser.add_argument("--seconds", type=float, help="end after this time instead of at Ctrl-C")
    arguments = parser.parse_args()
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        code = play(arguments.seconds, stopping)
    except EnvironmentNotReady as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    if arguments.seconds is not None:
        print("demo: every app did its job" if code == 0 else "demo: FAILED, see the lines above")
    return code


if __name__ == "__main__":
    sys.exit(main())
