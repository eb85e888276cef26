"""The image of ocpp_proxy under plain Docker or podman: an options file, no Supervisor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.images.far_sides import STATION, central_system, wallbox
from tests.images.inside import mode_and_owner, service_process
from tests.images.plain import SECONDS, Run, gateway, plain_runs, until_healthy
from tests.stand.podman import podman
from tests.stand.supervisor import free_port

NAME = "ocpp_proxy-plain"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts the image as its user does."""
    with plain_runs("ocpp_proxy", tmp_path) as start:
        yield start


def test_an_options_file_is_enough(run: Run) -> None:
    port = free_port()
    container = run({"target_host": gateway()}, [f"--publish=127.0.0.1:{port}:8888"])
    assert "no Supervisor and no mqtt_host" in until_healthy(container)
    with central_system(host=gateway()) as evcc, wallbox(f"ws://127.0.0.1:{port}"):
        evcc.wait_for(f"{STATION} boot")
    assert service_process(container).uid != 0
    assert mode_and_owner(container, "/run/ocpp_proxy/options.json").startswith("400 ocpp_proxy")
    assert container.stop(30) == 0


def test_the_same_container_starts_again(run: Run) -> None:
    container = run({"target_host": gateway()})
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
        OCPP_PROXY_TARGET_HOST=gateway(),
        OCPP_PROXY_TARGET_PORT="8899",
        OCPP_PROXY_LISTEN_PORT="8890",
        OCPP_PROXY_PAGE_PORT="8098",
        OCPP_PROXY_PAGE_ALLOW=f"{gateway()}/32",
        OCPP_PROXY_DATA="/data/elsewhere",
        OCPP_PROXY_DEBUG="true",
        TZ="Asia/Tokyo",
    )
    log = until_healthy(container)
    assert f"port 8890 (ws), relaying to ws://{gateway()}:8899" in log
    with central_system(host=gateway(), port=8899) as evcc, wallbox(f"ws://127.0.0.1:{port}"):
        evcc.wait_for(f"{STATION} boot")
    assert "DEBUG: " in container.logs()
    assert requests.get(f"http://127.0.0.1:{page}/", timeout=SECONDS).status_code == 200
    assert mode_and_owner(container, "/data/elsewhere") == "700 ocpp_proxy:ocpp_proxy"
    assert container.execute("test", "-e", "/data/ocpp_proxy").returncode == 1


def test_the_page_is_closed_unless_a_network_is_allowed(run: Run) -> None:
    page = free_port()
    until_healthy(run({"target_host": gateway()}, [f"--publish=127.0.0.1:{page}:8099"]))
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{page}/", timeout=SECONDS)


def test_the_environment_wins_over_the_file(run: Run) -> None:
    container = run({"target_host": "192.0.2.1"}, OCPP_PROXY_TARGET_HOST=gateway())
    assert f"relaying to ws://{gateway()}:8887" in until_healthy(container)


def test_without_a_page_there_is_nothing_unhealthy(run: Run) -> None:
    container = run({"target_host": gateway()}, OCPP_PROXY_PAGE_PORT="0")
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
