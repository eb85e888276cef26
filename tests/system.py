"""Debian packages that tests need: installed by the tests themselves where they may."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass

# apt refuses a second one at a time, and stages may run side by side.
_INSTALLING = threading.Lock()


class CannotInstall(Exception):
    """A package is missing and cannot be installed here; the text says what to do."""


@dataclass(frozen=True)
class SystemPackages:
    """Debian packages by name; an empty list needs nothing."""

    names: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """Those that dpkg does not know as installed (none on a system without dpkg)."""
        return tuple(name for name in self.names if not _installed(name))

    def install(self) -> None:
        """Installs what is missing, with one line of progress; raises CannotInstall."""
        with _INSTALLING:
            self._install_missing()

    def _install_missing(self) -> None:
        missing = self.missing()
        if not missing:
            return
        if os.geteuid() != 0:
            raise CannotInstall(f"not root; as root: apt-get install {' '.join(missing)}")
        print(f"  installing {' '.join(missing)} …", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing],
        ):
            result = subprocess.run(
                command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            if result.returncode != 0:
                raise CannotInstall(f"{' '.join(command[:2])}: {result.stderr.strip()[-300:]}")


def _installed(name: str) -> bool:
    try:
        result = subprocess.run(
            ["dpkg-query", "-W", "-f=${Status}", name], capture_output=True, text=True
        )
    except FileNotFoundError:
        return False
    return result.stdout.startswith("install ok installed")
