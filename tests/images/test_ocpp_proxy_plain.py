"""The image of ocpp_proxy under plain Docker or podman: an options file, no Supervisor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.images.far_sides import STATION, central_system, wallbox
from tests.images.inside import mode_and_owner, service_process
from tests.stand.app import read_app
from tests.stand.app_image import app_image
from tests.stand.container import Container, start_container
from tests.stand.debian import TRUST
from tests.stand.network import GATEWAY
from tests.stand.network import NAME as NETWORK
from tests.stand.podman import podman
from tests.stand.stand import Stand
from tests.stand.supervisor import free_port
from tests.stand.waiting import wait_until

NAME = "ocpp_proxy-plain"
SECONDS = 60
Run = Callable[..., Container]


@pytest.fixture
def run(stand: Stand, tmp_path: Path) -> Iterator[Run]:
    """`podman run` of the image with an options file (None: without one) and these variables."""
    assert stand
    started: list[Container] = []

    def start(
        options: dict[str, Any] | None, flags: Sequence[str] = (), **environment: str
    ) -> Container:
        more = [f"--network={NETWORK}", *(f"--unsetenv={each}" for each in TRUST), *flags]
        if options is not None:
            file = tmp_path / "options.json"
            file.write_text(json.dumps(options))
            more.append(f"--volume={file}:/data/options.json:ro")
        image = app_image(read_app("ocpp_proxy"))
        started.append(start_container(image, NAME, flags=more, environment=environment))
        return started[-1]

    yield start
    for container in started:
        container.remove()


def until_healthy(container: Container) -> str:
    """The log once the HEALTHCHECK is content."""
    wait_until(lambda: container.healthy() or not container.running(), SECONDS, "health")
    assert container.running(), container.logs()
    return container.logs()


def test_an_options_file_is_enough(run: Run) -> None:
    port = free_port()
    container = run({"target_host": GATEWAY}, [f"--publish=127.0.0.1:{port}:8888"])
    assert "no Supervisor and no mqtt_host" in until_healthy(container)
    with central_system() as evcc, wallbox(f"ws://127.0.0.1:{port}"):
        evcc.wait_for(f"{STATION} boot")
    assert service_process(container).uid != 0
    assert mode_and_owner(container, "/run/ocpp_proxy/options.json").startswith("400 ocpp_proxy")
    assert container.stop(30) == 0


def test_the_same_container_starts_again(run: Run) -> None:
    container = run({"target_host": GATEWAY})
    until_healthy(container)
    assert container.stop(30) == 0
    podman("start", NAME)
    assert until_healthy(container).count("listening on 0.0.0.0 port 8888") == 2
    assert container.stop(30) == 0


def test_the_environment_steers_it_without_any_file(run: Run) -> None:
    port, page = free_port(), free_port()
    container = run(
        None,
        [f"--publish=127.0.0.1:{port}:8890", f"--publish=127.0.0.1:{page}:8098"],
        OCPP_PROXY_TARGET_HOST=GATEWAY,
        OCPP_PROXY_TARGET_PORT="8899",
        OCPP_PROXY_LISTEN_PORT="8890",
        OCPP_PROXY_PAGE_PORT="8098",
        OCPP_PROXY_PAGE_ALLOW=f"{GATEWAY}/32",
        OCPP_PROXY_DATA="/data/elsewhere",
        OCPP_PROXY_DEBUG="true",
        TZ="Asia/Tokyo",
    )
    log = until_healthy(container)
    assert f"port 8890 (ws), relaying to ws://{GATEWAY}:8899" in log
    with central_system(port=8899) as evcc, wallbox(f"ws://127.0.0.1:{port}"):
        evcc.wait_for(f"{STATION} boot")
    assert "DEBUG: " in container.logs()
    assert requests.get(f"http://127.0.0.1:{page}/", timeout=SECONDS).status_code == 200
    assert mode_and_owner(container, "/data/elsewhere") == "700 ocpp_proxy:ocpp_proxy"
    assert container.execute("test", "-e", "/data/ocpp_proxy").returncode == 1


def test_the_page_is_closed_unless_a_network_is_allowed(run: Run) -> None:
    page = free_port()
    until_healthy(run({"target_host": GATEWAY}, [f"--publish=127.0.0.1:{page}:8099"]))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{page}/", timeout=SECONDS)


def test_the_environment_wins_over_the_file(run: Run) -> None:
    container = run({"target_host": "192.0.2.1"}, OCPP_PROXY_TARGET_HOST=GATEWAY)
    assert f"relaying to ws://{GATEWAY}:8887" in until_healthy(container)


def test_without_a_page_there_is_nothing_unhealthy(run: Run) -> None:
    container = run({"target_host": GATEWAY}, OCPP_PROXY_PAGE_PORT="0")
    container.wait_for_log("listening on 0.0.0.0 port 8888", SECONDS)
    assert container.healthy()


@pytest.mark.parametrize(
    ("options", "environment", "named"),
    [
        (None, {"OCPP_PROXY_OPTIONS": "/data/mine.json"}, "/data/mine.json does not exist"),
        ({}, {"OCPP_PROXY_PAGE_ALLOW": "my network"}, "option --page-allow:"),
        ({"max_connections": 0}, {}, "option max_connections:"),
    ],
)
def test_what_cannot_be_used_ends_the_container_with_one(
    run: Run, options: dict[str, Any] | None, environment: dict[str, str], named: str
) -> None:
    container = run(options, **environment)
    assert container.wait(SECONDS) == 1
    (fatal,) = [line for line in container.logs().splitlines() if "FATAL" in line]
    assert named in fatal
