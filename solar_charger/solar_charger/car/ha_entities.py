"""Driver `ha_entities`: the car through Home Assistant's own entities for it.

Any integration that has a number for the current and a switch for charging will do
(yoziru/esphome-tesla-ble, Tesla Fleet, Teslemetry).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..measurements import BodyState, CarState, ChargingState, SleepStatus
from ..sources.home_assistant.entity import Entity
from ..sources.home_assistant.rest import CoreRest, ServiceNotSentError
from ..sources.readings import SourceError, SourceRefusedError
from .charge_state import parse_charge_state
from .link import Result, ResultClass


@dataclass(frozen=True, slots=True)
class CarEntities:
    """Entity ids; empty where there is none."""

    amps: str
    """A `number`."""
    charge: str
    """A `switch`."""
    wake: str = ""
    """A `button`."""
    limit: str = ""
    """A `number`."""


class HaEntitiesLink:
    """A VehicleLink made of services on entities. A service that returns has been carried out by
    the integration, not always by the car: the executor measures.
    """

    proves_home = False

    def __init__(
        self,
        core: CoreRest,
        entities: CarEntities,
        read_car: Callable[[], CarState | None] = lambda: None,
    ) -> None:
        """`read_car` gives what the rows of option `sensors` tell of the car."""
        self._core = core
        self._entities = entities
        self._read_car = read_car

    @property
    def name(self) -> str:
        """The option's word."""
        return "ha_entities"

    @property
    def wakes_by_itself(self) -> bool:
        """Without a wake button the integration is taken to wake the car as needed."""
        return not self._entities.wake

    async def set_amps(self, amps: int) -> Result:
        """Ask for `amps` per phase, 0…80."""
        return await self._call(self._entities.amps, "set_value", value=amps)

    async def start(self) -> Result:
        """Start charging."""
        return await self._call(self._entities.charge, "turn_on")

    async def stop(self) -> Result:
        """Stop charging."""
        return await self._call(self._entities.charge, "turn_off")

    async def set_limit(self, percent: int) -> Result:
        """Set the charge limit, 50…100 %."""
        if not self._entities.limit:
            told = "the charge limit has no entity: see option car_limit_entity"
            return Result(ResultClass.NOT_OFFERED, told)
        return await self._call(self._entities.limit, "set_value", value=percent)

    async def wake(self) -> Result:
        """Press the wake button; without one there is nothing to press."""
        if not self._entities.wake:
            return Result(ResultClass.OK, "no wake button is configured")
        return await self._call(self._entities.wake, "press")

    async def read_body(self) -> Result:
        """Whether the entities answer; integrations make them unavailable in different cases."""
        result = await self.read_charge()
        if not result.ok:
            return replace(result, data=None)
        return replace(result, data=BodyState(SleepStatus.UNKNOWN))

    async def read_charge(self) -> Result:
        """What sensors, number and switch tell of the charge."""
        begun = time.monotonic()
        try:
            amps = await self._core.state(self._entities.amps)
            charge = await self._core.state(self._entities.charge)
            limit = await self._core.state(self._entities.limit) if self._entities.limit else None
        except SourceError as error:
            return _unsent(error, time.monotonic() - begun)
        spent = time.monotonic() - begun
        sensed = self._read_car()
        if amps.value is None and charge.value is None and sensed in (None, CarState()):
            return Result(ResultClass.UNREACHABLE, "the car's entities are unavailable", spent)
        return Result(ResultClass.OK, "", spent, _state(sensed, amps, charge, limit))

    async def ping(self) -> Result:
        """The entities answer; a key is the integration's business."""
        return replace(await self.read_charge(), data=None)

    async def pair(self) -> Result:
        """Not over entities."""
        told = "the key is made and paired by the integration that owns these entities"
        return Result(ResultClass.NOT_OFFERED, told)

    async def close(self) -> None:
        """Nothing is held between calls."""

    async def _call(self, entity_id: str, service: str, **data: Any) -> Result:
        if not entity_id:
            return Result(ResultClass.CONFIG, "no entity is configured for this")
        begun = time.monotonic()
        try:
            entity = await self._core.state(entity_id)
        except SourceError as error:
            return _unsent(error, time.monotonic() - begun)
        if entity.value is None and not entity_id.startswith("button."):
            told = f"{entity_id} is unavailable"
            return Result(ResultClass.UNREACHABLE, told, time.monotonic() - begun)
        domain = entity_id.partition(".")[0]
        try:
            await self._core.call(domain, service, {"entity_id": entity_id, **data})
        except SourceError as error:
            return _failure(error, time.monotonic() - begun)
        return Result(ResultClass.OK, "", time.monotonic() - begun)


def _failure(error: SourceError, spent: float) -> Result:
    """Of a service that was called."""
    if isinstance(error, ServiceNotSentError | SourceRefusedError):
        return _unsent(error, spent)
    return Result(ResultClass.UNKNOWN_RESULT, str(error), spent)


def _unsent(error: SourceError, spent: float) -> Result:
    """Of a question, or of a service that never went out: the car heard nothing."""
    refused = isinstance(error, SourceRefusedError)
    return Result(ResultClass.CONFIG if refused else ResultClass.RELAY_DOWN, str(error), spent)


def _state(sensed: CarState | None, amps: Entity, charge: Entity, limit: Entity | None) -> CarState:
    """Sensors first; number and switch fill what no sensor tells."""
    controls = parse_charge_state(
        {
            "chargeCurrentRequest": amps.value,
            "chargeCurrentRequestMax": amps.attributes.get("max"),
            "chargeLimitSoc": limit.value if limit else None,
        }
    )
    state = replace(
        sensed or CarState(),
        charge_current_request=controls.charge_current_request,
        charge_current_request_max=controls.charge_current_request_max,
    )
    if state.charge_limit_soc is None:
        state = replace(state, charge_limit_soc=controls.charge_limit_soc)
    if state.charging_state is ChargingState.UNKNOWN and charge.value == "on":
        state = replace(state, charging_state=ChargingState.CHARGING)
    return state
