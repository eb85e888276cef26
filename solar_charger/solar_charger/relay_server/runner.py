"""Runs tesla-control for the relay, one call at a time, and keeps its counters."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .commands import is_stale_session, public_pem

COMMAND_TIMEOUT_S = 45.0
BUSY = "vehicle busy or finishing wake-up: another command is under way, nothing was sent"
"""In the words of tesla-control that make every client try again soon."""
LEAST_S = 1.0
"""With less left tesla-control is not begun: it would be killed before it could connect."""


@dataclass(frozen=True)
class Settings:
    """How the relay was started."""

    vin: str
    key_file: Path
    tesla_control: str = "tesla-control"
    api_key: str = ""
    timeout_s: float = COMMAND_TIMEOUT_S


@dataclass
class Counters:
    """What `/status` shows."""

    started: float = field(default_factory=time.monotonic)
    sent: int = 0
    succeeded: int = 0
    failed: int = 0
    last_command: str | None = None
    last_time: str | None = None
    last_success: bool | None = None


class Relay:
    """Runs tesla-control, one at a time: it takes the Bluetooth adapter for itself."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._counters = Counters()
        self._lock = threading.Lock()

    def run(self, command: str, args: list[str], domain: str) -> dict[str, Any]:
        """Carry out a checked command and tell how it went, waiting for its turn included in time.

        A client gives up after 60 s: what has not had its turn by then is not carried out.
        """
        begun = time.monotonic()
        deadline = begun + self.settings.timeout_s
        if not self._lock.acquire(timeout=self.settings.timeout_s):
            return _answer(False, BUSY, begun)
        try:
            success, output = self._call(command, args, domain, deadline)
        except (OSError, ValueError) as error:
            success, output = False, f"tesla-control cannot be run: {error}"
        finally:
            self._lock.release()
        self._count(command, success)
        return _answer(success, output, begun)

    def _call(
        self, command: str, args: list[str], domain: str, deadline: float
    ) -> tuple[bool, str]:
        if command != "add-key-request":
            success, output = self._subprocess(command, args, domain, deadline)
            if not success and is_stale_session(output) and self._forget_sessions():
                return self._subprocess(command, args, domain, deadline)
            return success, output
        pem = public_pem(self.settings.key_file.read_text("ascii"))
        with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="ascii") as file:
            file.write(pem)
            file.flush()
            return self._subprocess(command, [file.name, *args[1:]], "vcsec", deadline)

    @staticmethod
    def _forget_sessions() -> bool:
        """Delete tesla-control's session cache; False where there is none."""
        named = os.environ.get("TESLA_CACHE_FILE")
        try:
            (Path(named) if named else Path.home() / ".tesla-cache.json").unlink()
        except (OSError, RuntimeError):
            return False
        return True

    def _subprocess(
        self, command: str, args: list[str], domain: str, deadline: float
    ) -> tuple[bool, str]:
        settings = self.settings
        left = deadline - time.monotonic()
        if left < LEAST_S:
            return False, BUSY
        argv = [settings.tesla_control, "-ble", "-vin", settings.vin]
        argv += ["-key-file", str(settings.key_file), "-domain", domain, command, *args]
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return False, f"Command timed out after {settings.timeout_s:g}s"
        stdout, stderr = out.decode("utf-8", "replace"), err.decode("utf-8", "replace")
        if process.returncode == 0:
            return True, stdout.strip()
        return False, (stderr.strip() or stdout.strip() or f"exit code {process.returncode}")

    def _count(self, command: str, success: bool) -> None:
        counters = self._counters
        counters.sent += 1
        counters.succeeded += success
        counters.failed += not success
        counters.last_command, counters.last_success = command, success
        counters.last_time = time.strftime("%Y-%m-%dT%H:%M:%S")

    def finish(self, within_s: float) -> None:
        """Wait for the call under way and take no further one."""
        self._lock.acquire(timeout=within_s)

    def health(self) -> dict[str, Any]:
        """Whether radio and program are there; open to everybody, so it tells no more."""
        adapters = Path("/sys/class/bluetooth")
        return {
            "status": "ok",
            "bluetooth": adapters.is_dir() and any(adapters.glob("hci*")),
            "tesla_control": shutil.which(self.settings.tesla_control) is not None,
        }

    def status(self) -> dict[str, Any]:
        """Counters and settings, the VIN shortened."""
        counters = self._counters
        return {
            "uptime": round(time.monotonic() - counters.started, 1),
            "commands_sent": counters.sent,
            "commands_succeeded": counters.succeeded,
            "commands_failed": counters.failed,
            "last_command": counters.last_command,
            "last_command_time": counters.last_time,
            "last_command_success": counters.last_success,
            "config": {
                "vin": self.settings.vin[-6:],
                "key_file": str(self.settings.key_file),
                "ble_timeout": self.settings.timeout_s,
            },
        }


def _answer(success: bool, output: str, begun: float) -> dict[str, Any]:
    return {
        "success": success,
        "output": output,
        "duration": round(time.monotonic() - begun, 2),
        "error": None if success else output,
    }
