"""One run as a whole: health, the watchdog, one instance in charge, the other dashboard."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from solar_charger.commands import Action, Actor, Request
from solar_charger.dashboard_sync import DashboardSync
from solar_charger.health import Health, Watchdog
from solar_charger.instance import InstanceLock
from solar_charger.masking import record, redactor, text
from solar_charger.options import read
from solar_charger.service import Service
from solar_charger.sources.dashboard import ForeignMode
from solar_charger.sources.readings import SourceError
from solar_charger.timezone import zone

from solar_charger import commandline
from tests.solar_charger.home import at_home

WITHIN_S = 15.0


def test_health_tells_our_own_loops_listeners_and_store_and_nothing_else() -> None:
    now = [100.0]
    health = Health(lambda: now[0])
    beat = health.beater("controller")
    assert health.report()[0]
    now[0] += 61
    well, told = health.report()
    assert not well
    assert "controller" in told["reasons"][0]
    beat()
    health.store_problem = lambda: "the disk is full"
    assert health.report()[1]["reasons"] == ["the disk is full"]
    health.store_problem = lambda: ""
    health.listening = lambda: False
    assert not health.report()[0]


def test_a_stuck_loop_ends_the_process_with_70() -> None:
    now = [0.0]
    health = Health(lambda: now[0])
    health.beat("controller")
    left: list[int] = []
    gone = threading.Event()

    def leave(code: int) -> None:
        left.append(code)
        gone.set()

    now[0] = 121.0
    dog = Watchdog(health, each_s=0.01, leave=leave)
    dog.start()
    assert gone.wait(WITHIN_S)
    assert left == [70]


def test_one_instance_holds_the_folder_until_it_ends(tmp_path: Path) -> None:
    first, second = InstanceLock(tmp_path), InstanceLock(tmp_path)
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


async def test_a_reader_that_waits_for_a_dead_gateway_is_well(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        home.meter.trouble = "no route"
        home.connector.silent = True
        await home.pass_time(300)
        assert home.service.backend.health()[0]


async def test_requests_from_threads_are_carried_out_in_the_loop(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        await home.pass_time(20)
        request = Request(Action.MODE, "MANUAL", Actor.UI)
        answer = await asyncio.to_thread(home.service.backend.submit, request, WITHIN_S)
        assert answer.body == {"status": "success", "new_mode": "MANUAL"}
        number = home.service.backend.view.number
        waiting = asyncio.create_task(
            asyncio.to_thread(home.service.backend.newer_than, number, WITHIN_S)
        )
        await home.pass_time(20)
        view = await waiting
        assert view is not None
        assert view.number > number


async def test_without_a_vin_page_and_api_run_and_the_car_is_left_alone(tmp_path: Path) -> None:
    found, _ = read({})
    service = Service(commandline.Invocation(found, tmp_path, page_port=0, api_port=0), {})
    assert service.worker is None
    assert "vin" in service.equipment.link_problem
    service.charger.decide()
    assert service.backend.state()["controller_state"] == "fault"
    assert service.backend.envoy_data() is None
    assert service.backend.twc_status() is None
    await service.journal.close()
    service.lock.release()


class Other:
    """Another dashboard."""

    def __init__(self) -> None:
        self.its_mode = "SOLAR"
        self.away = False
        self.posted: list[object] = []

    async def mode(self) -> ForeignMode:
        self._there()
        return ForeignMode(self.its_mode)

    async def set_mode(self, mode: str) -> None:
        self._there()
        self.its_mode = mode

    async def post_status(self, status: object) -> None:
        self._there()
        self.posted.append(status)

    def _there(self) -> None:
        if self.away:
            raise SourceError("dashboard: no answer")


async def test_beside_another_dashboard_the_last_choice_of_either_wins(tmp_path: Path) -> None:
    async with at_home(tmp_path) as home:
        other = Other()
        sync = DashboardSync(other, home.service.charger)  # type: ignore[arg-type]
        home.service.commands._mode_chosen = sync.mode_chosen
        await home.pass_time(20)
        other.its_mode = "MANUAL"
        await sync.turn()
        assert home.service.charger.mode == "MANUAL"
        other.away = True
        await home.ask(Action.MODE, "SOLAR")
        await sync.turn()
        assert home.service.charger.mode == "SOLAR"
        other.away = False
        await sync.turn()
        assert other.its_mode == "SOLAR"
        assert other.posted
        await home.ask(Action.MODE, "OFF")
        other.its_mode = "MANUAL"
        await sync.turn()
        assert home.service.charger.mode == "OFF"
        modes = [line for line in await home.audit() if line["action"] == "mode"]
        assert {line["actor"] for line in modes} == {"api", "ui"}


def test_secrets_leave_no_trace() -> None:
    vin = "5YJ3E1EA7KF000001"
    token = "eyJhbGciOi.eyJleHAiOjE.c2ln"
    assert vin not in text(f"car {vin}")
    assert token not in redactor([])(f"token {token}")
    assert "pass-word" not in redactor(["pass-word"])("it is pass-word")
    masked = record({"mqtt_password": "x1", "vin": vin, "rows": [{"api_key": "y2"}], "n": 3})
    assert "x1" not in str(masked)
    assert "y2" not in str(masked)
    assert masked["n"] == 3


@pytest.mark.parametrize("name", ["Europe/Helsinki", "Nowhere/Atlantis", ""])
def test_the_time_zone_never_stops_the_start(name: str, tmp_path: Path) -> None:
    found = zone({"TZ": name}, tmp_path / "none")
    assert str(found) == (name if name.startswith("Europe") else "UTC")
