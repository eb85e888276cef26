"""Sampled values → numbers: the deviations of real chargers, and any JSON at all."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_proxy import meter

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["timestamp", "sampledValue", "value", "unit", "measurand", "phase"])
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def live(*samples: dict[str, Any], **element: Any) -> dict[str, float]:
    found = meter.readings([{"sampledValue": list(samples)} | element])
    return meter.live(found[0].samples) if found else {}


def sample(value: Any, measurand: str = "", phase: str = "", unit: str = "") -> dict[str, Any]:
    fields = {"value": value, "measurand": measurand, "phase": phase, "unit": unit}
    return {key: value for key, value in fields.items() if value != ""}


@given(ANY_JSON)
def test_any_json_is_read_without_an_error(value: Any) -> None:
    for reading in meter.readings(value):
        for number in meter.live(reading.samples).values():
            assert math.isfinite(number)
        meter.register(reading.samples, "Transaction.Begin")
        meter.Freshness().is_present(reading, 0.0, 1.7e9)


@given(ANY_JSON)
def test_any_json_as_a_sampled_value_or_time_is_read_without_an_error(value: Any) -> None:
    for sampled in (value, [value], {"value": value}, [{"value": "1", "unit": value}]):
        meter.readings([{"timestamp": value, "sampledValue": sampled}])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1500", 1500.0),
        (" 1 500.5 ", 1500.5),
        (230, 230.0),
        (229.9, 229.9),
        ("-3", -3.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("12\0", 12.0),
        ("", None),
        ("None", None),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("٣", None),
        ("1,5", None),
        ("0x10", None),
        (True, None),
        (None, None),
        ([], None),
        ("1e99", None),
        (10**400, None),
        ("9" * 1000, None),
    ],
)
def test_a_value_is_a_number_or_nothing(value: Any, expected: float | None) -> None:
    assert meter.number(value) == expected


@pytest.mark.parametrize(
    ("given_sample", "expected"),
    [
        (sample("1234567"), {"energy_total": 1234.567}),
        (sample("12.5", unit="kWh"), {"energy_total": 12.5}),
        (sample("7.4", "Power.Active.Import", unit="kW"), {"power": 7400.0}),
        (sample("7.4", "Power.Active.Import", unit="KW"), {"power": 7400.0}),
        (sample("7400000", "Power.Active.Import", unit="mW"), {"power": 7400.0}),
        (sample("16000", "Current.Import", unit="mA"), {"current_max": 16.0}),
        (sample("300", "Temperature", unit="K"), {"temperature": 26.85}),
        (sample("25", "Temperature", unit="Celcius"), {"temperature": 25.0}),
        (sample("77", "Temperature", unit="Fahrenheit"), {"temperature": 25.0}),
        (sample("49.98", "Frequency", unit="Hertz"), {"frequency": 49.98}),
        (sample("80", "SOC", unit="Percent"), {"soc": 80.0}),
        (sample("32", "Current.Offered", unit="A"), {"current_offered": 32.0}),
        (sample("11", "Power.Offered", unit="kW"), {"power_offered": 11000.0}),
        (sample("230", "Voltage"), {"voltage_l1": 230.0}),
        (sample("1", "Power.Reactive.Import"), {}),
    ],
)
def test_units_end_up_as_home_assistant_shows_them(
    given_sample: dict[str, Any], expected: dict[str, float]
) -> None:
    assert live(given_sample) == expected


def test_an_actecs_phases_add_up_to_the_power_and_not_to_the_current() -> None:
    found = live(
        *(sample(f"{n}00.0", "Power.Active.Import", f"L{n}", "W") for n in (1, 2, 3)),
        *(sample(f"{10 + n}.5", "Current.Import", f"L{n}", "A") for n in (1, 2, 3)),
    )
    assert found == {
        "power": 600.0,
        "power_l1": 100.0,
        "power_l2": 200.0,
        "power_l3": 300.0,
        "current_l1": 11.5,
        "current_l2": 12.5,
        "current_l3": 13.5,
        "current_max": 13.5,
    }


def test_a_total_wins_over_the_sum_of_the_phases() -> None:
    found = live(
        sample("650", "Power.Active.Import"),
        sample("300", "Power.Active.Import", "L1-N"),
        sample("300", "Power.Active.Import", "L2-N"),
    )
    assert (found["power"], found["power_l1"]) == (650.0, 300.0)


def test_voltage_is_taken_against_neutral_and_current_plain() -> None:
    found = live(
        sample("400", "Voltage", "L1"),
        sample("230", "Voltage", "L1-N"),
        sample("400", "Voltage", "L1-L2"),
        sample("6", "Current.Import", "L1"),
        sample("7", "Current.Import", "L1-N"),
        sample("0.3", "Current.Import", "N"),
    )
    assert found == {"voltage_l1": 230.0, "current_l1": 6.0, "current_max": 6.0}


def test_signed_data_is_no_number() -> None:
    signed = sample("1234") | {"format": "SignedData"}
    assert live(signed, sample("2000")) == {"energy_total": 2.0}


def test_the_outlets_value_wins_over_other_places() -> None:
    inlet = sample("99000") | {"location": "Inlet"}
    assert live(sample("1000"), inlet) == {"energy_total": 1.0}
    assert live(inlet) == {"energy_total": 99.0}


def test_registers_are_found_by_their_context() -> None:
    begin = sample("1000") | {"context": "Transaction.Begin"}
    end = sample("3500") | {"context": "Transaction.End"}
    [reading] = meter.readings([{"sampledValue": [begin, end]}])
    assert meter.register(reading.samples, "Transaction.Begin") == 1.0
    assert meter.register(reading.samples, "Transaction.End") == 3.5
    assert meter.register(reading.samples, "Trigger") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T12:00:00Z", 1795262400.0),
        ("2026-11-21T12:00:00.000Z", 1795262400.0),
        ("2026-11-21T13:00:00+01:00", 1795262400.0),
        ("2026-11-21T12:00:00", 1795262400.0),
        ("0000-00-00T00:00:00.000Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("", None),
        ("yesterday at noon", None),
        (1795262400, None),
        (None, None),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: Any, expected: float | None) -> None:
    assert meter.timestamp(text) == expected


def test_history_sent_after_an_outage_is_not_the_present() -> None:
    freshness, wall = meter.Freshness(), 1_795_262_400.0
    assert freshness.is_present(meter.Reading(wall, ()), 0.0, wall)
    assert not freshness.is_present(meter.Reading(wall - 3600, ()), 1.0, wall)
    assert freshness.is_present(meter.Reading(wall, ()), 2.0, wall)
    assert freshness.is_present(meter.Reading(None, ()), 3.0, wall)


def test_a_clock_that_was_set_back_counts_again_after_ten_minutes() -> None:
    freshness, wall = meter.Freshness(), 1_795_262_400.0
    freshness.is_present(meter.Reading(wall, ()), 0.0, wall)
    present = [
        freshness.is_present(meter.Reading(wall - 3600 + n, ()), float(n), wall + n)
        for n in range(60, 900, 60)
    ]
    assert present == [False] * 10 + [True] * 4


def test_a_clock_that_was_ahead_does_not_make_the_corrected_one_old() -> None:
    freshness, wall = meter.Freshness(), 1_795_262_400.0
    assert freshness.is_present(meter.Reading(wall + 86400, ()), 0.0, wall)
    assert freshness.is_present(meter.Reading(wall + 10, ()), 10.0, wall + 10)


def test_a_message_of_thousands_of_samples_is_read_in_bounded_work() -> None:
    big = [{"sampledValue": [{"value": "1"}] * 5000}] * 3
    assert sum(len(reading.samples) for reading in meter.readings(big)) == meter.MOST_SAMPLES


def test_a_single_object_in_place_of_a_list_is_taken() -> None:
    text = '{"timestamp":"2026-11-21T12:00:00Z","sampledValue":{"value":7}}'
    [reading] = meter.readings(json.loads(text))
    assert reading.samples[0].value == 0.007
