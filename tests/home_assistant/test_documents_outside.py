"""The forms of DOCS.md for use outside Home Assistant: pip, Docker, compose, systemd."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.environments import ROOT
from tests.home_assistant.markdown import block, section
from tests.images.far_sides import STATION, central_system, wallbox
from tests.stand.base import REAL, base_image, uses_real_base
from tests.stand.cache import SKIPPED
from tests.stand.container import Container
from tests.stand.debian import TRUST
from tests.stand.mosquitto import ADDRESS, Mosquitto
from tests.stand.network import GATEWAY, NAME
from tests.stand.podman import LIMITS, STAND, podman, run_podman
from tests.stand.supervisor import free_port
from tests.stand.system import UNITS
from tests.stand.waiting import wait_until

DOCS = (ROOT / "ocpp_proxy" / "DOCS.md").read_text()
OURS = "ocpp_proxy-documents"  # in place of the names a person has for his own
SECONDS = 60


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with a copy of the app's sources in it, as after a `git clone`."""
    shutil.copytree(
        ROOT / "ocpp_proxy", tmp_path / "ocpp_proxy", ignore=shutil.ignore_patterns(*SKIPPED)
    )
    return tmp_path


def text_of(form: str) -> str:
    return section(section(DOCS, "## Outside Home Assistant"), f"### {form}")


# From the command line


