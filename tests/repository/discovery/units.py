"""Sensor device classes with their units and state classes.

Facts: home-assistant/core 2026.11.0, homeassistant/components/sensor/const.py.
"""

from __future__ import annotations

TOTALS = frozenset({"total", "total_increasing"})
MEASUREMENT = frozenset({"measurement"})
ANY = frozenset({"measurement", "measurement_angle", "total", "total_increasing"})
NONE: frozenset[str] = frozenset()

STATE_CLASSES = ANY

_ENERGY = "J kJ MJ GJ mWh Wh kWh MWh GWh TWh cal kcal Mcal Gcal thm"
_FLUX = "in/d in/h mm/d mm/h"
_GRAVITY = "μg/m³"
_PRESSURE = "mPa Pa hPa kPa bar cbar mbar mmHg inHg inH₂O psi atm"
_SPEED = "Beaufort ft/s in/s m/min m/s km/h kn mph mm/s"
_TEMPERATURE = "°C °F K"
_VOLUME = "ft³ CCF MCF m³ L mL gal"

_TEXTS: dict[str, str] = {
    "absolute_humidity": "g/m³ mg/m³",
    "apparent_power": "mVA VA kVA",
    "area": "m² cm² km² mm² in² ft² yd² mi² ac ha",
    "atmospheric_pressure": _PRESSURE,
    "battery": "%",
    "blood_glucose_concentration": "mg/dL mmol/L",
    "carbon_dioxide": "ppm",
    "carbon_monoxide": f"ppb ppm mg/m³ {_GRAVITY}",
    "conductivity": "S/cm μS/cm mS/cm",
    "current": "μA mA A",
    "data_rate": "bit/s kbit/s Mbit/s Gbit/s B/s kB/s MB/s GB/s KiB/s MiB/s GiB/s",
    "data_size": ("bit kbit Mbit Gbit B kB MB GB TB PB EB ZB YB KiB MiB GiB TiB PiB EiB ZiB YiB"),
    "distance": "mm cm m km in ft yd mi nmi",
    "duration": "d h min s ms μs",
    "energy": _ENERGY,
    "energy_distance": "kWh/100km Wh/km mi/kWh km/kWh",
    "energy_storage": _ENERGY,
    "frequency": "mHz Hz kHz MHz GHz",
    "gas": "CCF ft³ m³ L MCF",
    "humidity": "%",
    "illuminance": "lx",
    "irradiance": "W/m² BTU/(h⋅ft²)",
    "moisture": "%",
    "nitrogen_dioxide": f"ppb ppm {_GRAVITY}",
    "nitrogen_monoxide": f"ppb {_GRAVITY}",
    "nitrous_oxide": _GRAVITY,
    "ozone": f"ppb ppm {_GRAVITY}",
    "pm1": _GRAVITY,
    "pm10": _GRAVITY,
    "pm25": _GRAVITY,
    "pm4": _GRAVITY,
    "power": "mW W kW MW GW TW",
    "precipitation": "in mm cm",
    "precipitation_intensity": _FLUX,
    "pressure": _PRESSURE,
    "radon": "Bq/m³ pCi/L",
    "reactive_energy": "varh kvarh",
    "reactive_power": "mvar var kvar",
    "signal_strength": "dB dBm",
    "sound_pressure": "dB dBA",
    "speed": f"{_SPEED} {_FLUX}",
    "sulphur_dioxide": f"ppb {_GRAVITY}",
    "temperature": _TEMPERATURE,
    "temperature_delta": _TEMPERATURE,
    "volatile_organic_compounds": f"{_GRAVITY} mg/m³",
    "volatile_organic_compounds_parts": "ppb ppm",
    "voltage": "μV mV V kV MV",
    "volume": _VOLUME,
    "volume_flow_rate": "m³/h m³/min m³/s ft³/min L/h L/min L/s gal/h gal/min gal/d mL/s",
    "volume_storage": _VOLUME,
    "water": "CCF ft³ m³ gal L MCF",
    "weight": "g kg mg μg oz lb st",
    "wind_direction": "°",
    "wind_speed": _SPEED,
}

UNITS: dict[str, frozenset[str | None]] = {
    **{name: frozenset(text.split()) for name, text in _TEXTS.items()},
    "volume": frozenset([*_VOLUME.split(), "fl. oz."]),
    "volume_storage": frozenset([*_VOLUME.split(), "fl. oz."]),
    "power_factor": frozenset({"%", None}),
    "aqi": frozenset({None}),
    "ph": frozenset({None}),
    "date": frozenset({None}),
    "enum": frozenset({None}),
    "timestamp": frozenset({None}),
    "uptime": frozenset({None}),
}
"""Units by device class; None stands for "no unit". `monetary` takes any ISO 4217 code."""

SENSOR_CLASSES = frozenset(UNITS) | {"monetary"}
NUMBER_CLASSES = SENSOR_CLASSES - {"date", "enum", "timestamp", "uptime"}

_SPECIAL: dict[str, frozenset[str]] = {
    "date": NONE,
    "enum": NONE,
    "timestamp": NONE,
    "uptime": NONE,
    "area": ANY,
    "data_size": ANY,
    "distance": ANY,
    "duration": ANY,
    "precipitation": ANY,
    "weight": MEASUREMENT | TOTALS,
    "energy": TOTALS,
    "gas": TOTALS,
    "reactive_energy": TOTALS,
    "volume": TOTALS,
    "water": TOTALS,
    "monetary": frozenset({"total"}),
    "wind_direction": frozenset({"measurement_angle"}),
}


def allowed_state_classes(device_class: str) -> frozenset[str]:
    """State classes that keep long-term statistics for a device class."""
    return _SPECIAL.get(device_class, MEASUREMENT)
