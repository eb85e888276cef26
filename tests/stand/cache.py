"""Where built things are kept between runs, how they are named, and who builds them when."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.environments import cache_folder

SKIPPED = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "node_modules"})


class StandBusy(Exception):
    """Another stand runs on this machine."""


def cache_home() -> Path:
    """The stand's folder outside the checkout, made if absent."""
    home = cache_folder() / "stand"
    home.mkdir(parents=True, exist_ok=True)
    return home


def files_below(folder: Path) -> Iterable[Path]:
    """Every file and link below `folder` that belongs to its content, in a stable order."""
    for path in sorted(folder.rglob("*")):
        if not SKIPPED.intersection(path.relative_to(folder).parts) and not path.is_dir():
            yield path


def content_key(*parts: str | bytes | Path) -> str:
    """12 hex digits that change with any text, file or folder (names, modes, bytes) in `parts`."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path) and part.is_dir():
            for path in files_below(part):
                digest.update(f"{path.relative_to(part)}\0{path.lstat().st_mode}\0".encode())
                digest.update(_content(path))
        elif isinstance(part, Path):
            digest.update(_content(part))
        else:
            digest.update(part if isinstance(part, bytes) else part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:12]


def _content(path: Path) -> bytes:
    return str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()


@contextmanager
def building(name: str) -> Iterator[None]:
    """Only one process builds `name`; the others wait and then find it built."""
    with (cache_home() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def only_stand() -> Iterator[None]:
    """Holds podman's one stand; raises StandBusy, naming the holder, if it is taken.

    The stand owns a network and host ports, so there is one per machine, not one per user; the
    lock is where podman's networks are, which are others apart.
    STAND_WAIT in the environment is how many seconds to wait for the other one's end (0).
    """
    deadline = time.monotonic() + float(os.environ.get("STAND_WAIT", "0"))
    folder = Path("/run/containers")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ev-home-apps-stand.lock").open("a+") as lock:
        while not _try_lock(lock):
            if time.monotonic() >= deadline:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise StandBusy(f"another stand runs on this machine (process {holder})")
            time.sleep(1)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
