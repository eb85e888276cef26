from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.car.keys import generate_key
from solar_charger.car.link import ResultClass as R
from solar_charger.car.relay import RelayLink
from solar_charger.measurements import CarState
from solar_charger.relay_server.commands import (
    RejectedError,
    check_command,
    parse_request,
)
from solar_charger.testing.house import Car
from solar_charger.testing.tesla_control import FakeCarService, FakeTeslaControl

import solar_charger
from tests.solar_charger.fakes import as_bytes, json_values, known, objects_with

KEY = "relay-key"
PACKAGE = Path(solar_charger.__file__).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    def __init__(self, process: Process, port: int, control: FakeTeslaControl, home: Path) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.control = control
        self.home = home

    async def post(
        self, path: str = "/ble/command", key: str | None = KEY, **request: Any
    ) -> requests.Response:
        headers = {"X-API-Key": key} if key else {}
        return await asyncio.to_thread(
            requests.post, self.url + path, headers=headers, timeout=20, **request
        )

    async def command(self, command: str, *args: Any, **more: object) -> requests.Response:
        return await self.post(json={"command": command, "args": list(args), **more})

    async def get(self, path: str, key: str | None = KEY) -> requests.Response:
        headers = {"X-API-Key": key} if key else {}
        return await asyncio.to_thread(requests.get, self.url + path, headers=headers, timeout=20)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Running]:
    control = FakeTeslaControl(Car())
    async with FakeCarService(control) as service:
        service.install(tmp_path)
        generate_key(tmp_path / "private.pem")
        (tmp_path / "api-key").write_text(KEY + "\n")
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            # -S and -I: no site packages, no environment, so nothing but the standard library.
            sys.executable, "-I", "-S", "-c",
            f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r});"
            "from solar_charger.relay_server import main; sys.exit(main(sys.argv[1:]))",
            "--listen", "127.0.0.1", "--port", str(port), "--vin", control.car.vin,
            "--key-file", str(tmp_path / "private.pem"),
            "--api-key-file", str(tmp_path / "api-key"),
            "--tesla-control", str(tmp_path / "tesla-control"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={"HOME": str(tmp_path)},
        )  # fmt: skip
        async with asyncio.timeout(20):
            first = await known(process.stdout).readline()
        assert b"listens on" in first, first
        running = Running(process, port, control, tmp_path)
        drain = asyncio.create_task(known(process.stdout).read())
        yield running
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(20):
            await process.wait()
        await drain


async def test_it_runs_on_the_standard_library_alone_and_stops_cleanly(relay: Running) -> None:
    assert (await relay.get("/health", key=None)).json()["status"] == "ok"
    relay.process.terminate()
    async with asyncio.timeout(20):
        assert await relay.process.wait() == 0


async def test_our_client_drives_a_car_through_it(relay: Running) -> None:
    link = RelayLink(relay.url, KEY)
    assert (await link.set_amps(24)).ok
    assert (await link.start()).ok
    assert relay.control.car.amps == 24
    assert (await link.start()).result_class is R.OK_ALREADY
    assert isinstance((await link.read_charge()).data, CarState)
    relay.control.car.asleep = True
    assert (await link.stop()).result_class is R.ASLEEP
    assert (await link.wake()).ok
    assert (await link.stop()).ok
    assert (await link.pair()).result_class is R.OK_PENDING


async def test_an_answer_has_the_contracts_fields_and_a_failure_is_status_200(
    relay: Running,
) -> None:
    good = (await relay.command("charging-set-amps", "24", domain="infotainment")).json()
    assert good["success"] is True
    assert good["error"] is None
    assert isinstance(good["duration"], float)
    response = await relay.command("charging-stop")
    assert response.status_code == 200
    bad = response.json()
    assert bad["success"] is False
    assert bad["error"] == bad["output"]
    assert "not_charging" in bad["error"]


async def test_output_keeps_its_letter_case(relay: Running) -> None:
    output = (await relay.command("state", "charge")).json()["output"]
    assert json.loads(output)["chargeState"]["batteryLevel"] == 65


async def test_without_the_key_only_health_answers(relay: Running) -> None:
    refused = [
        await relay.post(json={"command": "charging-start"}, key=None),
        await relay.post(json={"command": "charging-start"}, key="wrong"),
        await relay.post("/ble/wake", key=None, json={}),
        await relay.get("/status", key=None),
    ]
    assert [reply.status_code for reply in refused] == [401] * 4
    assert refused[0].json() == {"error": "Unauthorized"}
    assert relay.control.calls == []


async def test_status_counts_and_shows_no_whole_vin(relay: Running) -> None:
    await relay.command("ping")
    await relay.command("charging-stop")
    status = (await relay.get("/status")).json()
    assert (status["commands_sent"], status["commands_succeeded"], status["commands_failed"]) == (
        2,
        1,
        1,
    )
    assert status["last_command"] == "charging-stop"
    assert status["last_command_success"] is False
    assert status["config"]["vin"] == relay.control.car.vin[-6:]


async def test_a_stale_session_is_dropped_and_the_command_sent_once_more(relay: Running) -> None:
    relay.control.trouble, relay.control.clear_session_trouble_after = "session", 1
    first = await relay.command("ping")
    assert first.json()["success"] is False, "no cache to drop, so no second try"
    (relay.home / ".tesla-cache.json").write_text("{}")
    relay.control.trouble, relay.control.clear_session_trouble_after = "session", 1
    assert (await relay.command("ping")).json()["success"]
    assert not (relay.home / ".tesla-cache.json").exists()


