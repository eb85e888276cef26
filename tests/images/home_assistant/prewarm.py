"""Runs in the image while it is built: one start, so that later ones need no network."""

import subprocess
import sys
from pathlib import Path

from tests.stand import onboarding  # its copy beside this file

CONFIG = Path("/tmp/warm")
PORT = 48123  # nobody's: the build shares the host's network
STOP_SECONDS = 60


def main() -> int:
    CONFIG.mkdir()
    onboarding.prepare(CONFIG, ["127.0.0.1"], PORT)
    home_assistant = subprocess.Popen(["/opt/hass/bin/hass", "--config", str(CONFIG)])
    try:
        address = f"http://127.0.0.1:{PORT}"
        onboarding.wait_answering(address, 600)
        tokens = onboarding.onboard(address, "prewarm", "prewarm")
        onboarding.wait_running(address, tokens.access, 600)
        # Nobody listens there: what counts is that the integration was loaded.
        onboarding.configure_mqtt(address, tokens.access, "127.0.0.1", 1, "prewarm", "prewarm")
    except onboarding.FlowRefused as refused:
        print(f"MQTT is loaded, and as expected: {refused}")
    finally:
        home_assistant.terminate()
        home_assistant.wait(STOP_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
