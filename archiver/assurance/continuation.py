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
from archiver.preserve.ledger.checkpoint import (
    RECEIPT_LINE_PREFIX,
    Checkpoint,
    open_checkpoint,
    parse_checkpoint,
)
from archiver.preserve.ledger.merkle import verify_consistency
from archiver.preserve.ledger.note import Verifier, decode_hash, open_note, parse_note
from archiver.preserve.ledger.proof import parse_tlog_proof
from archiver.preserve.ledger.receipt import Receipt, verify_receipt

MAX_BYTES = 4 * 1024 * 1024

_LAST_INDEX = 2**62
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
    return await _compare_receipt(held, current, verifiers, database)


def _read(data: bytes, origin: str, verifiers: tuple[Verifier, ...]) -> Checkpoint | Receipt:
    if len(data) > MAX_BYTES:
        raise IntegrityError(f"found {len(data)} bytes")
    if data.lstrip().startswith(b"{"):
        receipt = Receipt.from_dict(_receipt_in(data))
        signed = open_note(receipt.note.encode("utf-8", "surrogatepass"), verifiers)
        if not signed.text.startswith(f"{RECEIPT_LINE_PREFIX}v1\n{origin}\n"):
            raise IntegrityError("the receipt is another log's")
        if receipt.log_index > _LAST_INDEX:
            raise IntegrityError(f"no log has an entry {receipt.log_index}")
        return receipt
    note = parse_tlog_proof(data).checkpoint if data.startswith(_PROOF) else data
    return open_checkpoint(note, origin, verifiers)


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


async def _compare_receipt(
    held: Receipt, current: Checkpoint, verifiers: tuple[Verifier, ...], database: Database
) -> Continuation:
    index = held.log_index
    async with database.reading() as tx:
        entries = await ledger_rows.entries(tx, index, index + 1)
    ok = bool(entries)
    words = f"Entry {index:,} of the log is the one your receipt promises"
    if not entries:
        words = f"Your receipt promises entry {index:,}, and this log ends before it. {_CONCLUSION}"
    else:
        try:
            verify_receipt(held, entries[0], verifiers)
        except IntegrityError:
            ok = False
            words = (
                f"Entry {index:,} of this log is not the one your receipt promises. {_CONCLUSION}"
            )
    return Continuation(
        ok=ok, kind="receipt", words=words, held_size=index + 1, log_size=current.size
    )


def _texts(proof: object) -> list[str]:
    return [str(each) for each in proof] if isinstance(proof, list) else []
