"""Who was not let in, for those who look: the last causes of each address, bounded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import logs, masking

MOST = 50
LONGEST = 200


@dataclass(slots=True)
class Refusal:
    """One cause from one address: `count` times, last at `last` (Unix time).

    `cause` is a fixed short word, `reason` the log's text, `asked` the path asked for, `status`
    the HTTP answer, 0 when there was none.
    """

    cause: str
    address: str
    reason: str
    asked: str
    status: int
    first: float
    last: float
    count: int = 1


class Refusals:
    """The last 50 of them; the longest unseen make room."""

    def __init__(self, wall_time: Callable[[], float]) -> None:
        self._wall_time = wall_time
        self._found: OrderedDict[tuple[str, str], Refusal] = OrderedDict()
        # Counts up with each of them, so that others see a change without looking.
        self.version = 0

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Refusal]:
        """The latest first."""
        return iter(list(reversed(self._found.values())))

    def note(
        self, cause: str, address: str, reason: str, *, asked: str = "", status: int = 0
    ) -> None:
        """Remember one; text from the network is cut and made harmless for logs and people."""
        now = self._wall_time()
        self.version += 1
        known = self._found.pop((cause, address), None)
        found = known or Refusal(cause, address, "", "", status, now, now, 0)
        found.reason, found.asked, found.status = _clean(reason), _clean(asked), status
        found.last, found.count = now, found.count + 1
        self._found[cause, address] = found
        if len(self._found) > MOST:
            self._found.popitem(last=False)


def _clean(text: str) -> str:
    # Cut first: what a stranger sends may be long, and masking looks at every character.
    return logs.escape(masking.credentials(logs.cut(text, LONGEST)))
