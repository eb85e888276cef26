from __future__ import annotations

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.sources import dashboard as contract
from solar_charger.sources.dashboard import Dashboard, DashboardMeter, DashboardWallConnector
from solar_charger.sources.readings import SourceError, SourceRefusedError
from solar_charger.testing.dashboard import FakeDashboard, ForeignCharger
from solar_charger.testing.house import Car, House

from tests.solar_charger.fakes import Clock, as_bytes, json_values, known, objects_with


def house() -> House:
    return House(pv_w=5200, base_w=450, car=Car(charging=True, request_amps=10))


async def test_meter_and_plug_of_a_foreign_dashboard_are_read_with_their_age() -> None:
    clock = Clock()
    async with FakeDashboard(house()) as fake:
        client = Dashboard(fake.url, clock=clock)
        meter = await DashboardMeter(client).poll()
        twc = (await DashboardWallConnector(client).poll()).twc
    assert known(meter.grid_w).value == pytest.approx(house().grid_w, abs=1)
    assert known(meter.grid_w).measured_at == clock.now - fake.age_s
    assert known(meter.production_w).value == 5200
    assert known(twc).measured_at == clock.now - fake.twc_age_s
    assert (known(twc).value.vehicle_connected, known(twc).value.vehicle_current_a) == (True, 10)
    assert known(twc).value.contactor_closed is True


async def test_the_first_version_without_ages_is_read_too() -> None:
    async with FakeDashboard(house(), older=True) as fake:
        meter = await Dashboard(fake.url).meter()
    assert known(meter.grid_w).value < 0
    assert meter.load_w is None


async def test_the_wall_connector_paths_are_looked_for_on_their_old_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeDashboard(house()) as fake, FakeDashboard(house()) as beside:
        fake.with_twc = False
        monkeypatch.setattr(contract, "_TWC_PORT", beside.port)
        client = Dashboard(fake.url)
        assert known((await client.wall_connector()).twc).value.vehicle_connected is True
        await client.wall_connector()
    assert fake.asked["/api/twc/vehicle_connected"] == 1


async def test_mode_and_status_go_both_ways() -> None:
    async with FakeDashboard(house()) as fake:
        client = Dashboard(fake.url)
        assert (await client.mode()).mode == "SOLAR"
        await client.set_mode("MANUAL")
        assert (await client.mode()).mode == "MANUAL"
        await client.post_status({"mode": "SOLAR", "amps": 12})
        assert fake.statuses == [{"mode": "SOLAR", "amps": 12}]
        with pytest.raises(SourceError, match="Invalid mode"):
            await client.set_mode("OFF")
        fake.api_key = "k"
        with pytest.raises(SourceRefusedError, match="Unauthorized"):
            await client.set_mode("SOLAR")
        await Dashboard(fake.url, "k").set_mode("SOLAR")


async def test_a_dashboard_that_is_away_is_an_error() -> None:
    fake = FakeDashboard(house())
    async with fake:
        client = Dashboard(fake.url)
        fake.faults.status = 503
        with pytest.raises(SourceError):
            await client.meter()
    with pytest.raises(SourceError):
        await client.mode()


async def test_a_foreign_charger_finds_the_contract_it_expects() -> None:
    async with FakeDashboard(house()) as fake, aiohttp.ClientSession() as session:
        charger = ForeignCharger(fake.url, session)
        data, mode = await charger.read()
        assert set(data) >= {"production_watts", "excess_watts"}
        assert mode == "SOLAR"
        assert await charger.post() == 200


def test_what_is_called_missing_or_stale_is_not_taken_for_zero() -> None:
    body = {"excess_watts": 100, "production_watts": 0, "missing": ["production_watts"]}
    assert contract.parse_envoy_data(as_bytes(body), 5, "d").production_w is None
    with pytest.raises(UnreadableAnswerError, match="stale"):
        contract.parse_envoy_data(as_bytes({"excess_watts": 1, "stale": True}), 5, "d")
    old = contract.parse_envoy_data(
        as_bytes({"excess_watts": 1, "stale": True, "envoy_data_age_seconds": 500}), 1000, "d"
    )
    assert known(old.grid_w).measured_at == 500
    assert contract.parse_twc_status(b"{}").vehicle_current_a is None


ANY = st.binary() | json_values.map(as_bytes)


@given(
    ANY
    | objects_with(
        "excess_watts",
        "production_watts",
        "envoy_data_age_seconds",
        "stale",
        "missing",
        "connected",
        "data_age_seconds",
        "vehicle_current_a",
        "mode",
        "mode_ext",
    ).map(as_bytes)
)
def test_any_answer_is_read_or_refused(body: bytes) -> None:
    for parse in (
        lambda data: contract.parse_envoy_data(data, 1.0, "d"),
        contract.parse_connected,
        contract.parse_twc_status,
        contract.parse_config,
    ):
        try:
            parse(body)
        except UnreadableAnswerError:
            continue
