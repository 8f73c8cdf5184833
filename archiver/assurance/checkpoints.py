"""The signed heads of the log: each kept one, the published one, and the one that is verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from archiver.assurance.inspection import Inspection
from archiver.assurance.report import Findings, Problem
from archiver.assurance.workers import batches, read_together
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.checkpoint import open_checkpoint, parse_checkpoint
from archiver.preserve.ledger.merkle import EMPTY_ROOT
from archiver.preserve.ledger.note import Verifier, open_note, parse_note
from archiver.preserve.ledger.policy import log_verifier
from archiver.preserve.object_keys import checkpoint_object, checkpoint_prefix, log_prefix
from archiver.preserve.store import ObjectStore

_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedCheckpoint:
    """The log had `size` entries under `root`, and keys of the log with these ids signed that.

    `where` names the object, or the file, that it was read from.
    """

    size: int
    root: bytes
    signers: frozenset[bytes]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangeCheckpoint:
    """A note that should be the checkpoint of `size`, and that no key known so far signed."""

    size: int
    data: bytes
    where: str

    def to_problem(self) -> Problem:
        """Return what is said when no key turns up."""
        what = (
            "it is signed by none of the log's keys: neither by one you trust nor by one that the "
            "log announced under a checkpoint of such a key. Somebody else made it, or the policy "
            "is another log's; restore it from a copy of the log"
        )
        return Problem(what=what, object_key=self.where)


Read = SignedCheckpoint | StrangeCheckpoint | Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """The checkpoint that is verified, and every other signed one below it, sizes ascending.

    `vkeys` are all keys of the log that are known by now.
    """

    size: int
    root: bytes
    kept: tuple[SignedCheckpoint, ...]
    vkeys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    archive_id: str
    origin: str
    vkeys: tuple[str, ...]
    sizes: tuple[int, ...]


def read_signed(
    data: bytes, origin: str, verifiers: Sequence[Verifier], *, size: int, where: str
) -> Read:
    """Return what a note is; a checkpoint of another size than `size` is a problem (-1: any)."""
    try:
        checkpoint = open_checkpoint(data, origin, verifiers)
        signatures = open_note(data, verifiers).signatures
    except IntegrityError as error:
        if _is_strange(data, origin, verifiers):
            return StrangeCheckpoint(size=size, data=data, where=where)
        return Problem(what=f"{error}; restore it from a copy of the log", object_key=where)
    if size not in (-1, checkpoint.size):
        what = (
            f"expected the checkpoint of size {size}, found that of {checkpoint.size}; restore it"
        )
        return Problem(what=what, object_key=where)
    return SignedCheckpoint(
        size=checkpoint.size,
        root=checkpoint.root,
        signers=frozenset(line.key_id for line in signatures if line.name == origin),
        where=where,
    )


def _is_strange(data: bytes, origin: str, verifiers: Sequence[Verifier]) -> bool:
    """Whether this is a whole checkpoint of the log that only unknown keys of the log signed."""
    try:
        note = parse_note(data)
        is_of_log = parse_checkpoint(note.text).origin == origin
    except IntegrityError:
        return False
    known = {(verifier.name, verifier.key_id) for verifier in verifiers}
    names = {(line.name, line.key_id) for line in note.signatures}
    return is_of_log and not names & known and any(name == origin for name, _ in names)


def read_kept(
    run: Inspection,
) -> tuple[list[SignedCheckpoint], list[StrangeCheckpoint]]:
    """Return the kept checkpoints that a key of the target signed, and the others, by size.

    Memory: about 300 bytes for each; a log publishes at most one a second.
    """
    archive_id, findings = run.archive_id, run.findings
    prefix = checkpoint_prefix(archive_id)
    sizes = []
    for key in run.store.list_keys(prefix):
        name = key.removeprefix(prefix)
        if name.isdecimal() and checkpoint_object(archive_id, int(name)) == key:
            sizes.append(int(name))
        else:
            findings.problem("this is not the name of a kept checkpoint", object_key=key)
    tasks = (
        _Batch(archive_id=archive_id, origin=run.target.origin, vkeys=run.target.vkeys, sizes=chunk)
        for chunk in batches(sorted(sizes), _BATCH)
    )
    signed: list[SignedCheckpoint] = []
    strange: list[StrangeCheckpoint] = []
    for answers in run.workers.map(_open_batch, tasks):
        sort_out(answers, signed, strange, findings)
    findings.count("checkpoints", len(sizes))
    return signed, strange


def sort_out(
    answers: Sequence[Read],
    signed: list[SignedCheckpoint],
    strange: list[StrangeCheckpoint],
    findings: Findings,
) -> None:
    """Put each note that was read where it belongs."""
    for answer in answers:
        if isinstance(answer, Problem):
            findings.extend([answer])
        elif isinstance(answer, SignedCheckpoint):
            signed.append(answer)
        else:
            strange.append(answer)


def _open_batch(store: ObjectStore, batch: _Batch) -> list[Read]:
    verifiers = [log_verifier(vkey) for vkey in batch.vkeys]
    return list(read_together(store, partial(_open_kept, store, batch, verifiers), batch.sizes))


def _open_kept(store: ObjectStore, batch: _Batch, verifiers: Sequence[Verifier], size: int) -> Read:
    key = checkpoint_object(batch.archive_id, size)
    try:
        data = store.get(key)
    except (IntegrityError, NotFound) as error:
        return Problem(what=f"{error}; restore it from a copy of the log", object_key=key)
    return read_signed(data, batch.origin, verifiers, size=size, where=key)


def read_published(
    store: ObjectStore, archive_id: str, origin: str, vkeys: Sequence[str]
) -> SignedCheckpoint | Problem:
    """Return the checkpoint in sight; one of size 0 where an empty log has published none."""
    key = log_prefix(archive_id) + "checkpoint"
    try:
        data = store.get(key)
    except NotFound:
        return SignedCheckpoint(size=0, root=EMPTY_ROOT, signers=frozenset(), where=key)
    except IntegrityError as error:
        return Problem.of(error, key)
    found = read_signed(data, origin, [log_verifier(vkey) for vkey in vkeys], size=-1, where=key)
    if isinstance(found, SignedCheckpoint):
        return found
    problem = found.to_problem() if isinstance(found, StrangeCheckpoint) else found
    what = f"{problem.what}; put back the newest of checkpoints/, then find out who changed it"
    return Problem(what=what, object_key=key)


def choose_head(
    store: ObjectStore,
    archive_id: str,
    published: SignedCheckpoint | Problem,
    others: Sequence[SignedCheckpoint],
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
    kept = sorted((*others, head), key=lambda one: one.size)
    return LogHead(size=head.size, root=head.root, kept=tuple(kept))


def _require_kept(
    store: ObjectStore, archive_id: str, published: SignedCheckpoint, findings: Findings
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
