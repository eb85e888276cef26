"""Makes grid, production and house figures of a gateway's measurements; pure.

Grid power is positive on import. With a current transformer at the grid's edge
(`net-consumption`) it is measured, with one around the house (`total-consumption`) it is house
less production.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..readings import PhaseAmps
from .answers import Channel, Meter, MeterReading, Production

NET, TOTAL, PRODUCED, STORED = "net-consumption", "total-consumption", "production", "storage"
_SAME_W = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """One instant; None is "not measured"."""

    grid_w: float | None = None
    grid_estimated: bool = False
    production_w: float | None = None
    load_w: float | None = None
    battery_w: float | None = None
    phase_amps: PhaseAmps | None = None
    volts: float | None = None
    """Phase to neutral, on a split phase line to line."""
    stamp: tuple[int | None, ...] | None = None
    """The gateway's time stamps of the grid figure; None where it gives none."""


def usable(meters: Iterable[Meter]) -> tuple[Meter, ...]:
    """Meters that measure; `check-wiring` is shown to people and counts all the same."""
    return tuple(m for m in meters if m.enabled and m.metering != "not-metering")


def has_grid(meters: Iterable[Meter]) -> bool:
    """True where the meters tell what flows at the grid's edge."""
    kinds = {meter.kind for meter in meters}
    return NET in kinds or {TOTAL, PRODUCED} <= kinds


def from_readings(meters: Sequence[Meter], rows: Mapping[int, MeterReading]) -> Figures:
    """Join meters with their readings by eid; an eid nobody describes is ignored."""
    by_kind: dict[str, list[MeterReading]] = {}
    modes: dict[str, str | None] = {}
    for meter in meters:
        if meter.eid in rows:
            by_kind.setdefault(meter.kind, []).append(rows[meter.eid])
            modes[meter.kind] = meter.phase_mode
    edge = NET if by_kind.get(NET) else TOTAL
    edge_rows = by_kind.get(edge, [])
    watts = {kind: _sum(row.total.active_power for row in found) for kind, found in by_kind.items()}
    channels = edge_rows[0].channels or (edge_rows[0].total,) if edge_rows else ()
    return _combine(
        net=watts.get(NET),
        total=watts.get(TOTAL),
        produced=watts.get(PRODUCED),
        stored=watts.get(STORED),
        phase_amps=_phase_amps(channels) if edge == NET and len(edge_rows) == 1 else None,
        volts=_volts(channels, modes.get(edge)),
        stamp=_stamps(row.stamp for row in edge_rows),
    )


def from_production(answer: Production) -> Figures:
    """The figures of `/production.json`, which knows no phases without `details`."""
    net, total, produced = answer.net, answer.total, answer.production
    source = net or total
    volts = source.volts / source.phases if source and source.volts else None
    return _combine(
        net=net.watts if net else None,
        total=total.watts if total else None,
        produced=produced.watts if produced else None,
        volts=volts,
        stamp=_stamps([source.stamp]) if source else None,
    )


def from_stream(event: Mapping[str, tuple[Channel, ...]]) -> Figures:
    """The figures of one event of `/stream/meter`; a kind without live phases is not fitted."""
    watts = {
        kind: _sum(channel.active_power for channel in channels)
        for kind, channels in event.items()
        if channels
    }
    edge = event.get(NET) or ()
    return _combine(
        net=watts.get(NET),
        total=watts.get(TOTAL),
        produced=watts.get(PRODUCED),
        stored=watts.get(STORED),
        phase_amps=_phase_amps(edge) if edge else None,
        volts=_volts(edge or event.get(TOTAL) or (), None),
    )


def _combine(
    *,
    net: float | None,
    total: float | None,
    produced: float | None,
    stored: float | None = None,
    phase_amps: PhaseAmps | None = None,
    volts: float | None = None,
    stamp: tuple[int | None, ...] | None = None,
) -> Figures:
    # That storage counts positive while it discharges is unverified.
    estimated = net is None
    grid = net
    if net is None and total is not None and produced is not None:
        grid = total - produced - (stored or 0.0)
    load = total
    # Firmware 8.3.5433 reports the net figure as the house's (pyenphase `docs/known_issues.md`).
    if (
        net is not None
        and produced is not None
        and (total is None or abs(total - net) < _SAME_W <= abs(produced))
    ):
        load = net + produced + (stored or 0.0)
    return Figures(
        grid_w=grid,
        grid_estimated=estimated and grid is not None,
        production_w=produced,
        load_w=load,
        battery_w=stored,
        phase_amps=phase_amps,
        volts=volts,
        stamp=stamp,
    )


def _sum(values: Iterable[float | None]) -> float | None:
    """A sum with a part missing is unknown, not smaller."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if found and len(known) == len(found) else None


def _phase_amps(channels: Sequence[Channel]) -> PhaseAmps | None:
    amps = [channel.signed_current for channel in channels[:3]]
    if not any(value is not None for value in amps):
        return None
    a, b, c = (*amps, None, None, None)[:3]
    return a, b, c


def _volts(channels: Sequence[Channel], phase_mode: str | None) -> float | None:
    live = [channel.voltage for channel in channels if channel.voltage]
    if not live:
        return None
    # Two legs of 120 V are a split phase; its 240 V is what a car charges with.
    split = phase_mode == "split" or (phase_mode is None and len(live) == 2)
    return sum(live) if split else sum(live) / len(live)


def _stamps(stamps: Iterable[int | None]) -> tuple[int | None, ...] | None:
    found = tuple(stamps)
    return found if any(stamp is not None for stamp in found) else None
