"""A rejected options file in one line: which option, what is wrong, what to write instead."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from .errors import OptionError

REMEDIES = {
    "vin": "write the 17 characters from the car's papers, without I, O and Q",
    "relay_url": "write an address like http://192.168.1.20:5003",
    "dashboard_url": "write an address like http://192.168.1.30:8080",
    "envoy_host": "write a host name or address without http://",
    "inverter_host": "write a host name or address without http://",
    "twc_host": "write a host name or address without http://",
    "mqtt_host": "write a host name or address without mqtt://",
    "key_file": "write a file name like private.pem",
    "discovery_prefix": "write homeassistant",
    "relay_api_key": "write it as the relay has it, in plain letters, digits and signs",
    "deadline": "write a time like 07:30, or leave it empty",
    "start": "write a time like 22:00",
    "end": "write a time like 06:00",
    "from": "write an entity id like sensor.grid_power, or mqtt:topic",
    "deadline_days": "write seven digits, Monday first: 1111100 is Monday to Friday",
    "seasonal_start_w": "write twelve numbers from 0 to 20000",
}
TYPES = {
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "finite_number": "write a number",
    "string_type": "write a text in quotes",
    "tuple_type": "write a list in square brackets",
    "model_type": "write an entry with names and values",
    "missing": "write it",
}
LONGEST_VALUE = 80
SECRETS = ("password", "token", "api_key")


def explained(error: ValidationError, model: type[BaseModel]) -> OptionError:
    """The first fault; values of secrets are never repeated."""
    first = error.errors(include_url=False)[0]
    context: dict[str, Any] = first.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, OptionError):
        return cause
    place = [
        part for part in first["loc"] if isinstance(part, int) or not part.startswith("function")
    ]
    field = next((part for part in reversed(place) if isinstance(part, str)), "")
    problem = str(cause) if cause is not None else first["msg"][:1].lower() + first["msg"][1:]
    if first["type"] == "literal_error":
        problem = "it is none of the choices"
    secret = any(word in field for word in SECRETS)
    if not secret and isinstance(first["input"], str | int | float):
        given = repr(first["input"])
        shown = given if len(given) <= LONGEST_VALUE else given[:LONGEST_VALUE] + "…"
        problem = f"{shown} cannot be used ({problem})"
    return OptionError(_name(place), problem, _remedy(first["type"], field, context, model))


def _name(place: list[int | str]) -> str:
    """`sensors[0].role`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return "".join(parts).removeprefix(".") or "--options"


def _remedy(kind: str, field: str, context: dict[str, Any], model: type[BaseModel]) -> str:
    if kind == "literal_error":
        return f"write {context['expected']}"
    if kind in ("greater_than_equal", "less_than_equal"):
        return f"write a number {_limits(field, context, model)}"
    return REMEDIES.get(field) or TYPES.get(kind, "correct it")


def _limits(field: str, context: dict[str, Any], model: type[BaseModel]) -> str:
    """The limits of a number, from the field itself."""
    metadata = model.model_fields[field].metadata if field in model.model_fields else []
    found = {
        key: value
        for constraint in metadata
        for key in ("ge", "le")
        if (value := getattr(constraint, key, None)) is not None
    }
    if "ge" in found and "le" in found:
        return f"from {found['ge']} to {found['le']}"
    return " ".join(f"{'from' if key == 'ge' else 'to'} {value}" for key, value in context.items())
