"""Where this machine gets its Debian packages from; a tree made here uses the same place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path("/etc/apt")
ADDRESS = re.compile(
    r"^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S*/debian(?:-security)?)/?(?:\s|$)", re.MULTILINE
)


class NoMirror(Exception):
    """apt of this machine names no Debian mirror."""


@dataclass(frozen=True)
class Mirror:
    """Addresses of the packages and of their security updates (none, if apt names none)."""

    packages: str
    security: str | None


def this_machines_mirror(folder: Path = SOURCES) -> Mirror:
    """What apt's sources below `folder` name first; raises NoMirror."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    text = "\n".join(file.read_text() for file in files if file.is_file())
    found = ADDRESS.findall(text)
    packages = next((each for each in found if each.endswith("/debian")), None)
    if packages is None:
        raise NoMirror(f"{folder} names no Debian mirror; add a sources.list with one")
    return Mirror(packages, next((each for each in found if each.endswith("-security")), None))
