"""Second central systems that only listen: copies of what chargers say, and no way to command."""

from .secondaries import Secondaries

__all__ = ["Secondaries"]
