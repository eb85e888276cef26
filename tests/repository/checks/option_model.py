"""The options model of an app beside its config.yaml: same names, types, defaults and limits.

The model is compared as the JSON schema pydantic makes of it, so that it can come from the app's
own environment: `python -c "…; print(json.dumps(Options.model_json_schema()))"`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.option_type import BadType, ElementType, parse_type
from tests.repository.checks.yaml_file import load_config
from tests.repository.finding import Finding

Schema = Mapping[str, Any]
Fault = tuple[str, str]

_DUMP = (
    "import importlib, json; "
    "model = importlib.import_module('{app}.options').Options; "
    "print(json.dumps(model.model_json_schema()))"
)
_KINDS = {
    "str": "string",
    "password": "string",
    "email": "string",
    "url": "string",
    "match": "string",
    "device": "string",
    "list": "string",
    "int": "integer",
    "port": "integer",
    "float": "number",
    "bool": "boolean",
}
_NOT_SET: tuple[Any, ...] = (None, "", [], {})


class ModelUnreadable(Exception):
    """The app's options module cannot be imported; the text holds what Python said."""


def dump_model(python: Path, app_folder: Path) -> dict[str, Any]:
    """The JSON schema of `<app>.options.Options`; raises ModelUnreadable."""
    app = app_folder.name
    result = subprocess.run(
        [str(python), "-c", _DUMP.format(app=app)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(app_folder), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=120,
    )
    if result.returncode != 0:
        raise ModelUnreadable(f"{app}.options.Options: {result.stderr.strip()}")
    schema: dict[str, Any] = json.loads(result.stdout)
    return schema


def check_option_model(checkout: Checkout, app: str, model: Schema) -> list[Finding]:
    """Compares a model's JSON schema with the app's `options` and `schema`."""
    config = load_config(checkout, app)
    faults = compare(config.get("schema") or {}, config.get("options") or {}, model)
    return [Finding(f"{app}/config.yaml", wrong, instead) for wrong, instead in faults]


def compare(schema: Schema, options: Schema, model: Schema) -> list[Fault]:
    """Differences between the form (`schema`, `options`) and the model, as (wrong, instead)."""
    return list(_compare_fields(schema, options, model, model.get("$defs", {}), ""))


def _compare_fields(
    schema: Schema, options: Schema, model: Schema, definitions: Schema, above: str
) -> Iterator[Fault]:
    fields = model.get("properties", {})
    for key in sorted(set(schema) - set(fields)):
        yield f"option {above}{key} is unknown to the options model", "add the field, or drop it"
    for key in sorted(set(fields) - set(schema)):
        yield f"field {above}{key} of the options model is not offered", "add it to schema"
    for key in sorted(set(schema) & set(fields)):
        name = f"{above}{key}"
        if key in model.get("required", ()) and not above:
            yield f"field {name} of the options model has no default", "give it one"
        yield from _compare_default(name, schema[key], options.get(key), fields[key], definitions)
        yield from _compare_kind(name, schema[key], options.get(key), fields[key], definitions)


def _compare_default(
    name: str, kind: Any, ours: Any, field: Schema, definitions: Schema
) -> Iterator[Fault]:
    if isinstance(kind, dict):
        return  # compared field by field
    if ours is None and isinstance(kind, str) and kind.endswith("?"):
        return  # the form hides it until it is wanted; the model supplies what then holds
    theirs = field.get("default", _resolve(field, definitions).get("default"))
    if ours in _NOT_SET and theirs in _NOT_SET:
        return
    if ours != theirs or isinstance(ours, bool) != isinstance(theirs, bool):
        yield (
            f"option {name} defaults to {ours!r} here and to {theirs!r} in the options model",
            "write the same value in both",
        )


def _resolve(field: Schema, definitions: Schema) -> Schema:
    """The field's own schema behind `$ref`, `allOf` and "or null"."""
    for word in ("anyOf", "oneOf", "allOf"):
        if word in field:
            rest = [part for part in field[word] if part.get("type") != "null"]
            if len(rest) == 1:
                outer = {key: value for key, value in field.items() if key != word}
                return {**_resolve(rest[0], definitions), **outer}
    if "$ref" in field:
        outer = {key: value for key, value in field.items() if key != "$ref"}
        return {**_resolve(definitions[field["$ref"].split("/")[-1]], definitions), **outer}
    return field


def _compare_kind(
    name: str, kind: Any, ours: Any, field: Schema, definitions: Schema
) -> Iterator[Fault]:
    found = _resolve(field, definitions)
    if isinstance(kind, dict):
        if found.get("type") != "object":
            yield f"option {name} is a mapping, the field is none", "write the same shape in both"
            return
        inner = ours if isinstance(ours, dict) else {}
        yield from _compare_fields(kind, inner, found, definitions, f"{name}.")
    elif isinstance(kind, list) and len(kind) == 1:
        if found.get("type") != "array":
            yield f"option {name} is a list, the field is none", "write the same shape in both"
            return
        element = found.get("items", {})
        if isinstance(kind[0], dict):
            yield from _compare_members(name, kind[0], element, definitions)
        else:
            yield from _compare_kind(f"{name}[]", kind[0], None, element, definitions)
    else:
        yield from _compare_element(name, kind, found)


def _compare_members(
    name: str, kind: Schema, element: Schema, definitions: Schema
) -> Iterator[Fault]:
    """Mappings in a list have no defaults in the form, so the model's own do not matter."""
    found = _resolve(element, definitions)
    fields = found.get("properties", {})
    for key in sorted(set(kind) ^ set(fields)):
        yield f"member {key} of {name} is not in both form and options model", "add or drop it"
    for key in sorted(set(kind) & set(fields)):
        text = kind[key] if isinstance(kind[key], str) else ""
        if key in found.get("required", ()) and text.endswith("?"):
            yield f"member {key} of {name} may be left out, the model needs it", "agree on one"
        yield from _compare_kind(f"{name}[].{key}", kind[key], None, fields[key], definitions)


def _compare_element(name: str, text: Any, field: Schema) -> Iterator[Fault]:
    try:
        kind = parse_type(text)
    except BadType:
        return  # reported by `check_options`
    if kind.kind == "list":
        yield from _compare_choices(name, kind, field)
        return
    if "enum" in field:
        choices = "|".join(map(str, field["enum"]))
        yield f"option {name} is {text}, its field takes few values", f"write list({choices})"
        return
    expected = _KINDS[kind.kind]
    if field.get("type") != expected:
        yield f"option {name} is {text}, the field is {field.get('type')}", f"make it {expected}"
        return
    yield from _compare_limits(name, kind, field)
    if kind.kind == "match" and "pattern" in field and not _same_pattern(kind, field):
        yield f"option {name} matches another pattern than its field", "write the same in both"


def _same_pattern(kind: ElementType, field: Schema) -> bool:
    ours, theirs = (text.removeprefix("^") for text in (kind.pattern, str(field["pattern"])))
    return ours == theirs


def _compare_choices(name: str, kind: ElementType, field: Schema) -> Iterator[Fault]:
    choices = field.get("enum", [field["const"]] if "const" in field else [])
    if sorted(map(str, choices)) != sorted(kind.choices):
        here, there = ", ".join(kind.choices), ", ".join(map(str, choices)) or "anything"
        yield f"option {name} offers {here}, its field {there}", "name the same choices in both"


def _compare_limits(name: str, kind: ElementType, field: Schema) -> Iterator[Fault]:
    if kind.kind == "port":
        ours: tuple[float | None, float | None] = (1, 65535)
    elif kind.kind in ("int", "float"):
        ours = (kind.low, kind.high)
    else:
        return
    theirs = (
        _model_limit(kind.kind, field, "inimum", 1),
        _model_limit(kind.kind, field, "aximum", -1),
    )
    for side, here, there in zip(("lower", "upper"), ours, theirs, strict=True):
        if here != there:
            yield (
                f"option {name} has {_shown(here)} as its {side} limit, its field {_shown(there)}",
                "write the same limit in both",
            )


def _model_limit(kind: str, field: Schema, word: str, step: int) -> float | None:
    """minimum/maximum; an exclusive whole limit is one further, a decimal one cannot be written."""
    if f"m{word}" in field:
        return float(field[f"m{word}"])
    exclusive = field.get(f"exclusiveM{word}")
    if exclusive is None:
        return None
    return float(exclusive) + step if kind in ("int", "port") else float("nan")


def _shown(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:g}"
