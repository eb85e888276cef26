"""The programs of the proxy's bench: started for it, ended with it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Limits out of the way: what is measured is the relay.
OPEN_LIMITS = {"max_connections": 4096}
OPEN_RATES = ["--message-rate", "1000000", "--message-burst", "1000000"]
MOSQUITTO = "/usr/sbin/mosquitto"
RATE = 20.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_listening(port: int, seconds: float = 20.0) -> None:
    """Returns once something accepts on the port; raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.005)
    raise TimeoutError(f"nothing listens on port {port} after {seconds:.0f} s")


@contextmanager
def running(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends the process with the block."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listening(process: subprocess.Popen[bytes], port: int) -> subprocess.Popen[bytes]:
    """The process once it listens; one that does not is ended."""
    try:
        wait_listening(port)
    except TimeoutError:
        process.kill()
        raise
    return process


def start_upstream(port: int) -> subprocess.Popen[bytes]:
    """The answering upstream."""
    command = [sys.executable, "-m", "tests.bench.answering_upstream", "--port", str(port)]
    return _listening(subprocess.Popen(command, stdout=subprocess.DEVNULL), port)


def start_broker(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Mosquitto for the form with entities in Home Assistant."""
    file = folder / "mosquitto.conf"
    file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\n")
    return _listening(subprocess.Popen([MOSQUITTO, "-c", str(file)]), port)


@dataclass(frozen=True)
class Form:
    """How our proxy runs: bare, or with MQTT entities and the page."""

    name: str
    broker_port: int = 0

    @property
    def options(self) -> dict[str, object]:
        if not self.broker_port:
            return {"mqtt_discovery": False}
        return {"mqtt_host": "127.0.0.1", "mqtt_port": self.broker_port}


def start_proxy(
    folder: Path, port: int, upstream: int, form: Form, **options: object
) -> subprocess.Popen[bytes]:
    """Our proxy as one process; with entities, the page has a port of its own too."""
    settings = folder / f"options-{port}.json"
    settings.write_text(json.dumps({**OPEN_LIMITS, **form.options, **options}))
    page = free_port() if form.broker_port else 0
    command = [
        sys.executable, "-m", "ocpp_proxy",
        "--options", str(settings), "--data", str(folder / f"data-{port}"),
        "--listen-host", "127.0.0.1", "--listen-port", str(port),
        "--target-host", "127.0.0.1", "--target-port", str(upstream),
        "--page-host", "127.0.0.1", "--page-port", str(page), *OPEN_RATES,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _listening(process, page) if page else process


def load(kind: str, url: str, stations: int, seconds: float = 0.0) -> dict[str, Any]:
    """One load process and what it measured."""
    command = [
        sys.executable, "-m", "tests.bench.wallbox_load", kind, "--url", url,
        "--stations", str(stations), "--rate", str(RATE), "--seconds", str(seconds),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        raise RuntimeError(f"load {kind} on {url} failed: {done.stderr[-500:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


class IdleStations:
    """Stations that are connected and do nothing until they are counted."""

    def __init__(self, url: str, stations: int, cafile: Path | None) -> None:
        command = [
            sys.executable, "-m", "tests.bench.wallbox_load", "idle", "--url", url,
            "--stations", str(stations), *(["--cafile", str(cafile)] if cafile else []),
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer("connect")

    def _answer(self, what: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the idle stations ended instead of saying how they {what}")
        found: dict[str, Any] = json.loads(line)
        return found

    def alive(self) -> float:
        """How many of them still get an answer to a CALL; ends them."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        found = float(self._answer("live")["alive"])
        self._process.wait(60)
        return found
