"""The options file: what is understood, what is refused and how that is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_proxy.errors import OptionError
from ocpp_proxy.options import Options, load, read
from ocpp_proxy.targets import BadUrlError, Target, parse


def refused(**raw: Any) -> str:
    with pytest.raises(OptionError) as caught:
        read(raw)
    return str(caught.value)


def test_nothing_written_is_evcc_on_this_home_assistant() -> None:
    options, warnings = read({})
    assert options.target_of(None) == Target("homeassistant", 8887)
    assert warnings == []


def test_empty_text_and_null_mean_not_set() -> None:
    options, warnings = read(
        {"target_host": "", "target_url": None, "mqtt_port": "", "stations": [
            {"id": "CP1", "password": "", "upstream_id": None}], "rules": [""]}
    )  # fmt: skip
    assert options.target_host == "homeassistant"
    assert options.stations[0].password is None
    assert options.rules == ()
    assert warnings == []


def test_unknown_names_are_warned_of_wherever_they_are() -> None:
    _, warnings = read({"tarqet": 1, "stations": [{"id": "a", "pass": "x"}]})
    assert warnings == [
        "unknown option tarqet is ignored",
        "unknown option stations[0].pass is ignored",
    ]


def test_numbers_as_text_are_numbers() -> None:
    assert read({"target_port": "8887"})[0].target_port == 8887


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"target_port": 99999}, "option target_port: 99999 cannot be used"),
        ({"target_port": 99999}, "write a number from 1 to 65535"),
        ({"target_port": "x"}, "write a whole number"),
        ({"hold_seconds": 0}, "option hold_seconds: 0 cannot be used"),
        ({"log_level": "loud"}, "write 'trace', 'debug'"),
        ({"ssl": "perhaps"}, "write true or false"),
        ({"stations": "CP1"}, "write a list in square brackets"),
        ({"stations": ["CP1"]}, "option stations[0]"),
        ({"stations": [{"upstream_id": "x"}]}, "option stations[0].id"),
        ({"target_url": "http://x"}, "write an address like ws://"),
        ({"target_url": "ws://x/?a"}, "query"),
        ({"target_url": "ws://"}, "no host"),
        ({"target_url": "ws://x:0"}, "0 is no port"),
        ({"target_host": "ws://evcc"}, "write a host name or address without ws:// and port"),
        ({"target_host": "a b"}, "option target_host"),
        ({"target_host": "192.168.1.5:8887"}, "without ws:// and port"),
        ({"target_host": "[::1"}, "option target_host"),
        ({"default_station_id": "\ud800"}, "option default_station_id"),
        ({"allowed_ips": ["lan"]}, "write networks like 192.168.1.0/24"),
        ({"subprotocols": []}, 'write ["ocpp1.6"]'),
        ({"subprotocols": ["ocpp 1.6"]}, "option subprotocols[0]"),
        ({"upstream_path_prefix": "/a/../b"}, "option upstream_path_prefix"),
        ({"upstream_password": "geheim"}, "upstream_password: there is no upstream_username"),
        ({"upstream_auth": "basic"}, "option upstream_auth"),
        ({"mqtt_password": "geheim"}, "option mqtt_password"),
        ({"allow_unknown_stations": False}, "option allow_unknown_stations"),
        ({"stations": [{"id": "a"}, {"id": "a"}]}, "'a' is listed twice"),
        ({"secondaries": [{"url": "ws://a", "password": "geheim"}]}, "secondaries[0].password"),
        ({"mqtt_topic_prefix": "a/#"}, "option mqtt_topic_prefix"),
        ({"default_station_id": "a\nb"}, "option default_station_id"),
    ],
)  # fmt: skip
def test_a_bad_option_is_named_with_a_remedy(raw: dict[str, Any], said: str) -> None:
    text = refused(**raw)
    assert said in text
    assert "\n" not in text


def test_no_secret_is_in_a_refusal_or_in_a_picture_of_the_options() -> None:
    assert "geheim" not in refused(upstream_password="geheim")
    assert "geheim" not in refused(target_url="http://user:geheim@host")
    assert "geheim" not in refused(stations=[{"id": "a", "password": ["geheim"]}])
    options, _ = read(
        {"upstream_username": "u", "upstream_password": "geheim", "mqtt_username": "u",
         "mqtt_password": "geheim", "stations": [{"id": "a", "password": "geheim"}]}
    )  # fmt: skip
    assert "geheim" not in repr(options)


def test_two_stations_that_would_be_one_upstream_are_refused() -> None:
    assert "upstream_id" in refused(stations=[{"id": "a", "upstream_id": "b"}, {"id": "b"}])
    elsewhere = {"id": "b", "target_url": "ws://other:1"}
    assert read({"stations": [{"id": "a", "upstream_id": "b"}, elsewhere]})


def test_a_station_may_have_its_own_target() -> None:
    options, _ = read(
        {"target_url": "ws://common", "stations": [{"id": "a", "target_url": "wss://[::1]/x//y/"}]}
    )
    assert options.target_of(options.station("a")) == Target("::1", 443, secure=True, path="/x/y")
    assert options.target_of(options.station("b")) == Target("common", 80)


def test_credentials_in_a_target_are_decoded_and_not_shown() -> None:
    target = parse("ws://us%40er:p%3Aw@host:8887/")
    assert (target.username, target.password) == ("us@er", "p:w")
    assert "p:w" not in repr(target)
    assert str(target) == "ws://host:8887"


@given(st.text())
def test_any_text_is_a_target_or_refused(url: str) -> None:
    try:
        target = parse(url)
    except BadUrlError:
        return
    assert target.host.isascii()
    assert target.path.isascii()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


# Slow to generate; the reader's own code is small and pydantic does the rest.
@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*Options.model_fields, "other"]), _JSON, max_size=4))
def test_any_json_is_understood_or_refused_in_one_line(raw: dict[str, Any]) -> None:
    said = ""
    try:
        read(raw)
    except OptionError as error:
        said = str(error)
    assert "\n" not in said


@pytest.mark.parametrize("password", ["sec/ret", "p@ss", "a/b@c"])
def test_no_password_of_an_address_is_in_the_line(password: str) -> None:
    with pytest.raises(OptionError) as raised:
        read({"target_url": f"ws://user:{password}@host:99999/?"})
    assert password not in str(raised.value)


def test_deep_nesting_is_refused_in_one_line() -> None:
    nested: list[Any] = []
    for _ in range(5000):
        nested = [nested]
    with pytest.raises(OptionError, match="nested too deeply"):
        read({"x": nested})


@pytest.mark.parametrize("content", ["", "{", "[]", '"x"', "null", '{"a":' + "[" * 60000])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "options.json"
    path.write_text(content)
    with pytest.raises(OptionError, match="--options"):
        load(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_loaded_even_as_windows_editors_save_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "options.json"
    path.write_text(json.dumps({"target_host": "evcc"}), encoding=encoding)
    assert load(path) == {"target_host": "evcc"}
