"""Checkers of the repository: each takes a checkout and returns what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.repository.checks.apparmor import check_apparmor
from tests.repository.checks.boundaries import check_boundaries
from tests.repository.checks.checkout import Checkout, read_checkout
from tests.repository.checks.config_keys import check_config_keys
from tests.repository.checks.copies import check_copies
from tests.repository.checks.dockerfile import check_dockerfiles
from tests.repository.checks.links import check_links
from tests.repository.checks.options import check_options
from tests.repository.checks.ownership import check_ownership
from tests.repository.checks.packages import check_packages
from tests.repository.checks.pictures import check_pictures
from tests.repository.checks.pins import check_pins
from tests.repository.checks.rating import check_rating
from tests.repository.checks.rootfs_scripts import check_rootfs_files, check_service_scripts
from tests.repository.checks.s6_tree import check_s6_tree
from tests.repository.checks.source_text import (
    check_machine_paths,
    check_module_lengths,
    check_package_locks,
    check_registry_hosts,
)
from tests.repository.checks.store import (
    check_documented_options,
    check_host_ports,
    check_store_files,
    check_stray_configs,
)
from tests.repository.checks.translations import check_translations
from tests.repository.checks.versions import check_versions
from tests.repository.checks.workflows import check_workflows
from tests.repository.finding import Finding

Check = Callable[[Checkout], list[Finding]]

CHECKS: tuple[Check, ...] = (
    check_store_files,
    check_stray_configs,
    check_config_keys,
    check_options,
    check_translations,
    check_documented_options,
    check_host_ports,
    check_rating,
    check_versions,
    check_ownership,
    check_pictures,
    check_s6_tree,
    check_rootfs_files,
    check_service_scripts,
    check_dockerfiles,
    check_apparmor,
    check_copies,
    check_boundaries,
    check_packages,
    check_pins,
    check_links,
    check_machine_paths,
    check_registry_hosts,
    check_module_lengths,
    check_package_locks,
    check_workflows,
)
"""All that need nothing but the tracked files."""


def check_repository(root: Path) -> list[Finding]:
    """Every check on the checkout at `root`, sorted by file."""
    checkout = read_checkout(root)
    return sorted(finding for check in CHECKS for finding in check(checkout))
