"""The signed heads of the log: which size is verified, and whether each kept one is signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from archiver.assurance.report import Findings, Problem
from archiver.assurance.workers import Workers, batches, read_together
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.merkle import EMPTY_ROOT
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.object_keys import checkpoint_object, log_prefix
from archiver.preserve.store import ObjectStore

_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """The checkpoint that is verified, and every other signed one below it, sizes ascending."""

    size: int
    root: bytes
    kept: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    archive_id: str
    origin: str
    vkey: str
    sizes: tuple[int, ...]


def read_kept(
    workers: Workers, archive_id: str, origin: str, vkey: str, findings: Findings
) -> list[Checkpoint]:
    """Return the kept checkpoints that are signed by the log, sizes ascending.

    Memory: about 200 bytes for each; a log publishes at most one a second.
    """
    prefix = log_prefix(archive_id) + "checkpoints/"
    sizes = []
    for key in workers.store.list_keys(prefix):
        name = key.removeprefix(prefix)
        if name.isdecimal() and checkpoint_object(archive_id, int(name)) == key:
            sizes.append(int(name))
        else:
            findings.problem("this is not the name of a kept checkpoint", object_key=key)
    tasks = (
        _Batch(archive_id=archive_id, origin=origin, vkey=vkey, sizes=chunk)
        for chunk in batches(sorted(sizes), _BATCH)
    )
    found = []
    for answers in workers.map(_open_batch, tasks):
        for answer in answers:
            if isinstance(answer, Problem):
                findings.extend([answer])
            else:
                found.append(answer)
    findings.count("checkpoints", len(sizes))
    return found


def _open_batch(store: ObjectStore, batch: _Batch) -> list[Checkpoint | Problem]:
    verifier = Ed25519Verifier.from_vkey(batch.vkey)
    return list(read_together(store, partial(_open_kept, store, batch, verifier), batch.sizes))


def _open_kept(
    store: ObjectStore, batch: _Batch, verifier: Ed25519Verifier, size: int
) -> Checkpoint | Problem:
    key = checkpoint_object(batch.archive_id, size)
    try:
        found = open_checkpoint(store.get(key), batch.origin, [verifier])
    except (IntegrityError, NotFound) as error:
        return Problem(what=f"{error}; restore it from a copy of the log", object_key=key)
    if found.size != size:
        what = f"expected the checkpoint of size {size}, found that of {found.size}; restore it"
        return Problem(what=what, object_key=key)
    return found


def read_published(
    store: ObjectStore, archive_id: str, origin: str, vkey: str
) -> Checkpoint | Problem:
    """Return the checkpoint in sight; one of size 0 where an empty log has published none."""
    key = log_prefix(archive_id) + "checkpoint"
    try:
        return open_checkpoint(store.get(key), origin, [Ed25519Verifier.from_vkey(vkey)])
    except NotFound:
        return Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)
    except IntegrityError as error:
        what = f"{error}; put back the newest of checkpoints/, then find out who changed it"
        return Problem(what=what, object_key=key)


def choose_head(
    store: ObjectStore,
    archive_id: str,
    published: Checkpoint | Problem,
    others: Sequence[Checkpoint],
    findings: Findings,
) -> LogHead:
    """Return the largest signed checkpoint, and note where the published one is not that.

    `others` are the kept ones and, where there is a database, the one it holds.
    """
    key = log_prefix(archive_id) + "checkpoint"
    largest = max(others, key=lambda one: one.size, default=None)
    if isinstance(published, Problem):
        findings.extend([published])
        head = largest
    else:
        head = published if largest is None or published.size >= largest.size else largest
        if largest is not None and largest.size > published.size:
            findings.problem(
                f"it says the log has {published.size} entries, but the log has signed a "
                f"checkpoint of {largest.size}: an older one was put back, or publishing "
                f"stopped. Put back {checkpoint_object(archive_id, largest.size)}",
                object_key=key,
            )
        _require_kept(store, archive_id, published, findings)
    if head is None:
        return LogHead(size=0, root=EMPTY_ROOT, kept=())
    kept = sorted((one.size, one.root) for one in (*others, head))
    return LogHead(size=head.size, root=head.root, kept=tuple(kept))


def _require_kept(
    store: ObjectStore, archive_id: str, published: Checkpoint, findings: Findings
) -> None:
    if not published.size:
        return
    key = checkpoint_object(archive_id, published.size)
    try:
        store.head(key)
    except NotFound:
        findings.problem(
            f"the published checkpoint of {published.size} entries is not kept here; it was "
            "deleted, or another log was put in this one's place",
            object_key=key,
        )
    except IntegrityError as error:
        findings.extend([Problem.of(error, key)])
