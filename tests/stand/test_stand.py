"""The stand is what an app would find under a real Supervisor."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests

from tests.stand.app import App, OptionsRefused, read_app
from tests.stand.fixtures import StartApp
from tests.stand.mosquitto import Mosquitto
from tests.stand.stand import Stand
from tests.stand.supervisor import RunningApp

SECONDS = 30


@pytest.fixture(scope="module")
def tiny(stand: Stand, tiny_app: Path) -> Iterator[RunningApp]:
    """One for the tests that only look."""
    running = stand.supervisor.start_app(read_app(tiny_app))
    yield running
    running.uninstall()


@pytest.fixture
def other(tiny_app: Path) -> App:
    """The same under another name, for the tests that change something."""
    app = read_app(tiny_app)
    return App(app.folder, {**app.config, "slug": "other"})


def get(tiny: RunningApp, path: str) -> Any:
    answer = requests.get(f"{tiny.page}{path}", timeout=SECONDS)
    answer.raise_for_status()
    return answer.json()


def asked(tiny: RunningApp, path: str) -> Any:
    """What the Supervisor answers the app."""
    return get(tiny, f"asked?path={path}")


def test_options_are_the_defaults_under_those_given(app: StartApp, other: App) -> None:
    tiny = app(other, {"word": "house"})
    assert get(tiny, "options") == {"word": "house", "number": 3}
    file = tiny.data / "options.json"
    assert (file.stat().st_mode & 0o777, file.stat().st_uid) == (0o600, 0)


@pytest.mark.parametrize("given", [{"number": 10}, {"wrod": "x"}, {"word": None}])
def test_options_the_supervisor_refuses_prevent_the_start(
    app: StartApp, other: App, given: dict[str, Any]
) -> None:
    with pytest.raises(OptionsRefused):
        app(other, given)


def test_the_environment_is_that_of_a_real_supervisor(tiny: RunningApp) -> None:
    seen = get(tiny, "environment")
    assert seen["SUPERVISOR_TOKEN"] == seen["HASSIO_TOKEN"] == tiny.entry.token
    assert seen["GREETING"] == "hello"
    assert seen["TZ"] == "UTC"
    assert "REQUESTS_CA_BUNDLE" not in seen
    assert "PIP_CERT" not in seen


def test_names_and_addresses_are_those_of_a_real_network(
    tiny: RunningApp, broker: Mosquitto
) -> None:
    def lookup(name: str) -> str:
        return tiny.container.execute("getent", "hosts", name).stdout.split()[0]

    assert tiny.entry.address.startswith("172.30.33.")
    assert lookup("supervisor") == lookup("hassio") == "172.30.32.2"
    assert lookup("homeassistant") == "172.30.32.1"
    assert lookup("core-mosquitto") == broker.container.address("hassio")
    assert lookup("local-tiny.local.hass.io") == tiny.entry.address
    assert tiny.container.execute("hostname").stdout == "local-tiny\n"


def test_the_page_sees_the_supervisor_and_the_headers_of_ingress(tiny: RunningApp) -> None:
    url = f"{tiny.page}seen"
    forged = {"X-Remote-User-Id": "intruder", "X-Custom": "kept"}
    seen = requests.get(url, headers=forged, timeout=SECONDS).json()
    headers = seen["headers"]
    assert seen["peer"] == "172.30.32.2"
    assert headers["X-Ingress-Path"] == tiny.entry.ingress_entry
    assert headers["X-Hass-Source"] == "core.ingress"
    assert headers["X-Forwarded-For"] == "127.0.0.1, 172.30.32.2"
    assert headers["X-Forwarded-Host"] == url.split("/")[2]
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Remote-User-Id"] != "intruder"
    assert headers["X-Custom"] == "kept"


@pytest.mark.parametrize("query", ["x=<script>", "file=../../etc", "name=/x/"])
def test_ingress_refuses_what_looks_like_an_attack(tiny: RunningApp, query: str) -> None:
    assert requests.get(f"{tiny.page}seen?{query}", timeout=SECONDS).status_code == 400


async def test_ingress_passes_websockets_with_their_subprotocol(tiny: RunningApp) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{tiny.page}echo", protocols=["other", "chat"]) as socket,
    ):
        await socket.send_str("good morning")
        assert await socket.receive_str(timeout=SECONDS) == "chat: good morning"


async def test_ingress_streams_an_answer_of_unknown_length(tiny: RunningApp) -> None:
    async with (
        aiohttp.ClientSession() as session,
        asyncio.timeout(SECONDS),
        session.get(f"{tiny.page}stream") as answer,
    ):
        assert await answer.content.readexactly(6) == b"first;"
        async with session.get(f"{tiny.page}more"):
            pass
        assert await answer.content.read() == b"second"


def test_the_supervisor_offers_the_broker_only_while_there_is_one(
    tiny: RunningApp, stand: Stand, broker: Mosquitto
) -> None:
    answer = asked(tiny, "/services/mqtt")
    assert answer["status"] == 200
    assert answer["body"]["data"]["host"] == "core-mosquitto"
    stand.supervisor.registry.mqtt = None
    try:
        answer = asked(tiny, "/services/mqtt")
    finally:
        stand.supervisor.registry.mqtt = broker.service
    assert answer["status"] == 400
    assert answer["body"] == {"result": "error", "message": "Service not enabled"}


def test_the_supervisor_tells_an_app_about_itself(tiny: RunningApp) -> None:
    data = asked(tiny, "/addons/self/info")["body"]["data"]
    assert data["hostname"] == "local-tiny"
    assert data["ingress_entry"] == tiny.entry.ingress_entry
    assert data["network"] == {"8888/tcp": 8888}
    options = asked(tiny, "/addons/self/options/config")["body"]["data"]
    assert options == get(tiny, "options")


def test_the_supervisor_refuses_strangers_and_what_the_app_has_no_right_to(
    tiny: RunningApp,
) -> None:
    curl = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://supervisor/info"]
    assert tiny.container.execute(*curl).stdout == "401"
    assert tiny.container.execute(*curl, "-H", "Authorization: Bearer x").stdout == "403"
    assert asked(tiny, "/host/info")["status"] == 403
    assert asked(tiny, "/addons/self/security")["status"] == 403


def test_a_restart_keeps_data_and_page_and_changes_the_token(app: StartApp, other: App) -> None:
    tiny = app(other)
    token, page = tiny.entry.token, tiny.page
    tiny.container.execute("touch", "/data/kept")
    assert tiny.restart({"word": "garden"}) == 0
    assert get(tiny, "options")["word"] == "garden"
    assert tiny.container.execute("ls", "/data/kept").returncode == 0
    assert tiny.entry.token != token
    assert tiny.page == page


def test_health_is_what_the_image_says(app: StartApp, other: App) -> None:
    tiny = app(other)
    assert tiny.container.healthy()
    tiny.container.execute("touch", "/data/ill")
    assert not tiny.container.healthy()


def test_a_stop_ends_with_zero_and_says_so(app: StartApp, other: App) -> None:
    tiny = app(other)
    assert tiny.stop() == 0
    assert "service svc-tiny successfully stopped" in tiny.logs()


async def test_retained_messages_survive_a_restart_of_the_broker(broker: Mosquitto) -> None:
    async with broker.client() as client:
        await client.publish("stand/kept", "word", qos=1, retain=True)
    await asyncio.to_thread(broker.restart)
    async with broker.client() as client, asyncio.timeout(SECONDS):
        await client.subscribe("stand/kept")
        message = await anext(aiter(client.messages))
        assert message.payload == b"word"
        await client.publish("stand/kept", "", retain=True)


def test_a_second_stand_refuses_with_one_line(stand: Stand) -> None:
    code = "from tests.stand.stand import running_stand\nwith running_stand(): pass"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert last.endswith(f"another stand runs on this machine (process {os.getpid()})")
