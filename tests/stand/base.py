"""The stand-in for the Supervisor's base image, from Debian's packages."""

import os
from pathlib import Path

from tests.stand import podman
from tests.stand.cache import building, content_key
from tests.stand.debian import debian_image
from tests.stand.progress import step

REAL = "ghcr.io/home-assistant/base-debian:trixie"
SOURCES = Path(__file__).parent.parent / "images" / "standin"
PACKAGES = ("ca-certificates", "bash", "curl", "jq", "tzdata", "xz-utils")


def uses_real_base() -> bool:
    """BASE=real takes the published image; BASE=standin (default) ours."""
    return os.environ.get("BASE", "standin") == "real"


def base_image() -> str:
    """Name of the stand-in base image, built if this machine has none of this content."""
    tree = debian_image("trixie", PACKAGES)
    parts = (SOURCES / name for name in ("Dockerfile", "init", "commands", "standin_init"))
    name = f"{podman.PREFIX}/base-debian:{content_key(tree, *parts)}"
    with building("base-debian"):
        if not podman.image_exists(name):
            with step("stand-in base image"):
                podman.build(SOURCES, name, arguments={"TREE": tree})
            podman.drop_older(name)
    return name
