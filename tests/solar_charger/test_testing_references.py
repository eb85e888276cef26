"""Libraries of other projects read our fakes, so the fakes are no mirror of our own readers."""

from __future__ import annotations

import math
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pyenphase
import pytest
from solar_charger.sources.envoy.gateway import Access, Gateway
from solar_charger.sources.envoy.source import EnvoySource
from solar_charger.sources.envoy.token import TokenFile
from solar_charger.sources.twc_gen3 import WallConnectorGen3
from solar_charger.testing.gateway import FIRMWARE_5, UNMETERED, FakeGateway, Firmware, make_token
from solar_charger.testing.house import Car, House
from solar_charger.testing.wall_connector import FakeWallConnector
from tesla_wall_connector import WallConnector  # type: ignore[import-untyped]

from tests.solar_charger.fakes import known


def house(**more: Any) -> House:
    return House(pv_w=5200, base_w=450, car=Car(charging=True, request_amps=10), **more)


def unverified() -> aiohttp.ClientSession:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


async def read(
    gateway: FakeGateway, token: str | None = None
) -> tuple[pyenphase.Envoy, pyenphase.EnvoyData]:
    async with unverified() as session:
        envoy = pyenphase.Envoy(gateway.host, client=session)
        await envoy.setup()
        if gateway.firmware.web_tokens:
            await envoy.authenticate(token=token or gateway.token)
        else:
            await envoy.authenticate(username="envoy", password=gateway.serial[-6:])
        return envoy, await envoy.update()


@pytest.mark.parametrize("wiring", ["single", "split", "three"])
async def test_pyenphase_reads_a_metered_gateway(wiring: str) -> None:
    home = house(wiring=wiring)
    async with FakeGateway(home) as gateway:
        envoy, data = await read(gateway)
    assert envoy.serial_number == gateway.serial
    assert str(envoy.firmware) == "8.2.4401"
    assert envoy.phase_count == home.legs
    assert known(data.system_production).watts_now == round(home.pv_w)
    assert known(data.system_consumption).watts_now == round(home.load_w)
    assert known(data.system_net_consumption).watts_now == round(home.grid_w)
    assert known(data.ctmeters["net-consumption"]).active_power == round(home.grid_w)
    assert len(data.inverters) == 20


@pytest.mark.parametrize("wiring", ["single", "split", "three"])
async def test_our_source_reads_what_pyenphase_reads(wiring: str, tmp_path: Path) -> None:
    home = house(wiring=wiring)
    async with FakeGateway(home) as gateway:
        _envoy, data = await read(gateway)
        tokens = TokenFile(tmp_path / "token", gateway.token)
        ours = await EnvoySource(Gateway(gateway.host, Access(tokens))).poll()
    meters = data.ctmeters
    assert known(ours.grid_w).value == known(meters["net-consumption"]).active_power
    assert known(ours.production_w).value == known(meters["production"]).active_power
    total = known(data.system_consumption).watts_now
    assert known(ours.load_w).value == pytest.approx(total, abs=1)
    phases = data.ctmeters_phases["net-consumption"].values() if home.legs > 1 else []
    for channel, amps in zip(phases, known(ours.grid_phase_a).value, strict=False):
        signed = math.copysign(known(channel).current, known(channel).active_power)
        assert amps == pytest.approx(signed, abs=0.01)


async def test_pyenphase_reads_an_unmetered_gateway() -> None:
    async with FakeGateway(house(), UNMETERED) as gateway:
        _envoy, data = await read(gateway)
    assert known(data.system_production).watts_now == 5200
    assert not data.ctmeters


async def test_pyenphase_reads_old_firmware_with_digest() -> None:
    async with FakeGateway(house(), FIRMWARE_5) as gateway:
        _envoy, data = await read(gateway)
    assert known(data.system_production).watts_now == 5200


async def test_pyenphase_is_refused_with_a_wrong_token() -> None:
    async with FakeGateway(house(), Firmware()) as gateway:
        with pytest.raises(pyenphase.exceptions.EnvoyAuthenticationError, match="verify token"):
            await read(gateway, make_token(2**31, user="installer"))


@pytest.mark.parametrize(
    ("bare_nan", "missing_brace"), [(False, False), (True, False), (True, True)]
)
async def test_tesla_wall_connector_reads_every_path(bare_nan: bool, missing_brace: bool) -> None:
    home = house(wiring="three")
    home.car.phases, home.car.volts = 3, 230.0
    async with FakeWallConnector(home) as fake:
        fake.bare_nan, fake.missing_brace = bare_nan, missing_brace
        async with aiohttp.ClientSession() as session:
            connector = WallConnector(fake.host, session=session)
            vitals = await connector.async_get_vitals()
            lifetime = await connector.async_get_lifetime()
            version = await connector.async_get_version()
            wifi = await connector.async_get_wifi_status()
    assert vitals.vehicle_connected
    assert vitals.contactor_closed
    assert vitals.vehicle_current_a == 10
    assert vitals.relay_k1_v is not None
    assert lifetime.contactor_cycles > 0
    assert version.serial_number
    assert wifi.wifi_connected


@pytest.mark.parametrize("wiring", ["split", "three"])
async def test_our_source_reads_what_tesla_wall_connector_reads(wiring: str) -> None:
    home = house(wiring=wiring)
    if wiring == "three":
        home.car.phases, home.car.volts = 3, 230.0
    async with FakeWallConnector(home) as fake, aiohttp.ClientSession() as session:
        vitals = await WallConnector(fake.host, session=session).async_get_vitals()
        ours = known((await WallConnectorGen3(fake.host).poll()).twc).value
    assert ours.vehicle_connected is vitals.vehicle_connected
    assert ours.contactor_closed is vitals.contactor_closed
    assert (ours.vehicle_current_a, ours.grid_v) == (vitals.vehicle_current_a, vitals.grid_v)
    assert list(ours.current_a) == [vitals.currentA_a, vitals.currentB_a, vitals.currentC_a]
    assert list(ours.voltage_v) == [vitals.voltageA_v, vitals.voltageB_v, vitals.voltageC_v]


async def test_the_gateways_certificate_is_its_own_and_nobody_trusts_it() -> None:
    async with FakeGateway(house()) as gateway, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(f"{gateway.url}/info")
