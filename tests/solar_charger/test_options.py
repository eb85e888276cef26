"""The options: what is taken, what is refused and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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
        ({"twc_host": "twc:0"}, "twc_host"),
        ({"twc_host": "twc..lan"}, "twc_host"),
        ({"twc_host": "a" * 70}, "twc_host"),
        ({"mqtt_host": "half \ud800"}, "mqtt_host"),
        ({"inverter_host": "[::1"}, "inverter_host"),
        ({"relay_url": "http://:5003"}, "relay_url"),
        ({"relay_url": "http://relay:99999"}, "relay_url"),
        ({"relay_url": "http://me:word@relay:5003"}, "relay_url"),
        ({"relay_api_key": "two\r\nlines"}, "relay_api_key"),
        ({"dashboard_url": "http://[::1"}, "dashboard_url"),
        ({"key_file": "/etc/private.pem"}, "key_file"),
        ({"key_file": "../private.pem"}, "key_file"),
        ({"discovery_prefix": "home//assistant"}, "discovery_prefix"),
        ({"envoy_username": "a\nb", "envoy_password": "x"}, "envoy_username"),
        (
            {"tariff": [{"start": "01:00", "end": "02:00", "price": float("nan")}]},
            "tariff[0].price",
        ),
        (
            {"sensors": [{"role": "grid", "from": "sensor.x", "scale": float("inf")}]},
            "sensors[0].scale",
        ),
        ({"max_amps": "9" * 500}, "max_amps"),
    ],
)
def test_a_bad_option_is_named_with_a_remedy(raw: dict[str, Any], name: str) -> None:
    with pytest.raises(OptionError) as caught:
        options.read(raw)
    assert caught.value.option == name
    assert ";" in str(caught.value)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["envoy", "envoy.local", "192.168.1.7:8080", "[fe80::1]:80", "[::1]", "möhre.lan", "a_b"],
)
def test_a_host_may_be_a_name_an_address_and_have_a_port(host: str) -> None:
    assert options.read({"envoy_host": f" {host} "})[0].envoy_host == host


# Fewer: the whole model is made anew for each of them.
@settings(max_examples=300)
@given(st.text() | st.text(alphabet="[]:.%-a0é", max_size=12))
def test_any_text_is_a_host_that_can_be_looked_up_or_refused(text: str) -> None:
    try:
        host = options.read({"envoy_host": text})[0].envoy_host
    except OptionError:
        return
    assert host is None or host.encode("idna")


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


@pytest.mark.parametrize(
    "content",
    [
        b"[1]", b"{", b"null", b"", b"\xff\xfe{}", b"[" * 100_000, b'{"a":' * 100_000,
        b'{"max_amps":' + b"9" * 5000 + b"}",
    ],
)  # fmt: skip
def test_a_file_that_holds_no_options_says_so_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "options.json"
    file.write_bytes(content)
    with pytest.raises(OptionError) as caught:
        options.load(file)
    assert caught.value.option == "--options"
    assert str(caught.value).isprintable()


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_text('{"max_amps": 16}', encoding="utf-8-sig")
    assert options.read(options.load(file))[0].max_amps == 16
