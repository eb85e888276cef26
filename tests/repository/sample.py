"""A small good repository with one app, written to a folder so that tests can break it."""

from __future__ import annotations

import struct
import subprocess
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.repository.checks.checkout import Checkout, read_checkout
from tests.repository.finding import Finding

APP = "sun_dial"
ADDRESS = "https://github.com/ev-home-apps/ev-home-apps"
CONFIG = f"{APP}/config.yaml"
SERVICES = f"{APP}/rootfs/etc/s6-overlay/s6-rc.d"

_LEVELS = "list(trace|debug|info|notice|warning|error|fatal)"

GOOD_CONFIG: dict[str, Any] = {
    "name": "Sun dial",
    "version": "0.1.0",
    "slug": APP,
    "description": "Tells the time by the sun",
    "url": f"{ADDRESS}/tree/main/{APP}",
    "arch": ["aarch64", "amd64"],
    "init": False,
    "ingress": True,
    "panel_icon": "mdi:sun-clock",
    "services": ["mqtt:want"],
    "map": ["ssl"],
    "timeout": 30,
    "ports": {"8890/tcp": 8890},
    "options": {
        "shadow_length": 12,
        "mqtt_tls": False,
        "discovery_prefix": "homeassistant",
        "log_level": "info",
    },
    "schema": {
        "shadow_length": "int(1,80)",
        "mqtt_host": "str?",
        "mqtt_port": "port?",
        "mqtt_username": "str?",
        "mqtt_password": "password?",
        "mqtt_tls": "bool",
        "mqtt_ca": "str?",
        "discovery_prefix": "str",
        "log_level": _LEVELS,
    },
}

GOOD_DOCKERFILE = f"""\
    FROM ghcr.io/home-assistant/base-debian:trixie AS builder
    COPY requirements.txt /build/
    RUN python3 -m venv /opt/venv \\
        && /opt/venv/bin/pip install --only-binary :all: --require-hashes -r /build/requirements.txt
    FROM ghcr.io/home-assistant/base-debian:trixie
    ARG BUILD_VERSION BUILD_ARCH
    ENV S6_VERBOSITY=1
    LABEL io.hass.type="app" io.hass.version="${{BUILD_VERSION}}" io.hass.arch="${{BUILD_ARCH}}" \\
          io.hass.name="Sun dial" io.hass.description="Tells the time by the sun" \\
          io.hass.url="{ADDRESS}/tree/main/{APP}" \\
          org.opencontainers.image.title="Sun dial" \\
          org.opencontainers.image.description="Tells the time by the sun" \\
          org.opencontainers.image.source="{ADDRESS}" \\
          org.opencontainers.image.licenses="Apache-2.0"
    COPY --from=builder /opt/venv /opt/venv
    # The start of a slow board takes minutes.
    HEALTHCHECK --interval=1m --timeout=5s --start-period=3m CMD ["/usr/local/bin/healthy"]
    COPY rootfs /
    """

GOOD_PROFILE = f"""\
    #include <tunables/global>

    profile {APP} flags=(attach_disconnected,mediate_deleted) {{
      #include <abstractions/base>
      file,
      signal (send) set=(kill,term,int,hup,cont),

      /usr/bin/dial cx -> dial,
      profile dial flags=(attach_disconnected,mediate_deleted) {{
        #include <abstractions/base>
        signal (receive) peer=*_{APP},
      }}
    }}
    """

GOOD_FINISH = """\
    #!/command/with-contenv bash
    [ "$(s6-svstat -o wantedup .)" = true ] || exit 0
    if [ "$1" -eq 1 ]; then
      echo 1 > /run/s6-linux-init-container-results/exitcode
      /run/s6/basedir/bin/halt
      exit 125
    fi
    echo "svc-dial ended with $1, it is started again"
    """

GOOD_PROJECT = f"""\
    [project]
    name = "{APP}"
    license = "Apache-2.0"
    requires-python = ">=3.11"
    dynamic = ["version"]
    dependencies = ["six>=1.16,<2"]
    [project.scripts]
    {APP} = "{APP}.__main__:main"
    [tool.hatch.version]
    path = "{APP}/__init__.py"
    """


