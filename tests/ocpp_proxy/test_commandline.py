"""The command line, its environment, and which of them wins."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ocpp_proxy.commandline import Settings
from ocpp_proxy.errors import OptionError
from ocpp_proxy.targets import Target

from ocpp_proxy import commandline


@pytest.fixture(autouse=True)
def no_options_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commandline, "DEFAULT_OPTIONS", tmp_path / "missing.json")
    monkeypatch.setattr(commandline, "DEFAULT_DATA", tmp_path / "missing")


def read(tmp_path: Path, *arguments: str, **environ: str) -> Settings:
    return commandline.read(arguments, {"XDG_STATE_HOME": str(tmp_path / "state"), **environ})


def options_file(folder: Path, **options: object) -> str:
    path = folder / "options.json"
    path.write_text(json.dumps(options))
    return str(path)


def test_the_first_proxys_switches_work_without_any_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path, "--listen-host", "127.0.0.1", "--listen-port", "9000",
        "--target-host", "192.0.2.5", "--target-port", "9001", "--debug",
    )  # fmt: skip
    assert (settings.listen_host, settings.listen_port) == ("127.0.0.1", 9000)
    assert settings.options.target_of(None) == Target("192.0.2.5", 9001)
    assert settings.options.log_level == "debug"


def test_nothing_said_listens_everywhere_and_says_that_there_is_no_file(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert (settings.listen_host, settings.listen_port) == ("0.0.0.0", 8888)
    assert (settings.page_host, settings.page_port) == ("0.0.0.0", 8099)
    assert [level for level, _ in settings.remarks] == ["info"]
    assert settings.data == tmp_path / "state" / "ocpp_proxy"
    assert settings.data.is_dir()


def test_command_line_wins_over_environment_over_file(tmp_path: Path) -> None:
    file = options_file(tmp_path, target_host="file", target_port=1, log_level="warning")
    environ = {"OCPP_PROXY_OPTIONS": file, "OCPP_PROXY_TARGET_HOST": "environment"}
    assert read(tmp_path, OCPP_PROXY_OPTIONS=file).options.target_host == "file"
    settings = read(tmp_path, **environ)
    assert settings.options.target_of(None) == Target("environment", 1)
    assert settings.options.log_level == "warning"
    assert read(tmp_path, "--target-host", "line", **environ).options.target_host == "line"


def test_a_target_on_the_command_line_wins_over_an_address_in_the_file(tmp_path: Path) -> None:
    file = options_file(tmp_path, target_url="ws://file:1")
    settings = read(tmp_path, "--options", file, "--target-host", "line")
    assert settings.options.target_of(None) == Target("line", 8887)


def test_every_switch_has_a_variable(tmp_path: Path) -> None:
    settings = read(
        tmp_path, OCPP_PROXY_LISTEN_HOST="::", OCPP_PROXY_LISTEN_PORT="0",
        OCPP_PROXY_DATA=str(tmp_path / "d"), OCPP_PROXY_PAGE_HOST="127.0.0.1",
        OCPP_PROXY_PAGE_PORT="0", OCPP_PROXY_PAGE_ALLOW="192.168.0.0/16, 10.0.0.0/8",
        OCPP_PROXY_DEBUG="true", OCPP_PROXY_TLS_DIR="/certificates", OCPP_PROXY_TARGET_PORT="5",
    )  # fmt: skip
    assert settings.listen_host == "::"
    assert settings.listen_port == 0
    assert settings.data == tmp_path / "d"
    assert settings.page_host == "127.0.0.1"
    assert settings.page_port == 0
    assert settings.page_allow == ("192.168.0.0/16", "10.0.0.0/8")
    assert settings.options.log_level == "debug"
    assert settings.tls_folder == Path("/certificates")
    assert settings.options.target_port == 5


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    settings = read(tmp_path, OCPP_PROXY_LISTEN_PORT="", OCPP_PROXY_PAGE_ALLOW="")
    assert settings.listen_port == 8888
    assert settings.page_allow == ()


def test_trace_in_the_file_stays_with_debug(tmp_path: Path) -> None:
    file = options_file(tmp_path, log_level="trace")
    assert read(tmp_path, "--options", file, "--debug").options.log_level == "trace"


def test_unknown_options_become_warnings(tmp_path: Path) -> None:
    file = options_file(tmp_path, tarqet=1)
    assert read(tmp_path, "--options", file).remarks == (
        ("warning", "unknown option tarqet is ignored"),
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--listen-port", "x"], "--listen-port"),
        (["--listen-port", "70000"], "--listen-port"),
        (["--target-port", "0"], "--target-port"),
        (["--page-allow", "home"], "--page-allow"),
        (["--debug=maybe"], "--debug"),
        (["--options", "/nowhere/options.json"], "--options"),
        (["--data", "/proc/nowhere"], "--data"),
        (["--message-rate", "0"], "--message-rate"),
        (["--wrong"], "command line"),
    ],
)
def test_a_bad_switch_is_named(tmp_path: Path, arguments: list[str], name: str) -> None:
    with pytest.raises(OptionError, match=name):
        read(tmp_path, *arguments)


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--listen-port"):
        read(tmp_path, OCPP_PROXY_LISTEN_PORT="many")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir(mode=0o500)
    with pytest.raises(OptionError, match="--data"):
        read(tmp_path, "--data", str(folder))
