"""Virtual environments for apps and tools: made once, kept outside the checkout, keyed by content.

Standard library only: this is what runs first on a fresh machine.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM_PYTHON = (3, 11)


class EnvironmentNotReady(Exception):
    """An environment cannot be made; the text says what to do."""


def cache_folder() -> Path:
    """Where everything expensive is kept between runs: never inside the checkout."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ev-home-apps"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its name and what is installed in it, as pip requirement lines."""

    name: str
    requirements: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Its place in the cache; another content or another Python is another folder."""
        text = "\n".join((sys.version, *sorted(self.requirements)))
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        return cache_folder() / "venv" / f"{self.name}-{key}"

    @property
    def python(self) -> Path:
        """Its interpreter; its other programs are beside it."""
        return self.folder / "bin" / "python"


def lines_of(path: Path) -> tuple[str, ...]:
    """The requirement lines of a requirements file, without comments and options."""
    lines = (line.split(" #")[0].strip() for line in path.read_text().splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "-")))


def app_requirements(app: str, extras: tuple[str, ...] = ("testing",)) -> tuple[str, ...]:
    """What an app's pyproject.toml asks for, as ranges, with the named extras."""
    project = tomllib.loads((ROOT / app / "pyproject.toml").read_text())["project"]
    optional = project.get("optional-dependencies", {})
    found = list(project["dependencies"])
    for extra in extras:
        found.extend(optional.get(extra, ()))
    return tuple(found)


def app_environment(app: str) -> Environment:
    """The environment an app's demo runs in; its own code comes by PYTHONPATH from the checkout."""
    return Environment(app, app_requirements(app))


def test_requirements(app: str) -> tuple[str, ...]:
    """The test tools, and what this app's tests need beside them."""
    own = ROOT / "tests" / app / "requirements.txt"
    tools = lines_of(ROOT / "tests" / "requirements.txt")
    return tools + (lines_of(own) if own.exists() else ())


def app_test_environment(app: str) -> Environment:
    """As `app_environment`, with the test tools and what this app's tests need beside them."""
    return Environment(f"{app}-test", app_requirements(app) + test_requirements(app))


def folder_environment(name: str) -> Environment:
    """The environment of a folder of tests that belongs to no app (`repository`, `stand` …)."""
    return Environment(
        name,
        lines_of(ROOT / "tests" / name / "requirements.txt")
        + lines_of(ROOT / "tests" / "requirements.txt"),
    )


def tools_environment() -> Environment:
    """Linters and lock tools."""
    return Environment("tools", lines_of(ROOT / "tests" / "tools" / "requirements.txt"))


def broker_environment() -> Environment:
    """The demo's MQTT broker: alone, because it pins an older `websockets` than the apps use."""
    return Environment("broker", lines_of(ROOT / "tests" / "demo" / "requirements.txt"))


def apps() -> tuple[str, ...]:
    """The apps of this checkout: the top-level folders that hold a package of the same name."""
    return tuple(
        sorted(path.parent.name for path in ROOT.glob("*/pyproject.toml") if _is_app(path.parent))
    )


def _is_app(folder: Path) -> bool:
    return (folder / folder.name / "__init__.py").exists()


def make_ready(environment: Environment) -> Path:
    """Makes the environment unless it is there, and returns its interpreter.

    Raises EnvironmentNotReady with the remedy when Python is too old, venv is missing or pip fails.
    """
    done = environment.folder / "complete"
    with _lock(environment.folder):
        if not done.exists():
            _create(environment)
            done.write_text("\n".join(environment.requirements) + "\n")
    return environment.python


def _create(environment: Environment) -> None:
    _check_python()
    started = time.monotonic()
    print(f"  installing environment {environment.name} …", flush=True)
    shutil.rmtree(environment.folder, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(environment.folder)], capture_output=True, text=True
    )
    if made.returncode != 0:
        raise EnvironmentNotReady(
            "Python cannot make a virtual environment here. On Debian: apt install python3-venv"
        )
    _pip_install(environment)
    print(f"  … {environment.name} ready after {time.monotonic() - started:.0f} s", flush=True)


def _pip_install(environment: Environment) -> None:
    command = [
        str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-input", *environment.requirements,
    ]  # fmt: skip
    plain = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    for attempt in range(3):
        result = subprocess.run(command, env=plain, stdin=subprocess.DEVNULL)
        if result.returncode == 0:
            return
        print(f"  pip failed (try {attempt + 1} of 3)", flush=True)
    shutil.rmtree(environment.folder, ignore_errors=True)
    raise EnvironmentNotReady(
        f"pip could not install environment {environment.name}; its own lines above say why."
        " Check the network and run the command again."
    )


def _check_python() -> None:
    if sys.version_info < MINIMUM_PYTHON:
        raise EnvironmentNotReady(
            f"Python {sys.version_info.major}.{sys.version_info.minor} is too old:"
            " install Python 3.11 or newer, or choose one with `make PYTHON=python3.13 …`"
        )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One maker at a time; the second waits and finds the work done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def python_path(*apps_wanted: str) -> str:
    """PYTHONPATH for running from the checkout: the wanted apps' folders, then the root."""
    return os.pathsep.join([*(str(ROOT / app) for app in apps_wanted), str(ROOT)])
