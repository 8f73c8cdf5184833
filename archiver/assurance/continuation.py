"""Whether this log keeps what it promised to somebody: an old checkpoint, proof or receipt.

What was given out cannot be taken back: the log's own signature stands under it. An archive that
was rolled back, or went on from an old copy, no longer continues it, and whoever kept it can tell.
"""

import json
from dataclasses import dataclass
from typing import Any

from archiver.assurance.log_view import LogView
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, InvalidInput
from archiver.model.actor import Actor
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash, tree_root, verify_consistency
from archiver.preserve.ledger.note import Verifier, decode_hash, parse_note
from archiver.preserve.ledger.proof import parse_tlog_proof
from archiver.preserve.ledger.receipt import Promise, Receipt, open_promise

MAX_BYTES = 4 * 1024 * 1024

_LARGEST_LOG = 2**62
_PROOF = b"c2sp.org/tlog-proof@"
_CONCLUSION = (
    "This archive was rolled back to an old copy or forked, after its key had signed what you "
    "hold. Keep that file: it is the evidence"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """What the comparison found. `kind`: checkpoint or receipt; `words` say it for people."""

    ok: bool
    kind: str
    words: str
    held_size: int
    log_size: int

    def to_dict(self) -> dict[str, object]:
        """Return the finding for JSON."""
        return {
            "ok": self.ok,
            "kind": self.kind,
            "what": self.words,
            "held_size": self.held_size,
            "log_size": self.log_size,
        }


async def compare_with_held(
    data: bytes,
    *,
    origin: str,
    verifiers: tuple[Verifier, ...],
    database: Database,
    log: LogView,
    actor: Actor,
) -> Continuation:
    """Compare the log with a checkpoint note, a `.tlog-proof` or a receipt (JSON) given earlier.

    Raises:
        InvalidInput: `data` is none of these, or not signed by a key of this log.
        Denied: the actor may not read the log.
        IntegrityError: the log's own tiles are not what it signed.
    """
    current = parse_checkpoint(parse_note(await log.checkpoint(actor=actor)).text)
    try:
        held = _read(data, origin, verifiers)
    except IntegrityError as error:
        raise InvalidInput(
            f"expected a checkpoint, a .tlog-proof or a receipt signed by a key of {origin}: "
            f"{error}; compare the file's origin with this archive's"
        ) from error
    if isinstance(held, Checkpoint):
        return await _compare_checkpoint(held, current, log, actor)
    return await _compare_batch(held, current, database)


def _read(data: bytes, origin: str, verifiers: tuple[Verifier, ...]) -> Checkpoint | Promise:
    if len(data) > MAX_BYTES:
        raise IntegrityError(f"found {len(data)} bytes")
    if not data.lstrip().startswith(b"{"):
        note = parse_tlog_proof(data).checkpoint if data.startswith(_PROOF) else data
        return open_checkpoint(note, origin, verifiers)
    promise = open_promise(Receipt.from_dict(_receipt_in(data)), verifiers)
    if promise.origin != origin or promise.first_index + promise.count > _LARGEST_LOG:
        raise IntegrityError("the receipt is another log's")
    return promise


def _receipt_in(data: bytes) -> dict[str, Any]:
    """Return the receipt in a JSON file: by itself, or in the answer to a capture."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IntegrityError("the file is no JSON") from error
    receipt = found.get("receipt", found)
    if not isinstance(receipt, dict):
        raise IntegrityError("the file holds no receipt")
    return receipt


async def _compare_checkpoint(
    held: Checkpoint, current: Checkpoint, log: LogView, actor: Actor
) -> Continuation:
    words = f"The log of {current.size:,} entries continues the one you hold, of {held.size:,}"
    ok = True
    if held.size > current.size:
        ok = False
        words = (
            f"You hold a checkpoint of {held.size:,} entries, and this log has only "
            f"{current.size:,}. {_CONCLUSION}"
        )
    else:
        proof = (await log.consistency(held.size, current.size, actor=actor))["proof"]
        try:
            verify_consistency(
                old_size=held.size,
                new_size=current.size,
                old_root=held.root,
                new_root=current.root,
                proof=[decode_hash(each) for each in _texts(proof)],
            )
        except IntegrityError:
            ok = False
            words = (
                f"The first {held.size:,} entries of this log are not those of the checkpoint you "
                f"hold. {_CONCLUSION}"
            )
    return Continuation(
        ok=ok, kind="checkpoint", words=words, held_size=held.size, log_size=current.size
    )


async def _compare_batch(promise: Promise, current: Checkpoint, database: Database) -> Continuation:
    """Compare with what a receipt's signature covers, which is the whole batch it was given in.

    Index and path of the one entry are signed by nobody: a damaged file must not convict a log.
    """
    first, end = promise.first_index, promise.first_index + promise.count
    async with database.reading() as tx:
        entries = await ledger_rows.entries(tx, first, end)
    batch = f"entries {first:,} to {end - 1:,}"
    ok = len(entries) == promise.count and tree_root(map(leaf_hash, entries)) == promise.root
    if ok:
        words = f"The log holds {batch} as the receipt promises them"
    elif len(entries) < promise.count:
        words = f"The receipt promises {batch}, and this log ends before that. {_CONCLUSION}"
    else:
        words = f"The receipt promises other {batch} than this log holds. {_CONCLUSION}"
    return Continuation(ok=ok, kind="receipt", words=words, held_size=end, log_size=current.size)


def _texts(proof: object) -> list[str]:
    return [str(each) for each in proof] if isinstance(proof, list) else []
