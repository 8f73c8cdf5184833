"""RFC 3161 timestamps: the objects against the log's `tsr` entries, and against their authorities.

A token proves that the checkpoint it covers, and so every entry below its size, existed by then.
Its entry in the log puts the token itself under the next one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import pairwise

from archiver.assurance.checkpoints import LogHead, SignedCheckpoint, read_signed
from archiver.assurance.inspection import Inspection
from archiver.assurance.inventory import Listed
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings, Problem
from archiver.assurance.workers import batches, read_together
from archiver.clock import from_millis, rfc3339, to_millis
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.policy import log_verifier
from archiver.preserve.object_keys import (
    checkpoint_object,
    timestamp_object,
    timestamp_prefix,
)
from archiver.preserve.store import ObjectStore

SKEW = timedelta(seconds=120)
"""How far clocks may differ: a server further off refuses to take posts (integrity.md 13)."""

_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """By `time_ms`, says an authority whose token verified, the log had `size` entries."""

    size: int
    time_ms: int
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    archive_id: str
    keys: tuple[tuple[str, int], ...]
    roots: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Response:
    """One stored response: its SHA-256, and its time where it verified."""

    key: str
    size: int
    sha256: bytes
    time_ms: int | None
    problems: tuple[Problem, ...]


def check_stamps(
    run: Inspection, listed: Sequence[Listed], log: CheckedLog, head: LogHead
) -> list[Stamp]:
    """Compare the stored responses with the log and verify them; return those that verified.

    `listed` are the log's objects. A response that was stored just now may not be in the log yet.
    """
    findings = run.findings
    entries = {
        timestamp_object(run.archive_id, entry.size, entry.authority): entry for entry in log.stamps
    }
    stored = _stored(run.archive_id, listed, findings)
    for key in entries.keys() - stored.keys():
        findings.problem(
            "the log names this timestamp, and the store has it not: it was deleted; restore it "
            "from a copy of the log",
            object_key=key,
        )
    stamps = []
    for found in _read(run, stored):
        findings.extend(found.problems)
        entry = entries.get(found.key)
        if entry is None:
            _judge_unlogged(run, found, stored[found.key][1], head)
        elif found.sha256 != entry.token_sha256:
            findings.problem(
                "it is not the response whose hash the log holds: it was altered; restore it",
                object_key=found.key,
            )
        elif found.time_ms is not None:
            if found.time_ms != entry.time_ms:
                findings.problem(
                    f"its token says {_said(found.time_ms)}, its entry in the log "
                    f"{_said(entry.time_ms)}: the archive logged a time that is not the token's",
                    object_key=found.key,
                )
            stamps.append(Stamp(size=found.size, time_ms=found.time_ms, where=found.key))
    findings.count("timestamps", len(stored))
    stamps.sort(key=lambda one: (one.size, one.time_ms))
    _note_order(stamps, findings)
    _summarise(run, stored, stamps, log)
    return stamps


def _stored(
    archive_id: str, listed: Sequence[Listed], findings: Findings
) -> dict[str, tuple[int, int]]:
    """Return size and storing time of each response by its key."""
    prefix = timestamp_prefix(archive_id)
    stored = {}
    for one in listed:
        if one.key.startswith(prefix):
            size, _, name = one.key.removeprefix(prefix).partition("/")
            authority = name.removesuffix(".tsr")
            known = size.isdecimal() and timestamp_object(archive_id, int(size), authority)
            if known == one.key:
                stored[one.key] = int(size), one.modified_ms
            else:
                findings.problem("this is not the name of a timestamp", object_key=one.key)
    return stored


def _read(run: Inspection, stored: dict[str, tuple[int, int]]) -> list[_Response]:
    tasks = (
        _Task(archive_id=run.archive_id, keys=chunk, roots=run.target.tsa_roots)
        for chunk in batches(((key, size) for key, (size, _) in stored.items()), _BATCH)
    )
    return [found for answers in run.workers.map(_read_responses, tasks) for found in answers]


def _read_responses(store: ObjectStore, task: _Task) -> list[_Response]:
    return list(read_together(store, partial(_read_response, store, task), task.keys))


def _read_response(store: ObjectStore, task: _Task, named: tuple[str, int]) -> _Response:
    key, size = named
    problems: list[Problem] = []
    data, time_ms = b"", None
    try:
        data = store.get(key)
        if task.roots:
            # Many archives are verified without; pydantic and X.509 would slow every start.
            from archiver.preserve.ledger.timestamps import verify_response  # noqa: PLC0415

            message = store.get(checkpoint_object(task.archive_id, size))
            time_ms = to_millis(verify_response(data, message, task.roots).time)
    except NotFound as error:
        problems.append(Problem(what=f"{error}, which this timestamp needs", object_key=key))
    except IntegrityError as error:
        problems.append(Problem(what=str(error), object_key=key))
    return _Response(
        key=key,
        size=size,
        sha256=sha256(data).digest(),
        time_ms=time_ms,
        problems=tuple(problems),
    )


def _judge_unlogged(run: Inspection, found: _Response, stored_ms: int, head: LogHead) -> None:
    if found.size > head.size:
        if not is_signed_now(run, head, found.size):
            what = beyond_head("timestamp", found.size, head.size)
            run.findings.problem(what, object_key=found.key)
    elif stored_ms < run.settled_ms:
        run.findings.problem(
            "the log has no entry of this timestamp: it was put here past the archive, or its "
            "entry never came",
            object_key=found.key,
        )


def beyond_head(kind: str, size: int, head_size: int) -> str:
    """Return in words what an object over a checkpoint that is gone means."""
    return (
        f"a {kind} over a checkpoint of {size} entries, but no signed checkpoint in the store "
        f"has more than {head_size}: the log was rolled back, and its later part removed"
    )


def is_signed_now(run: Inspection, head: LogHead, size: int) -> bool:
    """Whether the store holds a signed checkpoint of `size`: the log has grown since we began."""
    key = checkpoint_object(run.archive_id, size)
    verifiers = [log_verifier(vkey) for vkey in head.vkeys]
    try:
        data = run.store.get(key)
    except (NotFound, IntegrityError):
        return False
    found = read_signed(data, run.target.origin, verifiers, size=size, where=key)
    return isinstance(found, SignedCheckpoint)


def _note_order(stamps: Sequence[Stamp], findings: Findings) -> None:
    """A larger log is not older: token times rise with the size, but for what clocks differ."""
    latest = None
    for before, after in pairwise(stamps):
        latest = before if latest is None or before.time_ms > latest.time_ms else latest
        if after.size > latest.size and after.time_ms < latest.time_ms - _millis(SKEW):
            findings.problem(
                f"its token says {_said(after.time_ms)}, but {latest.where} dates a smaller log "
                f"{_said(latest.time_ms)}: one authority's clock is wrong, or a token is forged",
                object_key=after.where,
            )


def _summarise(
    run: Inspection, stored: Collection[str], stamps: Sequence[Stamp], log: CheckedLog
) -> None:
    findings = run.findings
    if stored and not run.target.tsa_roots:
        findings.not_checked.append(
            f"the signatures of {len(stored)} timestamps: that needs the authorities' root "
            "certificates (--tsa-roots), from the authorities themselves"
        )
    if not stored:
        findings.not_checked.append("when anything existed: the log has no timestamps")
    if stamps:
        last = stamps[-1]
        findings.figures["timestamped"] = {
            "size": last.size,
            "of": log.size,
            "time": _said(last.time_ms),
            "tokens": len(stamps),
        }
        findings.proven.append(
            f"the first {last.size} of {log.size} entries existed by {_said(last.time_ms)}: "
            f"{len(stamps)} RFC 3161 timestamps verify"
        )


def _millis(period: timedelta) -> int:
    return period // timedelta(milliseconds=1)


def _said(millis: int) -> str:
    return rfc3339(from_millis(millis))
