"""Where things are in a container of s6-overlay 3.2.3, and how /init prepares them."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from standin_init.errors import NotProvided

DEFINITIONS = Path("/etc/s6-overlay/s6-rc.d")
ENVIRONMENT = Path("/run/s6/container_environment")
RESULT = Path("/run/s6-linux-init-container-results/exitcode")
LIVE = Path("/run/s6-rc/servicedirs")
ONESHOTS = LIVE / "s6rc-oneshot-runner"
REQUESTS = Path("/run/s6/standin-requests")
PROGRAMS = Path("/usr/lib/standin/commands")
HALT = Path("/run/s6/basedir/bin/halt")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS_NOT_PROVIDED = (
    Path("/etc/cont-init.d"),
    Path("/etc/cont-finish.d"),
    Path("/etc/services.d"),
    Path("/etc/s6-overlay/user-bundles.d"),
)
SWITCHES_NOT_PROVIDED = {
    "S6_STAGE2_HOOK": "",
    "S6_KEEP_ENV": "0",
    "S6_LOGGING": "0",
    "S6_READ_ONLY_ROOT": "0",
    "S6_CMD_RECEIVE_SIGNALS": "0",
    "S6_RUNTIME_BUNDLEDIR": "",
}


def original_environment() -> dict[bytes, bytes]:
    """What this process was started with, untouched by Python's own additions."""
    entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    return dict(entry.split(b"=", 1) for entry in entries if b"=" in entry)


def search_path(given: str) -> str:
    """/command first, and the two folders without which nothing runs."""
    folders = [each for each in (given or DEFAULT_PATH).split(":") if each not in ("", "/command")]
    folders += [each for each in ("/usr/bin", "/bin") if each not in folders]
    return ":".join(["/command", *folders])


def check_provided(environment: Mapping[bytes, bytes], arguments: list[str]) -> None:
    """Raises NotProvided for what the real /init would act on and this one would not."""
    if arguments:
        raise NotProvided("a command to run beside the services (CMD)")
    if os.getuid() != 0:
        raise NotProvided("running under another user (USER)")
    for name, harmless in SWITCHES_NOT_PROVIDED.items():
        if environment.get(name.encode(), harmless.encode()).decode() not in ("", harmless):
            raise NotProvided(name)
    if environment.get(b"S6_BEHAVIOUR_IF_STAGE2_FAILS") != b"2":
        raise NotProvided("S6_BEHAVIOUR_IF_STAGE2_FAILS other than 2")
    for folder in FOLDERS_NOT_PROVIDED:
        if folder.is_dir() and any(folder.iterdir()):
            raise NotProvided(str(folder))


def prepare_run(environment: Mapping[bytes, bytes], path: str) -> None:
    """A fresh /run: environment as files, result 0, the service folders, `halt`."""
    for stale in (ENVIRONMENT.parent, RESULT.parent, LIVE.parent):
        shutil.rmtree(stale, ignore_errors=True)
    for folder in (ENVIRONMENT, RESULT.parent, ONESHOTS, HALT.parent):
        folder.mkdir(parents=True)
    for name, value in {**environment, b"PATH": path.encode()}.items():
        (ENVIRONMENT / name.decode()).write_bytes(value)
    RESULT.write_text("0")
    HALT.symlink_to(PROGRAMS / "halt")
    os.mkfifo(REQUESTS, 0o600)


def result() -> int:
    """The container's exit code as the services left it; 0…255, 0 if it cannot be read."""
    try:
        return int(RESULT.read_text().strip()) & 0xFF
    except (OSError, ValueError):
        return 0
