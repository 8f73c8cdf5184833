"""Cosignatures: which checkpoints the witnesses of the verifier's policy have seen.

A witness signs only a log that extends the one it saw before. So a checkpoint with its quorum is
one that the archive has shown to others, and cannot take back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from archiver.assurance.checkpoints import LogHead
from archiver.assurance.inspection import Inspection
from archiver.assurance.inventory import Listed
from archiver.assurance.report import Problem
from archiver.assurance.stamps import beyond_head, is_signed_now
from archiver.assurance.workers import batches, read_together
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.policy import (
    LogKey,
    Policy,
    open_cosigned,
    verifier_identity,
)
from archiver.preserve.object_keys import (
    checkpoint_object,
    cosignature_object,
    cosignature_prefix,
)
from archiver.preserve.store import ObjectStore

_BATCH = 64
_KEY_ID_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cosigned:
    """The checkpoint of `size` with the key ids of those who cosigned it, as object names say."""

    size: int
    key_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    archive_id: str
    policy: Policy
    cosigned: tuple[_Cosigned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    size: int
    verified: int
    quorum_met: bool
    problems: tuple[Problem, ...]


def check_cosignatures(run: Inspection, listed: Sequence[Listed], head: LogHead) -> None:
    """Verify every stored cosignature of a witness in the policy, and say how far the quorum goes.

    `listed` are the log's objects.
    """
    findings = run.findings
    stored = _stored(run, listed, head)
    findings.count("cosignatures", sum(len(one.key_ids) for one in stored))
    policy = run.target.policy
    if policy is None or not policy.witnesses:
        findings.not_checked.append(
            "whether witnesses have seen the log: the policy names none"
            if policy
            else "whether witnesses have seen the log: no policy was given"
        )
        return
    # Keys that the log announced sign its later checkpoints, and stand in no old policy.
    trusted = Policy(
        logs=tuple(LogKey(vkey=vkey, url="") for vkey in head.vkeys),
        witnesses=policy.witnesses,
        groups=policy.groups,
        quorum=policy.quorum,
    )
    tasks = (
        _Task(archive_id=run.archive_id, policy=trusted, cosigned=chunk)
        for chunk in batches((one for one in stored if one.size <= head.size), _BATCH)
    )
    answers = [answer for found in run.workers.map(_open_all, tasks) for answer in found]
    for answer in answers:
        findings.extend(answer.problems)
    _summarise(run, answers, policy, head)


def _summarise(run: Inspection, answers: Sequence[_Answer], policy: Policy, head: LogHead) -> None:
    findings = run.findings
    met = [answer.size for answer in answers if answer.quorum_met and answer.verified]
    size = max(met, default=0)
    findings.figures["witnessed"] = {
        "size": size,
        "of": head.size,
        "cosignatures": sum(answer.verified for answer in answers),
        "quorum": policy.quorum or "none",
    }
    if size:
        quorum = f"the quorum {policy.quorum}" if policy.quorum else "a witness of the policy"
        findings.proven.append(f"witnessed to size {size} of {head.size}: {quorum} cosigned it")
    elif policy.quorum:
        findings.warn(
            f"no checkpoint has the quorum {policy.quorum} that the policy asks for: what the log "
            "says of its own past is its word alone",
            object_key=cosignature_prefix(run.archive_id),
        )


def _stored(run: Inspection, listed: Sequence[Listed], head: LogHead) -> list[_Cosigned]:
    """Return who cosigned each size; objects that fit no checkpoint are problems."""
    prefix = cosignature_prefix(run.archive_id)
    by_size: dict[int, list[str]] = {}
    for one in listed:
        if not one.key.startswith(prefix):
            continue
        size, _, key_id = one.key.removeprefix(prefix).partition("/")
        if not _is_name(run.archive_id, size, key_id, one.key):
            run.findings.problem("this is not the name of a cosignature", object_key=one.key)
        elif int(size) > head.size and not is_signed_now(run, head, int(size)):
            what = beyond_head("cosignature", int(size), head.size)
            run.findings.problem(what, object_key=one.key)
        else:
            by_size.setdefault(int(size), []).append(key_id)
    return [_Cosigned(size=size, key_ids=tuple(found)) for size, found in by_size.items()]


def _is_name(archive_id: str, size: str, key_id: str, key: str) -> bool:
    try:
        raw = bytes.fromhex(key_id)
    except ValueError:
        return False
    is_decimal = size.isascii() and size.isdecimal() and len(key_id) == _KEY_ID_DIGITS
    return is_decimal and cosignature_object(archive_id, int(size), raw) == key


def _open_all(store: ObjectStore, task: _Task) -> list[_Answer]:
    return list(read_together(store, partial(_open, store, task), task.cosigned))


def _open(store: ObjectStore, task: _Task, one: _Cosigned) -> _Answer:
    """Verify one checkpoint's cosignatures by themselves, then together."""
    problems: list[Problem] = []
    kept = checkpoint_object(task.archive_id, one.size)
    known = {verifier_identity(seen.vkey)[1].hex() for seen in task.policy.witnesses}
    lines = []
    try:
        note = store.get(kept)
    except (NotFound, IntegrityError) as error:
        what = f"{error}, which was cosigned"
        return _answer(one, problems=[Problem(what=what, object_key=kept)])
    for key_id in known.intersection(one.key_ids):
        key = cosignature_object(task.archive_id, one.size, bytes.fromhex(key_id))
        try:
            lines.append(_verified_line(store.get(key), note, key_id, task.policy))
        except (NotFound, IntegrityError) as error:
            what = f"{error}; a cosignature that does not verify is worth nothing: ask the witness"
            problems.append(Problem(what=what, object_key=key))
    if not lines:
        return _answer(one, problems=problems)
    found = open_cosigned(note + b"".join(lines), task.policy)
    return _answer(one, verified=len(lines), quorum_met=found.quorum_met, problems=problems)


def _verified_line(line: bytes, note: bytes, key_id: str, policy: Policy) -> bytes:
    """Return the line if the witness with `key_id` made it, and no other. Raises IntegrityError."""
    cosigned = open_cosigned(note + line, policy)
    if {found.key_id.hex() for found in cosigned.cosignatures} != {key_id}:
        raise IntegrityError("it holds no signature of the witness that it is named after")
    return line


def _answer(
    one: _Cosigned,
    *,
    problems: Sequence[Problem],
    verified: int = 0,
    quorum_met: bool = False,
) -> _Answer:
    return _Answer(
        size=one.size, verified=verified, quorum_met=quorum_met, problems=tuple(problems)
    )
