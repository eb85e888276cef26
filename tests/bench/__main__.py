"""Runs the benches of the named apps (all, if none), then writes the tables."""

from __future__ import annotations

import os
import subprocess
import sys

from tests import environments
from tests.bench import tables
from tests.environments import ROOT, EnvironmentNotReady
from tests.system import CannotInstall, SystemPackages

BENCHES = {
    "ocpp_proxy": SystemPackages(("nginx-light", "haproxy", "mosquitto")),
    "solar_charger": SystemPackages(()),
}


def run(app: str, arguments: list[str]) -> int:
    """One app's bench; its figures land in tests/bench/results, its table in the app's DOCS.md."""
    BENCHES[app].install()
    python = environments.make_ready(environments.app_environment(app))
    variables = {**os.environ, "PYTHONPATH": environments.python_path(app)}
    result = subprocess.run(
        [str(python), "-m", f"tests.bench.{app}", *arguments], cwd=ROOT, env=variables
    )
    if result.returncode == 0:
        tables.write(app)
    return result.returncode


def main() -> int:
    """`make bench`, or `make bench APP=ocpp_proxy`."""
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or list(BENCHES)
    flags = [name for name in sys.argv[1:] if name.startswith("-")]
    if unknown := [name for name in wanted if name not in BENCHES]:
        print(f"make bench: no bench for {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 1
    try:
        return max(run(app, flags) for app in wanted)
    except (CannotInstall, EnvironmentNotReady) as failure:
        print(f"make bench: {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
