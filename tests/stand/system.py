"""The Debian packages the stand needs on the host."""

from tests.system import SystemPackages

CONTAINERS = SystemPackages(
    (
        "podman",
        "buildah",
        "runc",
        "netavark",
        "aardvark-dns",
        "iptables",
        "iproute2",
        "debootstrap",
        "ca-certificates",
    )
)
BROWSER = SystemPackages(("chromium",))
UNITS = SystemPackages(("systemd",))  # systemd-analyze


def install() -> None:
    """Installs what the containers need and is missing, with one line of progress."""
    CONTAINERS.install()
