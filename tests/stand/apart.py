"""A place apart: a command with network, processes and podman's containers of its own.

The stand has fixed addresses and names, so a machine holds one; a second one lives apart. The
machine's images are there to be used, but nothing outside the machine can be reached, so whatever
is to be run apart must have been built before.
"""

from __future__ import annotations

from pathlib import Path

from tests.stand.cache import cache_home
from tests.stand.podman import podman

# Where podman keeps what must not be shared: running containers, networks, locks.
_RUNTIME = ("/run/containers", "/run/libpod", "/run/netns", "/etc/containers/networks")
_ENTER = """
ip link set lo up || exit 70
for folder in {folders}; do
  mkdir -p "$folder" && mount -t tmpfs tmpfs "$folder" || exit 70
done
exec catatonit -- "$@"
"""
_STORAGE = """[storage]
driver = "overlay"
runroot = "/run/containers/storage"
graphroot = "{own}"
[storage.options]
additionalimagestores = ["{machine}"]
"""


def apart(command: list[str]) -> tuple[list[str], dict[str, str]]:
    """`command` as it is run apart, and the variables it needs; all its processes end with it."""
    machine = podman("info", "--format", "{{.Store.GraphRoot}}").strip()
    settings = cache_home() / "apart-storage.conf"
    settings.write_text(_STORAGE.format(own=storage(), machine=machine))
    enter = _ENTER.format(folders=" ".join(_RUNTIME))
    names = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    inside = ["unshare", *names, "sh", "-c", enter, "sh", *command]
    return inside, {"CONTAINERS_STORAGE_CONF": str(settings)}


def storage() -> Path:
    """Podman's storage of the place apart: containers, volumes and nothing worth keeping."""
    return cache_home() / "apart"
