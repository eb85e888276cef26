"""The life of solar_charger's image: start, stop, wrong options, killed processes, backups."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.images.inside import mode_and_owner, service_process
from tests.stand.fixtures import StartApp
from tests.stand.supervisor import RunningApp
from tests.stand.waiting import wait_until

SERVICES = (
    "init-token", "init-options", "init-certificates", "init-journal", "svc-certificates",
    "svc-solar-charger",
)  # fmt: skip
SIMULATED: dict[str, Any] = {"source": "simulated", "vehicle_link": "simulated"}
VIN = "5YJ3E1EA0KF000316"
NOWHERE = "192.0.2.1"
CHATTY = {"S6_VERBOSITY": "2"}  # the lines of s6 about each service
START_SECONDS = 60
RESTART_SECONDS = 30
SECONDS = 30
MODES = ["MANUAL", "OFF", "MIN_SOLAR"]
Record = Callable[[str, object], None]


def started(log: str) -> set[str]:
    return set(re.findall(r"service (\S+) successfully started", log))


def stopped(log: str) -> set[str]:
    return set(re.findall(r"service (\S+) successfully stopped", log))


def state(charger: RunningApp) -> dict[str, Any]:
    """What the page is told."""
    answer = requests.get(f"{charger.page}api/v1/state", timeout=SECONDS)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("options", [{}, SIMULATED], ids=["default", "simulated"])
def test_a_stop_ends_every_service(app: StartApp, options: dict[str, Any]) -> None:
    charger = app("solar_charger", options, environment=CHATTY)
    assert charger.stop() == 0
    log = charger.logs()
    assert started(log) == set(SERVICES)
    assert stopped(log) == started(log)
    assert "Traceback" not in log
    assert log.rstrip().endswith("successfully stopped")


def test_a_simulated_house_is_read_and_shown(app: StartApp) -> None:
    charger = app("solar_charger", SIMULATED)

    def fresh() -> bool:
        return state(charger).get("stale") is False

    wait_until(fresh, SECONDS, "a reading of the simulated meter")
    assert "meter simulated, twc, car by simulated, mode SOLAR, dry run" in charger.logs()
    assert charger.container.healthy()


@pytest.mark.parametrize("service", SERVICES)
def test_a_stop_in_the_middle_of_the_start_keeps_the_time_limit(
    app: StartApp, service: str
) -> None:
    charger = app("solar_charger", environment=CHATTY, wait=False)
    charger.container.wait_for_log(f"service {service}: starting", START_SECONDS)
    assert charger.stop() in (0, 1), charger.logs()[-2000:]
    log = charger.logs()
    assert stopped(log) == started(log)
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"min_amps": 10, "max_amps": 8}, "option min_amps:"),
        ({"vehicle_link": "relay", "vin": VIN}, "option relay_url:"),
        ({"mqtt_password": "of nobody"}, "option mqtt_password:"),
        ({"vin": "NOT A VIN"}, "option vin:"),
    ],
)
def test_a_wrong_option_ends_the_app_with_one_clear_line(
    app: StartApp, options: dict[str, Any], named: str
) -> None:
    charger = app("solar_charger", options, wait=False)
    assert charger.container.wait(START_SECONDS) == 1
    log = charger.logs()
    (fatal,) = [line for line in log.splitlines() if "FATAL" in line]
    assert named in fatal
    assert "of nobody" not in log
    assert "is started again" not in log


def test_a_killed_process_is_started_again_with_one_line(app: StartApp) -> None:
    charger = app("solar_charger")

    def pid() -> int:
        return service_process(charger.container, "solar_charger").pid

    before = pid()
    charger.container.execute("bash", "-c", f"kill -9 {before}")
    log = charger.container.wait_for_log("is started again", RESTART_SECONDS)
    assert log.count("is started again") == 1
    assert "ended (code 256, signal 9)" in log
    charger.wait_healthy(RESTART_SECONDS)
    assert pid() != before
    assert charger.stop() == 0


def test_what_was_chosen_on_the_page_survives_a_restart(app: StartApp) -> None:
    charger = app("solar_charger")
    chosen = requests.post(
        f"{charger.page}api/charging/mode", json={"mode": "MANUAL"}, timeout=SECONDS
    )
    assert chosen.status_code == 200
    assert charger.restart() == 0
    assert "mode MANUAL, dry run" in charger.logs()
    token = charger.container.execute("cat", "/run/solar_charger/supervisor_token").stdout
    assert token == charger.entry.token


def test_a_restart_takes_the_new_options(app: StartApp) -> None:
    charger = app("solar_charger")
    charger.restart({"source": "fronius", "inverter_host": NOWHERE})
    assert "meter fronius" in charger.logs()


def test_a_machine_without_bluetooth_says_so_in_a_sentence(app: StartApp) -> None:
    """The whole driver is in the image and works as its user, up to the missing radio."""
    charger = app("solar_charger", {"vin": VIN})

    def post(path: str) -> dict[str, Any]:
        answer = requests.post(f"{charger.page}api/v1/pairing/{path}", json={}, timeout=SECONDS)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def ended() -> dict[str, Any] | None:
        found = requests.get(f"{charger.page}api/v1/commands/{number}", timeout=SECONDS).json()
        return found if found["state"] in ("done", "dropped") else None

    post("key")
    number = post("check")["id"]
    outcome = wait_until(ended, SECONDS, "the end of the check")
    assert outcome is not None
    assert outcome["result_class"] == "ADAPTER", outcome
    assert "BlueZ" in outcome["text"], outcome
    assert charger.container.healthy()


# Memory


def proportional_mb(charger: RunningApp) -> float:
    """PSS of the program, MB; read by its own user, who alone may."""
    pid = service_process(charger.container, "solar_charger").pid
    read = charger.container.execute("cat", f"/proc/{pid}/smaps_rollup", user="nobody")
    found = re.search(r"^Pss:\s+(\d+) kB", read.stdout, re.MULTILINE)
    assert found is not None, read.stderr
    return int(found[1]) / 1000


@pytest.mark.parametrize(
    ("options", "most_mb"),
    [
        ({"vehicle_link": "relay", "relay_url": f"http://{NOWHERE}:5003", "vin": VIN}, 70),
        ({"vehicle_link": "proxy_http", "relay_url": f"http://{NOWHERE}:8080", "vin": VIN}, 70),
        ({"vehicle_link": "tesla_control", "vin": VIN}, 70),
        (
            {"vehicle_link": "ha_entities", "vin": VIN, "car_amps_entity": "number.amps",
             "car_charge_entity": "switch.charge"}, 70,
        ),
        (SIMULATED, 70),
        ({"vin": VIN}, 105),
    ],
    ids=["relay", "proxy_http", "tesla_control", "ha_entities", "simulated", "python_ble"],
)  # fmt: skip
@pytest.mark.usefixtures("broker")
def test_it_needs_little_memory(
    app: StartApp, options: dict[str, Any], most_mb: int, record_property: Record
) -> None:
    charger = app("solar_charger", {"envoy_host": NOWHERE, "twc_host": NOWHERE, **options})
    requests.get(charger.page, timeout=SECONDS).raise_for_status()
    charger.container.wait_for_log("connected to the MQTT broker", SECONDS)
    used = proportional_mb(charger)
    record_property("pss_mb", used)
    print(f"solar_charger: {options.get('vehicle_link', 'python_ble')}: {used:.1f} MB")
    assert used <= most_mb


# Backup and restore


def run_hook(charger: RunningApp, key: str) -> None:
    """What the Supervisor runs in the container before or after a backup."""
    done = charger.container.execute(*shlex.split(charger.app.config[key]))
    assert done.returncode == 0, done.stderr


def excluded(charger: RunningApp, path: Path) -> bool:
    return any(path.match(pattern) for pattern in charger.app.config["backup_exclude"])


def backup(charger: RunningApp) -> dict[Path, bytes]:
    """The files of a hot backup of /data, as the Supervisor picks them."""
    run_hook(charger, "backup_pre")
    found = [path for path in charger.data.rglob("*") if path.is_file()]
    kept = {
        path.relative_to(charger.data): path.read_bytes()
        for path in found
        if not excluded(charger, path)
    }
    run_hook(charger, "backup_post")
    return kept


def chosen_modes(charger: RunningApp) -> list[str]:
    """The modes chosen so far, oldest first, as the page's audit log has them."""
    lines = requests.get(f"{charger.page}api/v1/audit", timeout=SECONDS).json()
    return [line["to"] for line in reversed(lines) if line["action"] == "mode"]


