"""The options file: what it may say, and how a mistake is named."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solar_charger.errors import OptionError
from solar_charger.options import Options, load, read
from solar_charger.options_settings import STORED, settings_of
from solar_charger.settings import Settings


def test_an_empty_file_is_the_defaults() -> None:
    options, warnings = read({})
    assert warnings == []
    assert options.dry_run
    assert options.vin is None
    assert options.source == "envoy"


def test_the_defaults_of_options_and_of_control_are_the_same() -> None:
    made = settings_of(read({"twc_host": "192.168.1.5"})[0], UTC)
    assert made == Settings()


def test_empty_text_and_null_mean_not_set() -> None:
    raw: dict[str, Any] = {
        "vin": "",
        "voltage": None,
        "deadline": "",
        "sensors": [],
        "envoy_host": "",
    }
    assert read(raw)[0] == read({})[0]


def test_an_unknown_option_is_a_warning() -> None:
    assert "colour" in read({"colour": "red"})[1][0]


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"vin": "5YJ3E1EA7KF31767"}, "vin", "17 characters"),
    ({"vin": "5YJ3E1EA7KF31767O"}, "vin", "17 characters"),
    ({"max_amps": 81}, "max_amps", "from 1 to 80"),
    ({"min_amps": 0}, "min_amps", "from 1 to 16"),
    ({"min_amps": 10, "max_amps": 8}, "min_amps", "max_amps"),
    ({"poll_s": 1.5}, "poll_s", "whole number"),
    ({"fuse_safety": 1.2}, "fuse_safety", "from 0.5 to 1"),
    ({"wiring": "two"}, "wiring", "'single'"),
    ({"deadline": "25:00"}, "deadline", "07:30"),
    ({"deadline_days": "11111"}, "deadline_days", "Monday"),
    ({"seasonal_start_w": [200] * 11}, "seasonal_start_w", "twelve"),
    ({"seasonal_start_w": [30000] * 12}, "seasonal_start_w[0]", "twelve"),
    ({"tariff": [{"start": "22:00", "end": "22:00", "price": 1}]}, "tariff[0].end", "another"),
    ({"tariff": [{"start": "22:00", "end": "6:00", "price": 1}]}, "tariff[0].end", "06:00"),
    ({"sensors": [{"role": "sun", "from": "sensor.x"}]}, "sensors[0].role", "'grid'"),
    ({"sensors": [{"role": "grid", "from": "no entity"}]}, "sensors[0].from", "sensor."),
    ({"sensors": [{"role": "grid"}]}, "sensors[0].from", "sensor."),
    ({"source": "fronius"}, "inverter_host", "address"),
    ({"source": "dashboard"}, "dashboard_url", "http://"),
    ({"source": "mqtt"}, "sensors", "grid meter"),
    ({"vehicle_link": "relay"}, "relay_url", "http://"),
    ({"vehicle_link": "ha_entities"}, "car_amps_entity", "entity"),
    ({"relay_url": "ftp://x"}, "relay_url", "http://"),
    ({"envoy_host": "http://envoy"}, "envoy_host", "without"),
    ({"twc_host": "twc:99999"}, "twc_host", "without"),
    ({"mqtt_password": "x"}, "mqtt_password", "both"),
    ({"max_amps": "many"}, "max_amps", "whole number"),
    ({"dry_run": "perhaps"}, "dry_run", "true or false"),
]


@pytest.mark.parametrize(("raw", "name", "remedy"), BAD)
def test_a_bad_option_is_named_with_its_remedy(raw: dict[str, Any], name: str, remedy: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(raw)
    assert caught.value.option == name
    assert remedy in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_secret_is_never_repeated() -> None:
    for name in ("api_key", "mqtt_password", "envoy_token", "relay_api_key"):
        with pytest.raises(OptionError) as caught:
            read({name: ["hunter2"]})
        assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(read({"api_key": "hunter2"})[0])


def test_phases_may_be_written_as_a_number() -> None:
    assert settings_of(read({"phases": 3})[0], UTC).phases == 3
    assert settings_of(read({"phases": "2"})[0], UTC).phases == 2


def test_stored_settings_win_over_the_options() -> None:
    options = read({"max_amps": 32})[0]
    assert settings_of(options, UTC, {"max_amps": 16}).max_amps == 16
    assert set(STORED) <= set(Options.model_fields)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")
    for text in ("[1]", "{", "\x00"):
        file = tmp_path / "options.json"
        file.write_text(text)
        with pytest.raises(OptionError):
            load(file)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(Options.model_fields)), junk, max_size=4))
def test_nothing_but_an_option_error_comes_of_any_file(raw: dict[str, Any]) -> None:
    with suppress(OptionError):
        assert settings_of(read(raw)[0], UTC).min_amps <= 16
