"""Fixtures: the real checkout, and a small good repository to break."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.repository.checks.checkout import Checkout, read_checkout
from tests.repository.sample import Sample, write_good_repository

ROOT = Path(__file__).resolve().parents[2]
NAMED = os.environ.get("HYPOTHESIS_PROFILE", "default")

# A busy machine is no fault of what is tested.
for name in ("default", "long"):
    settings.register_profile(name, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(NAMED)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "wheels: asks the package index, once for each content of a requirements file"
    )


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A good repository of its own for each test."""
    return write_good_repository(tmp_path)


@pytest.fixture(scope="session")
def checkout() -> Checkout:
    """What git tracks here."""
    return read_checkout(ROOT)
