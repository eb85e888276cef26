"""The owner's time zone: `TZ`, else the machine's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from . import logs

log = logs.get()

MACHINE = Path("/etc/localtime")


def zone(environ: Mapping[str, str], machine: Path = MACHINE) -> tzinfo:
    """The zone with its clock changes; UTC where nobody tells."""
    name = environ.get("TZ", "").lstrip(":")
    if name:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            log.warning("time zone TZ=%s is not known; the machine's is used", name)
    try:
        with machine.open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError):
        return UTC
