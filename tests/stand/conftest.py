"""The stand's own fixtures, tried on a tiny app."""

from tests.stand.fixtures import app, broker, home_assistant, stand
from tests.stand.tiny_app import tiny_app

__all__ = ["app", "broker", "home_assistant", "stand", "tiny_app"]
