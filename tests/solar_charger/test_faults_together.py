"""Everything goes wrong at once, in no order: never above the limit, and in the end all is well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
from solar_charger.commands import Action
from solar_charger.testing.gateway import make_token
from solar_charger.testing.server import FakeServer, Faults
from solar_charger.testing.tesla_control import TROUBLES

from tests.solar_charger.installation import Installation, installed

BODIES = (b"", b"null", b"<html>", b'{"vehicle_connected":nan', b"[" * 50_000, b"\xff\xfe")


class Misfortune:
    """Draws what goes wrong next, and puts everything right again in the end."""

    def __init__(self, home: Installation, chance: Random) -> None:
        self.home = home
        self.chance = chance
        self.tokens = set(home.gateway.tokens)
        self.down: set[FakeServer] = set()
        self.happened: list[str] = []

    async def strike(self) -> None:
        """One thing goes wrong, or right."""
        blows: list[Callable[[], Awaitable[None]]] = [
            self.server_down, self.server_up, self.server_babbles, self.gateway_lies, self.token,
            self.radio, self.radio, self.cable, self.sun, self.sun, self.sun, self.mode,
            self.buttons, self.clock, self.power_cut,
        ]  # fmt: skip
        blow = self.chance.choice(blows)
        self.happened.append(f"{self.home.clock.now():.0f} {blow.__name__}")
        await blow()

    def _server(self) -> FakeServer:
        return self.chance.choice([self.home.gateway, self.home.connector, self.home.relay])

    async def server_down(self) -> None:
        server = self._server()
        if server not in self.down:
            self.down.add(server)
            await server.stop()

    async def server_up(self) -> None:
        if self.down:
            await self.down.pop().start()

    async def server_babbles(self) -> None:
        faults = Faults(body=self.chance.choice(BODIES))
        other = Faults(status=self.chance.choice([401, 404, 500, 503]))
        self._server().faults = self.chance.choice([faults, other, Faults(), Faults()])

    async def gateway_lies(self) -> None:
        gateway = self.home.gateway
        gateway.absurd_w = self.chance.choice([None, None, 4e6, -4e6, 99_000.0])
        gateway.frozen = self.chance.random() < 0.2

    async def token(self) -> None:
        gateway = self.home.gateway
        gateway.tokens = self.chance.choice([self.tokens, {make_token(5)}])
        gateway.sessions.clear()

    async def radio(self) -> None:
        self.home.control.trouble = self.chance.choice([None, None, None, *TROUBLES])
        self.home.control.body_answers = self.chance.random() < 0.8
        self.home.car.asleep = not self.home.car.charging and self.chance.random() < 0.3

    async def cable(self) -> None:
        if self.home.car.plugged and self.chance.random() < 0.4:
            self.home.car.unplug()
        else:
            self.home.car.plug()

    async def sun(self) -> None:
        self.home.free(self.chance.choice([-2000.0, -300.0, 900.0, 2500.0, 4000.0, 9000.0]))

    async def mode(self) -> None:
        await self.home.ask(
            Action.MODE, self.chance.choice(["SOLAR", "SOLAR", "MIN_SOLAR", "MANUAL", "OFF"])
        )

    async def buttons(self) -> None:
        await self.home.ask(
            Action.CHARGE, self.chance.choice(["start", "stop", "wake", "normalize"])
        )

    async def clock(self) -> None:
        self.home.clock.jump(self.chance.choice([-7200.0, 3700.0, 86_400.0]))

    async def power_cut(self) -> None:
        await self.home.cut_power()
        await self.home.pass_time(self.chance.choice([5, 40, 400]))
        self.home.start()

    async def peace(self) -> None:
        """Everything works, the car is plugged in, there is no sun, the mode is SOLAR."""
        home = self.home
        while self.down:
            await self.server_up()
        for server in (home.gateway, home.connector, home.relay):
            server.faults = Faults()
        home.gateway.absurd_w, home.gateway.frozen, home.gateway.tokens = None, False, self.tokens
        home.control.trouble, home.control.body_answers, home.car.asleep = None, True, False
        home.car.plug()
        home.free(-500.0)
        assert (await home.ask(Action.MODE, "MANUAL")).ok
        await home.pass_time(1)
        assert (await home.ask(Action.MODE, "SOLAR")).ok


SEEDS = [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 60))]


@pytest.mark.parametrize("seed", SEEDS)
async def test_after_any_run_of_faults_the_car_is_where_it_belongs(
    tmp_path: Path, seed: int
) -> None:
    chance = Random(seed)
    async with installed(tmp_path) as home:
        misfortune = Misfortune(home, chance)
        await home.charging()
        for _ in range(40):
            await misfortune.strike()
            await home.pass_time(chance.randint(5, 60))
        await misfortune.peace()
        print("\n".join(misfortune.happened))
        await home.until(lambda: not home.car.amps, 5400)
        await home.until(lambda: not home.alarms, 4500)
        home.free(4000.0)
        await home.until(lambda: home.car.amps == 17.0, 2400)
        assert await home.audit_has(action="start")
