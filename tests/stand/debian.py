"""Plain Debian as an image, made with debootstrap because no image registry is needed for it."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.stand import podman
from tests.stand.cache import building, cache_home, content_key
from tests.stand.mirror import this_machines_mirror
from tests.stand.progress import step

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
AUTHORITIES = Path("/usr/local/share/ca-certificates")
# The host's own words on how apt and TLS work here; a network may have its own authority.
TRUST = {
    "PIP_CERT": str(BUNDLE),
    "SSL_CERT_FILE": str(BUNDLE),
    "REQUESTS_CA_BUNDLE": str(BUNDLE),
    "NODE_EXTRA_CA_CERTS": str(BUNDLE),
}
RELEASED = frozenset({"bookworm", "trixie"})
# What the published Debian images leave out, so that sizes compare.
KEEP_NO_CACHE = """Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };
"""
UNSHIPPED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale")


def debian_image(suite: str, packages: tuple[str, ...]) -> str:
    """Name of the image with `suite` and `packages`, built if this machine has none."""
    kind = f"debian-{suite}-{content_key(*packages)}"
    name = f"{podman.PREFIX}/{kind}:{content_key(Path(__file__), BUNDLE, *_host_settings())}"
    with building(kind):
        if not podman.image_exists(name):
            with step(f"Debian {suite} by debootstrap"), _scratch() as scratch:
                tree = Path(scratch) / suite
                _debootstrap(tree, suite, packages)
                _settle(tree, suite)
                changes = [f"ENV {variable}={value}" for variable, value in TRUST.items()]
                podman.import_tree(tree, name, changes)
            podman.drop_older(name)
    return name


def _scratch() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(dir=cache_home(), prefix="tree-")


def _host_settings() -> list[Path]:
    """apt settings that switch off date checks: a mirror may be older than a Release allows."""
    settings = Path("/etc/apt/apt.conf.d")
    return [
        path
        for path in sorted(settings.glob("*"))
        if "Check-Valid-Until" in path.read_text() or "Check-Date" in path.read_text()
    ]


def _debootstrap(tree: Path, suite: str, packages: tuple[str, ...]) -> None:
    scripts = Path("/usr/share/debootstrap/scripts")
    # An older debootstrap has no script for a newer suite; that of sid fits.
    script = scripts / (suite if (scripts / suite).exists() else "sid")
    command = [
        "debootstrap", "--variant=minbase", f"--include={','.join(packages)}",
        suite, str(tree), this_machines_mirror().packages, str(script),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise podman.PodmanError(f"debootstrap {suite}: {done.stdout[-2000:]}")


def _settle(tree: Path, suite: str) -> None:
    for path in _host_settings():
        shutil.copy(path, tree / "etc/apt/apt.conf.d" / path.name)
    for folder in UNSHIPPED:
        shutil.rmtree(tree / folder, ignore_errors=True)
        (tree / folder).mkdir()
    excludes = "".join(f"path-exclude /{folder}/*\n" for folder in UNSHIPPED)
    (tree / "etc/dpkg/dpkg.cfg.d/standin").write_text(excludes)
    (tree / "etc/apt/apt.conf.d/90standin").write_text(KEEP_NO_CACHE)
    policy = tree / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    (tree / "etc/apt/sources.list").write_text(_sources(suite))
    for cache in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(tree / cache, ignore_errors=True)
    for folder in ("var/cache/apt/archives/partial", "var/lib/apt/lists/partial"):
        (tree / folder).mkdir(parents=True)
    _trust_host(tree)


def _sources(suite: str) -> str:
    mirror = this_machines_mirror()
    lines = [f"deb {mirror.packages} {suite} main"]
    if suite in RELEASED:
        lines.append(f"deb {mirror.packages} {suite}-updates main")
        if mirror.security:
            lines.append(f"deb {mirror.security} {suite}-security main")
    return "\n".join(lines) + "\n"


def _trust_host(tree: Path) -> None:
    """The host's authorities as such, so that a later update-ca-certificates keeps them."""
    target = tree / AUTHORITIES.relative_to("/")
    target.mkdir(parents=True, exist_ok=True)
    for certificate in AUTHORITIES.glob("*.crt"):
        shutil.copy(certificate, target)
    subprocess.run(["chroot", tree, "update-ca-certificates"], capture_output=True, check=True)
    shutil.copy(BUNDLE, tree / BUNDLE.relative_to("/"))
