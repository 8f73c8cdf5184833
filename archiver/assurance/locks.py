"""Whether an object is locked as was promised: by its segment's footer, or for the log's sake."""

from archiver.clock import from_millis, rfc3339, to_millis
from archiver.model.lock import Lock, LockMode
from archiver.preserve.lanes import OPEN_PERIOD, end_of_month

_STRICTNESS = {LockMode.NONE: 0, LockMode.GOVERNANCE: 1, LockMode.COMPLIANCE: 2}


def lock_problem(found: Lock | None, mode: LockMode, until_ms: int) -> str:
    """Return in words how `found` falls short of `mode` until `until_ms`; "" where it does not."""
    if mode is LockMode.NONE:
        return ""
    try:
        until = from_millis(until_ms)
    except (ValueError, OverflowError, OSError):
        return f"its footer says its lock ends at {until_ms} ms, which is no time"
    if found is not None and _STRICTNESS[found.mode] >= _STRICTNESS[mode] and found.until >= until:
        return ""
    wanted = f"a {mode} lock until {rfc3339(until)}"
    if found is None:
        return (
            f"expected {wanted}, found none: it could be deleted; set the lock again, and find out "
            "who removed it"
        )
    return (
        f"expected {wanted}, found a {found.mode} lock until {rfc3339(found.until)}; extend the "
        "lock, and find out who shortened it"
    )


def locked_until(until_ms: int, period: str, now_ms: int) -> int:
    """Return how long at least an object of a lane is to be locked, in milliseconds.

    Not only to what its footer says: a lock that was set for a while is extended for as long as the
    period lasts, so at the moment `now_ms` it must not have run out before.
    """
    if period == OPEN_PERIOD:
        return max(until_ms, now_ms)
    try:
        end_ms = to_millis(end_of_month(period))
    except ValueError:  # a forged footer, which is named where name and period are compared
        return until_ms
    return max(until_ms, min(now_ms, end_ms))
