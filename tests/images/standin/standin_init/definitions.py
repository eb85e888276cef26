"""Reads /etc/s6-overlay/s6-rc.d and finds the faults for which s6-rc-compile refuses it all."""

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from standin_init.errors import CompileError, NotProvided
from standin_init.words import split_words

BUNDLES = ("user", "user2")
# Known to s6-rc or s6-supervise, but not here; other unknown files are ignored, as there.
NOT_PROVIDED = (
    "producer-for", "consumer-for", "pipeline-name", "max-death-tally", "flag-essential",
    "flag-newpidns", "lock-fd", "dependencies", "contents",
)  # fmt: skip
BUILT_IN = frozenset({"base"})
RESERVED_PREFIXES = ("s6rc-", "s6-rc-")
OVERLAY_NAMES = frozenset({"fix-attrs", "legacy-cont-init", "legacy-services", "top", *BUNDLES})


@dataclass(frozen=True)
class Oneshot:
    """A script run once. Time limits in seconds, None for none."""

    name: str
    dependencies: frozenset[str]
    up: tuple[str, ...]
    down: tuple[str, ...]
    timeout_up: float | None
    timeout_down: float | None


@dataclass(frozen=True)
class Longrun:
    """A supervised daemon. Time limits in seconds, None for none."""

    name: str
    dependencies: frozenset[str]
    directory: Path
    notification_fd: int | None
    down_signal: int
    timeout_up: float | None
    timeout_down: float | None
    timeout_kill: float | None
    timeout_finish: float | None


Service = Oneshot | Longrun


def read_definitions(root: Path) -> dict[str, Service]:
    """The enabled services and all they depend on, by name.

    Raises CompileError for what s6-rc-compile calls fatal, in any definition, enabled or not,
    and NotProvided for what only the real program can do.
    """
    services = {
        folder.name: _read_service(folder)
        for folder in sorted(_visible(root))
        if folder.is_dir() and folder.name not in BUNDLES
    }
    for service in services.values():
        _check_names(service.dependencies, services, f"service {service.name}")
    _check_cycles(services)
    if _names_in(root / "user2" / "contents.d"):
        raise NotProvided("bundle user2")
    enabled = _names_in(root / "user" / "contents.d")
    _check_names(enabled, services, "bundle user")
    return _closure(enabled, services)


def _read_service(folder: Path) -> Service:
    if folder.name.startswith(RESERVED_PREFIXES):
        raise CompileError(f"identifier {folder.name} starts with reserved prefix")
    if not (folder / "type").is_file():
        raise CompileError(f"unable to read {folder}/type: No such file or directory")
    kind = (folder / "type").read_bytes().decode(errors="replace").removesuffix("\n")
    for name in NOT_PROVIDED:
        if (folder / name).exists():
            raise NotProvided(f"{folder}/{name}")
    if kind == "oneshot":
        return _read_oneshot(folder)
    if kind == "longrun":
        return _read_longrun(folder)
    if kind == "bundle":
        raise NotProvided(f"{folder}: bundles other than user")
    raise CompileError(f"invalid {folder}/type: must be oneshot, longrun, or bundle")


def _read_oneshot(folder: Path) -> Oneshot:
    if not (folder / "up").is_file():
        raise CompileError(f"unable to open {folder}/up: No such file or directory")
    down = folder / "down"
    return Oneshot(
        name=folder.name,
        dependencies=_names_in(folder / "dependencies.d"),
        up=split_words((folder / "up").read_bytes().decode(), str(folder / "up")),
        down=split_words(down.read_bytes().decode(), str(down)) if down.is_file() else (),
        timeout_up=_read_seconds(folder / "timeout-up"),
        timeout_down=_read_seconds(folder / "timeout-down"),
    )


def _read_longrun(folder: Path) -> Longrun:
    if not (folder / "run").is_file():
        raise CompileError(f"unable to find a run script in {folder}/run")
    return Longrun(
        name=folder.name,
        dependencies=_names_in(folder / "dependencies.d"),
        directory=folder,
        notification_fd=_read_number(folder / "notification-fd"),
        down_signal=_read_signal(folder / "down-signal"),
        timeout_up=_read_seconds(folder / "timeout-up"),
        timeout_down=_read_seconds(folder / "timeout-down"),
        timeout_kill=_read_seconds(folder / "timeout-kill"),
        timeout_finish=_read_seconds(folder / "timeout-finish", absent=5.0),
    )


def _visible(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _names_in(folder: Path) -> frozenset[str]:
    if not folder.is_dir():
        return frozenset()
    return frozenset(path.name for path in _visible(folder))


def _read_number(path: Path) -> int | None:
    if not path.is_file():
        return None
    text = path.read_bytes().decode(errors="replace").rstrip("\n")
    if not (text.isascii() and text.isdigit()):
        raise CompileError(f"invalid {path}")
    return int(text)


def _read_seconds(path: Path, absent: float | None = None) -> float | None:
    milliseconds = _read_number(path)
    if milliseconds is None:
        return absent
    return milliseconds / 1000 or None


def _read_signal(path: Path) -> int:
    if not path.is_file():
        return signal.SIGTERM
    text = path.read_bytes().decode(errors="replace").rstrip("\n").upper()
    if text.isdigit():
        return int(text)
    name = text if text.startswith("SIG") else f"SIG{text}"
    if name not in signal.Signals.__members__:
        raise CompileError(f"invalid {path}")
    return signal.Signals[name]


def _check_names(names: frozenset[str], services: dict[str, Service], where: str) -> None:
    for name in sorted(names - BUILT_IN):
        if name in OVERLAY_NAMES:
            raise NotProvided(f"{where}: {name}")
        if name not in services:
            raise CompileError(f"during resolution of {where}: undefined service name {name}")


def _check_cycles(services: dict[str, Service]) -> None:
    settled: set[str] = set(BUILT_IN)
    remaining = dict(services)
    while ready := [name for name, each in remaining.items() if each.dependencies <= settled]:
        settled.update(ready)
        for name in ready:
            del remaining[name]
    if remaining:
        one, *others = sorted(remaining)
        raise CompileError(f"cyclic service dependencies: {' '.join((one, *others))}")


def _closure(enabled: frozenset[str], services: dict[str, Service]) -> dict[str, Service]:
    wanted: dict[str, Service] = {}
    open_names = [name for name in sorted(enabled) if name not in BUILT_IN]
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted[name] = services[name]
            open_names += sorted(services[name].dependencies - BUILT_IN)
    return wanted
