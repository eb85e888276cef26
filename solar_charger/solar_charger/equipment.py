"""From the options to what is there: readers of the house, way to the car, other dashboard."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .car.link import VehicleLink
from .clock import Clock
from .errors import OptionError
from .homeassistant.broker import Broker
from .house import House, Watched
from .options import Options
from .sources.home_assistant.rest import Core
from .sources.polling import Pollable, Poller
from .sources.readings import Source
from .sources.roles import Role, SensorRow

if TYPE_CHECKING:
    from .simulator.demo_day import DemoPlant
    from .sources.dashboard import Dashboard

TWC_EACH_S = 5.0
FindBroker = Callable[[], Awaitable[Broker]]


@dataclass(slots=True)
class Equipment:
    """Everything that reaches outside; `remarks` say what is missing, as level and text."""

    sources: dict[str, Source] = field(default_factory=dict)
    link: VehicleLink | None = None
    link_problem: str = ""
    dashboard: Dashboard | None = None
    plant: DemoPlant | None = None
    remarks: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the equipment is built in."""

    options: Options
    data: Path
    clock: Clock
    house: House
    core: Core | None
    find_broker: FindBroker
    second: Callable[[], int]
    """Seconds since the local midnight before the start, for what is simulated."""


def sensor_rows(options: Options) -> tuple[SensorRow, ...]:
    """The rows of option `sensors`."""
    return tuple(
        SensorRow(Role(row.role), row.origin, row.invert, row.scale, float(row.max_age))
        for row in options.sensors
    )


def build(around: Surroundings) -> Equipment:
    """Everything the options ask for. Raises OptionError where they cannot be met."""
    made = Equipment()
    options = around.options
    if "simulated" in (options.source, options.vehicle_link):
        from .simulator.demo_day import DemoPlant

        made.plant = DemoPlant(around.second)
    if options.dashboard_url is not None:
        from .sources.dashboard import Dashboard

        key = options.api_key or ""
        made.dashboard = Dashboard(options.dashboard_url, key, clock=around.clock.now)
    _add_meter(around, made)
    _add_wall_connector(around, made)
    _add_sensors(around, made)
    _add_link(around, made)
    for name in made.sources:
        around.house.expect(name)
    return made


def _watched(around: Surroundings, device: Pollable) -> Watched:
    def refused(name: str, why: str) -> None:
        around.house.refused[name] = why

    return Watched(device, refused)


def _add(around: Surroundings, made: Equipment, device: Pollable, period_s: float) -> None:
    clock = around.clock
    watched = _watched(around, device)
    made.sources[device.name] = Poller(watched, period_s, clock=clock.now, sleep=clock.sleep)


def _add_meter(around: Surroundings, made: Equipment) -> None:
    options, clock = around.options, around.clock
    poll_s = float(options.poll_s)
    if options.source == "envoy":
        _add_envoy(around, made)
    elif options.source == "fronius":
        from .sources.fronius import FroniusSource

        _add(around, made, FroniusSource(options.inverter_host or "", clock=clock.now), poll_s)
    elif options.source == "solaredge":
        from .sources.solaredge import SolarEdgeSource

        host = options.inverter_host or ""
        device = SolarEdgeSource(host, options.inverter_unit, clock=clock.now)
        _add(around, made, device, poll_s)
    elif options.source == "dashboard":
        from .sources.dashboard import DashboardMeter

        assert made.dashboard is not None
        _add(around, made, DashboardMeter(made.dashboard), poll_s)
    elif options.source == "simulated":
        from .sources.simulated import SimulatedMeter

        assert made.plant is not None
        meter = SimulatedMeter(made.plant.meter, made.plant.second, clock.now)
        _add(around, made, meter, poll_s)


def _add_envoy(around: Surroundings, made: Equipment) -> None:
    options, clock = around.options, around.clock
    if options.envoy_host is None:
        if not options.sensors:
            told = "no meter yet: set envoy_host, or choose another source"
            made.remarks.append(("notice", told))
        return
    from .sources.envoy.cloud import Account
    from .sources.envoy.gateway import Access, Gateway
    from .sources.envoy.source import EnvoySource
    from .sources.envoy.stream import EnvoyStream
    from .sources.envoy.token import TokenFile

    account = None
    if options.envoy_username and options.envoy_password:
        account = Account(options.envoy_username, options.envoy_password)
    tokens = TokenFile(around.data / "envoy_token.json", options.envoy_token or "")
    access = Access(tokens, account)
    gateway = Gateway(options.envoy_host, access, clock=clock.now, wall=clock.wall)
    polled = EnvoySource(gateway, clock=clock.now)
    if options.envoy_stream:
        streamed = EnvoyStream(
            gateway, _watched(around, polled), float(options.poll_s),
            clock=clock.now, sleep=clock.sleep,
        )  # fmt: skip
        made.sources[streamed.name] = streamed
    else:
        _add(around, made, polled, float(options.poll_s))


