"""The loop that keeps every record's end up with schedules, events and versions of posts."""

from archiver.db.refiling import FOLLOWER
from archiver.disposal.refiling import Refiling
from archiver.jobs.loops import Chore

_EVERY_S = 1.0


def refiling_chore(refiling: Refiling) -> Chore:
    """Return the loop; each process runs it, and each page is worked out once."""
    return Chore(name=FOLLOWER, act=refiling.catch_up, every_s=_EVERY_S)
