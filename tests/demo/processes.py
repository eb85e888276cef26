"""A child process of the demo: its lines with the app's name in front, its orderly end."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from dataclasses import dataclass

from tests.environments import ROOT, python_path

READY = "@ready"


@dataclass(frozen=True)
class Ready:
    """What a child says once it works: the address of its page and what is simulated."""

    page: str
    simulated: str


class Child:
    """One running child; it has a session of its own, so that Ctrl-C reaches it only through us."""

    def __init__(self, name: str, command: list[str], apps: tuple[str, ...]) -> None:
        self.name = name
        self.ready: queue.Queue[Ready | None] = queue.Queue()
        variables = {
            **os.environ,
            "PYTHONPATH": python_path(*apps),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            text = line.rstrip()
            if text.startswith(f"{READY}\t"):
                page, simulated = text.split("\t")[1:3]
                self.ready.put(Ready(page, simulated))
            else:
                stamp = time.strftime("%H:%M:%S")
                print(f"{stamp}  {self.name:<16} {text}", flush=True)
        self.ready.put(None)

    def wait_ready(self, seconds: float) -> Ready | None:
        """What the child said, or None when it ended or kept silent for `seconds`."""
        try:
            return self.ready.get(timeout=seconds)
        except queue.Empty:
            return None

    def stop(self, seconds: float = 20.0) -> int:
        """Asks the child to end, kills its whole session after `seconds`; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"{self.name} did not end within {seconds:.0f} s and was killed", flush=True)
            code = -signal.SIGKILL
        self._kill_session()
        self._reader.join(2)
        return code

    def _kill_session(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
        self.process.wait()
