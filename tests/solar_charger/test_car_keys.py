from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from solar_charger.car.keys import (
    KeyExistsError,
    KeyFileError,
    generate_key,
    import_key,
    load_public_pem,
    parse_private_key,
)
from solar_charger.relay_server.commands import public_pem


def pem_of(key: Any, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> str:
    plain = serialization.NoEncryption()
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, form, plain)
    return pem.decode()


def test_a_new_key_is_for_us_alone_and_its_public_half_is_handed_out(tmp_path: Path) -> None:
    path = tmp_path / "private.pem"
    public = generate_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert public.startswith("-----BEGIN PUBLIC KEY-----")
    assert load_public_pem(path) == public
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_is_never_replaced_by_accident(tmp_path: Path) -> None:
    path = tmp_path / "private.pem"
    first = generate_key(path)
    with pytest.raises(KeyExistsError):
        generate_key(path)
    assert load_public_pem(path) == first
    assert generate_key(path, replace=True) != first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_a_key_from_elsewhere_is_taken_in_both_forms(
    tmp_path: Path, form: serialization.PrivateFormat
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = import_key(tmp_path / "private.pem", pem_of(key, form))
    wanted = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == wanted.decode()


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-384", "RSA"],
)
def test_other_kinds_of_key_are_refused_with_the_reason(tmp_path: Path, key: Any) -> None:
    with pytest.raises(KeyFileError, match="P-256"):
        import_key(tmp_path / "private.pem", pem_of(key))
    assert not (tmp_path / "private.pem").exists()


def test_a_missing_key_and_a_folder_that_is_not_there_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="make one first"):
        load_public_pem(tmp_path / "private.pem")
    with pytest.raises(KeyFileError, match="cannot be written"):
        generate_key(tmp_path / "missing" / "private.pem")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl program to compare with")
def test_the_public_half_is_what_openssl_writes(tmp_path: Path) -> None:
    path = tmp_path / "private.pem"
    public = generate_key(path)
    told = subprocess.run(
        ["openssl", "ec", "-in", path, "-pubout"], capture_output=True, check=True, text=True
    )
    assert told.stdout == public


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_the_relay_finds_the_same_public_half_without_any_library(
    form: serialization.PrivateFormat,
) -> None:
    for _ in range(20):
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        parameters = (
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        )
        assert public_pem(pem_of(key, form)) == wanted.decode()
        assert public_pem(parameters + pem_of(key, form)) == wanted.decode()


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
@settings(max_examples=300)  # each example parses PEM in native code; the reader is the library's
def test_any_text_is_a_key_or_refused(text: str) -> None:
    with contextlib.suppress(KeyFileError):
        parse_private_key(text)
