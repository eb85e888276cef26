"""A station's session as a state machine without I/O: `Relay`, and the words it shares.

Beyond what was agreed first: `Relay.copies` (bool, off) adds a `Copy` effect for every CALL of
the charger, for read-only listeners; `ended` becomes True with the very call that closes or loses
the last leg, so perform that call's effects before dropping the relay; `StationMemory.version`
counts changes of `to_dict()`.
"""

from .events import Close, Closed, Copy, Dial, Effect, Leg, Note, Send
from .memory import StationMemory
from .rules import Injection, LateAnswer, Message, Refusal, Rules, Verdict
from .session import Relay
from .settings import RelaySettings

__all__ = [
    "Close",
    "Closed",
    "Copy",
    "Dial",
    "Effect",
    "Injection",
    "LateAnswer",
    "Leg",
    "Message",
    "Note",
    "Refusal",
    "Relay",
    "RelaySettings",
    "Rules",
    "Send",
    "StationMemory",
    "Verdict",
]
