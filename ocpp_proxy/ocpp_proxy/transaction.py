"""A charging session's energy from registers that run on, restart or lie. Pure.

Source: OCPP 1.6 edition 2 §6.45 and §6.49: meterStart and meterStop are in Wh. Some chargers let
the register begin at 0 with each session (ABB Terra), some always send 0 as meterStart.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Transaction:
    """Where a running transaction's energy counts from.

    `base` is the register at its start (kWh), None while unknown. `doubted` is a register from
    before a meterStart of 0: the first reading decides whether the register really restarted.
    """

    base: float | None = None
    doubted: float | None = None

    @classmethod
    def begin(cls, meter_start: float | None, register: float | None) -> Transaction:
        """At StartTransaction: meterStart and the register last read, both kWh, None: unknown."""
        if meter_start == 0 and register:
            return cls(base=0.0, doubted=register)
        return cls(base=register if meter_start is None else meter_start)

    def energy(self, register: float) -> float | None:
        """Energy of this session in kWh at this register (kWh); None when the start is unknown."""
        if self.doubted is not None:
            if register >= self.doubted:
                self.base = self.doubted
            self.doubted = None
        if self.base is None:
            return None
        counted = register if register < self.base else register - self.base
        return round(counted, 3)


def final_energy(
    transaction: Transaction | None,
    meter_stop: float | None,
    begin: float | None,
    end: float | None,
    last: float | None,
) -> float | None:
    """Session energy in kWh at StopTransaction.

    `begin` and `end` are the registers of transactionData, `last` the session energy so far.
    """
    stop = meter_stop or end
    if stop is None:
        return last
    if transaction is not None:
        energy = transaction.energy(stop)
        if energy is not None:
            return energy
    if begin is not None and stop >= begin:
        return round(stop - begin, 3)
    return last
