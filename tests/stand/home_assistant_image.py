"""The image of the real Home Assistant, from Debian and the package index."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.stand import podman
from tests.stand.cache import building, cache_home, content_key
from tests.stand.debian import debian_image
from tests.stand.progress import step

SOURCES = Path(__file__).parent.parent / "images" / "home_assistant"
ONBOARDING = Path(__file__).parent / "onboarding.py"
PACKAGES = (
    "ca-certificates", "tzdata", "gcc", "g++", "python3", "python3-venv", "python3-dev",
    "libffi-dev",
)  # fmt: skip


@dataclass(frozen=True)
class Release:
    """A version of Home Assistant and the Debian suite whose Python it needs."""

    version: str
    suite: str


# The one place that names both. When the moving suite breaks: Release("2026.2.3", "trixie").
CURRENT = Release("2026.11.0", "forky")


def home_assistant_image(release: Release = CURRENT) -> str:
    """Name of the image, built if this machine has none (several minutes)."""
    tree = debian_image(release.suite, PACKAGES)
    key = content_key(tree, SOURCES, ONBOARDING, release.version)
    name = f"{podman.PREFIX}/home-assistant:{key}"
    with building("home-assistant"):
        if not podman.image_exists(name):
            with (
                step(f"Home Assistant {release.version} (some minutes)"),
                tempfile.TemporaryDirectory(dir=cache_home()) as context,
            ):
                for source in (*SOURCES.iterdir(), ONBOARDING):
                    shutil.copy(source, context)
                arguments = {"BASE": tree, "VERSION": release.version}
                podman.build(Path(context), name, arguments=arguments)
            podman.drop_older(name)
    return name
