"""Keeping a process at the file plan: versions that others approve are known before they count."""

from archiver.jobs.loops import Chore
from archiver.preserve.plan_versions import KNOWN_WITHIN, Refresh

_EVERY_S = 0.5
"""With the pause of a loop, less than `KNOWN_WITHIN`."""


def plan_chore(refresh: Refresh) -> Chore:
    """Return the loop that looks for new versions of the file plan."""

    async def look() -> str:
        await refresh()
        return ""

    return Chore(name="file plan", act=look, every_s=min(_EVERY_S, KNOWN_WITHIN.total_seconds()))
