"""Wall-clock moments of daily settings: deadlines and price rows, safe across clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from ..measurements import PriceSlot
from ..settings import TariffRow


def at_local(day: date, hhmm: str, zone: tzinfo) -> datetime:
    """The moment HH:MM of a day; in a missing hour the next valid minute, in a repeated the first.

    PEP 495: fold=0 picks the first of two; a time that does not exist comes back changed.
    """
    hour, minute = int(hhmm[:2]), int(hhmm[3:5])
    moment = datetime.combine(day, time(hour, minute), tzinfo=zone)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment.replace(tzinfo=None):
        return moment
    return _gap_end(moment, zone)


def _gap_end(moment: datetime, zone: tzinfo) -> datetime:
    """First minute after the gap that swallowed `moment`."""
    naive = moment.replace(tzinfo=None)
    for _ in range(24 * 60):
        naive += timedelta(minutes=1)
        tried = naive.replace(tzinfo=zone)
        if tried.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive:
            return tried
    return moment


def next_deadline(wall: datetime, hhmm: str, days: str, zone: tzinfo) -> datetime | None:
    """The next HH:MM after `wall` on an enabled weekday, or None where no day is enabled."""
    if not hhmm or "1" not in days:
        return None
    local = wall.astimezone(zone)
    for ahead in range(8):
        day = local.date() + timedelta(days=ahead)
        if days[day.weekday()] != "1":
            continue
        moment = at_local(day, hhmm, zone)
        if moment.timestamp() > wall.timestamp():
            return moment
    return None


def slots_of_rows(
    rows: tuple[TariffRow, ...], wall: datetime, zone: tzinfo, days: int = 3
) -> tuple[PriceSlot, ...]:
    """The rows laid over yesterday … `days` ahead; a row may pass midnight."""
    today = wall.astimezone(zone).date()
    made: list[PriceSlot] = []
    for ahead in range(-1, days):
        day = today + timedelta(days=ahead)
        for row in rows:
            begin = at_local(day, row.start, zone)
            passes = row.end <= row.start
            end = at_local(day + timedelta(days=1) if passes else day, row.end, zone)
            if end.timestamp() > begin.timestamp():
                made.append(PriceSlot(begin, end, row.price))
    return tuple(made)


def price_at(slots: tuple[PriceSlot, ...], wall: datetime) -> float | None:
    """Price per kWh at `wall`, the cheapest where rows overlap; None outside all."""
    now = wall.timestamp()
    prices = [slot.price for slot in slots if slot.start.timestamp() <= now < slot.end.timestamp()]
    return min(prices) if prices else None
