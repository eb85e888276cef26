"""The bodies an Enphase gateway sends, made of the house; shapes as pyenphase has recorded them."""

from __future__ import annotations

from typing import Any

from .house import House

EIDS = {"production": 704643328, "net-consumption": 704643584, "total-consumption": 704643840}
_UNKNOWN_EID = 1023410688
_MODES = {"single": ("single", 1), "split": ("split", 2), "three": ("three", 3)}


def info(serial: str, software: str, *, metered: bool, web_tokens: bool) -> str:
    """`/info`."""
    tokens = "<web-tokens>true</web-tokens>" if web_tokens else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<envoy_info><time>1700000000</time><device>'
        f"<sn>{serial}</sn><pn>800-00654-r08</pn><software>{software}</software>"
        f"<euaid>4c8675</euaid><seqnum>0</seqnum><apiver>1</apiver>"
        f"<imeter>{str(metered).lower()}</imeter></device>{tokens}"
        "<build_info><build_id>release</build_id><build_time_gmt>1690000000</build_time_gmt>"
        "</build_info></envoy_info>"
    )


def power(house: House, kind: str) -> float:
    """Active power of a meter, positive towards the switchboard."""
    return {
        "production": house.pv_w,
        "net-consumption": house.grid_w,
        "total-consumption": house.load_w,
    }[kind]


def meters(house: House, kinds: tuple[str, ...], *, flags: bool) -> list[dict[str, Any]]:
    """`/ivp/meters`; old firmware has no `statusFlags`."""
    mode, count = _MODES[house.wiring]
    rows = [
        {
            "eid": EIDS[kind],
            "state": "enabled",
            "measurementType": kind,
            "phaseMode": mode,
            "phaseCount": count,
            "meteringStatus": "normal",
        }
        for kind in kinds
    ]
    return [{**row, "statusFlags": []} for row in rows] if flags else rows


def readings(house: House, kinds: tuple[str, ...], stamp: int) -> list[dict[str, Any]]:
    """`/ivp/meters/readings`; the order is not that of the meters, and one eid nobody describes."""
    rows = [_reading(house, EIDS[kind], power(house, kind), stamp) for kind in reversed(kinds)]
    return [*rows, _reading(house, _UNKNOWN_EID, 12345.0, stamp)]


def _reading(house: House, eid: int, watts: float, stamp: int) -> dict[str, Any]:
    channels = [
        _fields(eid + 1 + index, leg, house.leg_volts, stamp)
        for index, leg in enumerate(house.per_leg(watts))
    ]
    total = _fields(eid, watts, house.leg_volts * house.legs, stamp)
    total["current"] = sum(channel["current"] for channel in channels)
    return {**total, "channels": channels}


def _fields(eid: int, watts: float, volts: float, stamp: int) -> dict[str, Any]:
    return {
        "eid": eid,
        "timestamp": stamp,
        "actEnergyDlvd": 3183793.885,
        "actEnergyRcvd": 0.0,
        "apparentEnergy": 4000000.0,
        "reactEnergyLagg": 607500.0,
        "reactEnergyLead": 4.2,
        "instantaneousDemand": watts,
        "activePower": watts,
        "apparentPower": abs(watts) * 1.02,
        "reactivePower": abs(watts) * 0.1,
        "pwrFactor": 0.98,
        "voltage": volts,
        "current": abs(watts) / volts if volts else 0.0,
        "freq": 60.0,
    }


def production(
    house: House, kinds: tuple[str, ...], stamp: int, *, details: bool, total_is_net: bool
) -> dict[str, Any]:
    """`/production.json`."""
    inverters = {
        "type": "inverters",
        "activeCount": 20,
        "readingTime": stamp,
        "wNow": round(house.pv_w),
        "whLifetime": 3209588,
    }
    eim = _eim(house, "production", stamp, details=details)
    if "production" not in kinds:
        eim["activeCount"] = 0
    consumption = []
    for kind in ("total-consumption", "net-consumption"):
        if {"net-consumption", "total-consumption"} & set(kinds):
            shown = "net-consumption" if total_is_net else kind
            consumption.append(
                {**_eim(house, shown, stamp, details=details), "measurementType": kind}
            )
    storage = {"type": "acb", "activeCount": 0, "readingTime": 0, "wNow": 0, "whNow": 0}
    return {
        "production": [inverters, eim],
        "consumption": consumption,
        "storage": [{**storage, "state": "idle"}],
    }


def _eim(house: House, kind: str, stamp: int, *, details: bool) -> dict[str, Any]:
    watts = power(house, kind)
    lines = [_line(leg, house.leg_volts) for leg in house.per_leg(watts)]
    block = {
        "type": "eim",
        "activeCount": 1,
        "measurementType": kind,
        "readingTime": stamp,
        **_line(watts, house.leg_volts * house.legs),
    }
    return {**block, "lines": lines} if details else block


def _line(watts: float, volts: float) -> dict[str, Any]:
    return {
        "wNow": round(watts, 3),
        "whLifetime": 3183793.885,
        "varhLeadLifetime": 4.2,
        "varhLagLifetime": 607500.0,
        "vahLifetime": 4000000.0,
        "rmsCurrent": round(abs(watts) / volts, 3) if volts else 0.0,
        "rmsVoltage": volts,
        "reactPwr": 100.0,
        "apprntPwr": round(abs(watts) * 1.02, 3),
        "pwrFactor": 0.98,
        "whToday": 17920.0,
        "whLastSevenDays": 158000.0,
        "vahToday": 20000.0,
        "varhLeadToday": 1.0,
        "varhLagToday": 2000.0,
    }


def stream_event(house: House, kinds: tuple[str, ...]) -> dict[str, Any]:
    """One event of `/stream/meter`; a kind that is not fitted has dead phases."""
    return {
        kind: {
            phase: _phase(house, kind if kind in kinds else None, index)
            for index, phase in enumerate(("ph-a", "ph-b", "ph-c"))
        }
        for kind in ("production", "net-consumption", "total-consumption")
    }


def _phase(house: House, kind: str | None, index: int) -> dict[str, float]:
    if kind is None or index >= house.legs:
        return dict.fromkeys(("p", "q", "s", "v", "i", "pf", "f"), 0.0)
    watts = house.per_leg(power(house, kind))[index]
    amps = abs(watts) / house.leg_volts
    known = (watts, 10.0, abs(watts), house.leg_volts, amps, 0.98, 60.0)
    return dict(zip(("p", "q", "s", "v", "i", "pf", "f"), known, strict=True))