def test_a_backup_of_the_running_app_starts_with_its_mode_and_log(app: StartApp) -> None:
    charger = app("solar_charger")
    for mode in MODES:
        answer = requests.post(
            f"{charger.page}api/charging/mode", json={"mode": mode}, timeout=SECONDS
        )
        assert answer.status_code == 200
    wait_until(lambda: chosen_modes(charger) == MODES, SECONDS, "the modes in the audit log")
    kept = backup(charger)
    assert not [path for path in kept if path.name.startswith("solar_charger.db")]
    assert not (charger.data / "solar_charger" / "journal-of-backup.db").exists()
    charger.stop()
    for path in (charger.data / "solar_charger").iterdir():
        path.unlink()
    for path, content in kept.items():
        (charger.data / path).write_bytes(content)
    charger.restart()
    log = charger.logs()
    assert "the journal of a backup was taken over" in log
    assert "mode MIN_SOLAR, dry run" in log
    journal = "/data/solar_charger/solar_charger.db"
    assert mode_and_owner(charger.container, journal).endswith("nobody:nogroup")
    assert not (charger.data / "solar_charger" / "journal-of-backup.db").exists()
    assert chosen_modes(charger) == MODES


def test_a_fresh_app_can_be_backed_up(app: StartApp) -> None:
    charger = app("solar_charger")
    for _ in range(2):
        run_hook(charger, "backup_pre")
    run_hook(charger, "backup_post")
    run_hook(charger, "backup_post")
    assert charger.container.healthy()
