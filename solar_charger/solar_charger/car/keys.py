"""The key the car knows us by: a NIST P-256 key in a PEM file only the service's user can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ..errors import SolarChargerError


class KeyFileError(SolarChargerError):
    """A key that cannot be used; the text says what to do."""


class KeyExistsError(KeyFileError):
    """There is a key already and nobody said to replace it."""


_MAX_PEM_BYTES = 16 * 1024


def generate_key(path: Path, *, replace: bool = False) -> str:
    """Make a new key at `path` (mode 0600) and return its public half as PEM.

    Raises KeyExistsError where a key is there and `replace` is false, KeyFileError where the
    folder cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    _store(path, key, replace=replace)
    return _public_pem(key)


def import_key(path: Path, private_pem: str, *, replace: bool = False) -> str:
    """Store a key brought from elsewhere (PKCS #8 or SEC 1 PEM); return its public half as PEM.

    Raises KeyFileError where the text is no unencrypted P-256 private key, KeyExistsError.
    """
    key = parse_private_key(private_pem)
    _store(path, key, replace=replace)
    return _public_pem(key)


def load_public_pem(path: Path) -> str:
    """The public half, in the form `openssl ec -pubout` writes.

    Raises KeyFileError where the file is missing or no P-256 key.
    """
    return _public_pem(load_key(path))


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read the key file.

    Raises KeyFileError where the file is missing or no P-256 key.
    """
    try:
        with path.open(encoding="ascii") as file:
            pem = file.read(_MAX_PEM_BYTES)
    except FileNotFoundError as error:
        raise KeyFileError(f"there is no key at {path}: make one first") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"the key at {path} cannot be read: {error}") from error
    return parse_private_key(pem)


def parse_private_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key in a PEM text.

    Raises KeyFileError for everything else; the text of the error never holds key material.
    """
    if len(pem) > _MAX_PEM_BYTES:
        raise KeyFileError("this is no private key: far too long")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError("this is no private key in PEM form without a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyFileError("this is no NIST P-256 key, and the car takes no other")
    return key


def _public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode("ascii")
    )


def _store(path: Path, key: ec.EllipticCurvePrivateKey, *, replace: bool) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        _move_into_place(temporary, path, replace=replace)
    except OSError as error:
        raise KeyFileError(f"the key cannot be written to {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _move_into_place(temporary: Path, path: Path, *, replace: bool) -> None:
    if replace:
        temporary.replace(path)
        return
    try:
        # A link, unlike a rename, fails where the name is taken.
        os.link(temporary, path)
    except FileExistsError as error:
        raise KeyExistsError(f"there is a key at {path} already") from error
