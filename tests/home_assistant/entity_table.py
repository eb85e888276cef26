"""What a user sees of an app's entities, as a table that can be kept and compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.stand.home_assistant import HomeAssistant

GOLDEN = Path(__file__).parent / "golden"
SHOWN = ("unit_of_measurement", "device_class", "state_class")

Row = dict[str, Any]


def entity_table(home_assistant: HomeAssistant, owner: str) -> dict[str, Row]:
    """Unit, device class, state class, category, name and state of the owner's entities.

    Their unique ids begin with the owner: an app, or an app and one of its devices.
    """
    states = home_assistant.states()
    table: dict[str, Row] = {}
    for entity in home_assistant.entities():
        if not str(entity["unique_id"]).startswith(f"{owner}_"):
            continue
        state = states.get(entity["entity_id"])
        attributes = state["attributes"] if state else {}
        row = {name: attributes.get(name) for name in SHOWN}
        row["category"] = entity["entity_category"]
        row["name"] = attributes.get("friendly_name")
        row["state"] = state["state"] if state else None
        table[str(entity["entity_id"])] = row
    return dict(sorted(table.items()))


def golden(name: str) -> dict[str, Row]:
    """The kept table; a state that begins with `~` is a regular expression for the whole."""
    table: dict[str, Row] = json.loads((GOLDEN / f"{name}.json").read_text())
    return table


def keep(name: str, seen: dict[str, Row], moving: dict[str, str]) -> None:
    """Writes the table anew (GOLDEN=write); states matching `moving` are kept as its patterns.

    `moving` maps the end of an entity id to a pattern without its `~`.
    """
    for entity, row in seen.items():
        for ending, pattern in moving.items():
            if entity.endswith(ending):
                row["state"] = f"~{pattern}"
    (GOLDEN / f"{name}.json").write_text(json.dumps(seen, indent=2, ensure_ascii=False) + "\n")


def differences(seen: dict[str, Row], wanted: dict[str, Row]) -> list[str]:
    """One line for each entity too many, missing or other than the kept table says."""
    found = [f"{entity}: not in the kept table: {seen[entity]}" for entity in seen.keys() - wanted]
    found += [f"{entity}: missing in Home Assistant" for entity in wanted.keys() - seen]
    for entity in sorted(seen.keys() & wanted):
        for key, value in wanted[entity].items():
            if not _fits(seen[entity][key], value):
                found.append(f"{entity}: {key} is {seen[entity][key]!r}, kept is {value!r}")
    return sorted(found)


def _fits(seen: object, wanted: object) -> bool:
    if isinstance(wanted, str) and wanted.startswith("~"):
        return re.fullmatch(wanted[1:], str(seen)) is not None
    return seen == wanted
