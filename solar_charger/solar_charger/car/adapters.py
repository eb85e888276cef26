"""Which Bluetooth adapters there are: after a hiccup hci0 often comes back as hci1."""

from __future__ import annotations

from pathlib import Path

SYSFS = Path("/sys/class/bluetooth")


def present(folder: Path = SYSFS) -> tuple[str, ...]:
    """Names of the adapters the kernel knows, in order; links such as `hci0:64` are no adapters."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return ()
    found = [name for name in names if name.startswith("hci") and name[3:].isdecimal()]
    return tuple(sorted(found, key=lambda name: int(name[3:])))


def choose(wanted: str, there: tuple[str, ...], default: str = "") -> str:
    """The wanted adapter where it is there or nothing else is, else the first that is there.

    `default` is what an empty wish stands for; an empty answer leaves the choice to the far side.
    """
    if not there or (wanted or default) in there or not (wanted or default):
        return wanted
    return there[0]
