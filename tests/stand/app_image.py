"""Builds an app's real Dockerfile, with the stand-in in place of the Supervisor's base image."""

import re
from pathlib import Path

from tests.stand import podman
from tests.stand.app import App, architecture
from tests.stand.base import base_image, uses_real_base
from tests.stand.cache import building, content_key
from tests.stand.progress import step

BASE_NAME = re.compile(r"ghcr\.io/home-assistant/base-debian:[\w.-]+")


def app_image(app: App) -> str:
    """Name of the app's image, built if this machine has none of this content."""
    replaced = {} if uses_real_base() else _replacements(app.folder / "Dockerfile")
    arguments = {"BUILD_ARCH": architecture(), "BUILD_VERSION": app.version}
    key = content_key(app.folder, str(replaced), str(arguments))
    name = f"{podman.PREFIX}/{app.slug}:{key}"
    with building(f"app-{app.slug}"):
        if not podman.image_exists(name):
            with step(f"image of {app.slug}"):
                podman.build(
                    app.folder, name, arguments=arguments, replaced=replaced, pull=uses_real_base()
                )
            podman.drop_older(name)
    return name


def _replacements(dockerfile: Path) -> dict[str, str]:
    names = sorted(set(BASE_NAME.findall(dockerfile.read_text())))
    if not names:
        return {}
    base = base_image()
    return dict.fromkeys(names, base)
