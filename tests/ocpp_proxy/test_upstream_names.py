"""A listed wallbox's name at the central system belongs to it alone."""

from __future__ import annotations

import base64

import pytest

from tests.ocpp_proxy.conftest import StartProxy
from tests.ocpp_proxy.harness import Central, ask, request

GARAGE = {"id": "AcTec001", "upstream_id": "garage"}


@pytest.mark.parametrize(("password", "status"), [("secret", 401), (None, 404)])
async def test_a_stranger_cannot_ask_under_another_wallboxs_upstream_name(
    start_proxy: StartProxy, central: Central, password: str | None, status: int
) -> None:
    listed = {**GARAGE, "password": password} if password else GARAGE
    proxy = await start_proxy(central.port, stations=[listed])
    credentials = base64.b64encode(f"AcTec001:{password}".encode()).decode()
    more = (f"Authorization: Basic {credentials}",) if password else ()
    assert (await ask(proxy.port, request("/garage"))).status == status
    assert (await ask(proxy.port, request("/garage", more=more))).status == status
    assert central.requests == []
    assert (await ask(proxy.port, request("/AcTec001", more=more))).status == 101
    assert (await ask(proxy.port, request("/other"))).status == 101


async def test_the_name_is_free_where_it_means_another_central_system(
    start_proxy: StartProxy, central: Central
) -> None:
    elsewhere = {**GARAGE, "target_url": "ws://127.0.0.1:9"}
    proxy = await start_proxy(central.port, stations=[elsewhere])
    assert (await ask(proxy.port, request("/garage"))).status == 101