def _add_wall_connector(around: Surroundings, made: Equipment) -> None:
    options, clock = around.options, around.clock
    if options.twc_host is not None:
        if options.twc_kind == "gen2":
            from .sources.twc_gen2 import WallConnectorGen2

            _add(around, made, WallConnectorGen2(options.twc_host, clock=clock.now), TWC_EACH_S)
        else:
            from .sources.twc_gen3 import WallConnectorGen3

            _add(around, made, WallConnectorGen3(options.twc_host, clock=clock.now), TWC_EACH_S)
    elif options.source == "dashboard" and made.dashboard is not None:
        from .sources.dashboard import DashboardWallConnector

        _add(around, made, DashboardWallConnector(made.dashboard), TWC_EACH_S)
    elif options.source == "simulated" and made.plant is not None:
        from .sources.simulated import SimulatedWallConnector

        plant = made.plant
        device = SimulatedWallConnector(plant.connector, plant.second, clock.now)
        _add(around, made, device, TWC_EACH_S)


def _add_sensors(around: Surroundings, made: Equipment) -> None:
    options, rows = around.options, sensor_rows(around.options)
    entities = [row for row in rows if row.entity_id is not None]
    topics = [row for row in rows if row.topic is not None]
    if (entities or options.tariff_entity) and around.core is None:
        raise OptionError(
            "sensors" if entities else "tariff_entity",
            "Home Assistant's entities are read through its Supervisor, and there is none",
            "use MQTT topics (from: mqtt:TOPIC), or run this as an app of Home Assistant",
        )
    if entities and around.core is not None:
        from .sources.home_assistant.live import HomeAssistantSource

        source = HomeAssistantSource(
            around.core, entities, clock=around.clock.now, wall=around.clock.wall
        )
        made.sources[source.name] = source
    if topics:
        from .mqtt_sensors import MqttSensors

        made.sources["mqtt"] = MqttSensors(topics, around.find_broker, around.clock.now)
    if around.core is not None:
        from . import house_extras

        if options.tariff_entity:
            prices = house_extras.tariff(around.core, options.tariff_entity)
            _add(around, made, prices, house_extras.EACH_S)
        if options.source != "simulated":
            # Any meter may tell no production, or stop telling it: then the sun makes night.
            _add_sun(around, made, house_extras.sun(around.core), house_extras.EACH_S)


def _add_sun(around: Surroundings, made: Equipment, device: Pollable, period_s: float) -> None:
    """Nobody asked for it, so an installation without `sun.sun` is no refusal to be told of."""
    clock = around.clock
    made.sources[device.name] = Poller(device, period_s, clock=clock.now, sleep=clock.sleep)


def _add_link(around: Surroundings, made: Equipment) -> None:
    options = around.options
    problem = ""
    if options.vehicle_link == "simulated":
        made.link = _simulated_link(around, made)
    elif options.vin is None:
        problem = "no vehicle identification number yet: set vin"
    elif options.vehicle_link == "python_ble" and not _asked_for(options) and _too_old():
        problem = "Bluetooth in this process needs Python 3.13; choose relay or tesla_control"
    else:
        made.link = _real_link(around, options.vin)
    if problem:
        made.link_problem = problem
        made.remarks.append(("notice", f"{problem}; page and API run, the car is left alone"))


def _asked_for(options: Options) -> bool:
    return "vehicle_link" in options.model_fields_set


def _too_old() -> bool:
    return sys.version_info < (3, 13)


def _simulated_link(around: Surroundings, made: Equipment) -> VehicleLink:
    from .car.simulated import SimulatedLink

    assert made.plant is not None
    return SimulatedLink(made.plant.radio, made.plant.second, around.clock.sleep)


def _real_link(around: Surroundings, vin: str) -> VehicleLink:
    options, key_file = around.options, around.data / around.options.key_file
    if options.vehicle_link == "relay":
        from .car.relay import RelayLink

        return RelayLink(options.relay_url or "", options.relay_api_key or "")
    if options.vehicle_link == "proxy_http":
        from .car.proxy_http import ProxyHttpLink

        return ProxyHttpLink(options.relay_url or "", vin)
    if options.vehicle_link == "tesla_control":
        from .car.tesla_control import Program, TeslaControlLink

        program = Program(
            vin,
            key_file,
            around.data / "session_cache.json",
            options.tesla_control_path,
            options.ble_adapter or "",
        )
        return TeslaControlLink(program)
    if options.vehicle_link == "ha_entities":
        return _entities_link(around)
    from .car.python_ble import DriverUnavailableError, PythonBleLink

    try:
        return PythonBleLink(vin, key_file, options.ble_adapter or "")
    except DriverUnavailableError as error:
        remedy = "choose relay or tesla_control, or run Python 3.13"
        raise OptionError("vehicle_link", str(error), remedy) from error


def _entities_link(around: Surroundings) -> VehicleLink:
    from .car.ha_entities import CarEntities, HaEntitiesLink
    from .sources.home_assistant.rest import CoreRest

    options, house = around.options, around.house
    if around.core is None:
        raise OptionError(
            "vehicle_link",
            "ha_entities works through Home Assistant's Supervisor, and there is none",
            "choose relay or tesla_control",
        )
    entities = CarEntities(
        options.car_amps_entity or "",
        options.car_charge_entity or "",
        options.car_wake_entity or "",
        options.car_limit_entity or "",
    )
    return HaEntitiesLink(CoreRest(around.core), entities, lambda: house.sensed_car)
