"""Address lists: which networks may see the page. No I/O."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def normalise(address: str) -> str:
    """An address as one text: IPv4-mapped IPv6 becomes IPv4, a zone (`%eth0`) is dropped."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


class Networks:
    """A list of CIDR networks; `ValueError` for one that is none."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks: list[Network] = [
            ipaddress.ip_network(text.strip(), strict=False) for text in networks
        ]

    def __contains__(self, address: str) -> bool:
        """Whether an address is in one of the networks."""
        try:
            parsed = ipaddress.ip_address(normalise(address))
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)


def is_private(address: str) -> bool:
    """Whether an address belongs to a house's own network or to this machine."""
    try:
        parsed = ipaddress.ip_address(normalise(address))
    except ValueError:
        return False
    return parsed.is_private or parsed.is_loopback or parsed.is_link_local
