"""What page and MQTT may change: a stored value wins until its option's value changes. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import SolarChargerError
from .journal.store import SettingRow
from .options import Options
from .settings import Mode, Takeover

OPTION_OF = {"mode": "initial_mode"}
"""The option of a setting, where it has another name."""
NAMES = (
    "mode", "dry_run", "takeover", "enabled", "max_amps", "min_amps", "target_soc", "deadline",
    "deadline_soc", "start_w",
)  # fmt: skip
RANGES = {
    "max_amps": (1, 80),
    "min_amps": (1, 16),
    "target_soc": (50, 100),
    "deadline_soc": (1, 100),
    "start_w": (0, 20000),
}
DEADLINE = re.compile(r"|([01]\d|2[0-3]):[0-5]\d")


class SettingError(SolarChargerError):
    """A value that cannot be used; the text names the setting."""


def check(name: str, value: Any) -> Any:
    """The value as it is stored. Raises SettingError."""
    checker = _CHECKS.get(name)
    if checker is None:
        raise SettingError(f"{name[:40]} is no setting; there are {', '.join(NAMES)}")
    return checker(name, value)


def _number(name: str, value: Any) -> int | None:
    low, high = RANGES[name]
    if value is None and name == "start_w":
        return None
    whole = isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    if not whole or not low <= value <= high:
        raise SettingError(f"{name} wants a whole number from {low} to {high}")
    return int(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise SettingError(f"{name} wants true or false")
    return value


def _deadline(name: str, value: Any) -> str:
    if not isinstance(value, str) or not DEADLINE.fullmatch(value):
        raise SettingError(f"{name} wants a time like 07:30, or nothing")
    return value


def _word(words: tuple[str, ...], fold: Callable[[str], str]) -> Callable[[str, Any], str]:
    def checked(name: str, value: Any) -> str:
        word = fold(value.strip()) if isinstance(value, str) else ""
        if word not in words:
            raise SettingError(f"{name} wants one of {', '.join(words)}")
        return word

    return checked


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(RANGES, _number),
    "mode": _word(tuple(mode.value for mode in Mode), str.upper),
    "takeover": _word(tuple(word.value for word in Takeover), str.lower),
    "dry_run": _flag,
    "enabled": _flag,
    "deadline": _deadline,
}


class StoredSettings:
    """The options with what was chosen since."""

    def __init__(self, options: Options, rows: Mapping[str, SettingRow]) -> None:
        self._options = options
        self._stored: dict[str, Any] = {}
        self.outdated: list[str] = []
        """Stored settings whose option has changed since: they no longer count."""
        for name, row in rows.items():
            if name not in NAMES:
                continue
            if row.option_value != self.option(name):
                self.outdated.append(name)
                continue
            try:
                self._stored[name] = check(name, row.value)
            except SettingError:
                self.outdated.append(name)

    def option(self, name: str) -> Any:
        """What the options file says."""
        if name == "enabled":
            return True
        value = getattr(self._options, OPTION_OF.get(name, name))
        return "" if name == "deadline" and value is None else value

    def get(self, name: str) -> Any:
        """The value in force."""
        return self._stored.get(name, self.option(name))

    def put(self, name: str, value: Any) -> None:
        """Take a checked value that has been stored."""
        self._stored[name] = value

    def row(self, name: str, value: Any) -> SettingRow:
        """What to store."""
        return SettingRow(value, self.option(name))

    def check_all(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Checked changes that also fit together with the rest. Raises SettingError."""
        checked = {str(name): check(str(name), value) for name, value in changes.items()}
        least = checked.get("min_amps", self.get("min_amps"))
        most = checked.get("max_amps", self.get("max_amps"))
        if least > most:
            name = "min_amps" if "min_amps" in checked else "max_amps"
            raise SettingError(f"{name}: min_amps {least} A is above max_amps {most} A")
        return checked

    @property
    def mode(self) -> Mode:
        """What the owner chose."""
        return Mode(self.get("mode"))

    def overrides(self) -> dict[str, Any]:
        """For `options_settings.settings_of`: stored values by the names of `Settings`."""
        found = {name: self._stored[name] for name in RANGES if name in self._stored}
        if "deadline" in self._stored:
            found["deadline"] = self._stored["deadline"]
        if "takeover" in self._stored:
            found["takeover"] = Takeover(self._stored["takeover"])
        return found

    def table(self) -> dict[str, dict[str, Any]]:
        """{name: {value, from}}."""
        return {
            name: {
                "value": self.get(name),
                "from": "stored" if name in self._stored else "option",
            }
            for name in NAMES
        }
