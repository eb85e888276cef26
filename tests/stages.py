"""The stages of `make test`: what each needs and the commands it runs. No stage knows another."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

from tests import environments
from tests.environments import ROOT
from tests.stand.apart import apart
from tests.stand.pinned import AFTER_OTHERS, fetch_command, pinned_command
from tests.stand.system import BROWSER, CONTAINERS
from tests.system import SystemPackages
from tests.tools import assets

# Twice the processors: a service test waits for sockets and timers more than it computes.
WORKERS = 2 * (os.cpu_count() or 1)
COMPUTING, WAITING, APART = "computing", "waiting", "apart"
NEEDED = "containers need root, and a machine that allows namespaces; in Docker: --privileged"
# Where a command is run: the command in its place, and the variables it needs there.
Place = Callable[[list[str]], tuple[list[str], dict[str, str]]]


@cache
def privileged() -> bool:
    """Whether we may have containers and networks of our own: root, and not itself locked in."""
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True)
    return tried.returncode == 0


def here(command: list[str]) -> tuple[list[str], dict[str, str]]:
    """Among all others."""
    return command, {}


def alone(command: list[str]) -> tuple[list[str], dict[str, str]]:
    """With a network that is nothing but a loopback, for those who may have one.

    Ports are then no other stage's, and a container that comes or goes is no change of the
    browser's network.
    """
    enter = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    return ([*AFTER_OTHERS, *enter, *command] if privileged() else command), {}


class StageFailed(Exception):
    """A command of the stage failed; its own output above says why."""


class StageNotRun(Exception):
    """The stage cannot run on this machine; the text says why and what would help."""


@dataclass(frozen=True)
class Run:
    """One run of the stages: the options every stage sees."""

    long: bool
    reports: Path
    output: IO[str] | None = None


@dataclass(frozen=True)
class Stage:
    """One line of the table at the end.

    `lane`: stages of one lane run one after the other, lanes beside each other. One with a name
    begins behind the stages before it and writes to the output of its run.
    """

    name: str
    work: Callable[[Run], None]
    packages: SystemPackages = field(default_factory=SystemPackages)
    lane: str = ""


def execute(
    command: list[str],
    *,
    apps: tuple[str, ...] = (),
    env: dict[str, str] | None = None,
    output: IO[str] | None = None,
) -> None:
    """Runs a command from the repository root with its output shown, or written to `output`.

    Raises StageFailed.
    """
    variables = {
        **os.environ,
        "PYTHONPATH": environments.python_path(*apps),
        # Outside the checkout, and kept: the tests start a program hundreds of times.
        "PYTHONPYCACHEPREFIX": str(environments.cache_folder() / "bytecode"),
        **(env or {}),
    }
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    error = None if output is None else subprocess.STDOUT
    result = subprocess.run(
        command, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=error
    )
    if result.returncode != 0:
        raise StageFailed(f"{Path(command[0]).name} ended with {result.returncode}")


def pytest(
    run: Run,
    name: str,
    environment: environments.Environment,
    folders: list[str],
    *,
    apps: tuple[str, ...] = (),
    workers: int = WORKERS,
    place: Place = here,
) -> None:
    """Runs tests with the profile of this run and leaves a report the summary counts."""
    python = environments.make_ready(environment)
    command = [
        str(python), "-m", "pytest", *folders, "-q", "-p", "no:cacheprovider", "--durations=5",
        f"--junitxml={run.reports / name}.xml",
    ]  # fmt: skip
    if workers > 1:
        command += ["-n", str(workers), "--dist", "loadfile"]
    if not run.long:
        command += ["-m", "not long"]
    command, variables = place(command)
    variables["HYPOTHESIS_PROFILE"] = "long" if run.long else "default"
    execute(command, apps=apps, env=variables, output=run.output)


def environments_stage(run: Run) -> None:
    """Every environment the later stages use, so that their times are their own."""
    environments.make_ready(environments.tools_environment())
    environments.make_ready(environments.folder_environment("repository"))
    for app in environments.apps():
        environments.make_ready(environments.app_test_environment(app))


def _tracked(*patterns: str) -> list[str]:
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return [name for name in found if (ROOT / name).exists()]


def _shell_scripts() -> list[str]:
    """Tracked files whose first line names a shell, whatever their ending."""
    scripts = []
    for name in _tracked("*/rootfs/*", ".ci/*", "tests/*"):
        with (ROOT / name).open("rb") as file:
            first = file.readline(80)
        if first.startswith(b"#!") and b"sh" in first.split(b"/")[-1]:
            scripts.append(name)
    return scripts


def lint_stage(run: Run) -> None:
    """Style, shell, YAML, Dockerfiles and workflows."""
    tools = environments.make_ready(environments.tools_environment()).parent
    execute([str(tools / "ruff"), "check", "--no-cache", "."])
    execute([str(tools / "ruff"), "format", "--no-cache", "--check", "."])
    execute([str(tools / "yamllint"), "--strict", *_tracked("*.yaml", "*.yml")])
    if scripts := _shell_scripts():
        execute([str(tools / "shellcheck"), "-s", "bash", *scripts])
    if dockerfiles := _tracked("*Dockerfile"):
        execute([str(tools / "hadolint"), *dockerfiles])
    if _tracked(".github/workflows/*"):
        execute([str(tools / "zizmor"), "--offline", "--quiet", ".github"])


def types_stage(run: Run) -> None:
    """mypy, app by app, each in the environment its code runs in."""
    for app in environments.apps():
        python = environments.make_ready(environments.app_test_environment(app))
        places = [f"{app}/{app}", f"tests/demo/scenes/{app}.py", f"tests/bench/{app}.py"]
        if (ROOT / app / "config.yaml").exists():  # its tests are held to types once it is offered
            places.append(f"tests/{app}")
        _mypy(app, python, [place for place in places if (ROOT / place).exists()], app)
    repository = environments.make_ready(environments.folder_environment("repository"))
    runner = ["tests/environments.py", "tests/run.py", "tests/bench/__main__.py"]
    _mypy("repository", repository, [*runner, "tests/repository"])
    stand = environments.make_ready(environments.folder_environment("stand"))
    folders = [f"tests/{name}" for name in ("stand", "images", "home_assistant", "tools")]
    demo = [str(path.relative_to(ROOT)) for path in (ROOT / "tests/demo").glob("*.py")]
    _mypy("stand", stand, [*folders, *demo], "tests/images/standin")


def _mypy(name: str, python: Path, places: list[str], *search: str) -> None:
    """Checks places with one environment's packages; `search` holds modules beside the root's."""
    cache = environments.cache_folder() / "mypy" / name
    execute(
        [str(python), "-m", "mypy", "--cache-dir", str(cache), *places],
        env={"MYPYPATH": os.pathsep.join([*search, "."])},
    )


def repository_stage(run: Run) -> None:
    """The repository as a whole."""
    pytest(run, "repository", environments.folder_environment("repository"), ["tests/repository"])


def app_stage(app: str) -> Callable[[Run], None]:
    """One app's unit and service tests."""

    def work(run: Run) -> None:
        environment = environments.app_test_environment(app)
        python = environments.make_ready(environment)
        execute([str(python), "-m", "tests.stand.node"], output=run.output)
        assets.make_ready(app)
        pytest(run, app, environment, [f"tests/{app}"], apps=(app,), place=alone)

    return work


