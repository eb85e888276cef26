"""From the desired state to single commands: a state machine without I/O.

The worker asks `Executor.next`, lets the driver carry the command out and hands the answer to
`Executor.finished`.
"""

from .executor import Executor, Next

__all__ = ["Executor", "Next"]
