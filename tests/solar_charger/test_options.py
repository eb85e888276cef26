"""The options: what is taken, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from solar_charger.errors import OptionError
from solar_charger.options_settings import settings_of
from solar_charger.settings import Settings, Takeover

from solar_charger import options


def test_defaults_start_a_dry_run_on_an_envoy() -> None:
    found, unknown = options.read({})
    assert unknown == []
    assert (found.source, found.dry_run, found.initial_mode) == ("envoy", True, "SOLAR")


def test_empty_and_null_mean_not_set() -> None:
    raw: dict[str, Any] = {"vin": "", "relay_url": None, "voltage": "", "tariff": [], "api_key": ""}
    found, _ = options.read(raw)
    assert found.vin is None
    assert found.voltage is None
    assert found.api_key is None


def test_an_unknown_option_is_a_warning() -> None:
    _, unknown = options.read({"max_ampere": 16})
    assert len(unknown) == 1
    assert "max_ampere" in unknown[0]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({"vin": "5YJ3E1EA7KF00000I"}, "vin"),
        ({"max_amps": 81}, "max_amps"),
        ({"min_amps": 10, "max_amps": 6}, "min_amps"),
        ({"fuse_safety": 0.4}, "fuse_safety"),
        ({"fuse_safety": float("nan")}, "fuse_safety"),
        ({"vehicle_link": "cloud"}, "vehicle_link"),
        ({"vehicle_link": "relay"}, "relay_url"),
        ({"vehicle_link": "ha_entities"}, "car_amps_entity"),
        ({"source": "fronius"}, "inverter_host"),
        ({"source": "mqtt"}, "sensors"),
        ({"source": "dashboard"}, "dashboard_url"),
        ({"sensors": [{"role": "grid", "from": "mqtt:a/+/b"}]}, "sensors[0].from"),
        ({"sensors": [{"role": "grind", "from": "sensor.x"}]}, "sensors[0].role"),
        ({"seasonal_start_w": [1, 2, 3]}, "seasonal_start_w"),
        ({"deadline": "24:00"}, "deadline"),
        ({"deadline_days": "11111"}, "deadline_days"),
        ({"tariff": [{"start": "22:00", "end": "6", "price": 0.1}]}, "tariff[0].end"),
        ({"mqtt_password": "secret-word"}, "mqtt_password"),
        ({"envoy_host": "http://envoy"}, "envoy_host"),
        ({"poll_s": 1}, "poll_s"),
        ({"stale_s": "soon"}, "stale_s"),
    ],
)
def test_a_bad_option_is_named_with_a_remedy(raw: dict[str, Any], name: str) -> None:
    with pytest.raises(OptionError) as caught:
        options.read(raw)
    assert caught.value.option == name
    assert ";" in str(caught.value)
    assert "secret-word" not in str(caught.value)


def test_secrets_do_not_show() -> None:
    found, _ = options.read({"api_key": "secret-word", "envoy_token": "secret-word"})
    assert "secret-word" not in repr(found)


def test_control_gets_the_options_and_what_was_stored_over_them() -> None:
    found, _ = options.read({"max_amps": 20, "phases": 3, "takeover": "never", "twc_host": "twc"})
    zone = ZoneInfo("Europe/Helsinki")
    made = settings_of(found, zone, {"max_amps": 10, "takeover": Takeover.ALWAYS})
    assert (made.max_amps, made.phases, made.has_twc) == (10, 3, True)
    assert made.takeover is Takeover.ALWAYS
    assert made.time_zone is zone


def test_the_defaults_of_options_and_of_control_are_the_same() -> None:
    made = settings_of(options.read({})[0], Settings().time_zone)
    plain = Settings(has_twc=False)
    assert made == plain


def test_a_file_that_is_no_object_says_so(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    for content in ("[1]", "{", "null"):
        file.write_text(content)
        with pytest.raises(OptionError):
            options.load(file)
