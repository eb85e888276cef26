"""Icon and logo: PNG files of the sizes the store shows."""

from __future__ import annotations

import struct

from tests.repository.checks.checkout import Checkout
from tests.repository.finding import Finding

SIZES = {"icon.png": (128, 128), "logo.png": (250, 100)}

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


class NoPicture(ValueError):
    """The bytes are no complete PNG file."""


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from IHDR (PNG specification §11.2.2); raises NoPicture."""
    if len(data) < 33 or not data.startswith(_SIGNATURE) or data[12:16] != b"IHDR":
        raise NoPicture("is no PNG file")
    if not data.endswith(_END):
        raise NoPicture("is a PNG file without its end")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def check_pictures(checkout: Checkout) -> list[Finding]:
    """Sizes of every picture that is there; a missing one is the store check's."""
    findings: list[Finding] = []
    for app in checkout.apps:
        for name, (width, height) in SIZES.items():
            path = f"{app}/{name}"
            if path not in checkout:
                continue
            try:
                found = png_size(checkout.read_bytes(path))
            except NoPicture as error:
                findings.append(Finding(path, str(error), f"draw it anew, {width} by {height}"))
                continue
            if found != (width, height):
                findings.append(
                    Finding(path, f"is {found[0]} by {found[1]}", f"make it {width} by {height}")
                )
    return findings
