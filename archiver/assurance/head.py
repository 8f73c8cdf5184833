"""Finding the head: the largest checkpoint that a key of the log signed, wherever it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from archiver.assurance.checkpoints import (
    LogHead,
    SignedCheckpoint,
    choose_head,
    read_kept,
    read_published,
    read_signed,
)
from archiver.assurance.inspection import Inspection
from archiver.assurance.log_keys import follow_changes
from archiver.assurance.report import Problem
from archiver.errors import InvalidInput
from archiver.preserve.ledger.policy import log_verifier
from archiver.preserve.object_keys import checkpoint_object, log_prefix

if TYPE_CHECKING:  # see `target`
    from archiver.db.ledger import LogState

PUBLICATION_S = 10.0
"""A checkpoint is kept and committed a moment before it is published; so long we look again."""

_PAUSE_S = 0.25

_STATE = "database:log_state"


async def find_head(run: Inspection, state: "LogState | None") -> LogHead:
    """Read every checkpoint there is and return the largest one, with all the others.

    `state` is the database's own word, None without a database.

    Raises:
        InvalidInput: a checkpoint that the verifier brought is not one of this log.
        StorageUnavailable: the store did not answer.
    """
    target, findings = run.target, run.findings
    kept, vkeys = await asyncio.to_thread(_read_all, run)
    if state is not None and state.size:
        kept += _database_checkpoint(run, vkeys, state, kept)
    promised = max((one.size for one in kept), default=0)
    published = await _published(run, vkeys, promised)
    head = await asyncio.to_thread(
        choose_head, run.store, target.archive_id, published, kept, findings
    )
    held = _held(run, vkeys, head)
    every = sorted((*head.kept, *held), key=lambda one: one.size)
    return replace(head, kept=tuple(every), vkeys=vkeys)


async def _published(
    run: Inspection, vkeys: Sequence[str], promised: int
) -> SignedCheckpoint | Problem:
    """Return the published checkpoint, waiting a while for one of `promised` entries."""
    target = run.target
    looks = int(PUBLICATION_S / _PAUSE_S)
    while True:
        found = await asyncio.to_thread(
            read_published, run.store, target.archive_id, target.origin, vkeys
        )
        if isinstance(found, Problem) or found.size >= promised or not looks:
            return found
        looks -= 1
        await asyncio.sleep(_PAUSE_S)


def _read_all(run: Inspection) -> tuple[list[SignedCheckpoint], tuple[str, ...]]:
    signed, strange = read_kept(run)
    vkeys = follow_changes(run, signed, strange)
    return signed, vkeys


def _database_checkpoint(
    run: Inspection, vkeys: Sequence[str], state: "LogState", kept: Sequence[SignedCheckpoint]
) -> list[SignedCheckpoint]:
    """Return the database's checkpoint where it is a signed one and not kept as well."""
    target, findings = run.target, run.findings
    verifiers = [log_verifier(vkey) for vkey in vkeys]
    found = read_signed(state.checkpoint, target.origin, verifiers, size=-1, where=_STATE)
    if not isinstance(found, SignedCheckpoint):
        what = found.what if isinstance(found, Problem) else found.to_problem().what
        findings.problem(f"the database's checkpoint: {what}", object_key=_STATE)
        return []
    twins = [one for one in kept if one.size == found.size]
    if (found.size, found.root) != (state.size, state.root) or any(
        one.root != found.root for one in twins
    ):
        findings.problem(
            f"the database says the log has {state.size} entries under root {state.root.hex()}, "
            f"its own checkpoint or {checkpoint_object(target.archive_id, found.size)} says "
            "otherwise: the row was altered, or the log was signed in two versions",
            object_key=_STATE,
        )
        return []
    return [] if twins else [found]


def _held(run: Inspection, vkeys: Sequence[str], head: LogHead) -> list[SignedCheckpoint]:
    """Return the checkpoints the verifier brought; one beyond the head convicts the log."""
    target, findings = run.target, run.findings
    verifiers = [log_verifier(vkey) for vkey in vkeys]
    held = []
    for brought in target.checkpoints:
        found = read_signed(brought.data, target.origin, verifiers, size=-1, where=brought.name)
        if not isinstance(found, SignedCheckpoint):
            what = found.what if isinstance(found, Problem) else found.to_problem().what
            raise InvalidInput(f"{brought.name} is not a checkpoint of this log: {what}")
        if found.size <= head.size:
            held.append(found)
            continue
        findings.problem(
            f"the log has signed a checkpoint of {found.size} entries, which you hold as "
            f"{brought.name}, but the store ends at {head.size}: the log was rolled back, and "
            f"{found.size - head.size} entries with it. Keep that file; it is the proof",
            object_key=log_prefix(target.archive_id) + "checkpoint",
        )
    return held
