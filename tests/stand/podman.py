"""Runs podman with the settings that work without systemd: builds, images, networks, clean-up.

Containers themselves are in `container.py`.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PREFIX = "localhost/ev-home-apps"
LABEL = "ev-home-apps"
STAND = f"{LABEL}=stand"  # what belongs to the one stand and may be removed with it
# crun fails on a split cgroup layout, and runc refuses without limits.
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000")
KEPT_VERSIONS = 2


class PodmanError(Exception):
    """A podman command that failed; the text ends with what it said."""


def podman(*arguments: str, check: bool = True, timeout: float | None = None) -> str:
    """Standard output of `podman ARGUMENTS`. Raises PodmanError on a non-zero exit."""
    done = run_podman(*arguments, timeout=timeout)
    if check and done.returncode:
        said = (done.stderr or done.stdout)[-4000:].strip()
        raise PodmanError(f"podman {arguments[0]} ended with {done.returncode}: {said}")
    return done.stdout


def run_podman(*arguments: str, timeout: float | None = None) -> "subprocess.CompletedProcess[str]":
    """The ended process of `podman ARGUMENTS`, whatever its exit code."""
    return subprocess.run(
        ["podman", "--runtime", "runc", *arguments],
        capture_output=True, text=True, errors="replace", check=False, timeout=timeout,
    )  # fmt: skip


def image_exists(name: str) -> bool:
    return run_podman("image", "exists", name).returncode == 0


def import_tree(tree: Path, name: str, changes: Sequence[str]) -> None:
    """Make an image of one layer from a folder; `changes` are Dockerfile instructions."""
    flags = [part for change in changes for part in ("--change", change)]
    with subprocess.Popen(["tar", "-C", tree, "-c", "."], stdout=subprocess.PIPE) as tar:
        command = ["podman", "import", "--quiet", *flags, "-", name]
        done = subprocess.run(command, stdin=tar.stdout, capture_output=True, check=False)
    if done.returncode or tar.returncode:
        raise PodmanError(f"podman import {name}: {done.stderr.decode()[-2000:]}")


def build(
    context: Path,
    name: str,
    *,
    arguments: Mapping[str, str] | None = None,
    replaced: Mapping[str, str] | None = None,
    pull: bool = False,
) -> None:
    """Build `context`'s Dockerfile as `name`.

    `replaced` maps image names in FROM lines to those used in their place; docker's format keeps
    the HEALTHCHECK, which podman's own drops.
    """
    pulling = "always" if pull else "never"
    flags = [f"--build-arg={key}={value}" for key, value in (arguments or {}).items()]
    for original, substitute in (replaced or {}).items():
        flags.append(f"--build-context={original}=container-image://{substitute}")
    podman(
        "build", *LIMITS, "--network=host", "--format=docker", f"--pull={pulling}",
        f"--label={LABEL}=image", *flags, "--tag", name, str(context),
    )  # fmt: skip


def drop_older(name: str) -> None:
    """Remove all but the newest versions of an image whose tag is a content key."""
    repository = name.rpartition(":")[0]
    listing = podman(
        "images", "--sort", "created", "--format", "{{.Repository}}:{{.Tag}}",
        "--filter", f"reference={repository}",
    )  # fmt: skip
    others = [line for line in listing.split() if line != name]
    for old in others[KEPT_VERSIONS - 1 :]:
        podman("rmi", old, check=False)


def remove_images() -> None:
    """Remove every image the stand has built; the next run makes them again."""
    listing = podman("images", "--format", "{{.Repository}}:{{.Tag}}")
    for name in listing.split():
        if name.startswith(f"{PREFIX}/"):
            podman("rmi", "--force", name, check=False)
    podman("image", "prune", "--force", "--filter", f"label={LABEL}", check=False)


def create_network(name: str, *, subnet: str, gateway: str, range_: str) -> None:
    podman("network", "create", "--label", STAND, "--subnet", subnet,
           "--gateway", gateway, "--ip-range", range_, name)  # fmt: skip


def remove_leftovers() -> None:
    """Remove every container, volume and network a stand has left behind."""
    own = ("--filter", f"label={STAND}")
    for container in podman("ps", "--all", "--quiet", *own).split():
        podman("rm", "--force", "--time", "0", "--volumes", container, check=False)
    for volume in podman("volume", "ls", "--quiet", *own).split():
        podman("volume", "rm", "--force", volume, check=False)
    for network in podman("network", "ls", "--quiet", *own).split():
        podman("network", "rm", "--force", network, check=False)
