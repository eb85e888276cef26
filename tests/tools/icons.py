"""`make icons`: renders each app's art/icon.svg and art/logo.svg to the PNGs the store shows."""

from __future__ import annotations

import os
import subprocess
import sys

from tests import environments
from tests.environments import Environment, python_path
from tests.system import CannotInstall, SystemPackages

PLAYWRIGHT = Environment("drawing", ("playwright==1.65.2",))

if __name__ == "__main__":
    try:
        SystemPackages(("chromium", "fonts-dejavu-core")).install()
    except CannotInstall as reason:
        sys.exit(f"make icons: {reason}")
    python = environments.make_ready(PLAYWRIGHT)
    wanted = sys.argv[1:] or list(environments.apps())
    sys.exit(
        subprocess.run(
            [str(python), "-m", "tests.tools.drawing", *wanted],
            env={**os.environ, "PYTHONPATH": python_path()},
        ).returncode
    )
