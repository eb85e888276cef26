"""A whole device payload, and several of them beside each other."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from tests.repository.discovery import keys
from tests.repository.discovery.component import component_faults, is_removal
from tests.repository.discovery.topics import discovery_topic_fault
from tests.repository.discovery.values import (
    Fault,
    is_address,
    key_faults,
    value_faults,
)
from tests.repository.finding import Finding

Payload = Mapping[str, Any] | str | bytes

_DEVICE_ADDRESS = ("http", "https", "homeassistant")


def check_device_payload(payload: Payload, topic: str | None = None) -> list[Finding]:
    """Findings about one device discovery message, none if Home Assistant takes all of it.

    `payload` is the message as sent (JSON text) or the object it is made from; `topic`, if given,
    is checked too. A finding's `file` is the path inside the payload.
    """
    findings: list[Finding] = []
    if topic is not None and (fault := discovery_topic_fault(topic)):
        findings.append(Finding("topic", f"{topic!r} {fault}", "mend the topic"))
    try:
        content = _as_received(payload)
    except (TypeError, ValueError) as error:
        return [*findings, Finding("payload", f"is no JSON ({error})", "send a JSON object")]
    if not isinstance(content, dict):
        return [*findings, Finding("payload", "is no JSON object", "send a JSON object")]
    findings += _findings("payload", _top_faults(content))
    findings += _findings("device", _device_faults(content.get("device")))
    findings += _findings("origin", _origin_faults(content.get("origin")))
    return findings + list(_components(content))


def check_device_payloads(payloads: Mapping[str, Payload]) -> list[Finding]:
    """Several messages by topic: each by itself, then what must differ between all of them."""
    findings: list[Finding] = []
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for topic, payload in payloads.items():
        findings += [
            Finding(f"{topic} {found.file}", found.wrong, found.instead)
            for found in check_device_payload(payload, topic)
        ]
        try:
            content = _as_received(payload)
        except (TypeError, ValueError):
            continue
        for kind, value, place in _identities(content):
            places[kind, value].append(f"{topic} {place}")
    for (kind, value), users in places.items():
        if len({user.split(" ")[0] for user in users}) > 1:
            findings.append(
                Finding(users[-1], f"{kind} {value} is also at {users[0]}", "write another")
            )
    return findings


def _as_received(payload: Payload) -> Any:
    """What Core's JSON reader sees; text enumerations become text, NaN is an error."""
    text = payload if isinstance(payload, str | bytes) else json.dumps(payload, allow_nan=False)
    return json.loads(text)


def _findings(place: str, faults: Iterator[Fault]) -> list[Finding]:
    return [Finding(place, wrong, instead) for wrong, instead in faults]


def _top_faults(content: Mapping[str, Any]) -> Iterator[Fault]:
    yield from key_faults(content, keys.TOP, "a device payload, all of it is refused")
    for key in ("device", "origin", "components"):
        if key not in content:
            yield f"has no {key}, all of it is refused", f"write {key}"
    yield from value_faults({key: content[key] for key in keys.SHARED & set(content)})


def _device_faults(device: Any) -> Iterator[Fault]:
    if device is None:
        return  # reported as missing
    if not isinstance(device, dict):
        yield "is no object", "write identifiers and name"
        return
    yield from key_faults(device, keys.DEVICE, "a device, all of it is refused")
    if not device.get("identifiers") and not device.get("connections"):
        yield "has neither identifiers nor connections", "write identifiers"
    yield from _identifier_faults(device)
    for key in sorted((keys.DEVICE - {"identifiers", "connections"}) & set(device)):
        if not isinstance(device[key], str) or not device[key].strip():
            yield f"{key} is {device[key]!r}", "write text, or leave it out"
    if "name" not in device:
        yield "has no name", "write what a person calls the thing"
    if "configuration_url" in device and not is_address(
        device["configuration_url"], _DEVICE_ADDRESS
    ):
        yield "configuration_url is no URL, all of it is refused", "write an http(s) address"


def _identifier_faults(device: Mapping[str, Any]) -> Iterator[Fault]:
    found = device.get("identifiers", [])
    listed = found if isinstance(found, list) else [found]
    if not all(isinstance(entry, str) and entry for entry in listed):
        yield f"identifiers is {found!r}", "write a list of texts"
    pairs = device.get("connections", [])
    shaped = isinstance(pairs, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        for pair in pairs
    )
    if not shaped:
        yield f"connections is {pairs!r}", 'write a list of ["mac", "…"] pairs'


def _origin_faults(origin: Any) -> Iterator[Fault]:
    if origin is None:
        return  # reported as missing
    if not isinstance(origin, dict):
        yield "is no object", "write name, sw_version and support_url"
        return
    yield from key_faults(origin, keys.ORIGIN, "an origin, all of it is refused")
    for key in sorted(keys.ORIGIN & set(origin)):
        if not isinstance(origin[key], str) or not origin[key].strip():
            yield f"{key} is {origin[key]!r}", "write text, or leave it out"
    if "name" not in origin:
        yield "has no name, all of it is refused", "write the app's name"
    if "support_url" in origin and not is_address(origin["support_url"], _DEVICE_ADDRESS):
        yield "support_url is no URL, all of it is refused", "write an http(s) address"


def _components(content: Mapping[str, Any]) -> Iterator[Finding]:
    components = content.get("components")
    if components is None:
        return  # reported as missing
    if not isinstance(components, dict) or not components:
        yield Finding("components", "is no object with entries", "write at least one component")
        return
    device = content.get("device")
    name = str(device.get("name", "")) if isinstance(device, dict) else ""
    shared = {key: content[key] for key in keys.SHARED & set(content)}
    for key, component in components.items():
        place = f"components.{key}"
        if not re.fullmatch(r"[A-Za-z0-9_-]+", key):
            yield Finding(place, "has an odd key", "use letters, digits, _ and -")
        if not isinstance(component, dict):
            yield Finding(place, "is no object", "write platform and the rest")
            continue
        yield from _findings(place, component_faults(component, shared, name))
    yield from _repeated(content)


def _repeated(content: Mapping[str, Any]) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for kind, value, place in _identities(content):
        first = seen.setdefault((kind, value), place)
        if first != place:
            yield Finding(place, f"{kind} {value} is also at {first}", "write another")


def _identities(content: Any) -> Iterator[tuple[str, str, str]]:
    """What must be unique: (kind, value, place); unique ids count per platform."""
    if not isinstance(content, dict):
        return
    components = content.get("components")
    for key, component in (components if isinstance(components, dict) else {}).items():
        if not isinstance(component, dict) or is_removal(component):
            continue
        place, platform = f"components.{key}", component.get("platform")
        if isinstance(component.get("unique_id"), str):
            yield f"{platform} unique_id", component["unique_id"], place
        if isinstance(component.get("default_entity_id"), str):
            yield "default_entity_id", component["default_entity_id"], place
    device = content.get("device")
    found = device.get("identifiers", []) if isinstance(device, dict) else []
    for entry in found if isinstance(found, list) else [found]:
        yield "identifier", str(entry), "device"
