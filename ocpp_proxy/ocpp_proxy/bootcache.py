"""The one small file with what is known of each station across restarts, written atomically."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import logs

log = logs.get("stations")

FORMAT = 1
LARGEST = 4 << 20


class BootCache:
    """`stations.json` under the data folder: `{"format": 1, "stations": {id: {…}}}`."""

    def __init__(self, folder: Path, delay: float = 1.0) -> None:
        self.path = folder / "stations.json"
        self._delay = delay
        self._snapshot: Callable[[], dict[str, Any]] | None = None
        self._task: asyncio.Task[None] | None = None
        self.writable = True

    def load(self) -> dict[str, dict[str, Any]]:
        """What was saved; a damaged file is set aside with a line in the log."""
        try:
            if self.path.stat().st_size > LARGEST:
                raise ValueError("it is too large")
            raw = json.loads(self.path.read_text(encoding="utf-8"))
            if raw["format"] != FORMAT or not isinstance(raw["stations"], dict):
                raise ValueError("it has another format")
        except FileNotFoundError:
            return {}
        except OSError as error:
            log.warning("%s cannot be read: %s", self.path, error.strerror)
            return {}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self._set_aside(error)
            return {}
        return {key: value for key, value in raw["stations"].items() if isinstance(value, dict)}

    def save_soon(self, snapshot: Callable[[], dict[str, Any]]) -> None:
        """Write what `snapshot` returns, at most once per `delay` seconds."""
        self._snapshot = snapshot
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._later())

    async def close(self) -> None:
        """Write now what is still waiting."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._write()

    async def _later(self) -> None:
        while self._snapshot is not None:
            await asyncio.sleep(self._delay)
            await asyncio.shield(self._write())
        self._task = None

    async def _write(self) -> None:
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is None:
            return
        try:
            content = {"format": FORMAT, "stations": snapshot()}
            text = json.dumps(content, ensure_ascii=False, indent=1)
            await asyncio.to_thread(_replace, self.path, text.encode("utf-8", "replace"))
            self.writable = True
        except OSError as error:
            self.writable = False
            self._snapshot = self._snapshot or snapshot  # tried again until it works
            log.limited(
                "error", "store", "", "%s cannot be written: %s; boot data will be lost at the "
                "next start", self.path, error.strerror,
            )  # fmt: skip
        except (ValueError, TypeError, OverflowError):
            # A fault of ours: the next change is written all the same.
            log.exception("%s was not written", self.path)

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_suffix(".damaged")
        try:
            self.path.replace(aside)
        except OSError:
            aside = self.path
        log.warning(
            "%s was damaged (%s) and is now %s; starting without it", self.path, error, aside
        )


def _replace(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a power cut leaves the old file or the new one."""
    handle, name = tempfile.mkstemp(prefix=path.name, suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
