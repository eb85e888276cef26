"""The stand, for tests that ask Home Assistant."""

from tests.stand.fixtures import app, broker, home_assistant, stand

__all__ = ["app", "broker", "home_assistant", "stand"]
