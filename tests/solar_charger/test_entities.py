"""What Home Assistant is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

from solar_charger.entities import COMMANDED, ENTITIES, device

from solar_charger import entities
from tests.repository.discovery import check_device_payload

GOLDEN = Path(__file__).parent / "vectors" / "discovery.json"
IDENTITY = "0a1b2c3d"


def payload() -> str:
    return device(IDENTITY, "0.1.0").payload()


def test_home_assistant_takes_the_whole_discovery_message() -> None:
    topic = device(IDENTITY, "0.1.0").topic("homeassistant")
    assert topic == "homeassistant/device/solar_charger_0a1b2c3d/config"
    assert check_device_payload(payload(), topic) == []


def test_the_discovery_message_is_the_one_installations_know() -> None:
    """Ids are stable for ever: a change here must be meant. UPDATE_GOLDEN=1 writes it anew."""
    found = json.loads(payload())
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    assert found == json.loads(GOLDEN.read_text())


def test_ids_carry_the_installation_and_entity_ids_the_app() -> None:
    components = json.loads(payload())["components"]
    assert components["mode"]["unique_id"] == "solar_charger_0a1b2c3d_mode"
    assert components["mode"]["default_entity_id"] == "select.solar_charger_mode"
    assert components["reason"]["value_template"].count("reason_text") == 1


def test_every_entity_a_person_uses_has_a_topic_of_its_own() -> None:
    components = json.loads(payload())["components"]
    topics = [c["command_topic"] for c in components.values() if c["platform"] in COMMANDED]
    assert len(set(topics)) == len(topics) == len(entities.commanded())
    assert "solar_charger/0a1b2c3d/start_now/set" in topics


def test_there_are_all_of_them() -> None:
    assert len(ENTITIES) == 43
