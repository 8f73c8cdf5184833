"""Locks on stored objects, in the words of S3 Object Lock."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LockMode(StrEnum):
    """`COMPLIANCE`: nobody can delete or shorten. `GOVERNANCE`: a permission can. `NONE`: no lock."""

    COMPLIANCE = "compliance"
    GOVERNANCE = "governance"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """An object may not be deleted or shortened before `until` (aware UTC, whole seconds)."""

    mode: LockMode
    until: datetime
