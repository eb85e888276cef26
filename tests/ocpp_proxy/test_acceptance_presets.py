"""Acceptance of the device presets: a wallbox that evcc alone cannot use becomes usable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ocpp_proxy.testing.central_answers import OLD_FEATURES
from ocpp_proxy.testing.central_system import CentralSystem
from ocpp_proxy.testing.wallbox import Wallbox
from ocpp_proxy.testing.wallbox_quirks import ACTEC

from tests.ocpp_proxy.proxied import UNHURRIED, proxied, url

HASTY = replace(UNHURRIED, command_timeout=1.0)


async def test_without_rules_evcc_cannot_set_up_an_actec(tmp_path: Path) -> None:
    async with (
        CentralSystem(timing=HASTY) as system,
        proxied(tmp_path, system.port) as proxy,
        Wallbox("AcTec001", url(proxy), ACTEC),
    ):
        await system.events.wait_for("failed", cause="GetConfiguration: Timeout no answer to "
                                     "GetConfiguration")  # fmt: skip


async def test_with_its_preset_an_actec_is_operational_at_once_and_hears_no_triggers(
    tmp_path: Path,
) -> None:
    async with (
        CentralSystem(timing=HASTY) as system,
        proxied(tmp_path, system.port, rules=["actec"]) as proxy,
        Wallbox("AcTec001", url(proxy), ACTEC) as box,
    ):
        await system.events.wait_for("operational")
        assert not system.events.find("command_failed")
        assert not box.events.find("ignored")


async def test_with_its_preset_an_older_evcc_does_not_make_an_actec_drop_the_link(
    tmp_path: Path,
) -> None:
    quirks = replace(ACTEC, firmware_status_every=0.05)
    async with (
        CentralSystem(timing=HASTY, features=OLD_FEATURES) as system,
        proxied(tmp_path, system.port, rules=["actec"]) as proxy,
        Wallbox("AcTec001", url(proxy), quirks) as box,
    ):
        await box.events.wait_for("call_sent", action="FirmwareStatusNotification", count=6)
        assert not box.events.find("call_failed")
        assert not box.ever_closed
