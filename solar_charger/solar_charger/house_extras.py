"""Two things only Home Assistant knows: prices of the coming hours, and how high the sun stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from .json_values import number, objects
from .measurements import PriceSlot
from .sources.home_assistant.entity import Entity
from .sources.home_assistant.rest import Core, CoreRest
from .sources.readings import Readings, SourceError

EACH_S = 300.0
SUN = "sun.sun"
_MOST_SLOTS = 2000


def parse_prices(attributes: Mapping[str, Any]) -> tuple[PriceSlot, ...]:
    """The attribute `prices`: [{start, end, price}], ISO times with zone; odd rows are left out.

    Raises SourceError where there is no usable row.
    """
    rows = attributes.get("prices")
    found = []
    for row in objects(rows[:_MOST_SLOTS]) if isinstance(rows, list) else []:
        start, end = _moment(row.get("start")), _moment(row.get("end"))
        price = number(row.get("price"))
        if start is not None and end is not None and price is not None and start < end:
            found.append(PriceSlot(start, end, price))
    if not found:
        raise SourceError("its attribute prices holds no row with start, end and price")
    return tuple(sorted(found, key=lambda slot: slot.start))


def parse_elevation(attributes: Mapping[str, Any]) -> float | None:
    """Degrees above the horizon, of Home Assistant's `sun.sun`."""
    elevation = number(attributes.get("elevation"))
    return elevation if elevation is not None and -90.0 <= elevation <= 90.0 else None


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


class EntityAttributes:
    """A Pollable over the attributes of one entity."""

    def __init__(
        self, core: Core, entity_id: str, name: str, read: Callable[[Entity], Readings]
    ) -> None:
        self._rest = CoreRest(core)
        self._entity_id = entity_id
        self._name = name
        self._read = read

    @property
    def name(self) -> str:
        """The word people see."""
        return self._name

    async def poll(self) -> Readings:
        """Ask once. Raises SourceError."""
        entity = await self._rest.state(self._entity_id)
        try:
            return self._read(entity)
        except SourceError as error:
            raise SourceError(f"{self._entity_id}: {error}") from error


def tariff(core: Core, entity_id: str) -> EntityAttributes:
    """Prices of `tariff_entity`."""
    return EntityAttributes(
        core, entity_id, "tariff", lambda entity: Readings(prices=parse_prices(entity.attributes))
    )


def sun(core: Core) -> EntityAttributes:
    """The sun's elevation."""
    return EntityAttributes(
        core, SUN, "sun", lambda entity: Readings(sun_elevation=parse_elevation(entity.attributes))
    )
