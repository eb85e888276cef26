"""Availability of a component, after it has taken over what the whole device says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.repository.discovery.topics import topic_fault
from tests.repository.discovery.values import Fault

_ENTRY = {"topic", "payload_available", "payload_not_available", "value_template"}
_MODES = ("all", "any", "latest")


def availability_faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    """Core allows one of the two forms; ours always has one, by the last will."""
    listed, single = "availability" in config, "availability_topic" in config
    if listed and single:
        yield "has availability and availability_topic", "keep one of the two"
    elif not listed and not single:
        yield "has no availability", "name the topic of the app's last will"
    if "availability_template" in config and not single:
        yield "has availability_template without its topic", "write value_template in the list"
    mode = config.get("availability_mode", "latest")
    if mode not in _MODES:
        yield f"availability_mode is {mode!r}", f"write one of {', '.join(_MODES)}"
    if listed:
        yield from _list_faults(config["availability"], mode)
    pair = [config.get(f"payload_{name}", word) for name, word in _PAYLOADS]
    if pair[0] == pair[1]:
        yield "payload_available equals payload_not_available", "write two words"


_PAYLOADS = (("available", "online"), ("not_available", "offline"))


def _list_faults(entries: Any, mode: Any) -> Iterator[Fault]:
    if not isinstance(entries, list) or not entries:
        yield f"availability is {entries!r}", 'write a list of {"topic": …}'
        return
    topics = []
    for entry in entries:
        if not isinstance(entry, dict):
            yield f"availability holds {entry!r}", 'write {"topic": …}'
            continue
        for key in sorted(set(entry) - _ENTRY):
            yield f"{key} is no key of an availability entry", "leave it out"
        if fault := topic_fault(entry.get("topic"), publish=False):
            yield f"an availability topic {fault}", "write a plain topic"
        topics.append(entry.get("topic"))
        for key in ("payload_available", "payload_not_available", "value_template"):
            if key in entry and not isinstance(entry[key], str):
                yield f"{key} of an availability entry is {entry[key]!r}", "write text"
    if len({str(topic) for topic in topics}) != len(topics):
        yield "an availability topic stands twice", "name each once"
    if len(entries) > 1 and mode == "latest":
        yield "several availability topics, the last message would win", "availability_mode: all"
