"""`make assets`: front-end libraries into `<app>/<app>/static/vendor/`, each with its licence."""

from __future__ import annotations

import sys

from tests import environments
from tests.environments import ROOT


def apps_with_assets() -> list[str]:
    """Apps whose pages use front-end libraries: those with a package-lock.json."""
    return [app for app in environments.apps() if (ROOT / app / "package-lock.json").exists()]


if __name__ == "__main__":
    if not apps_with_assets():
        sys.exit("make assets: no app uses front-end libraries yet")
