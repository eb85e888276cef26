"""Discovery payloads, and what is remembered of them between two runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.homeassistant import Announced, Component, Device, Origin, state_json, template

ORIGIN = Origin("OCPP proxy", "0.1.0")


def sensor(key: str, platform: str = "sensor", **config: Any) -> Component:
    more = {"name": key.title(), "unique_id": f"app_1_{key}", "state_topic": "app/1/state"}
    return Component(key, platform, more | config)


def device(*components: Component) -> Device:
    info = {"identifiers": ["app_1"], "name": "One", "model": None}
    return Device("app_1", info, ORIGIN, components, {"qos": 1})


def test_a_payload_names_device_origin_and_components() -> None:
    message = json.loads(device(sensor("power", icon=None)).payload())
    assert message == {
        "device": {"identifiers": ["app_1"], "name": "One"},
        "origin": {"name": "OCPP proxy", "sw_version": "0.1.0"},
        "qos": 1,
        "components": {
            "power": {
                "platform": "sensor",
                "name": "Power",
                "unique_id": "app_1_power",
                "state_topic": "app/1/state",
            }
        },
    }


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "a+", "ä", "#"])
def test_ids_that_home_assistant_would_ignore_are_refused_at_once(bad: str) -> None:
    with pytest.raises(ValueError, match="discovery topic"):
        sensor(bad)
    with pytest.raises(ValueError, match="discovery topic"):
        Device(bad, {"identifiers": ["x"]}, ORIGIN, ())


def test_a_component_needs_a_unique_id() -> None:
    with pytest.raises(ValueError, match="unique_id"):
        Component("power", "sensor", {"state_topic": "x"})


def test_states_use_home_assistants_words() -> None:
    values = {"a": True, "b": False, "c": None, "d": 1.5, "e": "ü"}
    assert state_json(values) == '{"a":"ON","b":"OFF","c":null,"d":1.5,"e":"ü"}'
    assert template("power_l1") == "{{ value_json.power_l1 | default(none) }}"
    with pytest.raises(ValueError, match="template"):
        template("a-b")


def test_nothing_is_removed_at_the_first_announcement(tmp_path: Path) -> None:
    announced = Announced(tmp_path / "announced.json")
    assert announced.messages(device(sensor("a")), "ha") == [device(sensor("a")).payload()]


async def test_what_an_earlier_run_announced_is_removed_in_two_steps(tmp_path: Path) -> None:
    first = Announced(tmp_path / "announced.json")
    first.messages(device(sensor("a"), sensor("old", "binary_sensor")), "ha")
    first.sent(device(sensor("a"), sensor("old", "binary_sensor")), "ha")
    await first.save()

    second = Announced(tmp_path / "announced.json")
    removal, rest = map(json.loads, second.messages(device(sensor("a")), "ha"))
    assert removal["components"]["old"] == {"platform": "binary_sensor"}
    assert "unique_id" in removal["components"]["a"]
    assert list(rest["components"]) == ["a"]
    second.sent(device(sensor("a")), "ha")
    await second.save()
    assert len(Announced(tmp_path / "announced.json").messages(device(sensor("a")), "ha")) == 1


async def test_a_crash_between_the_two_steps_repeats_the_removal(tmp_path: Path) -> None:
    first = Announced(tmp_path / "announced.json")
    first.messages(device(sensor("a"), sensor("old")), "ha")
    await first.save()
    first.messages(device(sensor("a")), "ha")
    await first.save()
    again = Announced(tmp_path / "announced.json").messages(device(sensor("a")), "ha")
    assert "old" in json.loads(again[0])["components"]


def test_a_key_that_changes_its_platform_is_removed_first(tmp_path: Path) -> None:
    announced = Announced(tmp_path / "announced.json")
    announced.messages(device(sensor("plug")), "ha")
    announced.sent(device(sensor("plug")), "ha")
    changed = device(sensor("plug", "binary_sensor"))
    removal, rest = map(json.loads, announced.messages(changed, "ha"))
    assert removal["components"]["plug"] == {"platform": "sensor"}
    assert rest["components"]["plug"]["platform"] == "binary_sensor"


def test_the_client_id_stays_the_same_over_restarts(tmp_path: Path) -> None:
    file = tmp_path / "announced.json"
    assert Announced(file).client_id == Announced(file).client_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 9999,
        '{"client":7,"topics":{}}',
        '{"client":"a/b","topics":{}}',
        '{"client":"ab","topics":[]}',
        '{"client":"ab","topics":{"t":7}}',
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, text: str) -> None:
    file = tmp_path / "announced.json"
    file.write_text(text)
    announced = Announced(file)
    assert announced.topics() == []
    assert (tmp_path / "announced.damaged").read_text() == text
    assert Announced(file).client_id == announced.client_id


async def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    announced = Announced(tmp_path / "missing" / "announced.json")
    assert announced.messages(device(sensor("a")), "ha")
    announced.sent(device(sensor("a")), "ha")
    await announced.save()
    assert announced.topics() == ["ha/device/app_1/config"]
