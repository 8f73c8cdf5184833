"""Whether an object is locked as its segment's footer promised."""

from archiver.clock import from_millis, rfc3339
from archiver.model.lock import Lock, LockMode

_STRICTNESS = {LockMode.NONE: 0, LockMode.GOVERNANCE: 1, LockMode.COMPLIANCE: 2}


def lock_problem(found: Lock | None, mode: LockMode, until_ms: int) -> str:
    """Return in words how `found` falls short of `mode` until `until_ms`; "" where it does not."""
    if mode is LockMode.NONE:
        return ""
    until = from_millis(until_ms)
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
