"""The Supervisor's interface against a real HTTP server that answers as it does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.supervisor import ServiceNotRegisteredError, Supervisor, SupervisorError

from ocpp_proxy import supervisor as supervisor_module

TOKEN = "0123456789abcdef"
MQTT = {
    "host": "core-mosquitto",
    "port": 1883,
    "username": "addons",
    "password": "geheim",
    "ssl": False,
    "protocol": "3.1.1",
    "addon": "core_mosquitto",
}


@dataclass
class FakeSupervisor:
    url: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    raw: bytes | None = None

    def supervisor(self, token: str = TOKEN) -> Supervisor:
        found = Supervisor.from_environment(
            {"SUPERVISOR_TOKEN": token, "SUPERVISOR_URL": self.url + "/"}
        )
        assert found is not None
        return found


@pytest.fixture
def fake() -> Iterator[FakeSupervisor]:
    state = FakeSupervisor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = state.answers.get(self.path, (404, {"result": "error"}))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, body = 401, {"result": "error", "message": "unauthorized"}
            raw = state.raw if state.raw is not None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A caller that gave up waiting is what one of the tests is about."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    state.answers["/services/mqtt"] = (200, {"result": "ok", "data": dict(MQTT)})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def test_without_a_token_there_is_no_supervisor() -> None:
    assert Supervisor.from_environment({}) is None
    assert Supervisor.from_environment({"SUPERVISOR_TOKEN": " "}) is None


def test_the_token_file_wins_and_a_missing_or_empty_one_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "token"
    environ = {"SUPERVISOR_TOKEN_FILE": str(file), "SUPERVISOR_TOKEN": "from environment"}
    for content, expected in [
        (None, "from environment"),
        ("", "from environment"),
        ("file\n", "file"),
    ]:
        if content is not None:
            file.write_text(content)
        found = Supervisor.from_environment(environ)
        assert found is not None
        assert found.token == expected
        assert found.base_url == "http://supervisor"


def test_a_token_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SupervisorError, match="cannot be read"):
        Supervisor.from_environment({"SUPERVISOR_TOKEN_FILE": str(tmp_path)})


def test_no_secret_shows_when_the_objects_are_printed() -> None:
    assert "geheim" not in repr(supervisor_module.MqttService("h", 1, "u", "geheim"))
    assert TOKEN not in repr(Supervisor(TOKEN))


async def test_the_broker_is_found(fake: FakeSupervisor) -> None:
    service = await fake.supervisor().mqtt_service()
    assert (service.host, service.port, service.ssl) == ("core-mosquitto", 1883, False)
    assert (service.username, service.password) == ("addons", "geheim")


@pytest.mark.parametrize(("port", "expected"), [("1883", 1883), (" 8883 ", 8883), (1, 1)])
async def test_the_port_may_come_as_text(fake: FakeSupervisor, port: Any, expected: int) -> None:
    fake.answers["/services/mqtt"] = (200, {"result": "ok", "data": MQTT | {"port": port}})
    assert (await fake.supervisor().mqtt_service()).port == expected


@pytest.mark.parametrize(
    "change",
    [{"port": None}, {"port": True}, {"port": "x"}, {"port": 65536}, {"host": ""}, {"host": 7}],
)
async def test_an_answer_that_makes_no_sense_is_refused(
    fake: FakeSupervisor, change: dict[str, Any]
) -> None:
    fake.answers["/services/mqtt"] = (200, {"result": "ok", "data": MQTT | change})
    with pytest.raises(SupervisorError, match=r"port|host"):
        await fake.supervisor().mqtt_service()


async def test_a_missing_broker_is_told_apart_from_trouble(fake: FakeSupervisor) -> None:
    error = {"result": "error", "message": "Service not enabled"}
    fake.answers["/services/mqtt"] = (400, error)
    with pytest.raises(ServiceNotRegisteredError, match="Service not enabled"):
        await fake.supervisor().mqtt_service()


async def test_a_wrong_token_is_called_access_denied(fake: FakeSupervisor) -> None:
    with pytest.raises(SupervisorError, match="access denied: unauthorized"):
        await fake.supervisor("wrong").mqtt_service()


@pytest.mark.parametrize("raw", [b"<html>", b"[]", b'{"result":"ok"}', b"\xff"])
async def test_garbage_is_an_error_with_the_status(fake: FakeSupervisor, raw: bytes) -> None:
    fake.raw = raw
    with pytest.raises(SupervisorError, match="status 200"):
        await fake.supervisor().mqtt_service()


async def test_an_absent_supervisor_is_said_with_its_address() -> None:
    absent = Supervisor(TOKEN, "http://127.0.0.1:1")
    with pytest.raises(SupervisorError, match="cannot be reached at http://127"):
        await absent.app_info()


async def test_a_silent_supervisor_ends_in_a_timeout(
    fake: FakeSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "READ_TIMEOUT", 0.2)
    held = threading.Event()
    fake.answers = _Slow(held)
    with pytest.raises(SupervisorError, match="did not answer /info in time"):
        await fake.supervisor().get("/info")
    held.set()


class _Slow(dict[str, tuple[int, Any]]):
    def __init__(self, held: threading.Event) -> None:
        super().__init__()
        self._held = held

    def get(self, key: str, default: Any = None) -> Any:
        self._held.wait(5)
        return super().get(key, default)


async def test_the_apps_own_entry_is_read(fake: FakeSupervisor) -> None:
    data = {
        "slug": "abc_ocpp_proxy",
        "hostname": "abc-ocpp-proxy",
        "version": "0.1.0",
        "ip_address": "172.30.33.4",
        "ingress_entry": "/api/hassio_ingress/x",
        "network": {"8888/tcp": 8888},
        "state": "started",
    }
    fake.answers["/addons/self/info"] = (200, {"result": "ok", "data": data})
    info = await fake.supervisor().app_info()
    assert info.hostname == "abc-ocpp-proxy"
    assert info.network == {"8888/tcp": 8888}
    assert info.everything["state"] == "started"
