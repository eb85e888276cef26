"""A figure against its target, as a row of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One row: the figure's name, ours, what stood beside it, the target, whether it was met."""

    figure: str
    ours: str
    peer: str
    target: str
    met: str

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def _shown(value: float, unit: str) -> str:
    digits = 2 if abs(value) < 10 else 0
    return f"{value:.{digits}f} {unit}".strip()


def at_most(figure: str, value: float, target: float, unit: str, peer: str) -> Row:
    """A row whose figure should not exceed the target."""
    met = "yes" if value <= target else "no"
    return Row(figure, _shown(value, unit), peer, f"≤ {target:g} {unit}".strip(), met)


def at_least(figure: str, value: float, target: float, unit: str, peer: str) -> Row:
    """A row whose figure should reach the target."""
    met = "yes" if value >= target else "no"
    return Row(figure, _shown(value, unit), peer, f"≥ {target:g} {unit}".strip(), met)
