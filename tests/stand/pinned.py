"""An app's tests on Debian trixie's Python, with exactly the versions its image installs."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests import environments
from tests.environments import ROOT
from tests.stand import podman
from tests.stand.cache import building, cache_home, content_key
from tests.stand.debian import debian_image
from tests.stand.progress import step
from tests.stand.system import install

SOURCES = ROOT / "tests" / "images" / "pinned"
PIN = re.compile(r"^([A-Za-z0-9._-]+==\S+)", re.M)
TREE_PACKAGES = ("ca-certificates",)
# These run on the host's Python alone: this tree has no browser, and the figures, which take long,
# are the same on each Python.
LEFT_OUT = ("test_*browser*.py", "test_kpi.py")
# Containers that are waited for go first.
AFTER_OTHERS = ("nice", "-n", "10")
_PYTHON = "/opt/venv/bin/python"


def pinned_image(app: str) -> str:
    """Name of the image with the app's pinned requirements, built if this machine has none."""
    install()
    tree = debian_image("trixie", TREE_PACKAGES)
    requirements = (ROOT / app / "requirements-testing.txt").read_text()
    tools = "\n".join(sorted(environments.test_requirements(app))) + "\n"
    name = f"{podman.PREFIX}/pinned-{app}:{content_key(tree, SOURCES, requirements, tools)}"
    with building(f"pinned-{app}"), tempfile.TemporaryDirectory() as folder:
        if not podman.image_exists(name):
            context = Path(folder)
            (context / "Dockerfile").write_text((SOURCES / "Dockerfile").read_text())
            (context / "requirements.txt").write_text(requirements)
            (context / "constraints.txt").write_text("\n".join(PIN.findall(requirements)) + "\n")
            (context / "tools.txt").write_text(tools)
            with step(f"pinned environment of {app}"):
                podman.build(context, name, arguments={"TREE": tree})
        podman.drop_older(name)
    return name


def fetch_command(app: str) -> list[str]:
    """The command that fetches what the tests need beside the image, since they have no network."""
    return [*_run(app, "host"), pinned_image(app), _PYTHON, "-m", "tests.stand.node"]


def pinned_command(app: str, reports: Path, pytest: list[str], profile: str) -> list[str]:
    """The command that runs the app's tests in that image, as an ordinary user."""
    reports.chmod(0o777)
    return [
        *AFTER_OTHERS, *_run(app, "none"), f"--volume={reports}:/reports",
        f"--env=HYPOTHESIS_PROFILE={profile}",
        pinned_image(app), _PYTHON, "-m", "pytest", f"tests/{app}",
        *(f"--ignore-glob=*/{name}" for name in LEFT_OUT),
        f"--junitxml=/reports/{app}-pinned.xml", *pytest,
    ]  # fmt: skip


def _run(app: str, network: str) -> list[str]:
    home = cache_home() / f"pinned-home-{app}"
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o777)
    return [
        "podman", "--runtime", "runc", "run", "--rm", "--init", *podman.LIMITS,
        f"--label={podman.LABEL}=container", f"--network={network}", "--user=tester",
        f"--volume={ROOT}:/repository:ro", f"--volume={home}:/home/tester",
        "--workdir=/repository", "--env=HOME=/home/tester",
        "--env=PYTHONPYCACHEPREFIX=/home/tester/bytecode",
        f"--env=PYTHONPATH=/repository/{app}:/repository",
    ]  # fmt: skip
