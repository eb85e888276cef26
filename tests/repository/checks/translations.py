"""translations/<language>.yaml: a text for every option and port, and none for anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.yaml_file import load_config, load_mapping
from tests.repository.finding import Finding

Fault = tuple[str, str]
Texts = Mapping[Any, Any]

_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z][A-Za-z]+)?\.yaml")
_ENTRY = {"name", "description", "fields"}
_SAME_WORDS = 3
"""A description of more words than this that equals the English one was not translated."""


def check_translations(checkout: Checkout) -> list[Finding]:
    """English must be there; every other language file that is there must be as complete."""
    findings: list[Finding] = []
    for app in checkout.store_apps:
        folder, config = f"{app}/translations", load_config(checkout, app)
        english: Texts = {}
        if f"{folder}/en.yaml" in checkout:
            english = load_mapping(checkout, f"{folder}/en.yaml")[0]
        else:
            findings.append(Finding(f"{folder}/en.yaml", "is missing", "name every option there"))
        for path in checkout.under(folder):
            findings += _check_file(checkout, path, config, english)
    return findings


def _check_file(checkout: Checkout, path: str, config: Texts, english: Texts) -> list[Finding]:
    name = path.rsplit("/", 1)[1]
    if not _LANGUAGE.fullmatch(name):
        return [Finding(path, "is no language file", "name it like de.yaml or pt-BR.yaml")]
    content, findings = load_mapping(checkout, path)
    if findings:
        return findings
    faults = list(_file_faults(content, config))
    if name != "en.yaml":
        faults += _untranslated(content.get("configuration"), english.get("configuration"), "")
    return [Finding(path, wrong, instead) for wrong, instead in faults]


def _file_faults(content: Texts, config: Texts) -> Iterator[Fault]:
    for key in sorted(set(map(str, content)) - {"configuration", "network"}):
        yield f"{key} is no part of a translation", "keep configuration and network only"
    schema = config.get("schema")
    yield from _option_faults(_mapping(content.get("configuration")), _mapping(schema), "")
    ports, texts = _mapping(config.get("ports")), _mapping(content.get("network"))
    described = set(_mapping(config.get("ports_description")))
    for port in sorted(set(map(str, ports)) - set(texts) - described):
        yield f"port {port} has no text", "describe it under network"
    for port in sorted(set(map(str, texts)) - set(ports)):
        yield f"network describes {port}, which is no port of the app", "leave it out"
    for port, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            yield f"the text of port {port} is empty", "say what connects there"


def _mapping(value: Any) -> Texts:
    return value if isinstance(value, dict) else {}


def _option_faults(texts: Texts, schema: Texts, above: str) -> Iterator[Fault]:
    for key in sorted(set(map(str, texts)) - set(map(str, schema))):
        yield f"{above}{key} is no option of the app", "leave it out"
    for key, kind in schema.items():
        name, entry = f"{above}{key}", texts.get(key)
        if not isinstance(entry, dict):
            yield f"option {name} has no text", "give it name and description"
            continue
        yield from _entry_faults(name, entry)
        inner = kind[0] if isinstance(kind, list) and kind else kind
        fields = _mapping(entry.get("fields"))
        yield from _option_faults(fields, inner if isinstance(inner, dict) else {}, f"{name}.")


def _entry_faults(name: str, entry: Texts) -> Iterator[Fault]:
    for key in sorted(set(map(str, entry)) - _ENTRY):
        yield f"option {name} has {key}, which nobody reads", "keep name, description and fields"
    for key in ("name", "description"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield f"option {name} has no {key}", f"write the {key}"


def _untranslated(texts: Any, english: Any, above: str) -> Iterator[Fault]:
    for key, entry in _mapping(texts).items():
        model = _mapping(_mapping(english).get(key))
        ours = _mapping(entry).get("description")
        same = isinstance(ours, str) and ours == model.get("description")
        if same and len(str(ours).split()) > _SAME_WORDS:
            yield f"the description of {above}{key} is the English one", "translate it"
        yield from _untranslated(
            _mapping(entry).get("fields"), model.get("fields"), f"{above}{key}."
        )
