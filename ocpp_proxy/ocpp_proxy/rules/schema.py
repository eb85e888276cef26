"""Walks a payload along the table of actions, to change fields of one kind wherever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..actions import ACTIONS, Field, Kind
from .passage import Passage

# Gets the object, a field of it that is there or needed, and says whether it changed anything.
Change = Callable[[dict[str, Any], Field], bool]


def fields_of(passage: Passage) -> tuple[Field, ...]:
    """The fields of a CALL's request or of an answer; none for an unknown action."""
    action = ACTIONS.get(passage.action)
    if action is None:
        return ()
    if passage.is_call:
        return action.request
    return action.answer if passage.is_result else ()


def walk(payload: dict[str, Any], fields: tuple[Field, ...], change: Change) -> bool:
    """Offer every plain field to `change`; whether anything was changed."""
    changed = False
    for field in fields:
        value = payload.get(field.name)
        if field.kind is Kind.OBJECT:
            if isinstance(value, dict):
                changed |= walk(value, field.members, change)
        elif field.kind is Kind.OBJECTS:
            for element in value if isinstance(value, list) else ():
                if isinstance(element, dict):
                    changed |= walk(element, field.members, change)
        else:
            changed |= change(payload, field)
    return changed
