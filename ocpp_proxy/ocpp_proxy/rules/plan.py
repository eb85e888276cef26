"""The rule lines of a station, read and checked: what makes the rules of each of its sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from typing import Final

from ..errors import OptionError
from ..relay.memory import StationMemory
from ..relay.rules import Rules
from . import (
    add_total_power,
    answering,
    block,
    delay_commands,
    drop_invalid_samples,
    fix_timestamps,
    limits,
    map_id_tag,
    measurands,
    profile,
    repairs,
    replay,
    set_config,
    trigger_interval,
    truncate_strings,
    words,
)
from .presets import PRESETS
from .rule import LineKind, Maker, Setting, Settings, Surroundings
from .ruleset import RuleSet
from .words import LineError

_KINDS: Final[dict[str, LineKind]] = {
    kind.name: kind
    for module in (
        answering, block, fix_timestamps, truncate_strings, drop_invalid_samples, add_total_power,
        repairs, measurands, map_id_tag, profile, limits, delay_commands, trigger_interval, replay,
        set_config,
    )
    for kind in module.LINES
}  # fmt: skip

# Each message passes the rules in this order: readable first, then decisions, then content, last
# what depends on the time.
_MAKERS: Final[tuple[Maker, ...]] = (
    repairs.binary_to_text,
    repairs.fix_encoding,
    repairs.repair_json,
    block.make,
    answering.for_charger,
    answering.for_upstream,
    trigger_interval.make,
    map_id_tag.make,
    fix_timestamps.make,
    drop_invalid_samples.make,
    measurands.default_unit,
    measurands.scale,
    add_total_power.make,
    truncate_strings.make,
    profile.make,
    limits.make,
    delay_commands.make,
    set_config.make,
)


class Plan:
    """What the rule lines of a station ask for; an empty one costs the relay nothing."""

    def __init__(self, settings: Settings) -> None:
        boot, status = settings.last(replay.ReplayBoot), settings.last(replay.ReplayStatus)
        self.replay_boot = boot is None or boot.on
        self.replay_status = status is None or status.on
        self._settings = settings

    def rules(self, memory: StationMemory, wall_clock: Callable[[], datetime]) -> Rules | None:
        """The rules of a new session; None if there are none. `wall_clock` knows its zone."""
        around = Surroundings(memory, wall_clock)
        made = [rule for make in _MAKERS if (rule := make(self._settings, around)) is not None]
        return RuleSet(made) if made else None


def grammar() -> list[str]:
    """What can be written, one line for each rule."""
    return [*PRESETS, *(kind.grammar for kind in _KINDS.values())]


def read(option: str, text: str) -> Plan:
    """The plan of one option's text, with lines ended by line ends or `;`; raises OptionError."""
    return read_lines([(option, text)])


def read_lines(texts: Iterable[tuple[str, str]]) -> Plan:
    """The plan of several texts, each with the name of its option; raises OptionError.

    Lines of presets come first wherever they stand, so that all others win over them.
    """
    preset: list[Setting] = []
    written: list[Setting] = []
    last = "rules"
    for option, text in texts:
        last = option
        for line in _split(option, text):
            if line[0].casefold() in PRESETS and len(line) == 1:
                preset += _settings(option, words.split(PRESETS[line[0].casefold()]))
            else:
                written += _settings(option, [line])
    settings = Settings([*preset, *written])
    try:
        answering.check(settings)
        limits.check(settings)
    except LineError as error:
        raise OptionError(last, str(error), "write both lines or neither") from None
    return Plan(settings)


def _split(option: str, text: str) -> list[list[str]]:
    try:
        return words.split(text)
    except LineError as error:
        problem = f"{text.partition(chr(34))[0][:60]!r}: {error}"
        raise OptionError(option, problem, 'write KEY "a value"') from None


def _settings(option: str, lines: list[list[str]]) -> Iterator[Setting]:
    for line in lines:
        kind = _KINDS.get(line[0].casefold())
        if kind is None:
            raise OptionError(option, f"there is no rule {line[0][:60]!r}", _suggestion(line[0]))
        try:
            yield kind.read(line[1:])
        except LineError as error:
            # A third word may be a password (set_config_after_boot AuthorizationKey …).
            shown = " ".join([*line[:2], *(["…"] if len(line) > 2 else [])])[:200]
            problem = f"the rule line {shown!r} cannot be used ({error})"
            raise OptionError(option, problem, f"write {kind.grammar}") from None


def _suggestion(name: str) -> str:
    near = get_close_matches(name.casefold(), [*PRESETS, *_KINDS], n=1)
    if near:
        return f"write {_KINDS[near[0]].grammar if near[0] in _KINDS else near[0]}"
    return f"write one of {'; '.join(grammar())}"
