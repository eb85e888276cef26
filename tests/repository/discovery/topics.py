"""MQTT topics as Core checks them, and discovery topics (mqtt/util.py, mqtt/discovery.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_DISCOVERY = re.compile(
    r"(?P<prefix>[^#+\0]+)/device/(?:(?P<node>[a-zA-Z0-9_-]+)/)?(?P<id>[a-zA-Z0-9_-]+)/config"
)
_LONGEST = 65535


def topic_fault(topic: Any, *, publish: bool) -> str | None:
    """What is wrong with a topic; `publish` topics (commands) may hold no wildcard."""
    if not isinstance(topic, str) or not topic:
        return "is no topic"
    if len(topic.encode("utf-8", "surrogatepass")) > _LONGEST:
        return "is longer than 65535 bytes"
    if any(_forbidden(character) for character in topic):
        return "holds a control or non-character"
    if "+" in topic or "#" in topic:
        return "holds a wildcard, one topic carries one value" if not publish else "has a wildcard"
    if topic.startswith("$"):
        return "begins with $, which brokers keep for themselves"
    if topic.startswith("/") or topic.endswith("/") or "//" in topic:
        return "has an empty level"
    if topic != topic.strip():
        return "has spaces at an end"
    return None


def _forbidden(character: str) -> bool:
    code = ord(character)
    control = code <= 0x1F or 0x7F <= code <= 0x9F
    surrogate = 0xD800 <= code <= 0xDFFF
    return control or surrogate or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFF in (0xFFFE, 0xFFFF)


def expand_base(component: Mapping[str, Any]) -> dict[str, Any]:
    """A component with `~` put into the topics of its own level and of its availability list."""
    expanded = dict(component)
    base = expanded.pop("~", None)
    if not isinstance(base, str):
        return expanded
    for key, value in expanded.items():
        if key.endswith("topic"):
            expanded[key] = _with_base(value, base)
    entries = expanded.get("availability")
    if isinstance(entries, list):
        expanded["availability"] = [
            {**entry, "topic": _with_base(entry.get("topic"), base)}
            if isinstance(entry, dict)
            else entry
            for entry in entries
        ]
    return expanded


def _with_base(topic: Any, base: str) -> Any:
    if not isinstance(topic, str):
        return topic
    if topic.startswith("~"):
        topic = base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def discovery_topic_fault(topic: str) -> str | None:
    """What is wrong with the topic of a device payload, `<prefix>/device/[<node>/]<id>/config`."""
    if _DISCOVERY.fullmatch(topic):
        return None
    return "is no discovery topic: <prefix>/device/<id>/config with letters, digits, _ and -"
