"""The relay as a Pi Zero gets it: `pip install --no-deps`, the unit's command line, no library."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from solar_charger.car.keys import generate_key
from solar_charger.car.link import ResultClass as R
from solar_charger.car.relay import RelayLink
from solar_charger.measurements import CarState, ChargingState
from solar_charger.testing.house import Car
from solar_charger.testing.tesla_control import FakeCarService, FakeTeslaControl

from tests.environments import ROOT
from tests.solar_charger.dashboard_backend import free_port

KEY = "relay-key"
INSTALLED_WITHIN_S = 300
STARTED_WITHIN_S = 30


@pytest.fixture(scope="module")
def zero(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with this package in it and nothing else."""
    folder = tmp_path_factory.mktemp("zero")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    source = [str(ROOT / "solar_charger"), "--wheel-dir", str(folder)]
    # `pip install` fetches the backend for this; here it is there already.
    pip([sys.executable, "-m", "pip"], "wheel", "--no-deps", "--no-build-isolation", *source)
    wheels = [str(wheel) for wheel in folder.glob("*.whl")]
    pip([str(folder / "venv/bin/pip")], "install", "--no-deps", "--no-index", *wheels)
    return folder / "venv" / "bin"


def pip(program: list[str], *arguments: str) -> None:
    command = [*program, *arguments, "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALLED_WITHIN_S)
    assert done.returncode == 0, done.stderr


@pytest.fixture
async def car(tmp_path: Path, zero: Path) -> AsyncIterator[tuple[Car, str]]:
    """A car behind `solar_charger relay` and a faithful `tesla-control`, and the address."""
    control = FakeTeslaControl(Car())
    async with FakeCarService(control) as service:
        service.install(tmp_path)
        generate_key(tmp_path / "private.pem")
        (tmp_path / "api-key").write_text(KEY + "\n")
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            str(zero / "solar_charger"), "relay", "--listen", "127.0.0.1", "--port", str(port),
            "--vin", control.car.vin, "--key-file", str(tmp_path / "private.pem"),
            "--api-key-file", str(tmp_path / "api-key"),
            "--tesla-control", str(tmp_path / "tesla-control"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={"HOME": str(tmp_path)},
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(STARTED_WITHIN_S):
                first = await process.stdout.readline()
            assert b"listens on" in first, first
            yield control.car, f"http://127.0.0.1:{port}"
            process.terminate()
            async with asyncio.timeout(STARTED_WITHIN_S):
                rest, _ = await process.communicate()
            assert process.returncode == 0
            assert b"successfully stopped" in rest
        finally:
            if process.returncode is None:
                process.kill()


def test_nothing_but_the_package_is_installed(zero: Path) -> None:
    listed = subprocess.run(
        [str(zero / "pip"), "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = {line.split("==")[0].split(" @")[0].lower() for line in listed.split("\n") if line}
    assert names - {"pip", "setuptools"} == {"solar_charger"}


async def test_it_takes_a_charge_from_start_to_stop(car: tuple[Car, str]) -> None:
    tesla, address = car
    link = RelayLink(address, KEY)
    tesla.asleep = True
    assert (await link.start()).result_class is R.ASLEEP
    assert (await link.wake()).result_class is R.OK
    assert (await link.set_amps(24)).result_class is R.OK
    assert (await link.start()).result_class is R.OK
    seen = (await link.read_charge()).data
    assert isinstance(seen, CarState)
    assert (seen.charging_state, seen.charger_actual_current) == (ChargingState.CHARGING, 24)
    assert (await link.stop()).result_class is R.OK
    assert not tesla.charging


async def test_whoever_lacks_the_key_commands_nothing(car: tuple[Car, str]) -> None:
    tesla, address = car
    assert (await RelayLink(address, "guessed").start()).result_class is R.CONFIG
    assert tesla.heard == []
