"""Night where the meter tells no production, or no longer."""

from __future__ import annotations

from pathlib import Path

from solar_charger.commands import Action
from solar_charger.house_extras import SUN
from solar_charger.testing.home_assistant import FakeHomeAssistant

from tests.solar_charger.installation import Installation, installed


def supervised(home: Installation, assistant: FakeHomeAssistant) -> None:
    home.environ = {"SUPERVISOR_TOKEN": assistant.token, "SUPERVISOR_URL": assistant.url}
    assistant.now = home.clock.wall


async def test_min_solar_ends_at_sunset_though_the_gateway_s_production_has_died(
    tmp_path: Path,
) -> None:
    async with (
        FakeHomeAssistant() as assistant,
        installed(tmp_path, started=False) as home,
    ):
        await assistant.set(SUN, "above_horizon", elevation=30.0)
        supervised(home, assistant)
        home.free(4000.0)
        home.start()
        await home.ask(Action.MODE, "MIN_SOLAR")
        await home.until(lambda: home.car.amps)
        home.gateway.faults.status = 502
        await assistant.set(SUN, "below_horizon", elevation=-8.0)
        await home.until(lambda: not home.car.amps)
        assert home.state()["mode"] == "NIGHT"


async def test_a_home_assistant_without_a_sun_is_no_refusal(tmp_path: Path) -> None:
    async with FakeHomeAssistant() as assistant, installed(tmp_path, started=False) as home:
        supervised(home, assistant)
        home.start()
        await home.pass_time(30)
        await home.until(lambda: home.source("sun")["error"])
        assert "source_refused" not in home.alarms
