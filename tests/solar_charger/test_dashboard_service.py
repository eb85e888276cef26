"""Page and API of the real program with a simulated house and car, as another program uses them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.environments import python_path
from tests.solar_charger.dashboard_backend import ask, free_port

SPEED = 600
PATIENCE_S = 90.0


@dataclass
class Running:
    """The program and its two addresses."""

    process: subprocess.Popen[str]
    page: str
    api: str

    def get(self, path: str) -> Any:
        return ask(self.api + path).json()

    def until(self, what: Callable[[], Any]) -> Any:
        """Wait for something to become true, and return it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, "the program has ended"
            try:
                if found := what():
                    return found
            except (requests.ConnectionError, KeyError):
                pass
            time.sleep(0.1)
        raise AssertionError("it did not come")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("service")
    options = {"source": "simulated", "vehicle_link": "simulated", "dry_run": False}
    (folder / "options.json").write_text(json.dumps(options))
    page, api = free_port(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "solar_charger", "--options", str(folder / "options.json"),
         "--data", str(folder), "--page-host", "127.0.0.1", "--page-port", str(page),
         "--api-host", "127.0.0.1", "--api-port", str(api), "--speed", str(SPEED)],
        stdout=(folder / "log").open("w"), stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": python_path("solar_charger"), "TZ": "Europe/Berlin"},
    )  # fmt: skip
    found = Running(process, f"http://127.0.0.1:{page}", f"http://127.0.0.1:{api}")
    try:
        found.until(lambda: ask(found.page + "/health").status_code == 200)
        yield found
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        print(Path(folder / "log").read_text()[-4000:])


def test_an_older_charger_finds_every_field_it_reads(running: Running) -> None:
    running.until(lambda: ask(running.api + "/api/charger_status").status_code == 200)
    meter = running.get("/api/envoy_data")
    assert isinstance(meter["production_watts"], int | float)
    assert meter["excess_watts"] == -meter["grid_watts"]
    assert running.get("/api/charging/config")["mode"] in ("SOLAR", "MANUAL")
    status = running.get("/api/charger_status")
    assert status.keys() >= {
        "mode", "amps", "target_amps", "battery", "battery_age_sec", "excess_watts",
        "production_watts", "state", "timestamp", "ble_fail_count", "ble_backoff_remaining",
        "grid_charge_warning_amps",
    }  # fmt: skip
    assert isinstance(running.get("/api/twc/vehicle_connected")["connected"], bool)
    assert "data_age_seconds" in running.get("/api/twc/status")


def test_the_day_is_seen_as_it_goes_by(running: Running) -> None:
    first = running.get("/api/v1/state")["timestamp_utc"]
    running.until(lambda: running.get("/api/v1/state")["timestamp_utc"] > first)
    rows = running.until(lambda: running.get("/api/v1/history?step=60")["rows"])
    assert len(rows[0]) == len(running.get("/api/v1/history")["columns"])
    lines = running.until(lambda: running.get("/api/v1/audit?limit=50"))
    assert lines[0]["id"] > lines[-1]["id"] or len(lines) == 1
    assert {row["name"] for row in running.get("/api/v1/state")["sources"]}


def test_a_mode_is_in_force_when_the_answer_is_there(running: Running) -> None:
    for mode in ("off", "MIN_SOLAR", "SOLAR"):
        answer = ask(running.api + "/api/charging/mode", "POST", json={"mode": mode})
        assert answer.json() == {"status": "success", "new_mode": mode.upper()}
        assert running.get("/api/charging/config")["mode_ext"] == mode.upper()
    words: list[Any] = ["FAST", 7, None, ["SOLAR"], {}]
    for wrong in words:
        answer = ask(running.api + "/api/charging/mode", "POST", json={"mode": wrong})
        assert answer.status_code == 400
    assert running.get("/api/charging/config")["mode_ext"] == "SOLAR"


def test_settings_change_together_or_not_at_all(running: Running) -> None:
    url = running.api + "/api/v1/settings"
    answer = ask(url, "POST", json={"max_amps": 24, "target_soc": 70})
    assert answer.status_code == 200
    assert answer.json()["max_amps"] == {"value": 24, "from": "stored"}
    bad: list[dict[str, Any]] = [
        {"max_amps": 20, "min_amps": 17},
        {"max_amps": "x"},
        {"nonsense": 1},
    ]
    for changes in bad:
        answer = ask(url, "POST", json=changes)
        assert answer.status_code == 400
        assert any(name in answer.json()["message"] for name in changes)
    assert running.get("/api/v1/settings")["max_amps"]["value"] == 24


def test_a_command_is_accepted_and_its_outcome_can_be_followed(running: Running) -> None:
    answer = ask(running.api + "/api/v1/charge", "POST", json={"action": "stop"})
    assert answer.status_code in (202, 409), answer.text
    if answer.status_code == 202:
        path = f"/api/v1/commands/{answer.json()['id']}"
        running.until(lambda: running.get(path)["state"] in ("done", "dropped"))
    assert ask(running.api + "/api/v1/charge", "POST", json={"action": "fly"}).status_code == 400


def test_another_charger_makes_ours_step_back(running: Running) -> None:
    record = {"mode": "SOLAR", "amps": 11, "target_amps": 12, "state": "Charging"}
    answer = ask(running.api + "/api/set_charger_status", "POST", json=record)
    assert answer.json() == {"status": "success"}
    assert running.get("/api/charging/config").keys() >= {"mode", "mode_ext"}
    # Two simulated minutes are a fifth of a second here, so only our own view is asked.
    running.until(
        lambda: [
            line for line in running.get("/api/v1/audit?limit=500")
            if line["reason"] == "foreign_charger"
        ]
    )  # fmt: skip


def test_sources_answer_when_tested_and_unknown_ones_are_refused(running: Running) -> None:
    name = running.get("/api/v1/state")["sources"][0]["name"]
    answer = ask(f"{running.api}/api/v1/sources/{name}/test", "POST").json()
    assert answer["ok"] is True
    assert ask(running.api + "/api/v1/sources/nobody/test", "POST").status_code == 404


def test_the_support_bundle_is_whole(running: Running) -> None:
    archive = zipfile.ZipFile(io.BytesIO(ask(running.api + "/api/v1/support.zip").content))
    assert b"solar_charger" in archive.read("solar_charger/log.txt")
    assert json.loads(archive.read("solar_charger/options.json"))["source"] == "simulated"
