"""Scripts below rootfs: executable in git, LF only, run, finish and up of the shapes that work."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from tests.repository.checks.checkout import EXECUTABLE, Checkout
from tests.repository.checks.s6_services import Service, read_services
from tests.repository.finding import Finding

_SHEBANG = "#!/command/with-contenv "
_SHELL_WORDS = re.compile(r"&&|\|\||[|;<>`]|\$")
_FINISH_STEPS = (
    "s6-svstat -o wantedup .",
    "exit 0",
    "/run/s6-linux-init-container-results/exitcode",
    "/run/s6/basedir/bin/halt",
    "exit 125",
)
"""What each finish does in this order: an ordered stop ends quietly, a bad option ends all."""


def check_rootfs_files(checkout: Checkout) -> list[Finding]:
    """Modes and line ends of everything that goes into the image as it is."""
    findings: list[Finding] = []
    for app in checkout.apps:
        for path in checkout.under(f"{app}/rootfs"):
            findings += _check_file(checkout, path)
    return findings


def _check_file(checkout: Checkout, path: str) -> Iterator[Finding]:
    data = checkout.read_bytes(path)
    name = path.rsplit("/", 1)[1]
    script = data.startswith(b"#!") or name in ("run", "finish") or path.endswith("/data/check")
    if script and checkout.modes[path] != EXECUTABLE:
        yield Finding(path, "is not executable in git", "git update-index --chmod=+x")
    if b"\r" in data and b"\0" not in data:
        yield Finding(path, "has CRLF line ends", "write LF only")
    if script and not data.startswith(b"#!"):
        yield Finding(path, "has no interpreter line", f"begin with {_SHEBANG}bash")
    if b"bashio" in data:
        yield Finding(path, "uses bashio", "read options in the program, it knows the defaults")


def check_service_scripts(checkout: Checkout) -> list[Finding]:
    """run, finish, up and down of every service."""
    findings: list[Finding] = []
    for app in checkout.apps:
        finishes: dict[str, str] = {}
        for service in read_services(checkout, app).services.values():
            findings += _check_service(checkout, app, service)
            if "finish" in service.files:
                path = f"{service.path}/finish"
                finishes[path] = checkout.text(path).replace(service.name, "<service>")
                findings += _check_finish(path, finishes[path])
        findings += _check_one_shape(finishes)
    return findings


def _check_service(checkout: Checkout, app: str, service: Service) -> Iterator[Finding]:
    for file in ("up", "down"):
        if service.oneshot and file in service.files:
            yield from _check_command_line(checkout, app, f"{service.path}/{file}")
    if "run" in service.files:
        path = f"{service.path}/run"
        yield from _check_run(path, checkout.text(path), ends=not service.longrun)


def _check_run(path: str, text: str, *, ends: bool) -> Iterator[Finding]:
    if not text.startswith(_SHEBANG):
        yield Finding(path, "sees neither TZ nor token", f"begin with {_SHEBANG}bash")
    commands = _commands(text)
    last = commands[-1] if commands else ""
    if not ends and not last.startswith(("exec ", "os.exec")):
        yield Finding(
            path, "does not end in exec, so signals stop at the shell", "exec the daemon last"
        )


def _commands(text: str) -> list[str]:
    """Lines that are commands, continued ones joined; comments and empty lines left out."""
    joined = text.replace("\\\n", " ")
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _check_finish(path: str, text: str) -> Iterator[Finding]:
    place = 0
    for step in _FINISH_STEPS:
        found = text.find(step, place)
        if found < 0:
            yield Finding(
                path,
                f"has no `{step}` where it belongs",
                f"do in this order: {', '.join(_FINISH_STEPS)}",
            )
            return
        place = found + len(step)


def _check_one_shape(finishes: dict[str, str]) -> Iterator[Finding]:
    texts = list(finishes.values())
    for path, text in finishes.items():
        if text != texts[0]:
            yield Finding(path, f"differs from {next(iter(finishes))}", "give all one text")


def _check_command_line(checkout: Checkout, app: str, path: str) -> Iterator[Finding]:
    lines = checkout.text(path).splitlines()
    if len(lines) != 1 or not lines[0].strip():
        yield Finding(path, "is not one line", "write the path of a script, it is no shell script")
        return
    line = lines[0]
    if line.startswith("#!") or _SHELL_WORDS.search(line):
        yield Finding(
            path, "holds shell words, which execline passes on as they are", "call a script"
        )
        return
    command = shlex.split(line)[0]
    inside = f"{app}/rootfs{command}"
    if not command.startswith("/"):
        yield Finding(path, f"calls {command}", "write an absolute path")
    elif inside in checkout:
        if checkout.modes[inside] != EXECUTABLE:
            yield Finding(inside, "is called by up or down but not executable", "set its mode")
    elif command.startswith("/etc/"):
        yield Finding(path, f"calls {command}, which is not in rootfs", "mend the path")
