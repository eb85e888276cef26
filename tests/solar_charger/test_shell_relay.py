"""The relay answers within the time its clients wait, and strangers do not fill its log."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from solar_charger.car.link import ResultClass as R
from solar_charger.car.results import Command, classify
from solar_charger.relay_server.http import Refusals
from solar_charger.relay_server.runner import Relay, Settings

WITHIN_S = 20.0


def relay(folder: Path, script: str, timeout_s: float) -> Relay:
    program = folder / "tesla-control"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    key = folder / "private.pem"
    key.write_text("")
    return Relay(Settings("5YJ3E1EA7KF000001", key, str(program), timeout_s=timeout_s))


def test_waiting_for_another_command_counts_and_what_had_no_turn_is_not_sent(
    tmp_path: Path,
) -> None:
    calls = tmp_path / "calls"
    made = relay(tmp_path, f"echo call >> {calls}; sleep 600", timeout_s=2.0)
    answers = []
    first = threading.Thread(target=lambda: answers.append(made.run("ping", [], "infotainment")))
    first.start()
    end = time.monotonic() + WITHIN_S
    while not calls.exists():
        assert time.monotonic() < end
    second = made.run("charging-start", [], "infotainment")
    first.join(WITHIN_S)
    assert "timed out after" in answers[0]["output"]
    assert not second["success"]
    assert calls.read_text() == "call\n"
    assert classify(Command.START, second["error"], None) is R.BUSY


def test_a_stale_session_is_tried_again_only_within_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache.json"
    cache.write_text("{}")
    monkeypatch.setenv("TESLA_CACHE_FILE", str(cache))
    made = relay(tmp_path, "true", timeout_s=45.0)
    until: list[float] = []

    def refused(command: str, args: list[str], domain: str, deadline: float) -> tuple[bool, str]:
        until.append(deadline)
        return False, "failed to load session cache"

    monkeypatch.setattr(made, "_subprocess", refused)
    assert not made.run("ping", [], "infotainment")["success"]
    first, second = until
    assert first == second


def test_refusals_take_one_line_a_minute_for_each_cause_and_address() -> None:
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    assert refusals.admit("401", "10.0.0.1")
    assert not refusals.admit("401", "10.0.0.1")
    assert refusals.admit("404", "10.0.0.1")
    assert refusals.admit("401", "10.0.0.2")
    now[0] = 61.0
    assert refusals.admit("401", "10.0.0.1")
    many = sum(refusals.admit("401", f"10.0.1.{number}") for number in range(256))
    assert many < 100
