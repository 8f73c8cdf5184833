"""The states of a disposal batch and of a record in one."""

from enum import StrEnum


class BatchState(StrEnum):
    """Where a batch stands.

    formed → reviewed → approved → executing → done. A change of its records makes it `formed`
    again, whatever was proposed or approved before. `cancelled` frees its records.
    """

    FORMED = "formed"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    CANCELLED = "cancelled"


OPEN = (BatchState.FORMED, BatchState.REVIEWED, BatchState.APPROVED, BatchState.EXECUTING)
"""A record of a batch in one of these is in no other."""

PROPOSED = "batch:proposed"
"""The act by which somebody says that a batch was reviewed and asks others to approve it."""

UNDECIDED = (BatchState.FORMED, BatchState.REVIEWED, BatchState.APPROVED)
"""Nothing has been destroyed yet: the batch can be changed and cancelled."""


class MemberState(StrEnum):
    """What is to become, or became, of one record of a batch."""

    IN = "in"
    EXCLUDED = "excluded"  # a person left it out, with a reason
    KEPT = "kept"  # the gate refused it, with a reason
    CONDEMNED = "condemned"  # the gate let it go: a `dis` entry of the log names it
    DISPOSED = "disposed"
