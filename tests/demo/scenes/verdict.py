"""What an app has to do in the demo: a list of named jobs, ticked off as they are seen."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """One line, written in one piece: the app writes to the same place."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Jobs:
    """Jobs an app must have done when the demo ends."""

    def __init__(self, *names: str) -> None:
        self._open = dict.fromkeys(names)

    def done(self, name: str) -> None:
        """Ticks a job off, once with a line; an unknown name is a mistake of the scene."""
        if name in self._open:
            del self._open[name]
            say(f"✔ {name}")

    def open(self) -> list[str]:
        """Names of the jobs not done yet."""
        return list(self._open)

    def exit_code(self) -> int:
        """0 if nothing is left; else names what is left and gives 1."""
        for name in self._open:
            say(f"✘ not done: {name}")
        return 1 if self._open else 0
