"""The TLS listener's context: explicit flags, certificate files, renewal while running."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from . import logs
from .errors import OptionError

log = logs.get("tls")

MODERN = "ECDHE+AESGCM:ECDHE+CHACHA20"
# Mandatory for old wallboxes: OCPP 1.6 security whitepaper edition 2, A00.FR.312.
LEGACY = f"{MODERN}:AES128-GCM-SHA256:AES256-GCM-SHA384"

SSL = Path("/ssl")
# In the container a root service keeps readable copies there, because /ssl is root's.
COPIES = Path("/run/ocpp_proxy/tls")

Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The files of the chain and the key; a bare name means a file of `folder`."""

    chain: Path
    key: Path

    @classmethod
    def of(cls, certfile: str, keyfile: str, folder: Path) -> Certificate:
        # Joining keeps an absolute path as it is.
        return cls(folder / certfile, folder / keyfile)

    @property
    def paths(self) -> tuple[Path, Path]:
        """Chain and key."""
        return self.chain, self.key

    @staticmethod
    def shown(path: Path) -> Path:
        """The file as its owner knows it, where we read a copy."""
        return SSL / path.relative_to(COPIES) if path.is_relative_to(COPIES) else path

    def stamp(self) -> Stamp:
        """Changes whenever one of the files was replaced; raises OSError."""
        stats = [path.stat() for path in self.paths]
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)

    def check_readable(self) -> None:
        """Raises OptionError with the option of the file that cannot be read."""
        for option, path in zip(("certfile", "keyfile"), self.paths, strict=True):
            try:
                path.read_bytes()
            except OSError as error:
                raise OptionError(
                    option, f"{self.shown(path)} cannot be read ({error.strerror})",
                    "put the file there, name another one, or switch ssl off",
                ) from error  # fmt: skip


def bare_context(*, legacy: bool = False) -> ssl.SSLContext:
    """A server context with nothing left to the defaults, which differ between Python versions."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_NONE
    context.options |= (
        ssl.OP_NO_COMPRESSION
        | ssl.OP_NO_RENEGOTIATION
        | ssl.OP_CIPHER_SERVER_PREFERENCE
        | ssl.OP_SINGLE_ECDH_USE
        # A wallbox keeps its connection for days: resumption saves nothing, its state costs memory.
        | ssl.OP_NO_TICKET
    )
    context.num_tickets = 0
    context.set_ciphers(LEGACY if legacy else MODERN)
    return context


class TlsListener:
    """The one context of the listener; new files are loaded into it, open connections stay."""

    def __init__(self, certificate: Certificate, *, legacy: bool = False) -> None:
        certificate.check_readable()
        self._certificate = certificate
        self._legacy = legacy
        self._stamp = certificate.stamp()
        self.context = bare_context(legacy=legacy)
        self._load(self.context)

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            # A password is never asked for on the terminal.
            context.load_cert_chain(*self._certificate.paths, password=lambda: b"")
        except (ssl.SSLError, OSError, ValueError) as error:
            chain, key = (Certificate.shown(path) for path in self._certificate.paths)
            raise OptionError(
                "certfile", f"{chain} and {key} cannot be used together "
                f"({getattr(error, 'reason', None) or error})",
                "name a certificate chain and its own unencrypted key, both PEM",
            ) from error  # fmt: skip

    def reload_if_changed(self) -> bool:
        """Load renewed files; whether new connections get another certificate now.

        A pair that does not fit is tried in a scratch context first: a failed load would leave the
        live context without a usable key for everybody (seen on Python 3.11).
        """
        try:
            stamp = self._certificate.stamp()
            if stamp == self._stamp:
                return False
            self._load(bare_context(legacy=self._legacy))
            self._load(self.context)
        except OSError as error:
            log.limited("error", "reload", "", "certificate not reloaded: %s", error)
            return False
        except OptionError as error:
            log.limited("error", "reload", "", "certificate not reloaded: %s", error)
            return False
        self._stamp = stamp
        shown = Certificate.shown(self._certificate.chain)
        log.info("certificate %s reloaded for new connections", shown)
        return True
