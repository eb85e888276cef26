"""All actions of OCPP 1.6 with the security extension: direction, fields, lengths, enumerations.

`ACTIONS["StatusNotification"].request` is a tuple of `Field`; the enumerations are in `choices`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .fields import Action, Field, Kind, Sender
from .from_central_system import FROM_CENTRAL_SYSTEM
from .from_charger import FROM_BOTH, FROM_CHARGER
from .security import SECURITY_FROM_CENTRAL_SYSTEM

__all__ = ["ACTIONS", "Action", "Field", "Kind", "Sender"]

ACTIONS: Final[Mapping[str, Action]] = {
    action.name: action
    for action in (
        *FROM_CHARGER,
        *FROM_BOTH,
        *FROM_CENTRAL_SYSTEM,
        *SECURITY_FROM_CENTRAL_SYSTEM,
    )
}
