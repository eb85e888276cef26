"""Rules between the quirky wallbox and a central system like evcc, with the real proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ocpp_proxy.testing.central_setup import Charger
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC, EN_PLUS, PLAIN, Quirks

from tests.ocpp_proxy.conftest import StartProxy
from tests.ocpp_proxy.harness import until
from tests.ocpp_proxy.proxied import UNHURRIED

HASTY = replace(UNHURRIED, command_timeout=1.0)
FOR_LIMITS = ("actec", "profile template=daily")


@dataclass
class Far:
    """Both far sides of a proxy."""

    box: Wallbox
    system: CentralSystem

    @property
    def charger(self) -> Charger:
        return self.system.chargers["BOX1"]

    async def limit(self, amps: float) -> str:
        return await self.system.set_limit("BOX1", amps)


class Meet:
    """Brings a wallbox and a central system together under some rules."""

    def __init__(self, start_proxy: StartProxy) -> None:
        self._start_proxy = start_proxy

    @asynccontextmanager
    async def __call__(
        self, quirks: Quirks, *rules: str, timing: Any = UNHURRIED, **options: Any
    ) -> AsyncIterator[Far]:
        async with CentralSystem(timing=timing) as system:
            if rules:
                options["rules"] = list(rules)
            proxy = await self._start_proxy(system.port, **options)
            async with Wallbox("BOX1", f"ws://127.0.0.1:{proxy.port}", quirks) as box:
                yield Far(box, system)


@pytest.fixture
def meet(start_proxy: StartProxy) -> Meet:
    return Meet(start_proxy)


async def test_an_actec_gets_operational_by_its_preset_and_cannot_without(meet: Meet) -> None:
    async with meet(ACTEC, timing=HASTY) as far:
        failed = await far.system.events.wait_for("failed")
        assert failed["cause"].startswith("GetConfiguration")
    async with meet(ACTEC, "actec", timing=HASTY) as far:
        await far.system.events.wait_for("operational")
        assert not far.system.events.find("command_failed")
        assert not far.box.events.find("ignored")
        assert not far.box.ever_closed


async def test_an_actec_charges_at_the_limit_evcc_sets(meet: Meet) -> None:
    async with meet(ACTEC, *FOR_LIMITS, "add_total_power") as far:
        await far.system.events.wait_for("operational")
        await far.box.charge()
        assert await far.limit(10) == "Accepted"
        profile = (await far.box.events.wait_for("profile"))["profile"]
        assert profile["chargingProfileId"] == 231
        assert far.box.connectors[1].amps == pytest.approx(10)
        await far.box.send_meter_values(1)
        values = await far.system.events.wait_for("meter_values")
        total = values["payload"]["meterValue"][0]["sampledValue"][-1]
        assert total == {"value": "6900", "measurand": "Power.Active.Import", "unit": "W"}


async def test_without_the_profile_rule_an_actec_refuses_limits_in_amperes(meet: Meet) -> None:
    async with meet(ACTEC, "actec") as far:
        await far.system.events.wait_for("operational")
        assert await far.limit(10) == "Rejected"


async def test_a_limit_of_0_reaches_a_wallbox_that_ignores_it_as_a_stop(meet: Meet) -> None:
    async with meet(ACTEC, *FOR_LIMITS, "zero_action remote_stop") as far:
        await far.system.events.wait_for("operational")
        session = await far.box.charge()
        assert session is not None
        assert await far.limit(0) == "Accepted"
        stopped = await far.system.events.wait_for("stop_transaction")
        assert stopped["transactionId"] == session.id
        assert stopped["reason"] == "Remote"


async def test_a_limit_of_0_becomes_the_least_limit(meet: Meet) -> None:
    rules = (*FOR_LIMITS, "min_limit 4140", "zero_action min_limit")
    async with meet(ACTEC, *rules) as far:
        await far.system.events.wait_for("operational")
        await far.box.charge()
        assert await far.limit(0) == "Accepted"
        assert far.box.connectors[1].amps == pytest.approx(6)


async def test_each_wallbox_has_its_own_rules_before_the_common_ones(meet: Meet) -> None:
    stations = [{"id": "BOX1", "rules": "actec; profile template=daily"}]
    async with meet(ACTEC, "block down SetChargingProfile", stations=stations) as far:
        await far.system.events.wait_for("operational")
        assert await far.limit(8) == "Accepted"


async def test_a_late_wallbox_is_answered_for_and_its_late_answer_goes_nowhere(
    meet: Meet,
) -> None:
    quirks = replace(PLAIN, slow_answers={"ChangeAvailability": 0.5})
    timing = replace(UNHURRIED, meter_tick=0.5, meter_interval=0.5)
    async with meet(quirks, "answer_for_charger ChangeAvailability 0.1", timing=timing) as far:
        await far.system.events.wait_for("operational")
        # By then the late answer has come too.
        await far.system.events.wait_for("command_answered", action="TriggerMessage", count=3)
        assert not far.system.events.find("command_failed")
        assert not far.system.events.find("stray_answer")


async def test_a_wallbox_that_reboots_when_made_available_is_left_alone(meet: Meet) -> None:
    async with meet(EN_PLUS, "answer_for_charger ChangeAvailability") as far:
        await far.system.events.wait_for("operational")
        assert not far.box.ever_closed


async def test_a_wallbox_that_cannot_be_asked_early_is_asked_after_its_boot(meet: Meet) -> None:
    quirks = replace(PLAIN, restarts_on_early_command=True, reconnect_delays=(0.1,))
    timing = replace(UNHURRIED, boot_answer_delay=0.3)
    async with meet(quirks, "delay_commands_until_boot 20", timing=timing) as far:
        await far.system.events.wait_for("operational")
        assert not far.box.ever_closed
    async with meet(quirks, timing=timing) as far:
        await far.box.events.wait_for("disconnected")


async def meter_values_arrive(far: Far) -> Any:
    await far.system.events.wait_for("operational")
    await far.box.charge()
    mark = far.system.events.mark()
    await far.box.send_meter_values(1)
    return (await far.system.events.wait_for("meter_values", after=mark))["payload"]


async def refused(far: Far) -> str:
    """What evcc says to the first message it refuses."""
    code: str = (await far.system.events.wait_for("refused_call"))["code"]
    return code


@pytest.mark.parametrize(
    ("quirks", "rule"),
    [
        (replace(PLAIN, zero_timestamps=True), "fix_timestamps"),
        (replace(PLAIN, timestamps_without_zone=True), "fix_timestamps +00:00"),
        (replace(PLAIN, number_values=True), "drop_invalid_samples"),
        (replace(PLAIN, empty_values=True), "drop_invalid_samples"),
        (replace(PLAIN, stray_comma=True, call_timeout=1.0), "repair_json"),
        (replace(PLAIN, trailing_nul=True, call_timeout=1.0), "repair_json"),
        (replace(PLAIN, nul_in_strings=True, call_timeout=1.0), "repair_json"),
        (replace(PLAIN, truncates=frozenset({"GetConfiguration"})), "repair_json"),
        (replace(PLAIN, binary_frames=True), "binary_to_text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_a_wallbox_writes_wrongly_reaches_evcc_right(
    quirks: Quirks, rule: str, meet: Meet
) -> None:
    async with meet(quirks, rule) as far:
        payload = await meter_values_arrive(far)
        assert payload["meterValue"][0]["timestamp"].endswith("Z")
        assert not far.system.events.find("refused_call")
        assert not far.system.events.find("unanswered")


async def test_without_their_rules_the_same_wallboxes_are_refused(meet: Meet) -> None:
    async with meet(replace(PLAIN, zero_timestamps=True)) as far:
        assert await refused(far) == "FormationViolation"
    async with meet(replace(PLAIN, trailing_nul=True, call_timeout=1.0)) as far:
        await far.system.events.wait_for("unanswered")


async def test_values_are_scaled_and_texts_cut_on_their_way(meet: Meet) -> None:
    boot = {"chargePointVendor": "V" * 30, "chargePointModel": "M"}
    rules = ("scale Power.Active.Import 0.5", "truncate_strings")
    async with meet(replace(PLAIN, boot=boot), *rules) as far:
        assert len((await far.system.events.wait_for("boot"))["payload"]["chargePointVendor"]) == 20
        payload = await meter_values_arrive(far)
        power = {s["measurand"]: s["value"] for s in payload["meterValue"][0]["sampledValue"]}
        assert float(power["Power.Active.Import"]) == pytest.approx(far.box.connectors[1].power / 2)


async def test_a_card_number_is_another_one_at_the_central_system(meet: Meet) -> None:
    async with meet(PLAIN, "map_id_tag 04A2B3C4 evcc") as far:
        await far.system.events.wait_for("operational")
        await far.box.charge(id_tag="04A2B3C4")
        assert (await far.system.events.wait_for("start_transaction"))["idTag"] == "evcc"


async def test_a_flood_of_triggers_does_not_reach_the_wallbox(meet: Meet) -> None:
    timing = replace(UNHURRIED, meter_tick=0.05, meter_interval=0.0)
    async with meet(PLAIN, "trigger_min_interval 60", timing=timing) as far:
        await far.system.events.wait_for("operational")
        await far.system.events.wait_for("command_answered", action="TriggerMessage", count=12)
        seen = [
            event["payload"] for event in far.box.events.find("command", action="TriggerMessage")
        ]
        assert len(seen) == len({str(payload) for payload in seen})
        assert len(far.system.events.find("meter_values")) > 5


async def test_settings_are_written_after_the_boot(
    meet: Meet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocpp_proxy.rules.set_config.AFTER_BOOT", 0.3)
    rules = ("set_config_after_boot ConnectionTimeOut 99", "set_config_after_boot Nothing 1")
    async with meet(PLAIN, *rules) as far:
        configured = await far.box.events.wait_for("configured", key="ConnectionTimeOut")
        assert (configured["value"], configured["status"]) == ("99", "Accepted")
        await far.box.events.wait_for("configured", key="Nothing")
        await far.system.events.wait_for("operational")
        assert not far.system.events.find("stray_answer")


async def test_what_is_blocked_reaches_nobody(meet: Meet) -> None:
    async with meet(PLAIN, "block down GetCompositeSchedule", "block up DataTransfer") as far:
        await far.system.events.wait_for("operational")
        with pytest.raises(Exception, match="NotSupported"):
            await far.box.call("DataTransfer", {"vendorId": "x"})
        with pytest.raises(Exception, match="NotSupported"):
            await far.charger.station.command(
                "GetCompositeSchedule", {"connectorId": 1, "duration": 60}
            )
        assert not far.box.events.find("command", action="GetCompositeSchedule")


async def test_a_returning_evcc_is_not_told_the_boot_again_if_that_is_off(meet: Meet) -> None:
    quirks = replace(PLAIN, boot_on_reconnect=False, status_on_reconnect=False, silent=True)
    async with meet(quirks, "replay_boot off") as far:
        await far.system.events.wait_for("operational")
        mark = far.system.events.mark()
        await far.system.restart()
        await far.system.events.wait_for("status", after=mark)
        await until(lambda: far.system.stations["BOX1"].link, "the proxy did not come back")
        assert not far.system.events.find("boot", after=mark)
        assert not far.box.ever_closed
