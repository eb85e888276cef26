"""`make lock`: writes what the images install, exact and with hashes, without addresses."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests import environments
from tests.environments import ROOT

HEADER = "# Written by `make lock`; change pyproject.toml instead.\n"


def compile_to(target: Path, source: Path, extra: str = "") -> None:
    """Resolves `source` (ranges) into `target`: one set for every architecture, Python 3.13."""
    uv = environments.make_ready(environments.tools_environment()).parent / "uv"
    command = [
        str(uv), "pip", "compile", "--quiet", "--universal", "--python-version", "3.13",
        "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate",
        str(source),
    ]  # fmt: skip
    if extra:
        command += ["--extra", extra]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode != 0:
        sys.exit(f"make lock: {target.relative_to(ROOT)}: {found.stderr.strip()}")
    target.write_text(HEADER + found.stdout)
    print(f"wrote {target.relative_to(ROOT)}")


def lock(app: str) -> None:
    """The three files of one app: run time, builder stage (group `image`), extra `testing`."""
    folder = ROOT / app
    compile_to(folder / "requirements.txt", folder / "pyproject.toml")
    compile_to(folder / "requirements-testing.txt", folder / "pyproject.toml", "testing")
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    tools = project.get("dependency-groups", {}).get("image", [])
    build = [*project["build-system"]["requires"], *tools]
    with tempfile.NamedTemporaryFile("w", suffix=".in") as wanted:
        wanted.write("\n".join(build) + "\n")
        wanted.flush()
        compile_to(folder / "requirements-build.txt", Path(wanted.name))


if __name__ == "__main__":
    for name in sys.argv[1:] or environments.apps():
        lock(name)
