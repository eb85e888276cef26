"""Control and gate against arbitrary courses of measurements."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from solar_charger.command import Command, Kind
from solar_charger.control.controller import Controller
from solar_charger.control.inputs import Inputs, LinkFacts, Wishes
from solar_charger.gate import gate_of, refusal
from solar_charger.measurements import (
    BodyState,
    CarState,
    ChargingState,
    Quality,
    Reading,
    ScheduleMode,
    SleepStatus,
    Snapshot,
    WallConnector,
)
from solar_charger.settings import BatteryPolicy, Mode, Settings, Takeover, Wiring

BEGIN = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
watts = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-20_000, 20_000)
amps = st.none() | st.floats() | st.floats(0, 80)
cars = st.builds(
    CarState,
    charging_state=st.sampled_from(ChargingState),
    battery_level=st.none() | st.integers(0, 100),
    charge_limit_soc=st.none() | st.integers(50, 100),
    charger_actual_current=st.none() | st.floats(0, 80),
    charger_voltage=st.none() | st.floats(0, 300),
    charger_phases=st.none() | st.integers(0, 4),
    charge_current_request=st.none() | st.floats(0, 80),
    charge_current_request_max=st.none() | st.floats(0, 80),
    minutes_to_charge_limit=st.none() | st.integers(0, 9999),
    scheduled_charging_pending=st.none() | st.booleans(),
    scheduled_charging_mode=st.none() | st.sampled_from(ScheduleMode),
)
connectors = st.builds(
    WallConnector,
    vehicle_connected=st.none() | st.booleans(),
    contactor_closed=st.none() | st.booleans(),
    vehicle_current_a=amps,
    grid_v=st.none() | st.floats(0, 300),
    current_a=st.tuples(amps, amps, amps),
    voltage_v=st.tuples(amps, amps, amps),
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "grid_w": watts,
        "grid_phase_a": st.tuples(amps, amps, amps),
        "production_w": watts,
        "load_w": watts,
        "house_battery_w": watts,
        "house_battery_soc": st.floats(0, 100),
        "islanded": st.booleans(),
        "twc": connectors,
        "plug": st.booleans(),
        "car": cars,
        "body": st.builds(BodyState, sleep=st.sampled_from(SleepStatus)),
    },
)
moments = st.tuples(
    fields,
    st.floats(0.5, 400),
    st.sampled_from(Quality),
    st.sampled_from(Mode),
    st.booleans(),
    st.none() | st.integers(0, 60),
    st.sampled_from(["", "", "", "start", "stop"]),
)
options = st.builds(
    Settings,
    wiring=st.sampled_from(Wiring),
    phases=st.none() | st.integers(1, 3),
    max_amps=st.integers(5, 48),
    circuit_amps=st.sampled_from([0, 16, 32]),
    main_fuse_amps=st.sampled_from([0, 25, 63]),
    balanced=st.booleans(),
    emergency_soc=st.sampled_from([0, 50]),
    battery_policy=st.sampled_from(BatteryPolicy),
    buffer_soc=st.sampled_from([50, 101]),
    takeover=st.sampled_from(Takeover),
    deadline=st.sampled_from(["", "02:30", "07:00"]),
    has_twc=st.booleans(),
    enforce_limit=st.booleans(),
    reassert=st.booleans(),
)


# Each example is a course of up to 30 decisions; shrinking one would take minutes.
@settings(max_examples=300, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(options, st.lists(moments, min_size=1, max_size=30))
def test_no_course_of_measurements_makes_a_decision_raise_or_wish_more_than_allowed(
    chosen: Settings, course: list[tuple[Any, ...]]
) -> None:
    now, wall = 1000.0, BEGIN
    controller = Controller(chosen, now)
    readings: dict[str, Any] = {}
    for told, pause, quality, mode, enabled, accepted, button in course:
        now += pause
        wall += timedelta(seconds=pause)
        for name, value in told.items():
            readings[name] = Reading(value, now, "test", quality)
        if button:
            (controller.press_start if button == "start" else controller.press_stop)()
        link = LinkFacts(accepted_amps=accepted, accepted_at=now - 1, last_contact=now)
        inputs = Inputs(now, wall, Snapshot(**readings), chosen, Wishes(mode, enabled), link)
        decision = controller.step(inputs)
        assert decision.reason
        assert decision.reason_text
        wanted, seen = decision.desired, decision.observed
        assert wanted.amps is None or 0 <= wanted.amps <= chosen.amps_limit
        assert seen.amps is None or math.isfinite(seen.amps)
        if mode is Mode.OFF:
            assert wanted.charge is not True
            assert wanted.amps is None
        if wanted.amps is not None:
            gate = gate_of(
                chosen, mode, True, seen.plug, seen.home, seen.amps, accepted, seen.car_max
            )
            command = Command(Kind.SET_AMPS, wanted.amps, normalize=wanted.normalize)
            if not refusal(command, gate):
                assert wanted.amps <= gate.highest
        controller.remember(now, wall.timestamp())


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "phases",
                "mode",
                "hand",
                "plugged",
                "ours",
                "soc",
                "starts",
                "off_at",
                "wall",
                "pending_normalization",
                "full_limit",
                "stop_wanted",
                "starts_day",
                "car_max",
            ]
        ),
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    )
)
def test_no_damaged_memory_keeps_the_controller_from_starting(stored: dict[str, Any]) -> None:
    controller = Controller(Settings(), 50.0, stored)
    controller.step(Inputs(60.0, BEGIN, Snapshot(), Settings()))
