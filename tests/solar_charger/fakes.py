"""What the source tests share: a sink that waits, and JSON that devices could send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from solar_charger.measurements import BodyState, CarState
from solar_charger.sources.readings import Readings

WITHIN_S = 15.0
T = TypeVar("T")


class Collector:
    """A Sink that keeps what it is given and can be waited for."""

    def __init__(self) -> None:
        self.readings: list[Readings] = []
        self.errors: list[str] = []
        self._changed = asyncio.Event()

    def deliver(self, source: str, readings: Readings, part: str = "") -> None:
        if readings != Readings():
            self.readings.append(readings)
        self._changed.set()

    def failed(self, source: str, error: str, part: str = "") -> None:
        self.errors.append(error)
        self._changed.set()

    async def until(self, condition: Callable[[Collector], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()


class Clock:
    """A monotonic clock tests move by hand."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


ODD: list[object] = [
    None, True, False, 0, 1, -1, 5, 100, 101, 230, 2**31, 2**70, -0.0, 0.5, 1e308, float("inf"),
    float("-inf"), float("nan"), "", " ", "0", "-1", "1e999", "NaN", "nan", "24", "on", "unknown",
    "net-consumption", "production", "enabled", "eim", [], {}, [1], [{}], {"Charging": {}},
    {"a": None}, [[[]]], "\x00", "é" * 9,
]  # fmt: skip
"""What devices have sent or could send in place of a value."""

scalars = st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=6)
# Kept shallow: drawing deep structures takes longer than all readers together.
json_values = (
    scalars
    | st.lists(scalars, max_size=3)
    | st.dictionaries(st.sampled_from(["a", "eid", "wNow", "p", "v", "0"]), scalars, max_size=2)
)


def objects_with(*names: str) -> st.SearchStrategy[dict[str, object]]:
    """Objects that have some of these names, with any values."""
    return st.dictionaries(st.sampled_from(names), json_values, max_size=6)


def as_bytes(value: object) -> bytes:
    """JSON as devices write it, NaN and all."""
    return json.dumps(value).encode()


def known(value: T | None) -> T:
    """What has to be there."""
    assert value is not None
    return value


def car_state(data: object) -> CarState:
    """What a read of the charge state brings."""
    assert isinstance(data, CarState)
    return data


def body_state(data: object) -> BodyState:
    """What the body controller answers."""
    assert isinstance(data, BodyState)
    return data