def demo_stage(run: Run) -> None:
    """The demo as a newcomer runs it; the long run repeats it in minimal Debian trees."""
    environment = environments.folder_environment("stand")
    for app in environments.apps():
        environments.make_ready(environments.app_environment(app))
    environments.make_ready(environments.broker_environment())
    pytest(run, "demo", environment, ["tests/demo/test_demo.py"], workers=1)


def build_stage(run: Run) -> None:
    """The images of the apps and of the broker, for the stages behind."""
    if not privileged():
        raise StageNotRun(NEEDED)
    python = environments.make_ready(environments.folder_environment("stand"))
    execute([str(python), "-m", "tests.tools.images"], output=run.output)
    execute([str(python), "-m", "tests.stand.mosquitto"], output=run.output)


def containers(name: str, *tests: str, place: Place = here) -> Callable[[Run], None]:
    """Tests that start containers: one after the other, because a place has one stand."""

    def work(run: Run) -> None:
        if not privileged():
            raise StageNotRun(NEEDED)
        stand = environments.folder_environment("stand")
        pytest(run, name, stand, list(tests), workers=1, place=place)

    return work


def pinned_stage(app: str) -> Callable[[Run], None]:
    """An app's tests once more, on Python 3.13 with what its image installs."""

    def work(run: Run) -> None:
        if not privileged():
            raise StageNotRun(NEEDED)
        marks = [] if run.long else ["-m", "not long"]
        options = ["-q", "-p", "no:cacheprovider", "-n", str(WORKERS), "--dist", "loadfile", *marks]
        profile = "long" if run.long else "again"
        execute(fetch_command(app), output=run.output)
        execute(pinned_command(app, run.reports, options, profile), output=run.output)

    return work


def all_stages(long: bool) -> list[Stage]:
    """Every stage in order; those with containers belong to the long run until an app has one."""
    services = SystemPackages(("mosquitto", "openssl", "iproute2", *BROWSER.names))
    # Beside each other only where the tests of an app have a network of their own.
    computing, waiting = (COMPUTING, WAITING) if privileged() else ("", "")
    stages = [
        Stage("environments", environments_stage, SystemPackages(("git", "python3-venv"))),
        Stage("lint", lint_stage),
        Stage("types", types_stage),
        *(Stage(app, app_stage(app), services, computing) for app in environments.apps()),
        Stage("demo", demo_stage, lane=waiting),
        Stage("repository", repository_stage, SystemPackages(("apparmor",)), waiting),
    ]
    offered = [app for app in environments.apps() if (ROOT / app / "config.yaml").exists()]
    return stages + container_stages(offered) if long or offered else stages


def container_stages(offered: list[str]) -> list[Stage]:
    """The pinned Python of each offered app, and beside it the stand, images, Home Assistant.

    The latter wait for containers most of the time. Each is a session of its own, because a
    session holds the one stand of its place to its end.
    """
    init, plain = _files("images", "test_standin_*.py"), _files("images", "test_*_plain.py")
    life = [name for name in _files("images", "test_*.py") if name not in (*init, *plain)]
    return [
        *(Stage(f"{app} on 3.13", pinned_stage(app), CONTAINERS, COMPUTING) for app in offered),
        Stage("build", build_stage, CONTAINERS),
        Stage("images", containers("images", *life, place=apart), CONTAINERS, APART),
        Stage("plain", containers("plain", *plain), CONTAINERS, WAITING),
        Stage("init", containers("init", *init), CONTAINERS, WAITING),
        Stage("stand", containers("stand", "tests/stand"), CONTAINERS),
        Stage("home_assistant", containers("home_assistant", "tests/home_assistant"), CONTAINERS),
        Stage("home", containers("home", "tests/demo/test_home.py"), CONTAINERS),
    ]


def _files(folder: str, pattern: str) -> list[str]:
    found = (ROOT / "tests" / folder).glob(pattern)
    return sorted(str(path.relative_to(ROOT)) for path in found)
