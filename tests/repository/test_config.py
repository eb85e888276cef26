"""What the Supervisor's schema and the linter refuse in config.yaml is found here first."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.repository.checks.checkout import Checkout, read_checkout
from tests.repository.checks.config_keys import DEFAULTS, READERS, check_config_keys
from tests.repository.checks.dockerfile import check_dockerfiles
from tests.repository.checks.options import check_options
from tests.repository.checks.ownership import check_ownership
from tests.repository.checks.rating import check_rating, security_rating
from tests.repository.checks.store import check_documented_options, check_host_ports
from tests.repository.checks.translations import check_translations
from tests.repository.checks.versions import check_versions
from tests.repository.sample import APP, CONFIG, GOOD_CONFIG, Sample

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key": ({"portz": 1}, "'portz' is no key"),
    "a required key that is missing": ({"description": None}, "description is missing"),
    "a deprecated key": ({"advanced": True}, "advanced stands here"),
    "a removed key": ({"codenotary": "a@b.org"}, "codenotary stands here"),
    "the URL watchdog": ({"watchdog": "http://[HOST]:[PORT:1]/"}, "give the image a HEALTHCHECK"),
    "full access": ({"full_access": True}, "full_access stands here"),
    "a default value": ({"boot": "auto"}, "boot: auto is the default"),
    "a false flag": ({"host_network": False}, "host_network: false is the default"),
    "the default ingress port": ({"ingress_port": 8099}, "ingress_port: 8099 is the default"),
    "an empty default mapping": ({"options": {}}, "options: {} is the default"),
    "s6 under tini": ({"init": True}, "s6-overlay is process 1"),
    "a flag in words": ({"ingress": "yes"}, "must be true or false"),
    "a number as version": ({"version": 0.1}, "version does not fit"),
    "a version of two parts": ({"version": "0.1"}, "semantic version"),
    "another slug": ({"slug": "sundial"}, f"slug must be the folder's name, {APP}"),
    "one architecture": ({"arch": ["amd64"]}, "aarch64 and amd64"),
    "a dead architecture": ({"arch": ["aarch64", "amd64", "armv7"]}, "and nothing else"),
    "a number as port key": ({"ports": {8890: 8890}}, 'must be written "<number>/tcp"'),
    "a port key without protocol": ({"ports": {"8890": 8890}}, 'must be written "<number>/tcp"'),
    "a port key of three protocols": ({"ports": {"8890/sctp": 1}}, 'written "<number>/tcp"'),
    "a host port out of range": ({"ports": {"8890/tcp": 70000}}, "from 1 to 65535 or null"),
    "a container port out of range": ({"ports": {"70000/tcp": 1}}, "is outside 1 to 65535"),
    "a listener below 1024": ({"ports": {"443/tcp": 443}}, "listen at 1024 or above"),
    "an unknown privilege": ({"privileged": ["NET_EVERYTHING"]}, "'NET_EVERYTHING'"),
    "a service without right": ({"services": ["mqtt"]}, "mqtt:want"),
    "a repeated entry": ({"services": ["mqtt:want", "mqtt:want"]}, "each entry once"),
    "an unknown folder": ({"map": ["sll"]}, "is no folder type"),
    "the new folder name": ({"map": ["app_config:rw"]}, "write addon_config:rw"),
    "two styles of folders": ({"map": ["ssl", {"type": "share"}]}, "use one style"),
    "a suffix in the long style": ({"map": [{"type": "ssl:rw"}]}, "write read_only"),
    "an unquoted number in environment": ({"environment": {"A": 1}}, "put 1 in quotes"),
    "a tag in the image name": ({"image": "ghcr.io/a/b:1"}, "no tag"),
    "capitals in the image name": ({"image": "ghcr.io/A/b"}, "lower case"),
    "a web link beside ingress": ({"webui": "http://[HOST]:[PORT:8890]/"}, "webui must go"),
    "a random ingress port": ({"ingress_port": 0}, "host_network only"),
    "an absolute ingress entry": ({"ingress_entry": "/start"}, "without leading slash"),
    "an icon without prefix": ({"panel_icon": "sun"}, "mdi:<name>"),
    "commands of a cold backup": ({"backup": "cold", "backup_pre": "x"}, "never run"),
    "a stop too short": ({"timeout": 20}, "at least 30 seconds"),
    "a stop too long": ({"timeout": 400}, "from 10 to 300"),
    "a device with colons": ({"devices": ["/dev/a:/dev/b:rw"]}, "without colons"),
    "no options at all": ({"schema": False}, "switches off the form"),
    "half a limit": ({"ulimits": {"nofile": {"soft": 1}}}, "hold soft and hard"),
    "a plain address": ({"url": "example.org"}, "http(s) address"),
}


@pytest.mark.parametrize("name", WRONG)
def test_config_keys_finds(name: str, sample: Sample) -> None:
    changes, expected = WRONG[name]
    sample.configure(**changes)
    found = "\n".join(sample.faults(check_config_keys))
    assert expected in found
    assert found.startswith(f"{CONFIG}: ")


@pytest.mark.parametrize(
    "changes",
    [
        {"host_dbus": True, "homeassistant_api": True},
        {"map": [{"type": "addon_config", "read_only": False}]},
        {"ports": {"8890/tcp": None, "5000/udp": 5000}},
        {"backup": "cold"},
        {"backup_pre": "/usr/local/bin/dump", "backup_exclude": ["*/live/*"]},
        {"ulimits": {"nofile": {"soft": 20000, "hard": 20000}, "nproc": 100}},
        {"image": "ghcr.io/ev-home-apps/ev-home-apps-sun_dial"},
        {"startup": "services", "boot": "manual", "stage": "experimental"},
        {"homeassistant": "2026.4.0", "breaking_versions": ["1.0.0"], "tmpfs": True},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_config_keys_accepts(changes: dict[str, Any], sample: Sample) -> None:
    sample.configure(**changes)
    assert sample.faults(check_config_keys) == []


def test_a_key_written_twice_is_found(sample: Sample) -> None:
    sample.write(CONFIG, sample.text(CONFIG) + "timeout: 60\n")
    assert "'timeout' stands twice" in sample.faults(check_config_keys)[0]


def test_broken_yaml_is_one_finding(sample: Sample) -> None:
    sample.write(CONFIG, "name: [")
    found = sample.faults(check_config_keys)
    assert len(found) == 1
    assert "is not valid YAML" in found[0]


def test_a_config_that_is_no_mapping_is_found(sample: Sample) -> None:
    sample.write(CONFIG, "- name\n")
    assert "holds no mapping" in sample.faults(check_config_keys)[0]


@pytest.mark.parametrize(
    ("config", "own_profile", "rating"),
    [
        ({}, False, 5),
        ({"ingress": True}, False, 7),
        ({"ingress": True}, True, 8),
        ({"ingress": True, "host_dbus": True, "homeassistant_api": True}, True, 8),
        ({"auth_api": True}, False, 6),
        ({"ingress": True, "apparmor": False}, True, 6),
        ({"ingress": True, "host_network": True}, True, 7),
        ({"ingress": True, "privileged": ["NET_ADMIN", "NET_RAW"]}, True, 7),
        ({"ingress": True, "privileged": ["SYS_TIME"]}, True, 8),
        ({"ingress": True, "hassio_role": "admin"}, True, 6),
        ({"ingress": True, "docker_api": True}, True, 1),
        ({"host_network": True, "privileged": ["SYS_ADMIN"], "host_uts": True}, False, 2),
    ],
)
def test_the_rating_is_the_supervisors(
    config: dict[str, Any], own_profile: bool, rating: int
) -> None:
    assert security_rating(config, own_profile=own_profile) == rating


def test_a_lower_rating_is_found(sample: Sample) -> None:
    sample.configure(host_network=True)
    assert "security rating 7" in sample.faults(check_rating)[0]


def test_a_missing_profile_lowers_the_rating(sample: Sample) -> None:
    sample.remove(f"{APP}/apparmor.txt")
    assert "security rating 7" in sample.faults(check_rating)[0]


def test_a_port_of_home_assistant_is_found(sample: Sample) -> None:
    sample.configure(ports={"8890/tcp": 8123})
    assert (
        "takes host port 8123/tcp, which Home Assistant has" in sample.faults(check_host_ports)[0]
    )


def test_two_apps_at_one_port_are_found(sample: Sample) -> None:
    sample.write("moon_dial/moon_dial/__init__.py", '__version__ = "0.1.0"\n')
    sample.write("moon_dial/config.yaml", 'ports: {"8000/tcp": 8890}\n')
    assert "takes host port 8890/tcp, which moon_dial has" in sample.faults(check_host_ports)[0]


def test_every_default_is_a_value_its_key_may_have() -> None:
    for key, value in DEFAULTS.items():
        assert READERS[key](value) is None


_LEAF = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "str?", "8890/tcp", "x"])
_KEYS = st.sampled_from(["a", "type", "8890/tcp"]) | st.integers(0, 9)
_ANY = st.recursive(
    _LEAF, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=2)
)


@functools.cache
def _checkout(root: Path) -> Checkout:
    return read_checkout(root)


READING = (
    check_config_keys,
    check_options,
    check_translations,
    check_documented_options,
    check_host_ports,
    check_rating,
    check_versions,
    check_ownership,
    check_dockerfiles,
)
"""The checks that look into config.yaml."""


# Capped: each example reads the file nine times. The repository stays, its config changes.
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(READERS)), _ANY)
def test_no_value_of_any_key_breaks_a_check(sample: Sample, key: str, value: Any) -> None:
    if not (sample.root / ".git" / "index").exists():
        sample.checkout()
    checkout = _checkout(sample.root)
    content = {**GOOD_CONFIG, key: value}
    (sample.root / CONFIG).write_text(yaml.safe_dump(content))
    for check in READING:
        for finding in check(checkout):
            assert finding.wrong
