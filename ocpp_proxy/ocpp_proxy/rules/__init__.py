"""Opt-in rules that rewrite, answer or refuse messages of wallboxes that need more than a relay.

`read_lines` makes a `Plan` of rule lines, `Plan.rules` the rules of one session; the relay asks
them through `relay.rules`.
"""

from .plan import Plan, grammar, read, read_lines
from .presets import PRESETS

__all__ = ["PRESETS", "Plan", "grammar", "read", "read_lines"]
