"""`map` of config.yaml as folders of the stand. Source: home-assistant/supervisor docker/app.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PLACES = {
    "ssl": "/ssl",
    "share": "/share",
    "media": "/media",
    "backup": "/backup",
    "addon_config": "/config",
    "app_config": "/config",
    "homeassistant_config": "/homeassistant",
}
PRIVATE = frozenset({"addon_config", "app_config"})


def mount_flags(entries: Sequence[str | Mapping[str, Any]], folder: Path, slug: str) -> list[str]:
    """Flags for the folders an app maps; all are made below `folder`, shared ones once."""
    flags = []
    for entry in entries:
        kind, read_only, place = _read(entry)
        if kind == "data":
            continue
        source = folder / kind / slug if kind in PRIVATE else folder / kind
        source.mkdir(parents=True, exist_ok=True)
        flags.append(f"--volume={source}:{place}:{'ro' if read_only else 'rw'}")
    return flags


def _read(entry: str | Mapping[str, Any]) -> tuple[str, bool, str]:
    if isinstance(entry, str):
        kind, _, mode = entry.partition(":")
        return kind, mode != "rw", PLACES.get(kind, "")
    kind = str(entry["type"])
    place = str(entry.get("path") or PLACES.get(kind, ""))
    return kind, bool(entry.get("read_only", True)), place
