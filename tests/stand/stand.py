"""The stand as a whole: one network, one Supervisor, and on demand a broker and Home Assistant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stand.base import PACKAGES
from tests.stand.cache import only_stand
from tests.stand.debian import debian_image
from tests.stand.home_assistant import HomeAssistant
from tests.stand.mosquitto import Mosquitto
from tests.stand.network import stand_network
from tests.stand.podman import remove_leftovers
from tests.stand.progress import step
from tests.stand.registry import Registry
from tests.stand.supervisor import Supervisor
from tests.stand.system import install


class Stand:
    """`supervisor` runs from the beginning; the others are started when first asked for."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self._broker: Mosquitto | None = None
        self._home_assistant: HomeAssistant | None = None

    @property
    def broker(self) -> Mosquitto:
        """The broker, registered with the Supervisor from its start on."""
        if self._broker is None:
            self._broker = Mosquitto()
            self._broker.create()
            self.supervisor.registry.mqtt = self._broker.service
        return self._broker

    @property
    def home_assistant(self) -> HomeAssistant:
        """Home Assistant, connected to the broker and behind the Supervisor's proxy."""
        if self._home_assistant is None:
            fresh = HomeAssistant()
            with step("start of Home Assistant"):
                fresh.create(self.broker)
            self._home_assistant = fresh
            self.supervisor.registry.core = fresh.access
        return self._home_assistant


@contextmanager
def running_stand() -> Iterator[Stand]:
    """The machine's one stand; everything it made in containers is gone afterwards.

    Raises StandBusy when another one runs, CannotInstall when packages are missing.
    """
    install()
    with only_stand(), tempfile.TemporaryDirectory(prefix="ev-home-apps-stand-") as folder:
        remove_leftovers()
        with stand_network(debian_image("trixie", PACKAGES)):
            supervisor = Supervisor(Registry(), Path(folder))
            supervisor.start()
            try:
                yield Stand(supervisor)
            finally:
                supervisor.stop()
                remove_leftovers()
