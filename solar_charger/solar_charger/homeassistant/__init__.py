"""Home Assistant over MQTT: which broker, what is announced, what is published. Knows no app.

The same text in every app. `Publisher` (publisher.py) is what an app talks to, from the event
loop's thread; `Device` and `Component` (discovery.py) say what Home Assistant shall show;
`BrokerOptions` and `find` (broker.py) settle which broker it goes to.
"""

from .broker import BrokerError, BrokerOptions, find
from .discovery import Announced, Component, Device, Origin, state_json, template
from .publisher import Publisher

__all__ = [
    "Announced",
    "BrokerError",
    "BrokerOptions",
    "Component",
    "Device",
    "Origin",
    "Publisher",
    "find",
    "state_json",
    "template",
]
