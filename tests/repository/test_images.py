"""Dockerfiles a device can build, and profiles its kernel can load."""

from __future__ import annotations

import pytest

from tests.repository.checks.apparmor import (
    ParserMissing,
    check_apparmor,
    check_apparmor_syntax,
)
from tests.repository.checks.dockerfile import check_dockerfiles, parse_dockerfile
from tests.repository.sample import APP, Sample

DOCKERFILE = f"{APP}/Dockerfile"
PROFILE = f"{APP}/apparmor.txt"
BASE = "ghcr.io/home-assistant/base-debian:trixie"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f"FROM {BASE}\n", f"ARG BUILD_FROM={BASE}\nFROM ${{BUILD_FROM}}\n", "is not the one base"),
        (f"FROM {BASE}\n", "FROM debian:trixie\n", "FROM debian:trixie is not the one base"),
        ("--start-period=3m", "--start-period=30s", "counts too early"),
        ("--start-period=3m ", "", "counts too early"),
        ("--timeout=5s", "--start-interval=3s", "has --start-interval"),
        ('CMD ["/usr/local/bin/healthy"]', "NONE", "HEALTHCHECK has no CMD"),
        ("COPY rootfs /", 'COPY rootfs /\nCMD ["x"]', "has CMD"),
        ("COPY rootfs /", 'COPY rootfs /\nENTRYPOINT ["x"]', "has ENTRYPOINT"),
        ("COPY rootfs /", "RUN <<EOF\ntrue\nEOF\nCOPY rootfs /", "has a heredoc at RUN"),
        ("COPY rootfs /", "COPY rootfs /\nCOPY other /", "the last COPY is other /"),
        ("COPY rootfs /", "USER dial\nCOPY rootfs /", "has USER"),
        ("COPY rootfs /", "COPY ../ocpp_proxy /x\nCOPY rootfs /", "nothing outside the app"),
        ("COPY --from", "COPY --link --from", "has COPY --link"),
        ("ENV S6_VERBOSITY=1\n", "", "does not quieten s6"),
        ("S6_VERBOSITY=1", "S6_VERBOSITY=2", "does not quieten s6"),
        ('io.hass.type="app"', "", "label io.hass.type is missing"),
        ('io.hass.type="app"', 'io.hass.type="addon"', "label io.hass.type is 'addon'"),
        ('io.hass.version="${BUILD_VERSION}"', 'io.hass.version="1"', "io.hass.version is '1'"),
        ('io.hass.name="Sun dial"', 'io.hass.name="Moon"', "label io.hass.name is 'Moon'"),
        ("--require-hashes ", "", "pip install without --require-hashes"),
        ("--only-binary :all: ", "", "pip install without --only-binary"),
        ("COPY rootfs /", "RUN pip3 install six\nCOPY rootfs /", "takes what is newest today"),
        ("HEALTHCHECK", "# HEALTHCHECK", "needs exactly one HEALTHCHECK"),
    ],
)
def test_a_bad_dockerfile_is_found(old: str, new: str, expected: str, sample: Sample) -> None:
    sample.replace(DOCKERFILE, old, new)
    assert expected in "\n".join(sample.faults(check_dockerfiles))


def test_a_health_check_of_a_builder_stage_does_not_count(sample: Sample) -> None:
    text = sample.text(DOCKERFILE)
    line = next(line for line in text.splitlines() if line.startswith("HEALTHCHECK"))
    sample.write(DOCKERFILE, text.replace(line, "").replace("COPY requirements", f"{line}\nCOPY r"))
    assert "needs exactly one HEALTHCHECK" in "\n".join(sample.faults(check_dockerfiles))


def test_our_own_package_may_be_installed_without_dependencies(sample: Sample) -> None:
    install = "RUN /opt/venv/bin/pip install --no-deps --no-build-isolation /build\nCOPY rootfs /"
    sample.replace(DOCKERFILE, "COPY rootfs /", install)
    assert sample.faults(check_dockerfiles) == []


def test_a_stage_may_continue_an_earlier_one(sample: Sample) -> None:
    sample.replace(DOCKERFILE, f"FROM {BASE}\n", "FROM builder AS more\nFROM builder\n")
    assert sample.faults(check_dockerfiles) == []


def test_continued_lines_are_one_instruction() -> None:
    found = parse_dockerfile("# a\nRUN a \\\n# between\n  && b\n\nenv X=1\n")
    assert [(one.word, " ".join(one.rest.split())) for one in found] == [
        ("RUN", "a && b"),
        ("ENV", "X=1"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f"profile {APP} ", "profile sundial ", "the profile is called sundial"),
        (f"profile {APP} ", f"  profile {APP} ", "has 0 lines that start with"),
        ("  profile dial ", "profile dial ", "has 2 lines that start with"),
        ("profile dial ", f"profile {APP} ", "a child is called sun_dial too"),
        ("peer=*_sun_dial", "peer=*_moon", "names the peer *_moon"),
        ("#include <tunables/global>", "", "does not begin with the tunables"),
        ("flags=(attach_disconnected,mediate_deleted) {\n  #", "{\n  #", "no attach_disconnected"),
    ],
)
def test_a_bad_profile_is_found(old: str, new: str, expected: str, sample: Sample) -> None:
    sample.replace(PROFILE, old, new)
    assert expected in "\n".join(sample.faults(check_apparmor))


def test_the_parser_refuses_a_broken_profile_and_takes_a_good_one(sample: Sample) -> None:
    try:
        assert sample.faults(check_apparmor_syntax) == []
    except ParserMissing as reason:
        pytest.skip(str(reason))
    sample.replace(PROFILE, "  file,\n", "  file\n")
    assert "is refused" in sample.faults(check_apparmor_syntax)[0]
