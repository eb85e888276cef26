"""One component of a device payload."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.repository.discovery import keys
from tests.repository.discovery.availability import availability_faults
from tests.repository.discovery.platform_rules import RULES
from tests.repository.discovery.topics import expand_base
from tests.repository.discovery.values import Fault, key_faults, value_faults

_CATEGORIES = ("config", "diagnostic")
_READ_ONLY = ("sensor", "binary_sensor")


def is_removal(component: Mapping[str, Any]) -> bool:
    """A component of nothing but its platform takes the entity away."""
    return set(component) == {"platform"}


def component_faults(
    component: Mapping[str, Any], shared: Mapping[str, Any], device_name: str
) -> Iterator[Fault]:
    """What Core would refuse or drop silently, and what our own rules ask for beside that."""
    name = component.get("platform", component.get("p"))
    if name is None:
        yield "has no platform, the whole payload is refused", "write platform"
        return
    if not isinstance(name, str) or name not in keys.PLATFORMS:
        recent = isinstance(name, str) and name in keys.RECENT_PLATFORMS
        advice = "write text with a pattern" if recent else "take a platform our apps use"
        yield f"platform {name!r} is not described here", advice
        return
    if is_removal(component):
        return
    platform = keys.PLATFORMS[name]
    allowed = (keys.COMMON | platform.keys) - {"device", "origin"}
    yield from key_faults(component, allowed, f"a {name}")
    expanded = expand_base(component)
    own = {key: value for key, value in expanded.items() if key in allowed}
    yield from value_faults(own)
    yield from _identity_faults(own, name, device_name)
    usable = allowed & keys.SHARED
    merged = {**{key: value for key, value in shared.items() if key in usable}, **own}
    yield from availability_faults(merged)
    yield from _platform_faults(merged, name, platform)


def _identity_faults(config: Mapping[str, Any], platform: str, device: str) -> Iterator[Fault]:
    unique_id = config.get("unique_id")
    if unique_id is None:
        yield "has no unique_id, the whole payload is refused", "write <app>_<serial>_<key>"
    elif not isinstance(unique_id, str) or not re.fullmatch(r"\S+", unique_id):
        yield f"unique_id is {unique_id!r}", "write text without spaces"
    if "name" not in config:
        yield "has no name", "always send one, null for the device's own"
    elif device and str(config["name"]).startswith(f"{device} "):
        yield f"name {config['name']!r} repeats the device's", "Home Assistant puts it before"
    entity_id = config.get("default_entity_id")
    if not isinstance(entity_id, str) or not re.fullmatch(rf"{platform}\.[a-z0-9_]+", entity_id):
        yield f"default_entity_id is {entity_id!r}", f"write {platform}.<name>_<key>"
    category = config.get("entity_category")
    if category is not None and category not in _CATEGORIES:
        yield f"entity_category is {category!r}", "write config or diagnostic"
    if category == "config" and platform in _READ_ONLY:
        yield f"entity_category config is refused for a {platform}", "write diagnostic"


def _platform_faults(
    config: Mapping[str, Any], name: str, platform: keys.Platform
) -> Iterator[Fault]:
    for key in sorted(platform.required - set(config)):
        yield f"has no {key}", f"a {name} needs it"
    device_class = config.get("device_class")
    known = ", ".join(sorted(platform.classes))
    if known and device_class is not None and device_class not in sorted(platform.classes):
        yield f"device_class {device_class!r} does not exist for {name}", f"write one of {known}"
    if config.get("retain") is True:
        yield "retains its commands", "leave retain out, a command is for now"
    yield from _pairs(config)
    if name in RULES:
        yield from RULES[name](config)


def _pairs(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Templates without the topic they are for do nothing."""
    for key in config:
        if not key.endswith("_template") or key in ("availability_template",):
            continue
        stem = key.removesuffix("_template")
        topics = {
            "value": ("state_topic",),
            "last_reset_value": ("state_topic",),
            "preset_mode_value": ("preset_mode_state_topic",),
        }.get(stem, (f"{stem}_topic",))
        if stem == "value" and any(other.endswith("_state_topic") for other in config):
            continue
        if not set(topics) & set(config):
            yield f"{key} without {topics[0]}", "write the topic or leave the template out"
