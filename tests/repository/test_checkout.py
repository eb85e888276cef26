"""This repository passes every check, and so does the good sample the other tests break."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.environments import cache_folder
from tests.repository.checks import CHECKS
from tests.repository.checks.apparmor import ParserMissing, check_apparmor_syntax
from tests.repository.checks.checkout import Checkout, read_checkout
from tests.repository.checks.option_model import check_option_model, dump_model
from tests.repository.checks.source_text import long_modules
from tests.repository.checks.wheels import check_wheels
from tests.repository.finding import Finding
from tests.repository.sample import APP, Sample

Check = Callable[[Checkout], list[Finding]]


def _named(check: Check) -> str:
    return check.__name__.removeprefix("check_")


def _report(findings: list[Finding]) -> None:
    assert not findings, "\n" + "\n".join(sorted(map(str, findings)))


@pytest.mark.parametrize("check", CHECKS, ids=_named)
def test_this_repository_passes(check: Check, checkout: Checkout) -> None:
    _report(check(checkout))


@pytest.mark.parametrize("check", CHECKS, ids=_named)
def test_a_good_repository_passes(check: Check, sample: Sample) -> None:
    assert sample.checkout().store_apps == [APP]
    _report(check(sample.checkout()))


def test_long_modules_are_named(checkout: Checkout) -> None:
    for line in long_modules(checkout):
        warnings.warn(line, stacklevel=1)


def test_the_apparmor_parser_reads_every_profile(checkout: Checkout) -> None:
    try:
        findings = check_apparmor_syntax(checkout)
    except ParserMissing as reason:
        pytest.skip(str(reason))
    _report(findings)


def test_options_of_form_and_program_are_the_same(checkout: Checkout) -> None:
    """An options module needs pydantic and its own package only, so any environment with it does.

    `OCPP_PROXY_PYTHON` and the like name another interpreter for one app.
    """
    findings: list[Finding] = []
    for app in checkout.store_apps:
        python = os.environ.get(f"{app.upper()}_PYTHON", sys.executable)
        model = dump_model(Path(python), checkout.root / app)
        findings += check_option_model(checkout, app, model)
    _report(findings)


@pytest.mark.wheels
def test_everything_pinned_is_a_wheel_on_both_architectures(checkout: Checkout) -> None:
    _report(check_wheels(checkout, cache_folder() / "wheels"))


def test_files_git_does_not_track_do_not_matter(sample: Sample) -> None:
    sample.checkout()
    (sample.root / "build.yaml").write_text("left over")
    assert "build.yaml" not in read_checkout(sample.root)


def test_a_file_gone_from_the_disk_is_not_read(sample: Sample) -> None:
    assert "README.md" in sample.checkout()
    (sample.root / "README.md").unlink()
    assert "README.md" not in read_checkout(sample.root)
