"""The table of actions against the official JSON schemas."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ocpp_proxy.actions import ACTIONS, Field, Kind, Sender

OCPP = importlib.util.find_spec("ocpp")
assert OCPP is not None
assert OCPP.origin is not None
SCHEMAS = Path(OCPP.origin).parent / "v16" / "schemas"
KNOWN_EVERYWHERE = {"Hertz"}  # the schema of StopTransaction lacks it


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8-sig"))
    return loaded


def differences(
    fields: Sequence[Field], spec: dict[str, Any], top: dict[str, Any]
) -> Iterator[str]:
    properties = spec.get("properties", {})
    names = [field.name for field in fields]
    if sorted(names) != sorted(properties):
        yield f"names {sorted(names)} != {sorted(properties)}"
        return
    for field in fields:
        prop = resolved(properties[field.name], top)
        if field.optional == (field.name in spec.get("required", [])):
            yield f"{field.name}: optional"
        yield from field_differences(field, prop, top)


def resolved(prop: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in prop:
        found: dict[str, Any] = top["definitions"][prop["$ref"].rsplit("/", 1)[1]]
        return found
    return prop


def field_differences(field: Field, prop: dict[str, Any], top: dict[str, Any]) -> Iterator[str]:
    if field.kind in (Kind.OBJECTS, Kind.STRINGS):
        prop = resolved(prop["items"], top)
    if field.longest != prop.get("maxLength"):
        yield f"{field.name}: length {field.longest} != {prop.get('maxLength')}"
    if set(field.choices) - KNOWN_EVERYWHERE != set(prop.get("enum", [])) - KNOWN_EVERYWHERE:
        yield f"{field.name}: {sorted(field.choices)} != {sorted(prop.get('enum', []))}"
    if field.kind in (Kind.OBJECT, Kind.OBJECTS):
        yield from differences(field.members, prop, top)
    if (field.kind is Kind.DATE_TIME) != (prop.get("format") == "date-time"):
        yield f"{field.name}: date-time"
    numeric = {"integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}
    if prop.get("type") in numeric and field.kind is not numeric[prop["type"]]:
        yield f"{field.name}: type {prop['type']}"


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_action_agrees_with_its_schemas(name: str) -> None:
    request, answer = schema(name), schema(f"{name}Response")
    assert not list(differences(ACTIONS[name].request, request, request))
    assert not list(differences(ACTIONS[name].answer, answer, answer))


def test_no_schema_lacks_its_action() -> None:
    names = {file.stem for file in SCHEMAS.glob("*.json")}
    assert {name for name in names if not name.endswith("Response")} == set(ACTIONS)


def test_the_directions_are_those_of_the_specification() -> None:
    senders = {name: action.sender for name, action in ACTIONS.items()}
    assert senders["DataTransfer"] is Sender.BOTH
    assert senders["BootNotification"] is Sender.CHARGER
    assert senders["SetChargingProfile"] is Sender.CENTRAL_SYSTEM
    assert sum(sender is Sender.CHARGER for sender in senders.values()) == 13
