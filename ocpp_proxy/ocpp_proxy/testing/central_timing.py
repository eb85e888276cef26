"""When evcc 0.313 does what, in seconds, as seen on it; tests shrink what they would wait for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """All waits of the central system; the defaults are evcc's."""

    knows_after: float | None = 0.1  # from listening to knowing its chargers; None = when told
    connect_timeout: float = 300.0  # for the station, from knowing it
    boot_trigger: float = 5.0  # asks for a boot so long after the station connected
    boot_timeout: float = 60.0
    command_timeout: float = 60.0  # 30 in releases up to early 2026
    meter_timeout: float = 60.0  # for the first MeterValues of a set-up
    status_trigger: float = 30.0  # asks for a status again
    status_timeout: float = 60.0
    status_age: float = 60.0  # an older status does not replace one it has
    read_deadline: float = 60.0  # without a message or ping; 180 in later releases
    online_after: float = 60.0  # after a reconnect without a boot
    meter_tick: float = 2.0  # looks so often whether the values are stale
    meter_interval: float = 10.0
    control_interval: float = 30.0  # asks for the composite schedule
    gives_up_after: float = 900.0  # ends itself after a set-up that failed
    boot_answer_delay: float = 0.0  # evcc's first command may overtake the boot's answer
    boot_interval: int = 60  # told to the station
