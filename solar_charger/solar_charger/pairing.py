"""The key the car knows us by, as the pairing wizard handles it; a new one ends going live."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .car import keys
from .clock import Clock
from .commands import Answer, refused, success
from .executor.backoff import Backoff
from .options import Options

if TYPE_CHECKING:
    from .charger import Charger

OWN_KEY = ("python_ble", "tesla_control", "simulated")
"""Drivers that work with a key of ours; with the others it lies on the far side."""
PAIRABLE = (*OWN_KEY, "relay")
"""Drivers over which the car can be asked to take a key; a relay has its own."""


class Pairing:
    """Makes, takes and shows the key."""

    def __init__(self, options: Options, data: Path, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._file = data / options.key_file
        self.public_pem = self._load()

    def _load(self) -> str:
        try:
            return keys.load_public_pem(self._file)
        except keys.KeyFileError:
            return ""

    @property
    def mark(self) -> str:
        """Stands for this VIN and key, and tells nothing of either."""
        options = self._options
        how = self.public_pem if options.vehicle_link in OWN_KEY else (options.relay_url or "")
        text = "\n".join((options.vin or "", options.vehicle_link, how))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def offered(self) -> bool:
        """Whether a pairing request can be sent at all."""
        return self._options.vehicle_link in PAIRABLE

    def not_offered(self) -> Answer:
        """409: the key is paired where it lies."""
        link = self._options.vehicle_link
        return refused(409, f"with vehicle_link {link} the car is paired on the far side")

    async def generate(self, *, replace: bool) -> Answer:
        """A new key; 409 where there is one and `replace` is false."""
        if self._options.vehicle_link not in OWN_KEY:
            return self._elsewhere()
        try:
            pem = await self._clock.aside(lambda: keys.generate_key(self._file, replace=replace))
        except keys.KeyExistsError:
            return refused(409, "there is a key already; say replace to make a new one")
        except keys.KeyFileError as error:
            return refused(503, str(error))
        self.public_pem = pem
        return success(public_key_pem=pem)

    async def take_over(self, value: Any) -> Answer:
        """A key from elsewhere; 400 if it is no P-256 key, 409 as above."""
        if self._options.vehicle_link not in OWN_KEY:
            return self._elsewhere()
        body = value if isinstance(value, Mapping) else {}
        private = body.get("private_key_pem")
        if not isinstance(private, str) or not private.strip():
            return refused(400, "private_key_pem wants the text of a key file")
        replace = body.get("replace") is True
        try:
            keys.parse_private_key(private)
        except keys.KeyFileError as error:
            return refused(400, str(error))
        try:
            pem = await self._clock.aside(
                lambda: keys.import_key(self._file, private, replace=replace)
            )
        except keys.KeyExistsError:
            return refused(409, "there is a key already; say replace to take this one")
        except keys.KeyFileError as error:
            return refused(503, str(error))
        self.public_pem = pem
        return success(public_key_pem=pem)

    def _elsewhere(self) -> Answer:
        link = self._options.vehicle_link
        return refused(409, f"with vehicle_link {link} the key lies on the far side")

    def into(self, charger: Charger) -> None:
        """A key that has changed: the car has to be read with it before anything goes out."""
        charger.car_mark = self.mark
        charger.setup["key"] = bool(self.public_pem)
        charger.setup["public_key_pem"] = self.public_pem
        # What the old key was refused for says nothing about the new one.
        charger.executor.backoff = Backoff()
        charger.changed.set()