async def test_wake_has_a_path_of_its_own(relay: Running) -> None:
    relay.control.car.asleep = True
    woken = (await relay.post("/ble/wake")).json()
    assert set(woken) == {"success", "output", "duration"}
    assert woken["success"]
    assert not relay.control.car.asleep


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "JSON body required"),
        (b"no json", "JSON body required"),
        (b"[]", "JSON body required"),
        (b"{}", "command field required"),
        (b'{"command":5}', "command field required"),
        (b'{"command":"charging-start","args":"x"}', "args must be a list of strings"),
        (b'{"command":"charging-set-amps","args":[24]}', "args must be a list of strings"),
        (b'{"command":"charging-start","domain":"internet"}', "domain must be"),
    ],
)
async def test_a_body_of_the_wrong_shape_is_refused_with_the_reason(
    relay: Running, body: Any, error: str
) -> None:
    reply = await relay.post(data=body)
    assert reply.status_code == 400
    assert error in reply.json()["error"]
    assert relay.control.calls == []


REJECTED = [
    ("-domain", []),
    ("charging-start", ["-debug"]),
    ("charging-set-amps", ["-1"]),
    ("charging-set-amps", ["81"]),
    ("charging-set-amps", ["5.5"]),
    ("charging-set-amps", ["٥"]),
    ("charging-set-amps", []),
    ("charging-set-amps", ["5", "6"]),
    ("charging-set-limit", ["49"]),
    ("charging-set-limit", ["101"]),
    ("charging-start", ["now"]),
    ("unlock", []),
    ("drive", []),
    ("state", ["location"]),
    ("state", []),
    ("add-key-request", ["key", "owner", "nfc_card"]),
    ("", []),
]


@pytest.mark.parametrize(("command", "args"), REJECTED)
def test_what_is_not_on_the_list_is_rejected(command: str, args: Any) -> None:
    with pytest.raises(RejectedError):
        check_command(command, args)


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("charging-set-amps", ["0"]),
        ("charging-set-amps", ["80"]),
        ("charging-set-limit", ["50"]),
        ("charging-set-limit", ["100"]),
        ("wake", []),
        ("state", ["charge"]),
        ("body-controller-state", []),
        ("add-key-request", ["any", "charging_manager", "cloud_key"]),
    ],
)
def test_what_charging_needs_is_passed_on(command: str, args: Any) -> None:
    assert check_command(command, args) == args


async def test_rejections_are_status_400_and_never_reach_the_program(relay: Running) -> None:
    for command, args in REJECTED:
        reply = await relay.command(command, *args)
        assert reply.status_code == 400
        assert reply.json()["error"]
    assert relay.control.calls == []


async def test_a_too_long_body_and_unknown_paths_are_refused(relay: Running) -> None:
    assert (await relay.post(data=b"x" * 70_000)).status_code == 413
    assert (await relay.post("/other", data=b"{}")).status_code == 404
    assert (await relay.get("/")).status_code == 404


async def test_half_sent_requests_do_not_stop_others(relay: Running) -> None:
    idle = [socket.create_connection(("127.0.0.1", relay.port)) for _ in range(6)]
    for each in idle:
        each.sendall(b"POST /ble/command HTTP/1.1\r\nContent-Length: 50\r\n\r\n{")
    assert (await relay.command("ping")).json()["success"]
    for each in idle:
        each.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--vin", "SHORT", "--key-file", __file__], "--vin"),
        (["--vin", "5YJ3E1EA7KF000316", "--key-file", "/nowhere"], "--key-file"),
        (["--vin", "5YJ3E1EA7KF000316", "--key-file", __file__], "--api-key-file"),
        (
            ["--vin", "5YJ3E1EA7KF000316", "--key-file", __file__, "--api-key-file", "/nowhere"],
            "--api-key-file",
        ),
    ],
)
def test_it_does_not_start_with_a_bad_option_or_without_a_key(
    arguments: list[str], told: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "solar_charger.relay_server", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(PACKAGE.parent)},
    )
    assert run.returncode == 1
    assert "FATAL" in run.stdout
    assert told in run.stdout


@given(
    st.binary()
    | objects_with("command", "args", "domain").map(as_bytes)
    | json_values.map(as_bytes)
)
def test_any_body_is_checked_or_rejected(body: Any) -> None:
    try:
        command, args, domain = parse_request(body)
        passed = check_command(command, args)
    except RejectedError:
        return
    assert not any(word.startswith("-") for word in (command, *passed))
    assert domain in ("vcsec", "infotainment")


@given(
    st.sampled_from(
        ["charging-set-amps", "charging-set-limit", "state", "wake", "-x", "add-key-request"]
    )
    | st.text(),
    st.lists(st.text() | st.integers().map(str), max_size=3),
)
def test_any_words_are_passed_on_within_their_range_or_rejected(command: str, args: Any) -> None:
    try:
        passed = check_command(command, args)
    except RejectedError:
        return
    if command == "charging-set-amps":
        assert 0 <= int(passed[0]) <= 80
