"""The whole program with its Bluetooth driver: paired, live, stopped, lost, found and woken."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from solar_charger.testing.bluetooth.neighbourhood import Neighbourhood

from tests.environments import python_path
from tests.solar_charger.bluetooth_stand import OURS, VIN, needs_bluetooth, neighbourhood
from tests.solar_charger.dashboard_backend import free_port

pytestmark = needs_bluetooth

PATIENCE_S = 120.0
MOST_PSS_MB = 105


class Charger:
    """The program as a person at its page drives it."""

    def __init__(self, folder: Path, bus: str) -> None:
        options = {
            "vin": VIN, "vehicle_link": "python_ble", "max_amps": 16,
            "emergency_soc": 0, "voltage": 230,
        }  # fmt: skip
        (folder / "options.json").write_text(json.dumps(options))
        self._log = folder / "log"
        port = free_port()
        self._api = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "solar_charger", "--options", str(folder / "options.json"),
             "--data", str(folder), "--page-host", "127.0.0.1", "--page-port", str(free_port()),
             "--api-host", "127.0.0.1", "--api-port", str(port)],
            stdout=self._log.open("w"), stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": python_path("solar_charger"),
                 "DBUS_SYSTEM_BUS_ADDRESS": bus},
        )  # fmt: skip

    @property
    def log(self) -> str:
        """What it has written."""
        return self._log.read_text()

    def state(self) -> dict[str, Any]:
        """State document and status record."""
        found: dict[str, Any] = requests.get(f"{self._api}/api/v1/state", timeout=10).json()
        return found

    def post(self, path: str, **body: Any) -> requests.Response:
        """A wish."""
        return requests.post(self._api + path, json=body, timeout=10)

    def ends(self, path: str, **body: Any) -> dict[str, Any]:
        """Have a command carried out and wait for what became of it."""
        return self.ended(self.asked(path, **body))

    def asked(self, path: str, **body: Any) -> int:
        """The number of a command that has been accepted."""
        answer = self.post(path, **body)
        assert answer.status_code == 202, answer.text
        return int(answer.json()["id"])

    def ended(self, number: int) -> dict[str, Any]:
        """What became of a command, as soon as that is known."""
        where = f"{self._api}/api/v1/commands/{number}"

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = requests.get(where, timeout=10).json()
            return found if found["state"] in ("done", "dropped") else None

        found: dict[str, Any] = self.until(ended)
        return found

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
        raise AssertionError(f"it did not come; last: {json.dumps(self.state())[:3000]}")

    def memory_mb(self, kind: str) -> float:
        """Its memory: `Rss` counts shared pages whole, `Pss` by share."""
        told = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        found = re.search(rf"^{kind}:\s+(\d+) kB", told, re.MULTILINE)
        assert found
        return int(found[1]) / 1024


@pytest.fixture(scope="module")
def car() -> Iterator[Neighbourhood]:
    with neighbourhood() as cars:
        yield cars


@pytest.fixture(scope="module")
def charger(car: Neighbourhood, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charger]:
    found = Charger(tmp_path_factory.mktemp("service"), car.address)
    try:
        found.until(found.state)
        yield found
        found.process.send_signal(signal.SIGTERM)
        assert found.process.wait(40) == 0
    finally:
        found.process.kill()
        print(found.log[-6000:])


def test_a_new_owner_makes_a_key_pairs_it_and_goes_live(
    charger: Charger, car: Neighbourhood
) -> None:
    assert charger.post("/api/v1/live", live=True).status_code == 409
    assert "PUBLIC KEY" in charger.post("/api/v1/pairing/key").json()["public_key_pem"]
    refused = charger.ends("/api/v1/pairing/check")
    assert refused["result_class"] == "NOT_PAIRED"
    assert "pair it" in refused["text"]
    asked = charger.asked("/api/v1/pairing/request")
    charger.until(lambda: car.state()["waits_for_card"])
    car.tell("tap")
    assert charger.ended(asked)["result_class"] == "OK"
    assert car.state()["roles"] == [OURS]
    assert charger.ends("/api/v1/pairing/check")["result_class"] == "OK"
    charger.until(lambda: charger.state()["battery"] == 65)
    assert charger.post("/api/v1/live", live=True).json()["dry_run"] is False
    assert car.state()["heard"] == []


def test_manual_charges_at_the_limit_of_the_house(charger: Charger, car: Neighbourhood) -> None:
    charger.post("/api/charging/mode", mode="MANUAL")
    charger.until(lambda: car.state()["charging"])
    state = car.state()
    assert state["request_amps"] == 16
    assert state["heard"] == ["charging-set-amps 16", "charging-start"]


def test_a_stop_whose_answer_is_lost_is_looked_up_and_not_sent_again(
    charger: Charger, car: Neighbourhood
) -> None:
    car.set(lose_answers=1, soc=64.0)
    assert charger.post("/api/v1/charge", action="stop").status_code == 202
    charger.until(lambda: "stop: UNKNOWN_RESULT" in charger.log)
    assert not car.state()["charging"]
    # Only a read made after the stop knows of the changed battery.
    state = charger.until(lambda: charger.state() if charger.state()["battery"] == 64 else None)
    assert state["state"] == "Stopped"
    assert car.state()["heard"].count("charging-stop") == 1


def test_a_car_out_of_range_is_counted_and_rested_and_found_again(
    charger: Charger, car: Neighbourhood
) -> None:
    car.set(in_range=False)
    charger.until(lambda: not car.state()["connected"])
    result = charger.ends("/api/v1/pairing/check")
    assert result["result_class"] == "UNREACHABLE"
    assert "out of range" in result["text"]
    state = charger.state()
    assert state["ble_fail_count"] >= 1
    assert 0 < state["ble_backoff_remaining"] <= 36
    assert state["ble_ok"] is False
    car.set(in_range=True)
    charger.until(lambda: charger.ends("/api/v1/pairing/check")["result_class"] == "OK")
    state = charger.until(lambda: charger.state() if charger.state()["ble_ok"] else None)
    assert (state["ble_fail_count"], state["ble_backoff_remaining"]) == (0, 0)


def test_a_sleeping_car_is_not_waken_for_nothing_and_woken_for_a_charge(
    charger: Charger, car: Neighbourhood
) -> None:
    charger.until(lambda: not car.state()["connected"])
    car.set(asleep=True, heard=[])
    charger.post("/api/v1/charge", action="start")
    charger.until(lambda: car.state()["charging"])
    heard = car.state()["heard"]
    assert heard.index("wake") < heard.index("charging-start")
    assert heard.count("charging-start") == 1


def test_the_program_keeps_within_its_memory_and_leaves_the_car_between_commands(
    charger: Charger, car: Neighbourhood
) -> None:
    charger.until(lambda: not car.state()["connected"])
    pss, rss = charger.memory_mb("Pss"), charger.memory_mb("Rss")
    print(f"idle memory with python_ble: {pss:.1f} MB PSS, {rss:.1f} MB RSS")
    assert pss <= MOST_PSS_MB
    assert VIN not in charger.log
