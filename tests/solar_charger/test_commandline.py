"""How the program is called, and with which code it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from solar_charger.__main__ import main
from solar_charger.errors import OptionError
from solar_charger.service import Service

from solar_charger import commandline, logs

PACKAGE = Path(commandline.__file__).parents[1]


def options_file(folder: Path, **options: object) -> str:
    file = folder / "options.json"
    file.write_text(json.dumps(options))
    return str(file)


def test_the_command_line_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {
        "SOLAR_CHARGER_DATA": str(tmp_path),
        "SOLAR_CHARGER_PAGE_PORT": "1234",
        "SOLAR_CHARGER_API_PORT": "4321",
        "SOLAR_CHARGER_PAGE_ALLOW": "10.0.0.0/8,192.168.0.0/16",
        "SOLAR_CHARGER_OPTIONS": options_file(tmp_path, max_amps=13),
    }
    found = commandline.read(["--page-port", "99"], environ)
    assert (found.page_port, found.api_port) == (99, 4321)
    assert found.page_allow == ("10.0.0.0/8", "192.168.0.0/16")
    assert found.options.max_amps == 13


def test_a_named_file_that_is_missing_is_a_mistake_the_default_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not exist"):
        commandline.read(["--options", str(tmp_path / "none.json")], {})
    found = commandline.read(["--data", str(tmp_path)], {})
    assert found.options.source == "envoy"
    assert found.remarks


def test_unknown_options_are_remarks(tmp_path: Path) -> None:
    file = options_file(tmp_path, maxamps=3)
    found = commandline.read(["--options", file, "--data", str(tmp_path)], {})
    assert [level for level, _ in found.remarks] == ["warning"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--speed", "0"], "--speed"),
        (["--speed", "fast"], "--speed"),
        (["--speed", "100000"], "--speed"),
        (["--page-port", "70000"], "--page-port"),
        (["--api-port", "eighty"], "--api-port"),
        (["--api-port", "-1"], "--api-port"),
        (["--api-port", "9" * 5000], "--api-port"),
        (["--page-allow", "not/net"], "--page-allow"),
        (["--nonsense"], "(command line)"),
    ],
)
def test_a_mistake_names_the_flag(tmp_path: Path, arguments: list[str], named: str) -> None:
    with pytest.raises(OptionError) as caught:
        commandline.read([*arguments, "--data", str(tmp_path)], {})
    assert caught.value.option == named


def test_nothing_real_can_be_hurried(tmp_path: Path) -> None:
    file = options_file(tmp_path, source="simulated")
    with pytest.raises(OptionError, match="vehicle_link is python_ble"):
        commandline.read(["--options", file, "--data", str(tmp_path), "--speed", "10"], {})


def run(*arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "solar_charger", *arguments],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def test_a_bad_option_ends_with_1_and_one_line(tmp_path: Path) -> None:
    ended = run("--options", options_file(tmp_path, max_amps=99), "--data", str(tmp_path))
    assert ended.returncode == 1
    assert ended.stdout.count("\n") == 1
    assert "FATAL: option max_amps" in ended.stdout


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log lines stay with the test."""
    monkeypatch.setattr(logs, "configure", lambda *_, **__: None)


@pytest.mark.usefixtures("quiet")
def test_a_data_folder_that_cannot_be_locked_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "solar_charger.lock").mkdir()
    file = options_file(tmp_path, source="simulated", vehicle_link="simulated")
    assert main(["--options", file, "--data", str(tmp_path)]) == 1
    assert "option --data: " in caplog.messages[-1]


@pytest.mark.usefixtures("quiet")
def test_what_nobody_foresaw_ends_with_70_and_never_looks_like_a_bad_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(self: Service) -> None:
        raise ValueError("an accident")

    monkeypatch.setattr(Service, "serve", fails)
    file = options_file(tmp_path, source="simulated", vehicle_link="simulated")
    assert main(["--options", file, "--data", str(tmp_path)]) == 70
    assert "please report it" in caplog.messages[-1]


def test_relay_and_simulate_are_programs_of_their_own() -> None:
    assert "relay" in run("relay", "--help").stdout
    assert "--seeds" in run("simulate", "--help").stdout


def test_sigterm_ends_it_with_0(tmp_path: Path) -> None:
    file = options_file(tmp_path, source="simulated", vehicle_link="simulated")
    command = [sys.executable, "-m", "solar_charger", "--options", file, "--data", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--page-port", "0", "--api-port", "0"],
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "solar_charger 0" in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(60) == 0
    assert "stopped" in rest
