"""What `/health` says: whether this program itself is well, never the far side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ocpp_proxy.health import Health

from ocpp_proxy import health
from tests.ocpp_proxy.harness import free_port, proxy_server
from tests.ocpp_proxy.paged import ask, paged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that may vanish."""
    made = tmp_path / "data"
    made.mkdir()
    return made


async def test_it_is_well_although_nobody_is_behind_it(folder: Path) -> None:
    async with paged(folder, free_port()) as at:
        answer = await ask(at.page, "/health")
        assert answer.status == 200
        assert (answer.json["status"], answer.json["reasons"]) == ("ok", [])
        assert answer.json["loop_lag_ms"] >= 0
        assert (await ask(at.page, "/health", method="HEAD")).status == 200


async def test_a_listener_that_ended_is_a_fault(folder: Path) -> None:
    async with paged(folder, free_port()) as at:
        assert at.proxy._listener is not None
        await at.proxy._listener.stop()
        answer = await ask(at.page, "/health")
        assert answer.status == 503
        assert answer.json["status"] == "fault"
        assert answer.json["reasons"] == ["wallboxes are not listened for"]


async def test_a_data_folder_that_is_gone_is_a_fault(folder: Path) -> None:
    async with paged(folder, free_port()) as at:
        shutil.rmtree(folder)
        answer = await ask(at.page, "/health")
        assert answer.status == 503
        assert answer.json["reasons"] == ["the data folder cannot be written"]


async def test_a_loop_that_stood_still_is_a_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with proxy_server(folder, free_port()) as proxy:
        watched = Health(proxy)
        watched.start()
        monkeypatch.setattr(health, "LONGEST_STALL", -1.0)
        assert watched.report().reasons == ["the event loop stands still"]
        watched.stop()
