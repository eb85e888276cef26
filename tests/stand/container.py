"""One container: started, asked, stopped and removed."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.stand.podman import LIMITS, STAND, podman, run_podman
from tests.stand.waiting import NeverHappened, wait_until


@dataclass(frozen=True)
class Container:
    """A container of the stand, by its name."""

    name: str

    def logs(self) -> str:
        """All it has printed so far, both streams in order."""
        done = subprocess.run(
            ["podman", "logs", self.name],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", check=False,
        )  # fmt: skip
        return done.stdout

    def wait_for_log(self, text: str, seconds: float = 30) -> str:
        """The log once it holds `text`; raises NeverHappened with the log's end otherwise."""

        def seen() -> str:
            log = self.logs()
            return log if text in log else ""

        try:
            return wait_until(seen, seconds, f"{text!r} in the log of {self.name}")
        except NeverHappened as never:
            raise NeverHappened(f"{never}\n{self.logs()[-3000:]}") from None

    def execute(
        self, *command: str, user: str = "", timeout: float = 60
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command beside the others in the container; the ended process."""
        flags = ["--user", user] if user else []
        return run_podman("exec", *flags, self.name, *command, timeout=timeout)

    def send(self, signal: str) -> None:
        podman("kill", "--signal", signal, self.name)

    def inspect(self) -> dict[str, Any]:
        answer: list[dict[str, Any]] = json.loads(podman("container", "inspect", self.name))
        return answer[0]

    def running(self) -> bool:
        return bool(self.inspect()["State"]["Running"])

    def exit_code(self) -> int:
        return int(self.inspect()["State"]["ExitCode"])

    def wait(self, seconds: float) -> int:
        """The exit code once it has ended by itself."""
        wait_until(lambda: not self.running(), seconds, f"end of {self.name}")
        return self.exit_code()

    def stop(self, seconds: int) -> int:
        """SIGTERM, after `seconds` SIGKILL, as the Supervisor does; the exit code (137: killed)."""
        podman("stop", "--time", str(seconds), self.name, timeout=seconds + 60)
        return self.exit_code()

    def healthy(self) -> bool:
        """The verdict of the image's HEALTHCHECK, run now; nothing else runs it here."""
        return run_podman("healthcheck", "run", self.name).returncode == 0

    def address(self, network: str) -> str:
        return str(self.inspect()["NetworkSettings"]["Networks"][network]["IPAddress"])

    def remove(self) -> None:
        podman("rm", "--force", "--time", "0", "--volumes", self.name, check=False)


def start_container(
    image: str,
    name: str,
    *,
    flags: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = (),
    label: str = STAND,
) -> Container:
    """Start `image` in the background, replacing an older container of that name."""
    container = Container(name)
    container.remove()
    variables = [f"--env={key}={value}" for key, value in (environment or {}).items()]
    podman(
        "run", "--detach", "--name", name, "--label", label, "--log-driver=k8s-file",
        *LIMITS, *variables, *flags, image, *command,
    )  # fmt: skip
    return container