def in_shell(command: str, folder: Path) -> str:
    """What a command prints that is typed in `folder`."""
    plain = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    done = subprocess.run(
        command, shell=True, cwd=folder, env=plain, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_command_line_form_relays_a_boot(checkout: Path) -> None:
    *preparing, running = block(text_of("From the command line"), "sh").commands
    printed = [in_shell(command, checkout) for command in preparing]
    assert "--listen-port PORT" in printed[-1]
    port, upstream = free_port(), free_port()
    for told, here in (("8888", port), ("192.168.1.40", "127.0.0.1"), ("8887", upstream)):
        assert f" {told} " in running
        running = running.replace(f" {told} ", f" {here} ")
    kept = {"OCPP_PROXY_PAGE_PORT": str(free_port()), "OCPP_PROXY_LISTEN_HOST": "127.0.0.1"}
    with (checkout / "log").open("w") as log:
        proxy = subprocess.Popen(
            shlex.split(running), cwd=checkout, env={**os.environ, **kept}, stdout=log
        )
    try:
        until_printed(checkout / "log", f"listening on 127.0.0.1 port {port}")
        url = f"ws://127.0.0.1:{port}"
        with central_system(host="127.0.0.1", port=upstream) as evcc, wallbox(url):
            evcc.wait_for(f"{STATION} boot")
        assert (checkout / "data").is_dir()
        proxy.send_signal(signal.SIGTERM)
        assert proxy.wait(SECONDS) == 0
    finally:
        proxy.kill()
        proxy.wait()


def until_printed(log: Path, text: str) -> None:
    wait_until(lambda: text in log.read_text(), SECONDS, f"{text!r} in the log")


# With Docker


@pytest.fixture
def options_file(checkout: Path, broker: Mosquitto) -> Path:
    """The document's options.json, with the stand's addresses and password in it."""
    given = json.loads(block(text_of("With Docker"), "json").text)
    here = {
        "target_host": GATEWAY,
        "mqtt_host": ADDRESS,
        "mqtt_username": broker.service.username,
        "mqtt_password": broker.service.password,
    }
    assert given.keys() == here.keys()
    file = checkout / "options.json"
    file.write_text(json.dumps(here))
    return file


class Ports:
    """Free ports of 127.0.0.1 in place of those the document publishes."""

    def __init__(self) -> None:
        self.wallboxes, self.page = free_port(), free_port()

    def put_in(self, text: str) -> str:
        for told, here in (("8888:8888", self.wallboxes), ("8099:8099", self.page)):
            assert text.count(told) == 1
            text = text.replace(told, f"127.0.0.1:{here}:{told[:4]}")
        return text.replace("192.168.1.0/24", f"{GATEWAY}/32")


def build_flags() -> list[str]:
    """What makes a build work here, and the base image a person's Docker would fetch."""
    flags = [*LIMITS, "--network=host", "--format=docker"]
    if not uses_real_base():
        flags += ["--pull=never", f"--build-context={REAL}=container-image://{base_image()}"]
    return flags


def run_flags() -> list[str]:
    untrusted = [f"--unsetenv={variable}" for variable in TRUST]
    return [*LIMITS, f"--network={NAME}", "--label", STAND, *untrusted]


def relays_and_shows(container: Container, ports: Ports) -> None:
    """Healthy, a boot gets through, the page is open to the allowed network, the broker known."""
    wait_until(container.healthy, SECONDS, "health")
    with central_system() as evcc, wallbox(f"ws://127.0.0.1:{ports.wallboxes}"):
        evcc.wait_for(f"{STATION} boot")
        container.wait_for_log("connected to the MQTT broker", SECONDS)
        container.wait_for_log(f"{STATION} is shown in Home Assistant", SECONDS)
    page = requests.get(f"http://127.0.0.1:{ports.page}/", timeout=SECONDS)
    assert page.status_code == 200


@pytest.fixture
def removed_after() -> Iterator[Container]:
    """The container of the Docker form; it, its volume and its image are gone afterwards."""
    container = Container(OURS)
    yield container
    container.remove()
    podman("volume", "rm", "--force", OURS, check=False)
    podman("rmi", "--force", OURS, check=False)


def our_name(word: str) -> str:
    """`ocpp_proxy` and `ocpp_proxy:/data` under a name of our own."""
    return re.sub(r"^ocpp_proxy(?=$|:)", OURS, word)


@pytest.mark.usefixtures("stand", "options_file")
def test_the_docker_form_relays_a_boot(checkout: Path, removed_after: Container) -> None:
    build, run = block(text_of("With Docker"), "sh").commands
    ports = Ports()
    docker_command(build, "build", build_flags(), checkout)
    docker_command(ports.put_in(run), "run", run_flags(), checkout)
    relays_and_shows(removed_after, ports)
    assert removed_after.stop(30) == 0


def docker_command(command: str, verb: str, flags: list[str], folder: Path) -> None:
    """The document's command by podman, with what that needs here."""
    docker, wanted, *words = shlex.split(command)
    assert (docker, wanted) == ("docker", verb)
    arguments = [our_name(word).replace("./", f"{folder}/") for word in words]
    done = run_podman(verb, *flags, *arguments, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]


# With compose


def compose_service() -> dict[str, Any]:
    (service,) = yaml.safe_load(block(text_of("With compose"), "yaml").text)["services"].values()
    assert isinstance(service, dict)
    return service


def test_compose_and_docker_form_say_the_same() -> None:
    build, run = (shlex.split(each) for each in block(text_of("With Docker"), "sh").commands)
    service = compose_service()

    def values(flag: str) -> list[str]:
        return [run[index + 1] for index, word in enumerate(run) if word == flag]

    assert service["build"] == build[-1]
    assert service["restart"] in values("--restart")
    assert service["ports"] == values("-p")
    assert service["volumes"] == values("-v")
    assert [f"{key}={value}" for key, value in service["environment"].items()] == values("-e")


@pytest.mark.usefixtures("stand", "options_file")
def test_the_compose_form_relays_a_boot(checkout: Path) -> None:
    ports = Ports()
    text = block(text_of("With compose"), "yaml").text
    (checkout / "compose.yaml").write_text(ports.put_in(text))
    # The stand's network takes the place of the one that compose would make.
    network = {"networks": {"default": {"name": NAME, "external": True}}}
    (checkout / "network.yaml").write_text(yaml.safe_dump(network))
    compose(checkout, "up", "--detach")
    try:
        relays_and_shows(Container(f"{OURS}_ocpp_proxy_1"), ports)
    finally:
        compose(checkout, "down", "--volumes", "--rmi", "local")


def compose(folder: Path, *arguments: str) -> None:
    """`podman-compose ARGUMENTS` with what podman needs here."""
    flags = ["--podman-args=--runtime runc", "--in-pod=false", f"--project-name={OURS}"]
    flags += [f"--podman-build-args={shlex.join(build_flags())}"]
    flags += [f"--podman-run-args={shlex.join([*LIMITS, '--label', STAND])}"]
    done = subprocess.run(
        [sys.executable, "-m", "podman_compose", *flags, "-f", "compose.yaml", "-f",
         "network.yaml", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


# With systemd


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The document's unit with a program that exists here."""
    program = tmp_path / "ocpp_proxy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = block(text_of("With systemd"), "ini").text
    told = "/opt/ocpp_proxy/venv/bin/ocpp_proxy"
    assert told in text
    assert f"{told[:-11]}/pip install ./ocpp_proxy" in text_of("With systemd")
    file = tmp_path / "ocpp_proxy.service"
    file.write_text(text.replace(told, str(program)))
    return file


def test_the_unit_is_accepted_by_systemd(unit: Path) -> None:
    UNITS.install()
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    ours = [line for line in done.stderr.splitlines() if "ocpp_proxy" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
