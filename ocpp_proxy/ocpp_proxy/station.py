"""What is known of one charge point and its connectors: the state that entities show. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from .meter import Freshness
from .transaction import Transaction

# Connector numbers beyond this are taken for garbage.
MOST_CONNECTORS = 32
# Without a transaction, power and current older than this (s) no longer count.
STALE_AFTER = 60.0
_PLUGGED = ("Preparing", "Charging", "SuspendedEVSE", "SuspendedEV", "Finishing")


@dataclass(frozen=True, slots=True)
class Limit:
    """The first period of a charging profile: `unit` A or W."""

    value: float
    unit: str
    profile_id: int | None = None
    purpose: str = ""
    stack_level: int | None = None


@dataclass(slots=True)
class Connector:
    """One connector; number 0 is the charge point as a whole. Energies in kWh, times Unix."""

    number: int
    status: str | None = None
    error_code: str | None = None
    error_details: dict[str, str] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    values_at: float | None = None
    freshness: Freshness = field(default_factory=Freshness)
    zero_register_seen: bool = False
    transaction: Transaction | None = None
    transaction_id: int | None = None
    ended_transaction_id: int | None = None
    session_energy: float | None = None
    session_start: float | None = None
    stop_reason: str | None = None
    limit: Limit | None = None

    @property
    def plugged(self) -> bool | None:
        """Whether a car is connected, as far as the status tells; no question of the station."""
        return self.status in _PLUGGED if self.status and self.number else None

    @property
    def charging(self) -> bool | None:
        """Whether energy flows, by the status."""
        return self.status == "Charging" if self.status and self.number else None

    @property
    def problem(self) -> bool | None:
        """Whether the charger reports an error or a fault."""
        if self.status is None and self.error_code is None:
            return None
        return self.status == "Faulted" or self.error_code not in (None, "NoError")

    def take(self, values: dict[str, float], now: float) -> None:
        """Merge new readings; a register that falls to 0 counts only when it stays there."""
        values = dict(values)
        energy = values.get("energy_total")
        if energy is not None:
            falls = energy == 0 and self.values.get("energy_total", 0.0) > 0
            if falls and not self.zero_register_seen:
                del values["energy_total"]
            self.zero_register_seen = falls and not self.zero_register_seen
        self.values |= values
        self.values_at = now
        energy = values.get("energy_total")
        if energy is not None and self.transaction is not None:
            counted = self.transaction.energy(energy)
            if counted is not None:
                self.session_energy = counted

    def nothing_flows(self) -> bool:
        """Set power and currents to 0; True when that changed something."""
        changed = False
        for key, value in self.values.items():
            if value and key.startswith(("power", "current")) and not key.endswith("_offered"):
                self.values[key] = 0.0
                changed = True
        return changed

    def end_transaction(self) -> None:
        """The session is over: its energy stays, its id does not."""
        if self.transaction_id is not None:
            self.ended_transaction_id = self.transaction_id
        self.transaction = None
        self.transaction_id = None
        self.nothing_flows()


@dataclass(slots=True)
class Station:
    """One charge point by its id. Times are Unix seconds, None: never; latencies in ms."""

    id: str
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    registration: str | None = None
    accepted: bool = False
    firmware_status: str | None = None
    id_tag: str | None = None
    authorization_status: str | None = None
    number_of_connectors: int | None = None
    sample_interval: float = 0.0
    last_boot: float | None = None
    last_heartbeat: float | None = None
    last_message: float | None = None
    charger_connected: bool = False
    upstream_connected: bool = False
    connects: int = 0
    peer_address: str | None = None
    protocol: str | None = None
    latency_charger: float | None = None
    latency_upstream: float | None = None
    connectors: dict[int, Connector] = field(default_factory=dict)

    def connector(self, number: int) -> Connector | None:
        """The connector of this number, new when first seen; None for an impossible number."""
        if not 0 <= number <= MOST_CONNECTORS:
            return None
        return self.connectors.setdefault(number, Connector(number))

    @property
    def single(self) -> bool:
        """Whether it has one connector only, as far as is known."""
        if self.number_of_connectors is not None:
            return self.number_of_connectors == 1
        return not any(number > 1 for number in self.connectors)

    def with_transaction(self, transaction_id: int | None) -> Connector | None:
        """The connector on which this transaction runs, else the only one with any."""
        running = [each for each in self.connectors.values() if each.transaction is not None]
        for each in running:
            if each.transaction_id == transaction_id:
                return each
        return running[0] if len(running) == 1 else None

    def tick(self, now: float) -> bool:
        """Let readings grow old; True when something changed."""
        limit = max(self.sample_interval + 10.0, STALE_AFTER)
        changed = False
        for each in self.connectors.values():
            old = each.values_at is not None and now - each.values_at > limit
            if old and each.transaction is None:
                changed = each.nothing_flows() or changed
        return changed
