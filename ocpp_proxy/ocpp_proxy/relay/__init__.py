"""A station's session as a state machine without I/O: `Relay`, and the words it shares.

`Relay.ended` becomes True with the very call that closes or loses the last leg: perform that call's
effects before dropping the relay.
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
