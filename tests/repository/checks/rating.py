"""The security rating of the store, computed as in the Supervisor (supervisor/apps/utils.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.repository.checks.checkout import Checkout
from tests.repository.checks.yaml_file import load_config
from tests.repository.finding import Finding

WANTED = 8

_PRIVILEGES = {
    "BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "PERFMON",
    "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO",
}  # fmt: skip


def security_rating(config: Mapping[Any, Any], *, own_profile: bool) -> int:
    """1 (dangerous) to 8, for an installed app."""
    listed = config.get("privileged")
    privileges = set(map(str, listed if isinstance(listed, list) else ()))
    rating = 5
    if config.get("apparmor", True) is False:
        rating -= 1
    elif own_profile:
        rating += 1
    if config.get("ingress"):
        rating += 2
    elif config.get("auth_api"):
        rating += 1
    if privileges & _PRIVILEGES or config.get("kernel_modules"):
        rating -= 1
    rating -= {"manager": 1, "admin": 2}.get(str(config.get("hassio_role")), 0)
    rating -= bool(config.get("host_network"))
    rating -= 2 * bool(config.get("host_pid"))
    rating -= bool(config.get("host_uts")) and "SYS_ADMIN" in privileges
    if config.get("docker_api") or config.get("full_access"):
        rating = 1
    return max(1, min(8, rating))


def check_rating(checkout: Checkout) -> list[Finding]:
    """Every app of the store reaches the best rating."""
    findings: list[Finding] = []
    for app in checkout.store_apps:
        profile = f"{app}/apparmor.txt" in checkout
        rating = security_rating(load_config(checkout, app), own_profile=profile)
        if rating != WANTED:
            findings.append(
                Finding(
                    f"{app}/config.yaml",
                    f"security rating {rating}",
                    f"reach {WANTED}: ingress, a profile of its own, no privilege",
                )
            )
    return findings
