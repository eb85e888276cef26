"""`make images`: builds the apps' images from their Dockerfiles; BASE=real on the real base."""

from __future__ import annotations

import os
import subprocess
import sys

from tests import environments
from tests.environments import ROOT, EnvironmentNotReady, python_path

BUILD = """
import sys
from tests.stand.app import read_app
from tests.stand.app_image import app_image
from tests.stand.system import install
install()
for slug in sys.argv[1:]:
    print(app_image(read_app(slug)))
"""


def apps_with_images() -> list[str]:
    """Apps that have a Dockerfile and a config.yaml."""
    return [
        app
        for app in environments.apps()
        if (ROOT / app / "Dockerfile").exists() and (ROOT / app / "config.yaml").exists()
    ]


def main() -> int:
    """Builds the named apps, or all."""
    if os.geteuid() != 0:
        print("make images: building images needs root; try: sudo make images", file=sys.stderr)
        return 1
    wanted = sys.argv[1:] or apps_with_images()
    if unknown := set(wanted) - set(apps_with_images()):
        print(f"make images: no image for {', '.join(sorted(unknown))}", file=sys.stderr)
        return 1
    try:
        python = environments.make_ready(environments.folder_environment("stand"))
    except EnvironmentNotReady as failure:
        print(f"make images: {failure}", file=sys.stderr)
        return 1
    return subprocess.run(
        [str(python), "-c", BUILD, *wanted],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": python_path()},
    ).returncode  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
