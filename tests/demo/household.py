"""The work of `make home`: the stand in the foreground, with the apps and their simulators."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from tests.demo.simulators import OPTIONS, SIMULATORS
from tests.environments import ROOT, EnvironmentNotReady
from tests.stand.app import App, OptionsRefused, read_app
from tests.stand.cache import StandBusy
from tests.stand.home_assistant import PASSWORD, USERNAME, HomeAssistant
from tests.stand.podman import PodmanError
from tests.stand.progress import step
from tests.stand.stand import Stand, running_stand
from tests.stand.supervisor import AppFailed, RunningApp, port_is_free
from tests.stand.waiting import NeverHappened, wait_until
from tests.system import CannotInstall

ENTITY_SECONDS = 60
REFUSALS = (
    AppFailed,
    CannotInstall,
    EnvironmentNotReady,
    NeverHappened,
    OptionsRefused,
    PodmanError,
    StandBusy,
)


def apps_with_images(wanted: list[str]) -> list[App]:
    """The wanted apps, or all that can be built."""
    found = sorted(path.parent.name for path in ROOT.glob("*/config.yaml"))
    return [
        read_app(name)
        for name in found
        if (ROOT / name / "Dockerfile").exists() and (not wanted or name in wanted)
    ]


@contextmanager
def at_home(stand: Stand, app: App) -> Iterator[RunningApp]:
    """The app with its usual ports, where they are free, and its far sides."""
    usual = {
        inside: outside
        for inside, outside in (app.config.get("ports") or {}).items()
        if outside and port_is_free(outside)
    }
    with ExitStack() as stack:
        with step(f"start of {app.slug}"):
            running = stand.supervisor.start_app(app, OPTIONS.get(app.slug), ports=usual)
        for simulator in SIMULATORS.get(app.slug, ()):
            child = simulator.start(app.slug, running.ports)
            stack.callback(child.stop)
        yield running


def entities_of(home_assistant: HomeAssistant, slug: str) -> list[str]:
    """Entities of an app that have a state, not those that are there and unavailable."""
    states = home_assistant.states()
    return [
        entity["entity_id"]
        for entity in home_assistant.entities()
        if str(entity["unique_id"]).startswith(f"{slug}_")
        and states.get(entity["entity_id"], {}).get("state", "unavailable") != "unavailable"
    ]


def print_addresses(stand: Stand, apps: list[RunningApp]) -> None:
    """Where to go and how to get in."""
    print(f"\nHome Assistant  http://localhost:8123  user {USERNAME}, password {PASSWORD}")
    for running in apps:
        entities = entities_of(stand.home_assistant, running.app.slug)
        ports = ", ".join(f"{inside} on 127.0.0.1:{at}" for inside, at in running.ports.items())
        print(f"{running.app.slug:<15} {running.page}")
        print(f"{'':<15} {len(entities)} entities in Home Assistant; ports: {ports or 'none'}")
    print("\nCtrl-C ends it all.\n", flush=True)


def stay(stand: Stand, apps: list[RunningApp], seconds: float | None) -> int:
    """Until the time is over or Ctrl-C; 0 if every app was well to the end."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stopping.set())
    stopping.wait(seconds)
    code = 0
    for running in apps:
        slug = running.app.slug
        healthy = running.container.healthy()
        entities = len(entities_of(stand.home_assistant, slug))
        left = running.stop()
        print(f"home: {slug}: healthy {healthy}, {entities} entities, left with {left}")
        if not healthy or not entities or left:
            code = 1
    return code


def live(wanted: list[str], seconds: float | None) -> int:
    """Everything up, then stay; raises one of REFUSALS."""
    apps = apps_with_images(wanted)
    with running_stand() as stand, ExitStack() as stack:
        home_assistant = stand.home_assistant
        running = [stack.enter_context(at_home(stand, app)) for app in apps]
        for each in running:
            look = partial(entities_of, home_assistant, each.app.slug)
            wait_until(look, ENTITY_SECONDS, f"an entity of {each.app.slug} in Home Assistant")
        print_addresses(stand, running)
        return stay(stand, running, seconds)


def main() -> int:
    """Command line; what went wrong is one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("apps", nargs="*")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = live(arguments.apps, arguments.seconds)
    except KeyboardInterrupt:
        print("home: ended before everything was up", file=sys.stderr)
        return 130
    except REFUSALS as refusal:
        print(f"home: {refusal}", file=sys.stderr)
        return 1
    print("home: every app was well" if code == 0 else "home: FAILED, see the lines above")
    return code


if __name__ == "__main__":
    sys.exit(main())
