"""D-Bus objects as a service shows them: ObjectManager, Properties, and methods by name.

A property that is not there is left out, as BlueZ does with an RSSI nobody measures; the service
side of dbus-fast itself cannot do that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import DBusError, ErrorType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"

Properties = dict[str, Variant]
Answer = tuple[str, list[Any]]
"""Signature and body."""
NOTHING: Answer = ("", [])


@dataclass(frozen=True)
class Call:
    """A method call: who, on which object, with what."""

    sender: str
    path: str
    body: list[Any]


Method = Callable[[Call], Awaitable[Answer]]


@dataclass
class Objects:
    """The tree of one service on one bus."""

    bus: MessageBus
    methods: dict[tuple[str, str], Method] = field(default_factory=dict)
    """By interface and member; each raises DBusError to refuse."""
    settable: dict[tuple[str, str], Callable[[str, Any], None]] = field(default_factory=dict)
    """By interface and property: what happens when a client sets it."""
    _tree: dict[str, dict[str, Properties]] = field(default_factory=dict)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    def serve(self) -> None:
        """Answer calls from now on."""
        self.methods[(MANAGER, "GetManagedObjects")] = self._managed
        self.methods[(PROPERTIES, "Get")] = self._get
        self.methods[(PROPERTIES, "GetAll")] = self._get_all
        self.methods[(PROPERTIES, "Set")] = self._set
        self.bus.add_message_handler(self._handle)

    def has(self, path: str) -> bool:
        """Whether there is such an object."""
        return path in self._tree

    def value(self, path: str, interface: str, name: str) -> Any:
        """A property's value; None where it is not there."""
        found = self._tree.get(path, {}).get(interface, {}).get(name)
        return None if found is None else found.value

    def add(self, path: str, interface: str, properties: Properties) -> None:
        """Show an object and tell everybody."""
        self._tree.setdefault(path, {})[interface] = properties
        self._signal("/", MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: properties}])

    def remove(self, path: str) -> None:
        """Take an object and all below it away, the deepest first."""
        below = [each for each in self._tree if each == path or each.startswith(f"{path}/")]
        for each in sorted(below, reverse=True):
            interfaces = list(self._tree.pop(each))
            self._signal("/", MANAGER, "InterfacesRemoved", "oas", [each, interfaces])

    def change(self, path: str, interface: str, changed: Properties, *gone: str) -> None:
        """Change properties of an object that is there; `gone` are no longer known."""
        properties = self._tree[path][interface]
        properties.update(changed)
        for name in gone:
            properties.pop(name, None)
        body = [interface, changed, list(gone)]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> None:
        message = Message.new_signal(path, interface, member, signature, body)
        # Returns a future for the moment it is written, and nobody waits for that.
        self.bus.send(message)

    def _handle(self, message: Message) -> bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        method = self.methods.get((message.interface or "", message.member or ""))
        if method is None:
            return False
        task = asyncio.get_running_loop().create_task(self._answer(method, message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    async def _answer(self, method: Method, message: Message) -> None:
        call = Call(message.sender or "", message.path or "/", message.body)
        try:
            if call.path != "/" and call.path not in self._tree:
                told = f'Method "{message.member}" on an object that does not exist'
                raise DBusError(ErrorType.UNKNOWN_OBJECT, told)
            signature, body = await method(call)
        except DBusError as error:
            self.bus.send(Message.new_error(message, error.type, error.text))
            return
        self.bus.send(Message.new_method_return(message, signature, body))

    async def _managed(self, call: Call) -> Answer:
        return "a{oa{sa{sv}}}", [self._tree]

    async def _get(self, call: Call) -> Answer:
        interface, name = call.body
        found = self._tree[call.path].get(interface, {}).get(name)
        if found is None:
            raise DBusError(ErrorType.UNKNOWN_PROPERTY, f"No such property '{name}'")
        return "v", [found]

    async def _get_all(self, call: Call) -> Answer:
        return "a{sv}", [self._tree[call.path].get(call.body[0], {})]

    async def _set(self, call: Call) -> Answer:
        interface, name, value = call.body
        setter = self.settable.get((interface, name))
        if setter is None:
            raise DBusError(ErrorType.PROPERTY_READ_ONLY, f"Property '{name}' is not writable")
        setter(call.path, value.value)
        return NOTHING
