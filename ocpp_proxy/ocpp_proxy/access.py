"""Who may connect and how fast: Basic passwords, address lists, slots, buckets. No I/O."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import re
from collections import Counter, OrderedDict
from collections.abc import Iterable

_HEX_KEY = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")
# Compared with when a station is unknown, so that the time taken does not tell.
_NOBODY = "no station has this password"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def normalise(address: str) -> str:
    """An address as one text: IPv4-mapped IPv6 becomes IPv4, a zone (`%eth0`) is dropped."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def behind(address: str, forwarded: Iterable[str], trusted: Networks) -> str:
    """The address of whoever a trusted proxy speaks for: the last one it does not trust itself.

    `forwarded` are values of X-Forwarded-For, `address` is the TCP peer.
    """
    chain = [part.strip() for value in forwarded for part in value.split(",")]
    while address in trusted and chain:
        nearest = normalise(chain.pop().removeprefix("[").removesuffix("]"))
        try:
            ipaddress.ip_address(nearest)
        except ValueError:
            break
        address = nearest
    return address


class Networks:
    """A list of CIDR networks; `ValueError` for one that is none."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[Network] = [
            ipaddress.ip_network(text.strip(), strict=False) for text in networks
        ]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, address: str) -> bool:
        """Whether a normalised address is in one of the networks."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def basic_credentials(header: str | None) -> tuple[bytes, bytes] | None:
    """User name and password of an `Authorization: Basic` value, as bytes.

    OCPP passwords may be raw bytes, so nothing is decoded as text; the first colon separates
    (OCPP-J 1.6 §6.2.2, RFC 7617). None when the value is something else.
    """
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(encoded.strip().encode("latin-1"), validate=True)
    except (binascii.Error, ValueError):
        return None
    name, colon, password = raw.partition(b":")
    return (name, password) if colon else None


def password_fits(header: str | None, station: str, password: str | None) -> bool:
    """Whether the header names this station and its password (None: unknown station, never fits).

    A password of 32 to 40 hexadecimal digits also fits as the bytes it stands for, since the
    AuthorizationKey is sent either way. The comparison takes as long whatever is wrong.
    """
    name, given = basic_credentials(header) or (b"", b"")
    wanted = _NOBODY if password is None else password
    right = hmac.compare_digest(name, station.encode())
    fits = hmac.compare_digest(given, wanted.encode())
    raw = bytes.fromhex(wanted) if _HEX_KEY.fullmatch(wanted) else wanted.encode()
    fits_raw = hmac.compare_digest(given, raw)
    return right & (fits | fits_raw) and password is not None


class FailureDelay:
    """Seconds a refusal waits: none for the first failures of an address, then `delay`.

    Forgets an address `memory` seconds after its last failure, and the oldest beyond `capacity`.
    """

    def __init__(
        self, free: int = 3, delay: float = 1.0, memory: float = 300.0, capacity: int = 1024
    ) -> None:
        self._free, self._delay, self._memory, self._capacity = free, delay, memory, capacity
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, address: str, now: float) -> float:
        """Count one failure at `now` (monotonic seconds); how long to wait before the answer."""
        count, last = self._failures.pop(address, (0, now))
        if now - last > self._memory:
            count = 0
        self._failures[address] = (count + 1, now)
        if len(self._failures) > self._capacity:
            self._failures.popitem(last=False)
        return self._delay if count >= self._free else 0.0

    def succeeded(self, address: str) -> None:
        self._failures.pop(address, None)


class HandshakeSlots:
    """Handshakes in progress: at most `total`, at most `per_address` from one address."""

    def __init__(self, total: int, per_address: int | None = None) -> None:
        self._total = total
        self._per_address = max(1, total // 2) if per_address is None else per_address
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> str | None:
        """Take a slot; otherwise the reason why there is none."""
        if self._open.total() >= self._total:
            return "too many handshakes at once"
        if self._open[address] >= self._per_address:
            return "too many handshakes at once from this address"
        self._open[address] += 1
        return None

    def leave(self, address: str) -> None:
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    def __len__(self) -> int:
        return self._open.total()


class TokenBucket:
    """`rate` messages a second with a burst of `burst`; what is over it becomes waiting time."""

    __slots__ = ("_burst", "_last", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._level, self._last = burst, now

    def take(self, now: float) -> float:
        """Take one; seconds to wait until the bucket is not in debt any more."""
        self._level = min(self._burst, self._level + (now - self._last) * self._rate) - 1
        self._last = now
        return 0.0 if self._level >= 0 else -self._level / self._rate

    def debt(self, now: float) -> float:
        """Seconds still to wait at `now`, without taking one."""
        self._level = min(self._burst, self._level + (now - self._last) * self._rate)
        self._last = now
        return 0.0 if self._level >= 0 else -self._level / self._rate
