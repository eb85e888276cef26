"""Follows the stations' states where nobody else does, decoding as little as can be.

Meter values are most of what wallboxes say: only the newest of each connector waits, and it is
looked into when somebody looks or when something else happens at the station.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..following import Follower
from ..observers import ConnectionFacts
from ..relay.events import Leg
from ..station import Station

MOST_STATIONS = 100
MOST_WAITING = 64
_CONNECTOR = re.compile(rb'"connectorId"\s*:\s*"?(\d{1,6})')
# Whose CALLs or answers tell nothing that the page shows.
_DULL = frozenset({"Heartbeat", "MeterValues", "DiagnosticsStatusNotification", ""})

_Arguments = tuple[Leg, bytes, float, float, bool]


@dataclass(slots=True)
class _Followed:
    follower: Follower
    meter_values: dict[tuple[bytes, bool], _Arguments] = field(default_factory=dict)

    def catch_up(self) -> None:
        """Look into what waits, in the order in which it came."""
        waiting, self.meter_values = self.meter_values, {}
        for arguments in waiting.values():
            self.follower.message(*arguments)


class States:
    """States of at most 100 stations; one that is gone makes room for the next."""

    def __init__(self) -> None:
        self._followed: dict[str, _Followed] = {}

    def stations(self, now: float) -> Mapping[str, Station]:
        """All of them by id, up to date at `now` (monotonic)."""
        for each in self._followed.values():
            each.catch_up()
            each.follower.tick(now)
        return {station: each.follower.station for station, each in self._followed.items()}

    def forget(self, station: str) -> bool:
        """Drop one; whether it was there. A connected one begins anew."""
        known = self._followed.pop(station, None)
        return known is not None

    def connected(self, station: str, facts: ConnectionFacts) -> None:
        """The charger's connection stands."""
        if followed := self._find(station):
            followed.follower.connected(facts)

    def disconnected(self, station: str) -> None:
        """The charger's connection is gone."""
        if followed := self._followed.get(station):
            followed.catch_up()
            followed.follower.disconnected()

    def message(
        self, kind: str, action: str, station: str, leg: Leg, data: bytes, now: float,
        wall: float, own: bool,
    ) -> None:  # fmt: skip
        """One message; `action` of an answer is that of its CALL."""
        followed = self._find(station)
        if followed is None:
            return
        if kind == "CALL" and action == "MeterValues" and leg is Leg.CHARGER:
            self._keep(followed, (leg, data, now, wall, own))
        elif action not in _DULL:
            followed.catch_up()
            followed.follower.message(leg, data, now, wall, own)

    def _keep(self, followed: _Followed, arguments: _Arguments) -> None:
        match = _CONNECTOR.search(arguments[1])
        # What a rule rewrote counts only together with what it was, so both wait.
        key = (match[1] if match else b"", arguments[4])
        # Taken out first, so that what waits keeps its order.
        followed.meter_values.pop(key, None)
        followed.meter_values[key] = arguments
        if len(followed.meter_values) > MOST_WAITING:
            del followed.meter_values[next(iter(followed.meter_values))]

    def _find(self, station: str) -> _Followed | None:
        found = self._followed.get(station)
        if found is None:
            if len(self._followed) >= MOST_STATIONS and not self._make_room():
                return None
            found = self._followed[station] = _Followed(Follower(Station(station)))
        return found

    def _make_room(self) -> bool:
        for station, each in self._followed.items():
            if not each.follower.station.charger_connected:
                del self._followed[station]
                return True
        return False
