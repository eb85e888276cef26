"""Device-based MQTT discovery: payloads, and a memory of what was announced, for removals.

Source: Home Assistant documentation "MQTT", sections "Discovery" and "Device discovery payload";
home-assistant/core, `homeassistant/components/mqtt/schemas.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import logs

_log = logs.get("mqtt")
_ID = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Origin:
    """The program that announces; Home Assistant shows it in its log."""

    name: str
    sw_version: str
    support_url: str = ""


@dataclass(frozen=True, slots=True)
class Component:
    """One entity: `config` holds Home Assistant's full key names; None values are left out."""

    key: str
    platform: str
    config: Mapping[str, Any]

    def __post_init__(self) -> None:
        _check_id(self.key)
        if not self.config.get("unique_id"):
            raise ValueError(f"component {self.key} has no unique_id")


@dataclass(frozen=True, slots=True)
class Device:
    """A device with its entities.

    `info` is the `device` block (identifiers, name, manufacturer, model, sw_version,
    serial_number …), `shared` what counts for all components (availability, qos).
    """

    object_id: str
    info: Mapping[str, Any]
    origin: Origin
    components: Sequence[Component]
    shared: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_id(self.object_id)

    @property
    def platforms(self) -> dict[str, str]:
        """Component key → platform."""
        return {component.key: component.platform for component in self.components}

    def topic(self, prefix: str) -> str:
        """The discovery topic under Home Assistant's discovery prefix."""
        return config_topic(prefix, self.object_id)

    def payload(self, removed: Mapping[str, str] | None = None) -> str:
        """The discovery message; `removed` (key → platform) takes these components away."""
        components: dict[str, Any] = {
            key: {"platform": platform} for key, platform in (removed or {}).items()
        }
        for component in self.components:
            # A key that changes its platform is removed first; the next message brings it back.
            if component.key not in components:
                config = {"platform": component.platform} | _given(component.config)
                components[component.key] = config
        origin = {
            "name": self.origin.name,
            "sw_version": self.origin.sw_version,
            "support_url": self.origin.support_url or None,
        }
        message = {
            "device": _given(self.info),
            "origin": _given(origin),
            **_given(self.shared),
            "components": components,
        }
        return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def config_topic(prefix: str, object_id: str) -> str:
    """The topic of a device's discovery message."""
    return f"{prefix}/device/{object_id}/config"


def template(key: str) -> str:
    """A value template for one member of a JSON state; null or missing reads `None`: unknown."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no name a template can use")
    return f"{{{{ value_json.{key} | default(none) }}}}"


def state_json(values: Mapping[str, Any]) -> str:
    """A JSON state: compact, true and false as ON and OFF, None as null (unknown)."""
    words = {
        key: ("ON" if value else "OFF") if isinstance(value, bool) else value
        for key, value in values.items()
    }
    return json.dumps(words, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _check_id(text: str) -> None:
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} may not stand in a discovery topic")


class Announced:
    """Which components stand in which discovery topic, kept in a small file of the data folder.

    Leaving a component out of a message keeps its entity in Home Assistant; so what an older
    version or an earlier run announced is remembered and removed by name.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._topics: dict[str, dict[str, str]] = {}
        self._changed = False
        self.client_id = secrets.token_hex(4)
        self._load()

    def topics(self) -> list[str]:
        """Discovery topics that hold a message."""
        return list(self._topics)

    def messages(self, device: Device, prefix: str) -> list[str]:
        """What to publish, in this order, after `save`; then call `sent`.

        Usually one message. With stale components two: one that removes them, one without them.
        Saved before they are published, so that a crash in between loses nothing.
        """
        topic = device.topic(prefix)
        before = self._topics.get(topic, {})
        stale = {
            key: platform
            for key, platform in before.items()
            if device.platforms.get(key) != platform
        }
        if before | device.platforms != before:
            self._topics[topic] = before | device.platforms | stale
            self._changed = True
        if not stale:
            return [device.payload()]
        return [device.payload(stale), device.payload()]

    def sent(self, device: Device, prefix: str) -> None:
        """The messages have been acknowledged."""
        topic = device.topic(prefix)
        if self._topics.get(topic) != device.platforms:
            self._topics[topic] = device.platforms
            self._changed = True

    def removed(self, topic: str) -> None:
        """An empty message on this topic has been acknowledged."""
        if self._topics.pop(topic, None) is not None:
            self._changed = True

    async def save(self) -> None:
        """Write the file if there is something new, in a worker thread: cards can be slow."""
        if self._changed:
            self._changed = False
            await asyncio.to_thread(self._write, self._text())

    def _load(self) -> None:
        try:
            text = self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            self._write(self._text())
            return
        except (OSError, UnicodeDecodeError) as error:
            _log.error(
                "cannot read %s, so removals of earlier runs are missed: %s", self._file, error
            )
            return
        try:
            self.client_id, self._topics = _read(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._set_aside()

    def _set_aside(self) -> None:
        damaged = self._file.with_suffix(".damaged")
        _log.warning("%s is damaged; kept as %s, begun anew", self._file, damaged.name)
        try:
            self._file.replace(damaged)
        except OSError as error:
            _log.error("cannot rename %s: %s", self._file, error)
        self._write(self._text())

    def _text(self) -> str:
        return json.dumps({"client": self.client_id, "topics": self._topics}, indent=1)

    def _write(self, text: str) -> None:
        fresh = self._file.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
        except OSError as error:
            # Entities still work; only a removal after a restart may be missed.
            _log.limited("error", "announced", str(self._file), "cannot write %s", error)


def _read(text: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Client id and topics of a stored text; raises what a text of another form brings about."""
    stored = json.loads(text)
    client = stored["client"]
    if not _ID.fullmatch(client):
        raise ValueError("client")
    topics = {
        str(topic): {str(key): str(platform) for key, platform in components.items()}
        for topic, components in stored["topics"].items()
    }
    return client, topics
