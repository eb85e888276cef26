"""Shared settings and fixtures of the tests of ocpp_proxy."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from ocpp_proxy.server import ProxyServer

from ocpp_proxy import logs
from tests.ocpp_proxy.harness import Central, central_system, proxy_server

settings.register_profile(
    "default", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# On a second Python: what differs there shows in any example.
settings.register_profile(
    "again", max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "long", max_examples=100_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


# What talks to sockets is tested on both event loops the program may run on.
_BOTH_LOOPS = {"test_legs", "test_session", "test_server"}
_LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Called by pytest-asyncio for each test."""
    del config
    return _LOOPS if item.path.stem in _BOTH_LOOPS else {"asyncio": asyncio.new_event_loop}


@pytest.fixture(autouse=True)
def fresh_log_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test loses a line because an earlier one wrote the same within a minute."""
    monkeypatch.setattr(logs, "_LIMITER", logs.RateLimiter())


class StartProxy(Protocol):
    """Starts a proxy in this process, stopped at the end of the test."""

    async def __call__(self, target: str | int, **raw: Any) -> ProxyServer: ...


class StartCentral(Protocol):
    """Starts a central system, stopped at the end of the test."""

    async def __call__(self, port: int = 0, **more: Any) -> Central: ...


@pytest.fixture
async def running() -> AsyncIterator[AsyncExitStack]:
    """What a test started is stopped in reverse order."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def start_proxy(running: AsyncExitStack, tmp_path: Path) -> StartProxy:
    async def start(target: str | int, **raw: Any) -> ProxyServer:
        return await running.enter_async_context(proxy_server(tmp_path, target, **raw))

    return start


@pytest.fixture
def start_central(running: AsyncExitStack) -> StartCentral:
    async def start(port: int = 0, **more: Any) -> Central:
        return await running.enter_async_context(central_system(port, **more))

    return start


@pytest.fixture
async def central(start_central: StartCentral) -> Central:
    """A central system that accepts everybody and keeps quiet."""
    return await start_central()


@pytest.fixture
async def proxy(start_proxy: StartProxy, central: Central) -> ProxyServer:
    """A proxy with default options in front of `central`."""
    return await start_proxy(central.port)
