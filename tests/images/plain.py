"""An image under plain podman, as under Docker: options file, no Supervisor, the usual network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from tests.stand.app import read_app
from tests.stand.app_image import app_image
from tests.stand.container import Container, start_container
from tests.stand.debian import TRUST
from tests.stand.podman import LABEL, podman
from tests.stand.waiting import wait_until

SECONDS = 60
PLAIN_TEST = f"{LABEL}=plain-test"  # not the stand's, which may start meanwhile
Run = Callable[..., Container]


@cache
def gateway() -> str:
    """This machine's address on podman's own network, there while a container is on it."""
    (network,) = json.loads(podman("network", "inspect", "podman"))
    return str(network["subnets"][0]["gateway"])


@contextmanager
def plain_runs(slug: str, folder: Path) -> Iterator[Run]:
    """`podman run` of the app's image with an options file (None: without one) and variables.

    The containers are called `SLUG-plain` and removed at the end.
    """
    started: list[Container] = []

    def start(
        options: dict[str, Any] | None, flags: Sequence[str] = (), **environment: str
    ) -> Container:
        more = [*(f"--unsetenv={each}" for each in TRUST), *flags]
        if options is not None:
            file = folder / "options.json"
            file.write_text(json.dumps(options))
            more.append(f"--volume={file}:/data/options.json:ro")
        image, name = app_image(read_app(slug)), f"{slug}-plain"
        started.append(
            start_container(image, name, flags=more, environment=environment, label=PLAIN_TEST)
        )
        return started[-1]

    yield start
    for container in started:
        container.remove()


def until_healthy(container: Container) -> str:
    """The log once the HEALTHCHECK is content."""
    wait_until(lambda: container.healthy() or not container.running(), SECONDS, "health")
    assert container.running(), container.logs()
    return container.logs()
