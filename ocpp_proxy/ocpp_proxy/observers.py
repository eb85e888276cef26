"""What an observer of the stations is told. Copies only: an observer never touches the relay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .relay.events import Leg


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """How a charger is connected: `peer` its address, `subprotocol` empty when it offered none."""

    peer: str
    subprotocol: str = ""


class Observer(Protocol):
    """Told in the order in which things happened; messages may be missing when it is too slow.

    `station` is the station id as the charger wrote it, percent-decoded. `monotonic` and `wall`
    are seconds of the two clocks, `wall` being Unix time.
    """

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
        """A message of one side: `leg` CHARGER means on its way to upstream, and the reverse.

        `own`: made, rewritten or repeated by the proxy. A message that a rule rewrote comes twice,
        first as received, then as sent, with the same id.
        """

    def connected(self, station: str, facts: ConnectionFacts, monotonic: float) -> None:
        """The charger's connection stands; upstream's does too."""

    def disconnected(self, station: str, monotonic: float) -> None:
        """The charger's connection is gone."""

    def upstream(self, station: str, up: bool) -> None:
        """Upstream's connection for this station came or went."""

    def latency(self, station: str, leg: Leg, ms: float) -> None:
        """Round trip of a ping on one leg, in milliseconds."""
