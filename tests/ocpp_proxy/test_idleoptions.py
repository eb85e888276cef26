"""Options that do nothing as they are set are named at the start."""

from __future__ import annotations

from typing import Any

import pytest

from ocpp_proxy import options


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"upstream_username": "me"}, "upstream_username is not used while upstream_auth is forwa"),
        ({"upstream_auth": "basic", "upstream_username": "me", "target_url": "ws://a:b@h"},
         "target_url has a user name of its own"),
        ({"upstream_auth": "basic", "upstream_username": "me",
          "stations": [{"id": "CP1", "target_url": "ws://a:b@h"}]},
         "stations[0].target_url has a user name of its own"),
        ({"target_url": "ws://h", "target_port": 1}, "target_host and target_port are not used"),
        ({"tls_legacy": True}, "tls_legacy does nothing while ssl is off"),
        ({"ping_interval": 0, "ping_timeout": 5}, "ping_timeout does nothing while ping_interval"),
        ({"on_upstream_loss": "close", "hold_seconds": 5}, "hold_seconds does nothing while"),
    ],
)  # fmt: skip
def test_an_option_without_effect_is_named(given: dict[str, Any], said: str) -> None:
    _, warnings = options.read(given)
    assert len(warnings) == 1
    assert warnings[0].startswith(said)


def test_the_defaults_as_the_supervisor_writes_them_are_no_reason_for_a_line() -> None:
    written = options.read({})[0].model_dump(exclude_none=True)
    _, warnings = options.read(written | {"target_url": "ws://h", "on_upstream_loss": "close"})
    assert warnings == []