def png(width: int, height: int) -> bytes:
    """A complete grey PNG picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    lines = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


class Sample:
    """The repository on disk; what is written is tracked at the next `checkout()`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git("init", "-q")

    def _git(self, *words: str) -> None:
        subprocess.run(["git", "-C", str(self.root), *words], check=True, capture_output=True)

    def write(self, path: str, content: str | bytes, *, executable: bool = False) -> None:
        """Writes one file; text loses the indentation all its lines share."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        data = textwrap.dedent(content).encode() if isinstance(content, str) else content
        file.write_bytes(data)
        file.chmod(0o755 if executable else 0o644)

    def text(self, path: str) -> str:
        """The content of one file."""
        return (self.root / path).read_bytes().decode()

    def replace(self, path: str, old: str, new: str) -> None:
        """Changes a text that must be there, modes kept."""
        content = self.text(path)
        assert old in content, f"{path} holds no {old!r}"
        executable = bool((self.root / path).stat().st_mode & 0o100)
        self.write(path, content.replace(old, new).encode(), executable=executable)

    def remove(self, path: str) -> None:
        """Takes a file away."""
        (self.root / path).unlink()

    def configure(self, **changes: Any) -> None:
        """Writes config.yaml with some keys changed; None takes a key out."""
        merged = {**yaml.safe_load(self.text(CONFIG)), **changes}
        kept = {key: value for key, value in merged.items() if value is not None}
        self.write(CONFIG, yaml.safe_dump(kept, sort_keys=False).encode())

    def checkout(self) -> Checkout:
        """Everything on the disk, tracked."""
        self._git("add", "--all", "--force")
        return read_checkout(self.root)

    def faults(self, check: Callable[[Checkout], list[Finding]]) -> list[str]:
        """The findings of one check, as a person reads them."""
        return [str(finding) for finding in check(self.checkout())]


def write_service(sample: Sample, name: str, *dependencies: str) -> None:
    """One longrun or oneshot by its prefix, enabled, waiting for the others."""
    folder = f"{SERVICES}/{name}"
    if name.startswith("svc-"):
        sample.write(f"{folder}/type", b"longrun\n")
        run = "#!/command/with-contenv bash\nexec s6-setuidgid dial \\\n  /opt/venv/bin/python\n"
        sample.write(f"{folder}/run", run, executable=True)
        sample.write(f"{folder}/finish", GOOD_FINISH.replace("svc-dial", name), executable=True)
    else:
        sample.write(f"{folder}/type", b"oneshot\n")
        sample.write(f"{folder}/up", f"/etc/s6-overlay/scripts/{name}\n")
        script = f"{APP}/rootfs/etc/s6-overlay/scripts/{name}"
        sample.write(script, "#!/command/with-contenv bash\nmkdir -p /run/dial\n", executable=True)
    for other in dependencies:
        sample.write(f"{folder}/dependencies.d/{other}", b"")
    sample.write(f"{SERVICES}/user/contents.d/{name}", b"")


def good_translation() -> dict[str, Any]:
    """Texts for every option and port of the good app."""
    options = GOOD_CONFIG["schema"]
    texts = {key: {"name": key, "description": f"What {key} is for here"} for key in options}
    return {"configuration": texts, "network": {"8890/tcp": "The page"}}


def write_good_repository(root: Path) -> Sample:
    """A repository every check is content with."""
    sample = Sample(root)
    sample.write("Makefile", "OWNER ?= ev-home-apps\nREPO ?= ev-home-apps\n")
    sample.write(
        "repository.yaml",
        f"name: EV home apps\nurl: {ADDRESS}\nmaintainer: The EV home apps contributors\n",
    )
    sample.write("README.md", f"# EV home apps\n\n[Sun dial]({APP}/README.md)\n")
    sample.write(CONFIG, yaml.safe_dump(GOOD_CONFIG, sort_keys=False).encode())
    sample.write(f"{APP}/translations/en.yaml", yaml.safe_dump(good_translation()).encode())
    options = "\n".join(f"### Option: `{key}`\n" for key in GOOD_CONFIG["schema"])
    sample.write(f"{APP}/DOCS.md", f"# Sun dial\n\nPort 8890 shows the page.\n\n{options}")
    sample.write(f"{APP}/README.md", "# Sun dial\n\nSee [the documents](DOCS.md#sun-dial).\n")
    sample.write(f"{APP}/INTERNALS.md", "# Inside\n")
    sample.write(f"{APP}/CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 0.1.0\n\nFirst.\n")
    sample.write(f"{APP}/Dockerfile", GOOD_DOCKERFILE)
    sample.write(f"{APP}/apparmor.txt", GOOD_PROFILE)
    sample.write(f"{APP}/icon.png", png(128, 128))
    sample.write(f"{APP}/logo.png", png(250, 100))
    sample.write(f"{APP}/pyproject.toml", GOOD_PROJECT)
    sample.write(f"{APP}/requirements.txt", f"six==1.17.0 \\\n    --hash=sha256:{'0' * 64}\n")
    sample.write(f"{APP}/{APP}/__init__.py", '"""Sun dial."""\n\n__version__ = "0.1.0"\n')
    write_service(sample, "init-folders", "base")
    write_service(sample, "svc-dial", "init-folders")
    return sample
