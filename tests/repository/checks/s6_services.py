"""The service definitions of an image, read from what git tracks below s6-rc.d.

A fault here leaves a container that idles for ever with exit code 0 (just-containers/s6-overlay,
skarnet/s6-rc): nothing but these checks and the HEALTHCHECK notices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.repository.checks.checkout import Checkout

SOURCES = "rootfs/etc/s6-overlay/s6-rc.d"


@dataclass
class Service:
    """One definition directory: its path, the files in it, and the services it waits for."""

    name: str
    path: str
    files: list[str] = field(default_factory=list)
    dependencies: list[str] = field(default_factory=list)
    type: bytes = b""

    @property
    def longrun(self) -> bool:
        """Whether `type` says so; a bad type is neither longrun nor oneshot."""
        return self.type.strip() == b"longrun"

    @property
    def oneshot(self) -> bool:
        """Whether `type` says so."""
        return self.type.strip() == b"oneshot"


@dataclass(frozen=True)
class Services:
    """All definitions of one app, what the user bundle starts, and files that belong nowhere."""

    folder: str
    services: Mapping[str, Service]
    enabled: Mapping[str, str]
    stray: tuple[str, ...]


def read_services(checkout: Checkout, app: str) -> Services:
    """Sorts the tracked files below s6-rc.d; an app without rootfs has no services."""
    folder = f"{app}/{SOURCES}"
    services: dict[str, Service] = {}
    enabled: dict[str, str] = {}
    stray: list[str] = []
    for path in checkout.under(folder):
        name, _, rest = path.removeprefix(f"{folder}/").partition("/")
        if not rest:
            stray.append(path)
        elif name == "user":
            bundle, _, member = rest.partition("/")
            if bundle == "contents.d" and member and "/" not in member:
                enabled[member] = path
            else:
                stray.append(path)
        else:
            _add(services.setdefault(name, Service(name, f"{folder}/{name}")), checkout, rest)
    return Services(folder, services, enabled, tuple(stray))


def _add(service: Service, checkout: Checkout, file: str) -> None:
    service.files.append(file)
    if file == "type":
        service.type = checkout.read_bytes(f"{service.path}/type")
    elif file.startswith("dependencies.d/"):
        service.dependencies.append(file.removeprefix("dependencies.d/"))


def find_cycle(services: Mapping[str, Service]) -> list[str]:
    """Names along one circle of dependencies, the first repeated at the end; empty without one."""
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str]:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done or name not in services:
            return []
        for other in services[name].dependencies:
            if circle := walk(other, [*trail, name]):
                return circle
        done.add(name)
        return []

    for name in services:
        if circle := walk(name, []):
            return circle
    return []


def without_base(services: Mapping[str, Service]) -> list[str]:
    """Services with no path to `base`: they would start before the container is prepared."""
    users: dict[str, set[str]] = defaultdict(set)
    for service in services.values():
        for name in service.dependencies:
            users[name].add(service.name)
    reached: set[str] = set()
    waiting = ["base"]
    while waiting:
        for name in users[waiting.pop()] - reached:
            reached.add(name)
            waiting.append(name)
    return sorted(set(services) - reached)
