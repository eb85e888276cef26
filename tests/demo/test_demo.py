"""`make demo` as a newcomer runs it, and the frame around the scenes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environments import ROOT
from tests.stand import system
from tests.stand.debian import debian_image
from tests.stand.podman import LIMITS, run_podman

RELAYED = (
    "wallbox: asks for //AcTec001 without a subprotocol",
    "evcc: request target=/AcTec001 ",
    "BootNotification reached evcc",
    "MeterValues reached evcc",
    "evcc restarted and got the boot again from the proxy",
    "MeterValues flow again after the restart",
    "✔ the wallbox's socket was never closed",
)
CHARGED = (
    "05:30 * the car is plugged in with 48 % in its battery",
    "car: start: OK",
    "✔ the emergency charge ended at its target",
    "08:00 * a clear morning",
    "✔ the current followed the sun",
    "11:00 * clouds come and go",
    "13:30 * the meter's gateway fails",
    "✔ the meter fell silent",
    "14:30 * the gateway is back",
    "15:00 * the car is unplugged and leaves",
    "✔ unplugged out of reach",
    "16:00 * the car is home again and plugged in",
    "✔ plugged in again",
    "17:00 * the sky is overcast",
    "✔ night came, and nothing charges any more",
)
SEEN = (RELAYED, CHARGED, ("demo: every app did its job",))


def assert_everything_seen(output: str, code: int) -> None:
    """The demo said all it has to, each app in its order, and left with 0."""
    for texts in SEEN:
        position = 0
        for text in texts:
            found = output.find(text, position)
            assert found >= 0, f"{text!r} not seen in order in:\n{output[-6000:]}"
            position = found
    assert code == 0, output[-3000:]


def test_the_demo_ends_by_itself_and_every_app_did_its_job() -> None:
    done = subprocess.run(
        ["make", f"PYTHON={sys.executable}", "demo", "FOR=60"],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert_everything_seen(done.stdout, done.returncode)


def test_ctrl_c_ends_the_demo_and_leaves_no_process_behind() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "tests.demo"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert demo.stdout is not None
    for line in demo.stdout:
        if "operational" in line:
            break
    children = _descendants(demo.pid)
    assert len(children) >= 3, "broker, scene and app"
    demo.send_signal(signal.SIGINT)
    demo.stdout.read()
    assert demo.wait(60) == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def _descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


@pytest.fixture
def clean_clone(tmp_path: Path) -> Path:
    """A clone of what is committed, owned by the ordinary user 1000."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    subprocess.run(["chown", "-R", "1000:1000", str(tmp_path)], check=True)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        parent.chmod(parent.stat().st_mode | 0o055)
    return clone


@pytest.mark.long
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_an_ordinary_user_of_a_minimal_debian_sees_the_demo(suite: str, clean_clone: Path) -> None:
    system.install()
    image = debian_image(suite, ("ca-certificates", "make", "python3-venv"))
    done = run_podman(
        "run", "--rm", *LIMITS, "--network=host", "--user=1000:1000", "--env=HOME=/home",
        f"--volume={clean_clone.parent}:/home", "--workdir=/home/clone", image,
        "make", "demo", "FOR=60",
        timeout=900,
    )  # fmt: skip
    assert_everything_seen(done.stdout + done.stderr, done.returncode)
