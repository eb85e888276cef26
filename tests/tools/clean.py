"""`make clean`: removes what tests and demo keep outside the checkout."""

from __future__ import annotations

import shutil
import subprocess

from tests.environments import cache_folder

LABEL = "ev-home-apps"


def remove_containers() -> None:
    """Removes the stand's containers and networks, where podman is there."""
    if shutil.which("podman") is None:
        return
    for kind, remove in (("container", ["rm", "--force"]), ("network", ["network", "rm", "-f"])):
        listing = (
            ["podman", "ps", "-aq"] if kind == "container" else ["podman", "network", "ls", "-q"]
        )
        found = subprocess.run(
            [*listing, "--filter", f"label={LABEL}"], capture_output=True, text=True
        ).stdout.split()
        for name in found:
            subprocess.run(["podman", *remove, name], capture_output=True)
            print(f"removed {kind} {name}")


if __name__ == "__main__":
    remove_containers()
    folder = cache_folder()
    if folder.exists():
        shutil.rmtree(folder)
        print(f"removed {folder}")
