"""Containers for the tests of the images."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.images.s6_definitions import Definitions
from tests.stand.base import base_image
from tests.stand.container import Container, start_container
from tests.stand.fixtures import app, broker, home_assistant, stand
from tests.stand.podman import LABEL
from tests.stand.system import install

__all__ = ["app", "broker", "home_assistant", "stand"]

NUMBERS = itertools.count(1)
INIT_TEST = f"{LABEL}=init-test"  # not the stand's, which may start meanwhile
Boot = Callable[..., Container]


@pytest.fixture(scope="session")
def standin() -> str:
    """Name of the stand-in base image."""
    install()
    return base_image()


@pytest.fixture
def definitions(tmp_path: Path) -> Definitions:
    return Definitions(tmp_path / "s6-rc.d")


@pytest.fixture
def boot(standin: str, definitions: Definitions) -> Iterator[Boot]:
    """Starts a container of the stand-in base with the test's definitions.

    Its keyword arguments are environment variables; the last grace is short unless given.
    """
    started: list[Container] = []

    def start(**environment: str) -> Container:
        mount = f"--volume={definitions.root}:/etc/s6-overlay/s6-rc.d"
        settings = {"S6_KILL_GRACETIME": "50", **environment}
        name = f"standin-init-{os.getpid()}-{next(NUMBERS)}"
        started.append(
            start_container(standin, name, flags=[mount], environment=settings, label=INIT_TEST)
        )
        return started[-1]

    yield start
    for container in started:
        container.remove()
