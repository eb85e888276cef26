"""Whether this program itself is well: heartbeats of its loops, its listeners, its store.

Never the far side: a reader that waits for a dead gateway is well.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from . import logs

log = logs.get()

LOOP_SILENT_S = 120.0
WATCH_EACH_S = 5.0
EXIT_STUCK = 70
BEAT_WITHIN = {"controller": 60.0, "car": 420.0, "mqtt": 60.0}
"""Seconds of real time; a call to the car may take 300 s. Other beats: 60 s."""


class Health:
    """Beats come from the event loop; `report` may be asked from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beats: dict[str, float] = {}
        self.store_problem: Callable[[], str] = lambda: ""
        self.listening: Callable[[], bool] = lambda: True

    def beat(self, name: str) -> None:
        """The loop of this name turns."""
        self._beats[name] = self._clock()

    def expect(self, name: str) -> None:
        """This loop is about to begin: from now on its silence counts."""
        self._beats.setdefault(name, self._clock())

    def beater(self, name: str) -> Callable[[], None]:
        """A function that beats; the first beat is now."""
        self.beat(name)
        return lambda: self.beat(name)

    def silent(self, name: str) -> float:
        """Seconds since the last beat; 0 for a loop nobody expects."""
        last = self._beats.get(name)
        return 0.0 if last is None else self._clock() - last

    def report(self) -> tuple[bool, dict[str, Any]]:
        """(well, reasons): what `/health` says."""
        reasons = []
        for name in list(self._beats):
            silent = self.silent(name)
            if silent > BEAT_WITHIN.get(name, 60.0):
                reasons.append(f"{name} has been silent for {silent:.0f} s")
        if not self.listening():
            reasons.append("a listener does not accept")
        problem = self.store_problem()
        if problem:
            reasons.append(problem)
        beats = {name: round(self.silent(name), 1) for name in list(self._beats)}
        return not reasons, {"ok": not reasons, "reasons": reasons, "silent_s": beats}


class Watchdog:
    """A thread that ends the process when the controller's loop is stuck."""

    def __init__(
        self,
        health: Health,
        *,
        silent_s: float = LOOP_SILENT_S,
        each_s: float = WATCH_EACH_S,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._health = health
        self._silent_s = silent_s
        self._each_s = each_s
        self._leave = leave
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch; a control loop that never begins is as stuck as one that stopped."""
        self._health.expect("controller")
        self._thread.start()

    def stop(self) -> None:
        """An orderly end is no stuck loop."""
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(self._each_s):
            silent = self._health.silent("controller")
            if silent > self._silent_s:
                log.fatal("the control loop has been silent for %.0f s: starting anew", silent)
                self._leave(EXIT_STUCK)
                return
