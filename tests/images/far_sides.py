"""ocpp_proxy's own fakes as processes whose lines a test can wait for."""

from __future__ import annotations

import os
import signal
import subprocess
from types import TracebackType

from tests.environments import ROOT, app_environment, make_ready, python_path
from tests.stand.network import GATEWAY
from tests.stand.waiting import NeverHappened, wait_until

STOP_SECONDS = 10
MOST_PRINTED = 2**20
STATION = "AcTec001"


class FarSide:
    """`python -m ocpp_proxy.testing ARGUMENTS`, running as long as the `with` block."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._log = os.memfd_create(arguments[0])

    def __enter__(self) -> FarSide:
        python = make_ready(app_environment("ocpp_proxy"))
        self._process = subprocess.Popen(
            [python, "-m", "ocpp_proxy.testing", *self._arguments], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": python_path("ocpp_proxy"), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._log)

    def lines(self) -> str:
        """What it has printed so far."""
        return os.pread(self._log, MOST_PRINTED, 0).decode(errors="replace")

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """All lines once `text` is among them; raises NeverHappened, also when it ended."""

        def seen() -> str:
            lines = self.lines()
            if text not in lines and self._process.poll() is not None:
                raise NeverHappened(f"{self._arguments[0]} ended without {text!r}:\n{lines}")
            return lines if text in lines else ""

        try:
            return wait_until(seen, seconds, f"{text!r} from {self._arguments[0]}")
        except NeverHappened as never:
            raise NeverHappened(f"{never}\n{self.lines()[-3000:]}") from None


def central_system(*arguments: str, host: str = GATEWAY, port: int = 8887) -> FarSide:
    """Like evcc; by default where apps look for it: `homeassistant`, port 8887."""
    return FarSide("central-system", "--host", host, "--port", str(port), *arguments)


def wallbox(url: str, *arguments: str, station: str = STATION) -> FarSide:
    """A wallbox that connects to `url` with its id behind it."""
    return FarSide("wallbox", "--url", url, "--id", station, *arguments)
