"""From the options (and settings stored over them) to the figures of control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from .options import Options
from .settings import BatteryPolicy, Settings, Takeover, TariffRow, Wiring

SAME_NAME = (
    "phase_map", "voltage", "max_amps", "min_amps", "circuit_amps", "breaker_amps",
    "main_fuse_amps", "fuse_safety", "balanced", "fallback_amps", "offgrid_amps", "start_w",
    "seasonal_start_w", "margin_w", "fast_drop_w", "enable_delay", "disable_delay", "min_on",
    "min_off", "max_starts", "import_budget_wh", "night_w", "night_s", "min_solar_night",
    "emergency_soc", "target_soc", "enforce_limit", "deadline_soc", "capacity_kwh",
    "deadline_days", "tariff_price_max", "grid_price", "feed_in_price", "priority_soc",
    "buffer_soc", "buffer_start_soc", "normalize_amps", "respect_schedule", "reassert",
    "on_exit", "stale_s", "poll_s",
)  # fmt: skip
STORED = ("max_amps", "min_amps", "target_soc", "deadline", "deadline_soc", "start_w")
"""Settings that page and MQTT may change, beside mode, go-live, takeover and enabled."""


def settings_of(
    options: Options, time_zone: tzinfo, stored: Mapping[str, Any] | None = None
) -> Settings:
    """Control's settings; `stored` holds validated values by option name and wins."""
    phases = None if options.phases == "auto" else int(options.phases)
    roles = {row.role for row in options.sensors}
    has_twc = options.twc_host is not None or (
        options.source == "dashboard" and options.dashboard_url is not None
    )
    made = Settings(
        **{name: getattr(options, name) for name in SAME_NAME},
        wiring=Wiring(options.wiring),
        phases=phases,
        deadline=options.deadline or "",
        tariff=tuple(TariffRow(row.start, row.end, row.price) for row in options.tariff),
        battery_policy=BatteryPolicy(options.battery_policy),
        takeover=Takeover(options.takeover),
        time_zone=time_zone,
        has_twc=has_twc or options.source == "simulated",
        has_plug_sensor="plug" in roles,
        link_proves_home=options.vehicle_link != "ha_entities",
    )
    return replace(made, **stored) if stored else made
