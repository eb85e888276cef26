"""The configuration keys of a simulated wallbox (OCPP 1.6 §9)."""

from __future__ import annotations

from typing import Any

from .wallbox_power import MEASURANDS, PHASE_MEASURANDS
from .wallbox_quirks import Quirks

_READ_ONLY = {
    "NumberOfConnectors",
    "SupportedFeatureProfiles",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
    "GetConfigurationMaxKeys",
}
_WRITE_ONLY = {"AuthorizationKey"}
_NUMBERS = {"HeartbeatInterval", "MeterValueSampleInterval", "WebSocketPingInterval"}
_PROFILES = (
    "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
)


class Settings:
    """Configuration keys with the answers GetConfiguration and ChangeConfiguration give."""

    def __init__(self, quirks: Quirks) -> None:
        units = {"A": "Current", "W": "Power"}
        self._measurands = PHASE_MEASURANDS if quirks.phase_values_only else MEASURANDS
        self.values: dict[str, str] = {
            "AuthorizeRemoteTxRequests": "false",
            "ChargeProfileMaxStackLevel": "8",
            "ChargingScheduleAllowedChargingRateUnit": ",".join(
                units[unit] for unit in sorted(quirks.limit_units)
            ),
            "ChargingScheduleMaxPeriods": "24",
            "ConnectionTimeOut": "60",
            "GetConfigurationMaxKeys": "50",
            "HeartbeatInterval": "60",
            "LocalAuthListEnabled": "false",
            "LocalPreAuthorize": "false",
            "MaxChargingProfilesInstalled": "16",
            "MeterValueSampleInterval": "60",
            "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import",
            "NumberOfConnectors": str(quirks.connectors),
            "SupportedFeatureProfiles": _PROFILES,
            "WebSocketPingInterval": "0",
            **quirks.configuration,
        }

    def measurands(self) -> tuple[str, ...]:
        """What MeterValues carry."""
        return tuple(self.values["MeterValuesSampledData"].split(","))

    def number(self, key: str) -> int:
        """A setting in whole seconds or pieces."""
        return int(self.values[key])

    def get(self, wanted: list[str] | None) -> dict[str, Any]:
        """The answer to GetConfiguration; no list or an empty one means every key."""
        names = wanted or sorted(set(self.values) - _WRITE_ONLY)
        known = [
            {"key": name, "readonly": name in _READ_ONLY}
            | ({} if name in _WRITE_ONLY else {"value": self.values[name]})
            for name in names
            if name in self.values or name in _WRITE_ONLY
        ]
        unknown = [name for name in names if name not in self.values and name not in _WRITE_ONLY]
        return {"configurationKey": known} | ({"unknownKey": unknown} if unknown else {})

    def change(self, key: str, value: str) -> str:
        """The status ChangeConfiguration answers."""
        if key not in self.values and key not in _WRITE_ONLY:
            return "NotSupported"
        if key in _READ_ONLY:
            return "Rejected"
        if key in _NUMBERS and not value.isdecimal():
            return "Rejected"
        if key == "MeterValuesSampledData" and not set(value.split(",")) <= set(self._measurands):
            return "Rejected"
        self.values[key] = value
        return "Accepted"
