"""MQTT discovery payloads as Home Assistant 2026.11 reads them, plus what our own rules ask for.

Tests of the apps use `from tests.repository.discovery import check_device_payload`.
"""

from tests.repository.discovery.device import check_device_payload, check_device_payloads
from tests.repository.finding import Finding

__all__ = ["Finding", "check_device_payload", "check_device_payloads"]
