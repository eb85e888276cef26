"""Looks into a running container with what its image has: Python and the base's tools."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.stand.container import Container

_PROCESSES = """
import json, os, pathlib, sys
found = []
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    if folder.name == str(os.getpid()):
        continue
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        command = (folder / "cmdline").read_bytes().replace(bytes(1), b" ").decode().strip()
        try:
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except PermissionError:
            environment = None
    except (FileNotFoundError, ProcessLookupError):
        continue
    found.append({
        "pid": int(folder.name), "uid": int(status["Uid"].split()[0]),
        "capabilities": int(status["CapEff"], 16), "command": command, "environment": environment,
    })
json.dump(found, sys.stdout)
"""


@dataclass(frozen=True)
class Process:
    """One process inside; `environment` is None when the one who looks may not read it."""

    pid: int
    uid: int
    capabilities: int
    command: str
    environment: str | None


def processes(container: Container, user: str = "root") -> list[Process]:
    """All processes but the looking one, as `user` sees them."""
    done = container.execute("/usr/bin/python3", "-c", _PROCESSES, user=user)
    assert done.returncode == 0, done.stderr
    return [Process(**each) for each in json.loads(done.stdout)]


def service_process(container: Container, app: str = "ocpp_proxy") -> Process:
    """The app's own program."""
    (found,) = [each for each in processes(container) if f"-m {app}" in each.command]
    return found


def mode_and_owner(container: Container, path: str) -> str:
    """`400 ocpp_proxy:ocpp_proxy`."""
    done = container.execute("stat", "--format=%a %U:%G", path)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def readable(container: Container, path: str, user: str) -> bool:
    """Whether `user` can read the file."""
    return container.execute("head", "-c", "1", path, user=user).returncode == 0
