"""`make clean`: removes what tests and demo keep outside the checkout."""

from __future__ import annotations

import os
import shutil

from tests.environments import cache_folder
from tests.stand import podman


def main() -> None:
    """Containers, networks and images of the stand, then the cache folder."""
    if shutil.which("podman") is not None and os.geteuid() == 0:
        podman.remove_leftovers()
        podman.remove_images()
        print("removed the stand's containers, networks and images")
    folder = cache_folder()
    if folder.exists():
        shutil.rmtree(folder)
        print(f"removed {folder}")


if __name__ == "__main__":
    main()
