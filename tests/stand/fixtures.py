"""The stand as pytest fixtures.

In a conftest: `from tests.stand.fixtures import app, broker, home_assistant, stand  # noqa: F401`.
The stand is one per machine: run these tests with one worker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.stand.app import App, read_app
from tests.stand.cache import StandBusy
from tests.stand.home_assistant import HomeAssistant
from tests.stand.mosquitto import Mosquitto
from tests.stand.stand import Stand, running_stand
from tests.stand.supervisor import RunningApp


class StartApp(Protocol):
    """Starts an app with empty data: a folder, or the plain name of one in this repository."""

    def __call__(
        self, app: App | Path | str, options: Mapping[str, Any] | None = None, **more: Any
    ) -> RunningApp: ...


@pytest.fixture(scope="session")
def stand() -> Iterator[Stand]:
    """Network and Supervisor."""
    try:
        with running_stand() as running:
            yield running
    except StandBusy as busy:
        pytest.exit(str(busy), returncode=3)


@pytest.fixture(scope="session")
def broker(stand: Stand) -> Mosquitto:
    """The broker, offered to apps by the Supervisor."""
    return stand.broker


@pytest.fixture(scope="session")
def home_assistant(stand: Stand) -> HomeAssistant:
    """Home Assistant with MQTT set up."""
    return stand.home_assistant


@pytest.fixture
def app(stand: Stand) -> Iterator[StartApp]:
    """Apps started by the test, removed with their data after it."""
    started: list[RunningApp] = []

    def start(
        app: App | Path | str, options: Mapping[str, Any] | None = None, **more: Any
    ) -> RunningApp:
        found = app if isinstance(app, App) else read_app(app)
        started.append(stand.supervisor.start_app(found, options, **more))
        return started[-1]

    yield start
    for running in started:
        running.uninstall()
