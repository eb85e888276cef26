"""The page's observer: keeps the last messages and the stations' states, looked into on demand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from ..messages import Message, Recorder
from ..observers import ConnectionFacts
from ..relay.events import Leg
from ..station import Station
from .states import States

MOST = 500

Followed = Callable[[], Mapping[str, Station]]


class Watch:
    """An `Observer`; per message it costs one look at the head and a place in a ring of 500.

    `followed` tells the states that somebody else follows; without it they are followed here.
    """

    def __init__(self, *, mask_id_tags: bool = True, followed: Followed | None = None) -> None:
        self._recorder = Recorder(mask_id_tags=mask_id_tags)
        self._ring: deque[Message] = deque(maxlen=MOST)
        self._followed = followed
        self._states = None if followed is not None else States()
        self._waiting: set[Callable[[], None]] = set()
        self.heard: dict[str, float] = {}

    # For those who look.

    def after(self, number: int, most: int = MOST) -> list[Message]:
        """The oldest `most` messages with a higher number, in order."""
        found: list[Message] = []
        for message in reversed(self._ring):
            if message.number <= number:
                break
            found.append(message)
        found.reverse()
        return found[:most]

    def all(self) -> list[Message]:
        """The whole ring, the oldest first."""
        return list(self._ring)

    def stations(self, now: float) -> Mapping[str, Station]:
        """States by station id at `now` (monotonic)."""
        if self._followed is not None:
            return self._followed()
        assert self._states is not None
        return self._states.stations(now)

    def forget(self, station: str) -> bool:
        """Drop the state of a station; whether there was one. Its messages stay in the ring."""
        known = self.heard.pop(station, None) is not None
        return (self._states is not None and self._states.forget(station)) or known

    def tell(self, changed: Callable[[], None]) -> None:
        """Call `changed` after whatever happens, until `leave`."""
        self._waiting.add(changed)

    def leave(self, changed: Callable[[], None]) -> None:
        self._waiting.discard(changed)

    @property
    def watched(self) -> int:
        """How many are told."""
        return len(self._waiting)

    # Observer.

    def message(
        self,
        station: str,
        leg: Leg,
        data: bytes,
        text: bool,
        monotonic: float,
        wall: float,
        own: bool = False,
    ) -> None:
        """See `Observer`."""
        message = self._recorder.record(station, leg, data, monotonic, wall, own)
        self._ring.append(message)
        if leg is Leg.CHARGER and not own:
            self.heard[station] = wall
            if len(self.heard) > MOST:
                del self.heard[next(iter(self.heard))]
        if self._states is not None:
            self._states.message(message.kind, message.action, station, leg, data, monotonic,
                                 wall, own)  # fmt: skip
        self._changed()

    def connected(self, station: str, facts: ConnectionFacts, monotonic: float) -> None:
        """See `Observer`."""
        if self._states is not None:
            self._states.connected(station, facts)
        self._changed()

    def disconnected(self, station: str, monotonic: float) -> None:
        """See `Observer`."""
        self._recorder.disconnected(station)
        if self._states is not None:
            self._states.disconnected(station)
        self._changed()

    def upstream(self, station: str, up: bool) -> None:
        """See `Observer`."""
        self._changed()

    def latency(self, station: str, leg: Leg, ms: float) -> None:
        """See `Observer`; the legs know it themselves."""
        self._changed()

    def _changed(self) -> None:
        for tell in self._waiting:
            tell()
