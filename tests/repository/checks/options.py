"""`options` and `schema` of config.yaml: types that exist, defaults that pass, a first start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.option_type import BadType, BadValue, accept, parse_type
from tests.repository.checks.yaml_file import load_config
from tests.repository.finding import Finding

DEEPEST = 2
"""Levels of mappings, the options themselves included, that Supervisors before 2025.09 read."""

LEVELS = ("trace", "debug", "info", "notice", "warning", "error", "fatal")
EVERYWHERE: dict[str, tuple[tuple[str, ...], Any]] = {
    "mqtt_host": (("str?",), None),
    "mqtt_port": (("port?",), None),
    "mqtt_username": (("str?",), None),
    "mqtt_password": (("password?",), None),
    "mqtt_tls": (("bool", "bool?"), False),
    "mqtt_ca": (("str?",), None),
    "discovery_prefix": (("str", "str?"), "homeassistant"),
    "log_level": ((f"list({'|'.join(LEVELS)})", f"list({'|'.join(LEVELS)})?"), "info"),
}
"""Options every app has alike: the types it may write, the default (None: not in `options`)."""


def check_options(checkout: Checkout) -> list[Finding]:
    """Schema and defaults of every app of the store."""
    findings: list[Finding] = []
    for app in checkout.store_apps:
        config = load_config(checkout, app)
        schema, options = config.get("schema", {}), config.get("options", {})
        if isinstance(schema, dict) and isinstance(options, dict):
            path = f"{app}/config.yaml"
            faults = [*_schema_faults(schema, "", 0), *_default_faults(schema, options, "")]
            faults += _common_faults(schema, options)
            findings += [Finding(path, wrong, instead) for wrong, instead in faults]
    return findings


Fault = tuple[str, str]


def _schema_faults(schema: dict[Any, Any], above: str, depth: int) -> Iterator[Fault]:
    for key, kind in schema.items():
        name = f"{above}{key}"
        if not isinstance(key, str):
            yield f"the option {name!r} has no text as its name", "put it in quotes"
        yield from _type_faults(kind, name, depth)


def _type_faults(kind: Any, name: str, depth: int) -> Iterator[Fault]:
    if isinstance(kind, list):
        if len(kind) != 1:
            yield f"schema of {name} names {len(kind)} element types", "name exactly one"
        elif isinstance(kind[0], list):
            yield f"schema of {name} is a list in a list", "put a mapping between them"
        else:
            yield from _type_faults(kind[0], name, depth)
    elif isinstance(kind, dict):
        if not kind or depth + 2 > DEEPEST:
            yield f"schema of {name} is empty or too deep", f"nest at most {DEEPEST} levels"
        else:
            yield from _schema_faults(kind, f"{name}.", depth + 1)
    else:
        yield from _element_faults(kind, name)


def _element_faults(kind: Any, name: str) -> Iterator[Fault]:
    try:
        element = parse_type(kind)
    except BadType as error:
        yield f"schema of {name} is invalid", str(error)
        return
    if element.kind in ("url", "email") and element.optional:
        yield f"schema of {name}: an emptied field fails as {kind}", "write str? and check it"
    if element.kind in ("str", "password") and (element.low, element.high) != (None, None):
        # supervisor/apps/options.py gives the text itself to voluptuous' Range, which refuses it
        # beside a number (tried with voluptuous alone; unverified on a device).
        yield f"schema of {name}: a limited length refuses every value", "check it in the app"


def _default_faults(schema: dict[Any, Any], options: dict[Any, Any], above: str) -> Iterator[Fault]:
    for key, value in options.items():
        name = f"{above}{key}"
        if key not in schema:
            yield f"option {name} is not in schema and would be dropped", "add its type"
        else:
            yield from _value_faults(schema[key], value, name)
    for key, kind in schema.items():
        if key not in options:
            yield from _absent_faults(kind, f"{above}{key}")


def _value_faults(kind: Any, value: Any, name: str) -> Iterator[Fault]:
    if value is None:
        yield (
            f"default of {name} is null and blocks the first start",
            "write a value, or `?` behind the type and no default",
        )
    elif isinstance(kind, dict):
        if isinstance(value, dict):
            yield from _default_faults(kind, value, f"{name}.")
        else:
            yield f"default of {name} is no mapping", "write one"
    elif isinstance(kind, list):
        if not isinstance(value, list):
            yield f"default of {name} is no list", "write one"
        elif len(kind) == 1:
            for number, element in enumerate(value):
                yield from _value_faults(kind[0], element, f"{name}[{number}]")
    else:
        yield from _single_faults(kind, value, name)


def _single_faults(kind: Any, value: Any, name: str) -> Iterator[Fault]:
    try:
        taken = accept(parse_type(kind), value)
    except BadType:
        return  # reported with the schema
    except BadValue as error:
        yield f"default of {name} is refused ({error})", f"write a value that fits {kind}"
        return
    same = taken == value and isinstance(taken, bool) == isinstance(value, bool)
    if not same or isinstance(taken, str) != isinstance(value, str):
        yield f"default of {name} would arrive as {taken!r}", f"write {taken!r}"


def _absent_faults(kind: Any, name: str) -> Iterator[Fault]:
    element = kind[0] if isinstance(kind, list) and len(kind) == 1 else kind
    if isinstance(element, str) and element.endswith("?"):
        return
    if isinstance(kind, dict):
        yield f"{name} has no default, an error even if all in it is optional", "write {} for it"
    elif isinstance(kind, list):
        yield f"{name} has no default", "write [], or `?` behind the element's type"
    else:
        yield f"{name} has no default and blocks the first start", "write one, or `?` as its end"


def _common_faults(schema: dict[Any, Any], options: dict[Any, Any]) -> Iterator[Fault]:
    for name, (types, default) in EVERYWHERE.items():
        if name not in schema:
            yield f"option {name} is missing, every app has it", f"add it as {types[0]}"
        elif schema[name] not in types:
            yield f"option {name} has another type than in the other apps", f"write {types[0]}"
        elif options.get(name) not in (default, ""):
            shown = "no default" if default is None else repr(default)
            yield f"option {name} has another default than in the other apps", f"write {shown}"
