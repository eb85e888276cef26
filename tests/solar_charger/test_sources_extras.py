"""What only Home Assistant knows: prices of the coming hours, and how high the sun stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.commands import Action
from solar_charger.control.calendar_days import price_at
from solar_charger.errors import OptionError
from solar_charger.house_extras import SUN, parse_elevation, parse_prices, sun, tariff
from solar_charger.sources.home_assistant.rest import Core
from solar_charger.sources.readings import SourceError, SourceRefusedError
from solar_charger.testing.home_assistant import FakeHomeAssistant

from tests.solar_charger.fakes import json_values
from tests.solar_charger.installation import NOON, Installation, installed

PRICES = "sensor.electricity_prices"


def hours(first: datetime, *prices: float) -> list[dict[str, Any]]:
    """Rows of one hour each."""
    return [
        {
            "start": (first + timedelta(hours=index)).isoformat(),
            "end": (first + timedelta(hours=index + 1)).isoformat(),
            "price": price,
        }
        for index, price in enumerate(prices)
    ]


async def test_prices_of_an_entity_are_read_in_order_and_odd_rows_left_out() -> None:
    rows = hours(NOON, 0.31, 0.12, 0.25)
    odd: list[Any] = [
        None, "x", {}, {"start": "soon", "end": "later", "price": 1},
        {"start": "2026-06-21T12:00:00", "end": "2026-06-21T13:00:00", "price": 0.0},
        {"start": rows[0]["end"], "end": rows[0]["start"], "price": 0.0},
        {**rows[0], "price": None}, {**rows[0], "price": "NaN"}, {**rows[0], "price": True},
    ]  # fmt: skip
    async with FakeHomeAssistant() as assistant:
        await assistant.set(PRICES, "0.31", prices=[*reversed(rows), *odd])
        readings = await tariff(Core(assistant.token, assistant.core_url), PRICES).poll()
    assert readings.prices is not None
    assert [slot.price for slot in readings.prices] == [0.31, 0.12, 0.25]
    assert price_at(readings.prices, NOON + timedelta(minutes=90)) == 0.12
    assert price_at(readings.prices, NOON + timedelta(hours=4)) is None


@pytest.mark.parametrize("prices", [None, [], "many", [{"price": 1}]])
async def test_an_entity_without_usable_prices_is_named(prices: object) -> None:
    async with FakeHomeAssistant() as assistant:
        await assistant.set(PRICES, "0.31", prices=prices)
        device = tariff(Core(assistant.token, assistant.core_url), PRICES)
        with pytest.raises(SourceError, match=f"{PRICES}: its attribute prices"):
            await device.poll()


async def test_a_missing_entity_and_a_wrong_token_are_refusals() -> None:
    async with FakeHomeAssistant() as assistant:
        with pytest.raises(SourceRefusedError, match=f"no entity {PRICES}"):
            await tariff(Core(assistant.token, assistant.core_url), PRICES).poll()
        with pytest.raises(SourceRefusedError, match="token"):
            await sun(Core("wrong", assistant.core_url)).poll()


@pytest.mark.parametrize(
    ("elevation", "read"), [(-12.5, -12.5), ("7", 7.0), (91, None), (None, None), ("high", None)]
)
async def test_the_sun_s_height_is_read_in_degrees(elevation: object, read: float | None) -> None:
    async with FakeHomeAssistant() as assistant:
        await assistant.set(SUN, "above_horizon", elevation=elevation)
        readings = await sun(Core(assistant.token, assistant.core_url)).poll()
    assert readings.sun_elevation == read


def supervised(home: Installation, assistant: FakeHomeAssistant) -> None:
    home.environ = {"SUPERVISOR_TOKEN": assistant.token, "SUPERVISOR_URL": assistant.url}
    assistant.now = home.clock.wall


async def test_a_cheap_hour_of_the_entity_charges_at_full_and_its_end_stops(
    tmp_path: Path,
) -> None:
    options: dict[str, Any] = {"tariff_entity": PRICES, "tariff_price_max": 0.15}
    async with (
        FakeHomeAssistant() as assistant,
        installed(tmp_path, started=False, **options) as home,
    ):
        begin = NOON.astimezone(UTC) + timedelta(minutes=5)
        await assistant.set(PRICES, "0.31", prices=hours(begin, 0.10, 0.40))
        supervised(home, assistant)
        home.free(-500.0)
        home.start()
        await home.pass_time(240)
        assert home.car.amps == 0.0
        await home.until(lambda: home.car.amps == 24.0, 180)
        assert home.state()["controller_state"] == "tariff"
        answer = await home.ask(Action.TEST_SOURCE, "tariff")
        assert answer.body == {"ok": True, "values": {"prices": 2}, "age_s": 0.0}
        # Home Assistant restarts meanwhile: the hours already read go on.
        assistant.faults.status = 502
        await home.pass_time(1200)
        assert home.car.amps == 24.0
        assert home.source("tariff")["ok"] is False
        await home.pass_time(2700)
        assert home.car.amps == 0.0
        assert await home.audit_has(action="stop", result_class="OK")


async def test_where_nobody_measures_production_the_sun_makes_night_and_an_old_sun_does_not(
    tmp_path: Path,
) -> None:
    rows = [{"role": "grid", "from": "sensor.grid"}]
    options: dict[str, Any] = {"source": "home_assistant", "sensors": rows}
    async with (
        FakeHomeAssistant() as assistant,
        installed(tmp_path, started=False, **options) as home,
    ):
        await assistant.set(SUN, "below_horizon", elevation=-8.0)
        await assistant.set("sensor.grid", "-100", unit_of_measurement="W")
        supervised(home, assistant)
        home.start()

        def elevation() -> float | None:
            return home.service.house.snapshot.sun_elevation

        await home.pass_time(60)
        assert home.state()["mode"] == "NIGHT"
        answer = await home.ask(Action.TEST_SOURCE, "sun")
        assert answer.body["values"] == {"sun_elevation": -8.0}
        del assistant.states[SUN]
        await home.pass_time(300)
        assert elevation() == -8.0
        await home.pass_time(1200)
        assert elevation() is None
        assert "sun.sun" in home.source("sun")["error"]


async def test_prices_of_an_entity_need_home_assistant(tmp_path: Path) -> None:
    async with installed(tmp_path, started=False, tariff_entity=PRICES) as home:
        with pytest.raises(OptionError, match="tariff_entity"):
            home.start()


price_rows = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("start", "end", "price"), json_values)
)


@given(rows=st.lists(price_rows, max_size=2))
def test_any_attribute_is_prices_or_refused(rows: list[dict[str, Any]]) -> None:
    try:
        slots = parse_prices({"prices": rows})
    except SourceError:
        return
    assert all(slot.start < slot.end for slot in slots)


@given(start=st.datetimes(), end=st.datetimes(), shift=st.integers(-23, 23))
def test_no_moment_of_any_calendar_makes_the_price_of_now_fail(
    start: datetime, end: datetime, shift: int
) -> None:
    zone = f"{shift:+03d}:00"
    row = {"start": start.isoformat() + zone, "end": end.isoformat() + zone, "price": 1.0}
    try:
        slots = parse_prices({"prices": [row]})
    except SourceError:
        return
    assert price_at(slots, NOON) in (1.0, None)


@given(value=json_values)
def test_any_elevation_is_degrees_or_unknown(value: object) -> None:
    found = parse_elevation({"elevation": value})
    assert found is None or -90 <= found <= 90
