"""What a finished verification has proven, in sentences that an auditor may quote."""

from archiver.assurance.checkpoints import LogHead
from archiver.assurance.join import Catalogue
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings
from archiver.clock import from_millis, rfc3339
from archiver.preserve.ledger.entry import EntryKind
from archiver.preserve.store import ObjectStore

_READ = frozenset(
    {
        EntryKind.RECORD,
        EntryKind.AUDIT,
        EntryKind.DISPOSAL,
        EntryKind.HOLD,
        EntryKind.ORPHAN,
        EntryKind.KEY,
        EntryKind.TIMESTAMP,
        EntryKind.WORM,
        EntryKind.RECOVERED,
        EntryKind.REPAIR,
    }
)
"""Kinds of entries whose meaning this version knows."""

_LEVELS = {
    "A": (
        "level A, without any key: the stored bytes of {records} records are those the log "
        "commits to; each frame has one entry in the log, and each record's entry one frame"
    ),
    "B": (
        "level B, with the keyring: {records} records were opened as well; manifest, parts and "
        "blobs of each are those the log commits to"
    ),
}


def state_proven(
    *,
    store: ObjectStore,
    catalogue: Catalogue,
    log: CheckedLog,
    head: LogHead,
    findings: Findings,
) -> None:
    """Add to `findings` what was proven about records and log, and what about entries was not."""
    placed = (segment.records for segment in catalogue.segments if segment.first_index >= 0)
    records = f"{sum(placed):,}"
    levels = [_LEVELS["A"], *([_LEVELS["B"]] if findings.level == "B" else [])]
    said = [level.format(records=records) for level in levels]
    sizes = {one.size for one in head.kept}
    said.append(
        f"the log is one tree: all {len(sizes)} signed checkpoints, from size "
        f"{min(sizes, default=0)} to {head.size}, are beginnings of it, "
        "rebuilt from its entries; none was altered, removed, inserted or reordered"
    )
    if store.enforces_locks:
        said.append("segments, keys, blobs and log are locked as their month asks, by Object Lock")
    findings.proven[:0] = said
    if not store.enforces_locks:
        findings.not_checked.append(
            "that the store refuses to delete: a file system cannot, and what its lock files say "
            "is the archive's own word"
        )
    if log.lock_probe is not None and not log.lock_probe.ok:
        findings.warn(
            "by the last lock probe in the log, of "
            f"{rfc3339(from_millis(log.lock_probe.ts_ms))}, the store {log.lock_probe.store} let "
            "go of what was locked: locks prove nothing there"
        )
    _count_kinds(log, findings)


def _count_kinds(log: CheckedLog, findings: Findings) -> None:
    kinds = log.kinds
    records = log.end - sum(kinds.values())
    findings.figures["entries"] = {"records": records, **dict(sorted(kinds.items()))}
    for kind, number in sorted(kinds.items()):
        if kind not in _READ:
            findings.not_checked.append(
                f"what entries of kind {kind!r} say, {number} of them: this version does not know "
                "that kind. They are in the tree like all others; a newer version may judge them"
            )
