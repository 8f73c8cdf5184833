"""Which keys speak for the log, and from where on.

A verifier brings one key or more. A `key` entry under a checkpoint that a believed key signed makes
another one believed, or ends its service (ledger FORMAT 8): so whoever holds only the first key of
a log follows every change of keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from archiver.assurance.checkpoints import (
    LogHead,
    SignedCheckpoint,
    StrangeCheckpoint,
    read_signed,
    sort_out,
)
from archiver.assurance.inspection import Inspection
from archiver.assurance.log_scan import BUNDLES_PER_TASK, BundleRange, read_log_object
from archiver.errors import IntegrityError, NotFound
from archiver.preserve.ledger.entry import KeyEntry, decode_entry
from archiver.preserve.ledger.policy import log_verifier, verifier_identity
from archiver.preserve.ledger.tiles import TILE_WIDTH, TileName, decode_bundle
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store import ObjectStore

_KEY = b'{"v":1,"t":"key",'


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """The log's entry at `index` says that the key `vkey` enters (`on`) or leaves service."""

    index: int
    vkey: str
    on: bool


def follow_changes(
    run: Inspection, signed: list[SignedCheckpoint], strange: list[StrangeCheckpoint]
) -> tuple[str, ...]:
    """Open `strange` checkpoints by the keys that the log announces; return all keys in play.

    What opens moves to `signed`; what no key opens is a problem. The announcements are read here
    before the tree is verified, so the keys are believed for good only by `judge_signers`.
    """
    vkeys = run.target.vkeys
    read_to = 0
    while strange:
        reach = max((one.size for one in signed), default=0)
        found = _announced(run, read_to, reach)
        if not (fresh := [vkey for vkey in dict.fromkeys(found) if vkey not in vkeys]):
            break
        read_to, vkeys = reach // TILE_WIDTH, (*vkeys, *fresh)
        verifiers = [log_verifier(vkey) for vkey in vkeys]
        again, strange[:] = list(strange), []
        answers = [
            read_signed(one.data, run.target.origin, verifiers, size=one.size, where=one.where)
            for one in again
        ]
        sort_out(answers, signed, strange, run.findings)
    run.findings.extend(one.to_problem() for one in strange)
    return vkeys


def _announced(run: Inspection, first: int, size: int) -> list[str]:
    """Return the vkeys that enter service by entries of bundles `first` on, below `size`."""
    bundles = -(-size // TILE_WIDTH)
    tasks = (
        BundleRange(
            prefix=log_prefix(run.archive_id),
            first=start,
            end=min(start + BUNDLES_PER_TASK, bundles),
            size=size,
            partials=(),
        )
        for start in range(first, bundles, BUNDLES_PER_TASK)
    )
    entries = (entry for found in run.workers.map(_find_announcements, tasks) for entry in found)
    changes = (read_change(0, entry) for entry in entries)
    origin = run.target.origin
    return [change.vkey for change in changes if change and change.on and _is_of(change, origin)]


def _find_announcements(store: ObjectStore, task: BundleRange) -> list[bytes]:
    found: list[bytes] = []
    for n in range(task.first, task.end):
        width = min(TILE_WIDTH, task.size - n * TILE_WIDTH)
        name = TileName(level=None, n=n, width=width)
        data = read_log_object(store, task.prefix, name, []) or b""
        if _KEY in data:
            try:
                found += [one for one in decode_bundle(data)[:width] if one.startswith(_KEY)]
            except IntegrityError:  # named as a problem where the log is read
                continue
    return found


def read_change(index: int, entry: bytes) -> KeyChange | None:
    """Return the change of keys that an entry announces; None where it announces none."""
    try:
        found = decode_entry(entry)
    except IntegrityError:
        return None
    if not isinstance(found, KeyEntry):
        return None
    return KeyChange(index=index, vkey=found.vkey, on=found.on)


def _is_of(change: KeyChange, origin: str) -> bool:
    try:
        return log_verifier(change.vkey).name == origin
    except IntegrityError:
        return False


@dataclass(slots=True)
class _Service:
    """A key is good for checkpoints of more than `after` and at most `until` entries."""

    after: float
    until: float = inf


def judge_signers(run: Inspection, head: LogHead, changes: Sequence[KeyChange]) -> None:
    """Note each checkpoint that no key signed that was in service at its size.

    `changes` are those in the verified tree, by index.
    """
    service = {verifier_identity(vkey)[1]: [_Service(after=-1)] for vkey in run.target.vkeys}
    signed = sorted(head.kept, key=lambda one: one.size, reverse=True)
    waiting = [change for change in changes if _is_of(change, run.target.origin)]
    while waiting:
        reach = next((one.size for one in signed if _is_good(one, service)), 0)
        covered = [change for change in waiting if change.index < reach]
        if not covered:
            break
        _apply(covered[0], service)  # one at a time: it may say who vouches for the next
        waiting.remove(covered[0])
    vkeys = (*head.vkeys, *(change.vkey for change in changes if _is_of(change, run.target.origin)))
    for one in signed:
        if one.size and not (_is_good(one, service) or _is_good(_again(run, vkeys, one), service)):
            run.findings.problem(
                f"no key that was in service at size {one.size} signed it, only "
                f"{', '.join(sorted(key.hex() for key in one.signers))}: a key that was retired "
                "before, or not announced yet. Whoever has that old key can sign in the log's name",
                object_key=one.where,
            )


def _again(run: Inspection, vkeys: Sequence[str], one: SignedCheckpoint) -> SignedCheckpoint:
    """Return a checkpoint of the store with all its signers: later keys were unknown before.

    Where two keys signed it and one of them was retired since, the other one vouches for it.
    """
    if not one.where.startswith(log_prefix(run.archive_id)):
        return one  # of the database, or held by the auditor
    verifiers = [log_verifier(vkey) for vkey in dict.fromkeys(vkeys)]
    try:
        data = run.store.get(one.where)
    except (NotFound, IntegrityError):
        return one
    found = read_signed(data, run.target.origin, verifiers, size=one.size, where=one.where)
    return found if isinstance(found, SignedCheckpoint) else one


def _apply(change: KeyChange, service: dict[bytes, list[_Service]]) -> None:
    terms = service.setdefault(verifier_identity(change.vkey)[1], [])
    serves = bool(terms) and terms[-1].until == inf
    if change.on and not serves:
        terms.append(_Service(after=change.index))
    elif not change.on and serves:
        terms[-1].until = change.index


def _is_good(one: SignedCheckpoint, service: dict[bytes, list[_Service]]) -> bool:
    return any(
        term.after < one.size <= term.until for key in one.signers for term in service.get(key, ())
    )
