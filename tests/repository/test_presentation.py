"""What users see of an app: texts in every language, pictures, files, versions, addresses."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.repository.checks.ownership import check_ownership
from tests.repository.checks.pictures import check_pictures
from tests.repository.checks.store import (
    check_documented_options,
    check_store_files,
    check_stray_configs,
)
from tests.repository.checks.translations import check_translations
from tests.repository.checks.versions import check_versions
from tests.repository.sample import (
    ADDRESS,
    APP,
    CONFIG,
    GOOD_CONFIG,
    Sample,
    good_translation,
    png,
)

ENGLISH = f"{APP}/translations/en.yaml"
GERMAN = f"{APP}/translations/de.yaml"


def _write_texts(sample: Sample, path: str, texts: dict[str, Any]) -> None:
    sample.write(path, yaml.safe_dump(texts).encode())


def _german() -> dict[str, Any]:
    texts = good_translation()
    for key, entry in texts["configuration"].items():
        entry["description"] = f"Wofür {key} hier gut ist"
    return texts


def test_a_complete_second_language_passes(sample: Sample) -> None:
    _write_texts(sample, GERMAN, _german())
    assert sample.faults(check_translations) == []


def test_a_missing_english_file_is_found(sample: Sample) -> None:
    sample.remove(ENGLISH)
    assert sample.faults(check_translations) == [f"{ENGLISH}: is missing; name every option there"]


@pytest.mark.parametrize("path", [ENGLISH, GERMAN])
def test_an_option_without_text_is_found(path: str, sample: Sample) -> None:
    texts = _german()
    del texts["configuration"]["mqtt_ca"]
    _write_texts(sample, path, texts)
    assert f"{path}: option mqtt_ca has no text" in sample.faults(check_translations)[0]


def test_an_entry_without_description_is_found(sample: Sample) -> None:
    texts = good_translation()
    texts["configuration"]["mqtt_ca"] = {"name": "CA", "help": "x"}
    _write_texts(sample, ENGLISH, texts)
    found = "\n".join(sample.faults(check_translations))
    assert "option mqtt_ca has no description" in found
    assert "option mqtt_ca has help, which nobody reads" in found


def test_texts_of_nothing_are_found(sample: Sample) -> None:
    texts = {**good_translation(), "extra": {}}
    texts["configuration"]["gone"] = {"name": "Gone", "description": "Gone"}
    texts["network"]["1/tcp"] = "Gone"
    _write_texts(sample, ENGLISH, texts)
    found = "\n".join(sample.faults(check_translations))
    assert "gone is no option of the app" in found
    assert "1/tcp, which is no port" in found
    assert "extra is no part of a translation" in found


def test_a_port_without_text_is_found_unless_the_config_describes_it(sample: Sample) -> None:
    _write_texts(sample, ENGLISH, {**good_translation(), "network": {}})
    assert "port 8890/tcp has no text" in sample.faults(check_translations)[0]
    sample.configure(ports_description={"8890/tcp": "The page"})
    assert sample.faults(check_translations) == []


def test_members_of_nested_options_need_texts_too(sample: Sample) -> None:
    sample.configure(schema={**GOOD_CONFIG["schema"], "cars": [{"vin": "str"}]})
    texts = good_translation()
    texts["configuration"]["cars"] = {"name": "Cars", "description": "Your cars", "fields": {}}
    _write_texts(sample, ENGLISH, texts)
    assert "option cars.vin has no text" in sample.faults(check_translations)[0]
    texts["configuration"]["cars"]["fields"] = {"vin": {"name": "VIN", "description": "Its id"}}
    _write_texts(sample, ENGLISH, texts)
    assert sample.faults(check_translations) == []


def test_an_english_description_elsewhere_is_found(sample: Sample) -> None:
    texts = _german()
    texts["configuration"]["mqtt_ca"] = good_translation()["configuration"]["mqtt_ca"]
    _write_texts(sample, GERMAN, texts)
    assert "the description of mqtt_ca is the English one" in sample.faults(check_translations)[0]


@pytest.mark.parametrize("name", ["english.yaml", "de.yml", "DE.yaml"])
def test_a_file_that_is_no_language_is_found(name: str, sample: Sample) -> None:
    sample.write(f"{APP}/translations/{name}", "configuration: {}\n")
    assert "is no language file" in "\n".join(sample.faults(check_translations))


def test_a_repeated_text_and_broken_yaml_are_found(sample: Sample) -> None:
    sample.write(GERMAN, "network:\n  a: 1\n  a: 2\n")
    assert "the key 'a' stands twice" in sample.faults(check_translations)[0]
    sample.write(GERMAN, "network: [\n")
    assert "is not valid YAML" in sample.faults(check_translations)[0]


@pytest.mark.parametrize(
    "name",
    ["README.md", "DOCS.md", "CHANGELOG.md", "Dockerfile", "apparmor.txt", "icon.png", "logo.png"],
)
def test_a_missing_file_of_an_app_is_found(name: str, sample: Sample) -> None:
    sample.remove(f"{APP}/{name}")
    assert sample.faults(check_store_files)[0].startswith(f"{APP}/{name}: is missing")


def test_an_app_without_config_is_not_offered_and_needs_nothing(sample: Sample) -> None:
    sample.write("moon_dial/pyproject.toml", "[project]\n")
    assert sample.checkout().apps == ["moon_dial", APP]
    assert sample.faults(check_store_files) == []


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("tests/data/config.yaml", True),
        (f"{APP}/{APP}/config.json", True),
        ("config.yml", True),
        (f"{APP}/config.json", True),
        (f"{APP}/rootfs/etc/config.yaml", False),
        (".github/config.yaml", False),
        (f"{APP}/.hidden/config.yaml", False),
        ("config.toml", False),
    ],
)
def test_a_second_config_is_found_where_the_supervisor_looks(
    path: str, found: bool, sample: Sample
) -> None:
    sample.write(path, "a: 1\n")
    assert bool(sample.faults(check_stray_configs)) is found


def test_a_build_file_is_found(sample: Sample) -> None:
    sample.write(f"{APP}/build.yaml", "build_from: {}\n")
    assert "is a dead build file" in sample.faults(check_stray_configs)[0]


def test_an_undocumented_option_or_port_is_found(sample: Sample) -> None:
    sample.write(f"{APP}/DOCS.md", "# Sun dial\n")
    found = "\n".join(sample.faults(check_documented_options))
    assert "does not explain shadow_length" in found
    assert "does not name port 8890/tcp" in found


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        (CONFIG, "0.1.0", "0.2.0", "says version 0.2.0, the package 0.1.0"),
        (f"{APP}/CHANGELOG.md", "## 0.1.0", "## [0.2.0] - 2026-11-01", "says version 0.2.0"),
        (f"{APP}/CHANGELOG.md", "## 0.1.0", "## Soon", "says version None"),
        (f"{APP}/{APP}/__init__.py", "__version__", "version", "has no __version__"),
    ],
)
def test_versions_that_differ_are_found(
    path: str, old: str, new: str, expected: str, sample: Sample
) -> None:
    sample.replace(path, old, new)
    assert expected in sample.faults(check_versions)[0]


def test_the_newest_heading_counts(sample: Sample) -> None:
    sample.replace(f"{APP}/CHANGELOG.md", "## 0.1.0", "## v0.1.0\n\n## 0.0.9")
    assert sample.faults(check_versions) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("repository.yaml", "name: A\nurl: https://a.org\nmaintainer: B\n", "url is https://a.org"),
        ("repository.yaml", f"url: {ADDRESS}\nmaintainer: B\n", "has no name"),
        ("repository.yaml", f"name: A\nurl: {ADDRESS}\nmaintainer: B\nx: 1\n", "x is no key"),
        ("README.md", "[a](https://github.com/me/ev-home-apps)", "links to me/ev-home-apps"),
        (
            "README.md",
            f"[a](https://github.com/me/other/blob/main/{APP}/DOCS.md)",
            "links to me/other",
        ),
        ("README.md", "repository_url=https%3A%2F%2Fgithub.com%2Fme%2Fa", "store button adds"),
        ("DOCS.md", f"ghcr.io/me/ev-home-apps-{APP}:1", "names the image ghcr.io/me/ev-home-apps"),
        ("Makefile", "all:\n", "names no owner"),
    ],
)
def test_a_foreign_owner_is_found(path: str, text: str, expected: str, sample: Sample) -> None:
    sample.write(path, text)
    assert expected in "\n".join(sample.faults(check_ownership))


def test_addresses_of_others_and_our_own_button_pass(sample: Sample) -> None:
    sample.write(
        "README.md",
        "https://github.com/evcc-io/evcc ghcr.io/home-assistant/base-debian:trixie\n"
        f"repository_url=https%3A%2F%2Fgithub.com%2Fev-home-apps%2Fev-home-apps\n{ADDRESS}.git\n",
    )
    assert sample.faults(check_ownership) == []


def test_another_owner_must_be_written_everywhere(sample: Sample) -> None:
    sample.write("Makefile", "OWNER ?= Me\nREPO ?= cars\n")
    sample.configure(image=f"ghcr.io/ev-home-apps/ev-home-apps-{APP}")
    found = "\n".join(sample.faults(check_ownership))
    assert "repository.yaml: url is" in found
    assert f"write https://github.com/Me/cars/tree/main/{APP}" in found
    assert f"write ghcr.io/me/cars-{APP}" in found
    assert f"{APP}/Dockerfile: links to ev-home-apps/ev-home-apps" in found


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("icon.png", png(256, 256), "is 256 by 256; make it 128 by 128"),
        ("logo.png", png(100, 250), "is 100 by 250; make it 250 by 100"),
        ("icon.png", png(128, 128)[:-4], "without its end"),
        ("icon.png", b"GIF89a" + bytes(40), "is no PNG file"),
        ("logo.png", b"", "is no PNG file"),
    ],
)
def test_a_wrong_picture_is_found(name: str, data: bytes, expected: str, sample: Sample) -> None:
    sample.write(f"{APP}/{name}", data)
    assert expected in sample.faults(check_pictures)[0]
