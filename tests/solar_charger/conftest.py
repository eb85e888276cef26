"""Shared settings of the tests of solar_charger."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

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


def pytest_configure(config: pytest.Config) -> None:
    """A gateway's certificate is its own, which each request would be warned of."""
    ignored = "ignore::urllib3.exceptions.InsecureRequestWarning"
    config.addinivalue_line("filterwarnings", ignored)


settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
