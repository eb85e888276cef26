from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.json_values import UnreadableAnswerError
from solar_charger.sources import sunspec
from solar_charger.sources.fronius import FroniusSource, parse_power_flow
from solar_charger.sources.readings import SourceError, SourceRefusedError, Stamps
from solar_charger.sources.solaredge import Battery as SolarEdgeBattery
from solar_charger.sources.solaredge import SolarEdgeSource, float_low_word_first, to_readings
from solar_charger.testing.fronius import FakeFronius
from solar_charger.testing.house import Car, House
from solar_charger.testing.solaredge import FakeSolarEdge

from tests.solar_charger.fakes import Clock, as_bytes, json_values, known, objects_with


def house(**more: Any) -> House:
    return House(pv_w=5200, base_w=450, car=Car(charging=True, request_amps=10), **more)


async def test_a_fronius_tells_grid_sun_house_and_battery() -> None:
    home = house(battery_w=-800, battery_soc=61)
    async with FakeFronius(home) as fake:
        readings = await FroniusSource(fake.host).poll()
    assert known(readings.grid_w).value == pytest.approx(home.grid_w)
    assert known(readings.production_w).value == 5200
    assert known(readings.load_w).value == pytest.approx(home.load_w)
    assert known(readings.house_battery_w).value == -800
    assert known(readings.house_battery_soc).value == 61


async def test_a_fronius_at_night_makes_nothing_and_is_not_unknown() -> None:
    async with FakeFronius(House(pv_w=0)) as fake:
        readings = await FroniusSource(fake.host).poll()
    assert known(readings.production_w).value == 0
    assert readings.house_battery_w is None


async def test_a_fronius_without_meter_or_with_an_error_says_so() -> None:
    async with FakeFronius(house()) as fake:
        fake.has_meter = False
        with pytest.raises(SourceError, match="Smart Meter"):
            await FroniusSource(fake.host).poll()
        fake.error_code = 6
        with pytest.raises(SourceError, match="error 6"):
            await FroniusSource(fake.host).poll()


async def test_a_fronius_that_repeats_itself_grows_old() -> None:
    clock = Clock()
    async with FakeFronius(house(wall=lambda: 1.7e9)) as fake:
        source = FroniusSource(fake.host, clock=clock)
        await source.poll()
        clock.now += 60
        assert known((await source.poll()).grid_w).age(clock.now) == 60


@pytest.mark.parametrize("base", [40000, 50000, 0])
@pytest.mark.parametrize("wiring", ["single", "split", "three"])
async def test_a_solaredge_is_found_and_read(base: int, wiring: str) -> None:
    home = house(wiring=wiring)
    async with FakeSolarEdge(home) as fake:
        fake.base = base
        source = SolarEdgeSource(fake.host)
        readings = await source.poll()
        again = await source.poll()
        source.close()
    assert known(readings.grid_w).value == pytest.approx(home.grid_w, abs=2)
    assert known(readings.production_w).value == pytest.approx(5200, abs=1)
    assert known(readings.load_w).value == pytest.approx(home.load_w, abs=2)
    legs = [amps for amps in known(readings.grid_phase_a).value if amps is not None]
    assert legs == pytest.approx(home.grid_amps(), abs=0.1)
    assert known(again.grid_w).value == known(readings.grid_w).value
    assert fake.connections == 1


async def test_a_solaredge_battery_is_told_from_the_sun() -> None:
    home = house(battery_w=-1500, battery_soc=44)
    async with FakeSolarEdge(home) as fake:
        fake.has_battery = True
        source = SolarEdgeSource(fake.host)
        readings = await source.poll()
        source.close()
    assert known(readings.production_w).value == pytest.approx(5200, abs=2)
    assert known(readings.house_battery_w).value == pytest.approx(-1500)
    assert known(readings.house_battery_soc).value == pytest.approx(44)
    assert known(readings.load_w).value == pytest.approx(home.load_w, abs=2)


async def test_a_solaredge_without_meter_wrong_unit_or_away_is_an_error_and_comes_back() -> None:
    async with FakeSolarEdge(house()) as fake:
        fake.has_meter = False
        source = SolarEdgeSource(fake.host, timeout_s=1)
        with pytest.raises(SourceRefusedError, match="meter"):
            await source.poll()
        source.close()
    async with fake:
        other = SolarEdgeSource(fake.host, 7, timeout_s=1)
        with pytest.raises(SourceRefusedError, match="SunSpec"):
            await other.poll()
        other.close()
        fake.has_meter = True
        assert (await source.poll()).grid_w is not None
        await fake.stop()
        with pytest.raises(SourceError):
            await source.poll()
        await fake.start()
        assert (await source.poll()).grid_w is not None
        source.close()


def test_not_implemented_and_wild_scale_factors_are_unknown_and_not_zero() -> None:
    block = [0x8000] * 50
    assert sunspec.parse_inverter(block).ac_power_w is None
    block[12], block[13] = 5200, 0xFFFF
    assert sunspec.parse_inverter(block).ac_power_w == pytest.approx(520.0)
    block[13] = 300
    assert sunspec.parse_inverter(block).ac_power_w is None
    meter = [0x8000] * 105
    with pytest.raises(UnreadableAnswerError, match="power"):
        to_readings(
            sunspec.parse_inverter([0x8000] * 50),
            sunspec.parse_meter(meter),
            SolarEdgeBattery(None, None),
            1.0,
            "solaredge",
        )


def test_the_end_of_the_chain_and_a_broken_header_are_told_apart() -> None:
    assert sunspec.next_model([0xFFFF, 0], 40002) is None
    assert sunspec.next_model([103, 50], 40070) == sunspec.Model(103, 40072, 50)
    for header in ([0, 5], [103, 0], [103, 60000], [103], []):
        with pytest.raises(UnreadableAnswerError):
            sunspec.next_model(header, 1)


registers = st.lists(st.integers(0, 0xFFFF), max_size=110)


@given(registers)
def test_any_registers_are_read_or_refused(block: list[int]) -> None:
    for parse in (sunspec.parse_inverter, sunspec.parse_meter, lambda b: sunspec.next_model(b, 0)):
        try:
            parse(block)
        except UnreadableAnswerError:
            continue
    found = float_low_word_first(block[:2])
    assert found is None or abs(found) < 1e30


@given(st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))
def test_a_float_goes_through_its_registers(value: float) -> None:
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    assert float_low_word_first([low, high]) == value


site = objects_with("P_Grid", "P_PV", "P_Load", "P_Akku")
flows = st.fixed_dictionaries(
    {},
    optional={
        "Head": st.fixed_dictionaries({"Status": objects_with("Code", "Reason") | json_values})
        | json_values,
        "Body": st.builds(
            lambda s, i: {"Data": {"Site": s, "Inverters": i}}, site | json_values, json_values
        ),
    },
)


@given(flows.map(as_bytes) | st.binary() | json_values.map(as_bytes))
def test_any_power_flow_is_read_or_refused(body: bytes) -> None:
    try:
        readings = parse_power_flow(body, 1.0, "fronius", Stamps())
    except UnreadableAnswerError:
        return
    assert abs(known(readings.grid_w).value) <= 100_000


@given(site)
def test_a_power_flow_without_error_gives_what_it_holds(values: dict[str, object]) -> None:
    body = {"Head": {"Status": {"Code": 0}}, "Body": {"Data": {"Site": values}}}
    try:
        readings = parse_power_flow(as_bytes(body), 1.0, "fronius", Stamps())
    except UnreadableAnswerError:
        return
    if "P_PV" not in values:
        assert readings.production_w is None
