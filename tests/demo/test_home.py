"""`make home` as a visitor runs it."""

import subprocess
import sys

import pytest

from tests.environments import ROOT
from tests.stand import podman

APPS = sorted(path.parent.name for path in ROOT.glob("*/config.yaml"))
SECONDS = 1500  # images may have to be built


@pytest.mark.parametrize("app", APPS)
def test_home_shows_an_app_in_home_assistant_and_leaves_nothing_behind(app: str) -> None:
    command = [sys.executable, "-m", "tests.demo.household", app, "--seconds", "5"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "http://localhost:8123  user owner, password" in done.stdout
    assert "/api/hassio_ingress/" in done.stdout
    for kind in (("ps", "--all"), ("volume", "ls"), ("network", "ls")):
        assert podman.podman(*kind, "--quiet", "--filter", f"label={podman.STAND}") == ""
