"""The locks of the log's own objects: what proves the records must outlive them.

Full tiles, full bundles, kept checkpoints, timestamps and cosignatures are locked a year ahead and
extended year by year (decision 0009). Partial tiles are superseded within hours and not judged.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from archiver.assurance.inspection import Inspection
from archiver.assurance.inventory import Listed
from archiver.assurance.locks import lock_problem
from archiver.assurance.workers import Workers, batches, read_together
from archiver.errors import IntegrityError, NotFound
from archiver.model.lock import Lock, LockMode
from archiver.preserve.lanes import ROLLING_LOCK
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import ObjectStore

_BATCH = 256
# A lock is reckoned from the archive's clock before the object is put, the object's own time is the
# store's and later, and retries take their time.
_TOLERANCE = timedelta(days=1)


def check_log_locks(run: Inspection, listed: Sequence[Listed]) -> None:
    """Check that each object of the log is locked: for a year from its making, and still now."""
    findings = run.findings
    locks = _locks(run.workers, listed)
    findings.count("objects of the log", len(listed))
    if listed and not any(locks):
        _note_no_locks(run)
        return
    first = (ROLLING_LOCK - _TOLERANCE) // timedelta(milliseconds=1)
    for one, lock in zip(listed, locks, strict=True):
        if not one.version_id:  # a damaged lock file hid it from the listing of versions
            continue
        until = max(one.modified_ms + first if one.modified_ms else 0, run.now_ms)
        if what := lock_problem(lock, LockMode.GOVERNANCE, until):
            findings.problem(what, object_key=one.key)
    findings.not_checked.append(
        "the locks of partial tiles, which last a day: a partial tile is superseded by the full one"
    )


def _locks(workers: Workers, listed: Sequence[Listed]) -> list[Lock | None]:
    if not workers.store.enforces_locks:  # a listing of files reads their locks
        return [one.lock for one in listed]
    tasks = batches(((one.key, one.version_id) for one in listed), _BATCH)
    return [lock for found in workers.map(_read_locks, tasks) for lock in found]


def _read_locks(store: ObjectStore, named: Sequence[tuple[str, str]]) -> list[Lock | None]:
    return list(read_together(store, partial(_read_lock, store), named))


def _read_lock(store: ObjectStore, named: tuple[str, str]) -> Lock | None:
    key, version_id = named
    try:
        return store.head(key, version_id=version_id or None).lock
    except (NotFound, IntegrityError):  # what is gone or damaged is named where it is read
        return None


def _note_no_locks(run: Inspection) -> None:
    if run.store.enforces_locks:
        run.findings.problem(
            "not one object of the log is locked: whoever may write to the bucket can delete the "
            "log. Set MUNIMENT_LOG_LOCK, lock what is there, and find out whether locks were "
            "removed; a principal without s3:GetObjectRetention sees none either",
            object_key=log_prefix(run.archive_id),
        )
    else:
        run.findings.not_checked.append(
            "the locks of the log's own objects: this store of files keeps none for them"
        )
