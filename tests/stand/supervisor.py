"""The stand-in Supervisor: runs apps as the real one does and answers them."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.stand import debian
from tests.stand.app import App
from tests.stand.app_image import app_image
from tests.stand.container import Container, start_container
from tests.stand.ingress import ingress_application
from tests.stand.mounts import mount_flags
from tests.stand.network import SUPERVISOR, app_addresses, member_flags
from tests.stand.podman import STAND, podman
from tests.stand.registry import Entry, Registry
from tests.stand.supervisor_api import supervisor_application
from tests.stand.waiting import NeverHappened, wait_until
from tests.stand.web_thread import WebThread

START_SECONDS = 120  # as long as the Supervisor waits for the first verdict
# Docker gives these to every container, podman does not.
CAPABILITIES = ("AUDIT_WRITE", "MKNOD", "NET_RAW")


class AppFailed(AssertionError):
    """An app that did not become healthy; the text ends with its log."""


@dataclass
class RunningApp:
    """An app under the stand-in Supervisor."""

    entry: Entry
    container: Container
    data: Path
    ports: Mapping[str, int]
    page: str
    _start: Any = field(repr=False)

    @property
    def app(self) -> App:
        return self.entry.app

    def port(self, inside: str) -> int:
        """The port of 127.0.0.1 that `8888/tcp` and the like are published on."""
        return self.ports[inside]

    def wait_healthy(self, seconds: float = START_SECONDS) -> None:
        """Runs the image's HEALTHCHECK until it is content; raises AppFailed."""

        def verdict() -> bool:
            return self.container.healthy() or not self.container.running()

        try:
            wait_until(verdict, seconds, f"health of {self.app.slug}")
        except NeverHappened as never:
            raise AppFailed(f"{never}\n{self.container.logs()[-4000:]}") from None
        if not self.container.running():
            code = self.container.exit_code()
            raise AppFailed(f"{self.app.slug} ended with {code}\n{self.container.logs()[-4000:]}")

    def logs(self) -> str:
        return self.container.logs()

    def stop(self) -> int:
        """SIGTERM, the app's own `timeout`, SIGKILL; the exit code (137: it had to be killed)."""
        return self.container.stop(self.app.timeout)

    def restart(self, options: Mapping[str, Any] | None = None) -> int:
        """Stop and start with the same data, a new token and, if given, other options.

        The exit code of the stop.
        """
        code = self.stop()
        if options is not None:
            self.entry.options = self.app.options(options)
        self._start(self)
        return code

    def uninstall(self) -> None:
        """Remove the container and its data."""
        self.container.remove()
        podman("volume", "rm", "--force", self.container.name, check=False)


class Supervisor:
    """Holds its addresses between `start` and `stop`; `registry` may be changed at any time."""

    def __init__(self, registry: Registry, folder: Path) -> None:
        self.registry = registry
        self.folder = folder
        self.page_port = free_port()
        self._addresses = app_addresses()
        api, pages = supervisor_application(registry), ingress_application(registry)
        self._threads = (
            WebThread(api, [(SUPERVISOR, 80)]),
            WebThread(pages, [("127.0.0.1", self.page_port)]),
        )

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for thread in self._threads:
            thread.stop()

    def start_app(
        self,
        app: App,
        options: Mapping[str, Any] | None = None,
        *,
        ports: Mapping[str, int] | None = None,
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> RunningApp:
        """Install and start `app` with empty data; returns when its HEALTHCHECK is content.

        `ports` are host ports of 127.0.0.1, free ones are taken for those not named;
        `environment` adds to what a real Supervisor gives. Raises OptionsRefused or AppFailed.
        """
        if app.config.get("init", True):
            raise ValueError(f"{app.slug}: config.yaml needs init: false with this base image")
        entry = Entry(app, app.options(options), address=next(self._addresses))
        published = {inside: free_port() for inside in app.config.get("ports") or {}}
        published |= ports or {}
        entry.network = dict(app.config.get("ports") or {})
        name = f"app_{app.full_slug}"
        podman("rm", "--force", "--time", "0", name, check=False)
        podman("volume", "rm", "--force", name, check=False)
        podman("volume", "create", "--label", STAND, name)
        mount = podman("volume", "inspect", "--format", "{{.Mountpoint}}", name).strip()
        page = f"http://localhost:{self.page_port}{entry.ingress_entry}/"
        running = RunningApp(
            entry,
            Container(name),
            Path(mount),
            published,
            page,
            lambda it: self._run(it, environment or {}, wait),
        )
        entry.stop = running.stop
        entry.restart = running.restart
        self.registry.entries[app.slug] = entry
        self._run(running, environment or {}, wait)
        return running

    def _run(self, running: RunningApp, environment: Mapping[str, str], wait: bool) -> None:
        entry, app = running.entry, running.app
        write_options(running.data, entry.options)
        token = entry.renew_token()
        given = {
            "SUPERVISOR_TOKEN": token,
            "HASSIO_TOKEN": token,
            "TZ": self.registry.timezone,
            **(app.config.get("environment") or {}),
            **environment,
        }
        image = app_image(app)
        flags = [*self._flags(running), *member_flags(app.hostname, entry.address)]
        start_container(image, running.container.name, flags=flags, environment=given)
        if wait:
            running.wait_healthy()

    def _flags(self, running: RunningApp) -> list[str]:
        config = running.app.config
        flags = [f"--volume={running.container.name}:/data"]
        flags += mount_flags(config.get("map") or [], self.folder, running.app.slug)
        flags += [f"--unsetenv={variable}" for variable in debian.TRUST]
        added = (*CAPABILITIES, *(config.get("privileged") or ()))
        flags += [f"--cap-add={capability}" for capability in added]
        for inside, outside in running.ports.items():
            flags.append(f"--publish=127.0.0.1:{outside}:{inside}")
        if config.get("tmpfs"):
            flags.append("--tmpfs=/tmp")
        if config.get("host_dbus") and Path("/run/dbus").is_dir():
            flags.append("--volume=/run/dbus:/run/dbus:ro")
        return flags


def write_options(data: Path, options: Mapping[str, Any]) -> None:
    """/data/options.json as the Supervisor writes it: root's, closed to all others."""
    path = data / "options.json"
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(options, indent=2))


def port_is_free(port: int) -> bool:
    """Whether nobody listens on this TCP port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A TCP port of 127.0.0.1 nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
