"""How long the word of a wall connector holds, by what it is used for; it is asked each 5 s."""

from __future__ import annotations

POWER_S = 15.0
"""Taken off a meter sample of the same moment: three missed answers, then the model is nearer."""
CURRENT_S = 30.0
"""Fuse, confirmation of a stop, count of phases: what flowed half a minute ago may still flow."""
PLUG_S = 90.0
"""Cable and home: nobody moves a cable unseen in a minute and a half, and connectors do pause."""
