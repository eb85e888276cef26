"""Starts services by their dependencies and stops them the other way round, as s6-rc does."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from standin_init.definitions import Service
from standin_init.errors import ServiceFailure
from standin_init.log import Log


class Startable(Protocol):
    """What the order needs of a service; both may raise ServiceFailure."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def order_down(self) -> None: ...


class Order:
    """The services of the container and which of them are up."""

    def __init__(
        self, definitions: Mapping[str, Service], services: Mapping[str, Startable], log: Log
    ) -> None:
        self._definitions = definitions
        self._services = services
        self._log = log
        self._up: set[str] = set()

    async def start(self) -> bool:
        """Start all at the same time, each after its dependencies; False if any failed.

        What depends on a failed one stays down, all else is started.
        """
        starts: dict[str, asyncio.Task[bool]] = {}
        gate = asyncio.Event()
        for name in self._definitions:
            starts[name] = asyncio.create_task(self._start_one(name, starts, gate))
        gate.set()
        results = await asyncio.gather(*starts.values())
        return all(results)

    async def stop(self) -> None:
        """Stop all that are up, each after those that depend on it."""
        stops: dict[str, asyncio.Task[bool]] = {}
        gate = asyncio.Event()
        for name in sorted(self._up):
            stops[name] = asyncio.create_task(self._stop_one(name, stops, gate))
        gate.set()
        await asyncio.gather(*stops.values())

    def order_down(self) -> None:
        """Nothing is started again from here on, whatever dies."""
        for service in self._services.values():
            service.order_down()

    async def _start_one(
        self, name: str, starts: Mapping[str, "asyncio.Task[bool]"], gate: asyncio.Event
    ) -> bool:
        await gate.wait()
        needed = self._definitions[name].dependencies & starts.keys()
        if not all(await asyncio.gather(*(starts[each] for each in needed))):
            return False
        self._log.info(f"service {name}: starting")
        try:
            await self._services[name].start()
        except ServiceFailure as failure:
            self._log.warning(f"unable to start service {name}: {failure}")
            return False
        self._up.add(name)
        self._log.info(f"service {name} successfully started")
        return True

    async def _stop_one(
        self, name: str, stops: Mapping[str, "asyncio.Task[bool]"], gate: asyncio.Event
    ) -> bool:
        await gate.wait()
        dependents = [each for each in stops if name in self._definitions[each].dependencies]
        if not all(await asyncio.gather(*(stops[each] for each in dependents))):
            return False
        self._log.info(f"service {name}: stopping")
        try:
            await self._services[name].stop()
        except ServiceFailure as failure:
            self._log.warning(f"unable to stop service {name}: {failure}")
            return False
        self._log.info(f"service {name} successfully stopped")
        return True
