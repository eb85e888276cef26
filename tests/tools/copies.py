"""`make copies`: spreads the modules that every app carries as the same text.

The apps share nothing at run or build time, so each has a copy; ocpp_proxy holds the master.
"""

from __future__ import annotations

import sys

from tests import environments
from tests.environments import ROOT

MASTER = "ocpp_proxy"
COPIED = ("logs.py", "supervisor.py")
COPIED_FOLDER = "homeassistant"


def copied_modules() -> list[str]:
    """Paths below a package of the modules that are copies, in every app alike."""
    folder = ROOT / MASTER / MASTER / COPIED_FOLDER
    return [*COPIED, *(f"{COPIED_FOLDER}/{path.name}" for path in sorted(folder.glob("*.py")))]


def spread() -> int:
    """Writes every copy that differs; returns how many were written."""
    written = 0
    for app in environments.apps():
        if app == MASTER:
            continue
        for name in copied_modules():
            master = ROOT / MASTER / MASTER / name
            copy = ROOT / app / app / name
            if copy.exists() and copy.read_bytes() == master.read_bytes():
                continue
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(master.read_bytes())
            print(f"wrote {copy.relative_to(ROOT)}")
            written += 1
    return written


if __name__ == "__main__":
    if not (ROOT / MASTER / MASTER / COPIED_FOLDER).is_dir():
        sys.exit(f"make copies: {MASTER} has no {COPIED_FOLDER}/ yet")
    print(f"{spread()} copies written")
