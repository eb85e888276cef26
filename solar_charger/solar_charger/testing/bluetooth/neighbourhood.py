"""A private system bus with a car on it, started and ended by whoever needs one."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
  </policy>
</busconfig>
"""
READY_WITHIN_S = 30.0


class NotReadyError(Exception):
    """A part did not come up; the text says which."""


class PrivateBus:
    """A D-Bus daemon of our own: `with PrivateBus(folder) as bus: bus.address`."""

    def __init__(self, folder: Path) -> None:
        """`folder` is short: a socket's path has 100 characters at most."""
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """For DBUS_SYSTEM_BUS_ADDRESS."""
        return f"unix:path={self._folder}/bus"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _start(self) -> None:
        daemon = shutil.which("dbus-daemon")
        if daemon is None:
            raise NotReadyError("there is no dbus-daemon")
        configuration = self._folder / "bus.conf"
        configuration.write_text(_CONFIGURATION.format(folder=self._folder))
        self._run(daemon, f"--config-file={configuration}", "--nofork", "--nopidfile")
        self._await(self._folder / "bus")

    def _run(self, *command: str) -> None:
        with (self._folder / "log").open("ab") as log:
            made = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._processes.append(made)

    def _await(self, path: Path) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not path.exists():
            if self._processes[-1].poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                raise NotReadyError(f"{path.name} did not come up: {said}")
            time.sleep(0.02)

    def _end(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
            process.wait(timeout=READY_WITHIN_S)


class Neighbourhood(PrivateBus):
    """A bus with BlueZ and a car: `with Neighbourhood(folder, vin) as cars: cars.set(soc=20)`."""

    def __init__(self, folder: Path, vin: str) -> None:
        super().__init__(folder)
        self._vin = vin
        self._control: socket.socket | None = None

    def state(self) -> dict[str, Any]:
        """What air, car and radio look like."""
        return self.tell("state")

    def set(self, **values: Any) -> dict[str, Any]:
        """Change fields of Air, Moods or the car."""
        return self.tell("set", **values)

    def tell(self, word: str, **values: Any) -> dict[str, Any]:
        """One request to the program; its state afterwards. Raises ValueError if it is refused."""
        assert self._control is not None
        self._control.sendall(json.dumps({"do": word, **values}).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            more = self._control.recv(65536)
            if not more:
                raise NotReadyError("the car's program has ended")
            line += more
        answer = json.loads(line)
        if not answer["ok"]:
            raise ValueError(answer["error"])
        state: dict[str, Any] = answer["state"]
        return state

    def _start(self) -> None:
        super()._start()
        control = self._folder / "control"
        program = [sys.executable, "-m", "solar_charger.testing.bluetooth"]
        self._run(*program, f"--bus={self.address}", f"--control={control}", f"--vin={self._vin}")
        self._await(control)
        self._control = socket.socket(socket.AF_UNIX)
        self._control.settimeout(READY_WITHIN_S)
        self._control.connect(str(control))

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        super()._end()
