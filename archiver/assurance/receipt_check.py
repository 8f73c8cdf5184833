"""Receipts that somebody holds: the log promised an index to an entry, and must have kept it."""

from json import JSONDecodeError, loads

from archiver.assurance.checkpoints import LogHead
from archiver.assurance.inspection import Inspection
from archiver.assurance.log_check import CheckedLog, entries_at
from archiver.assurance.target import Held
from archiver.errors import IntegrityError, InvalidInput
from archiver.preserve.ledger.policy import log_verifier
from archiver.preserve.ledger.receipt import Receipt, verify_receipt


def check_receipts(run: Inspection, log: CheckedLog, head: LogHead) -> None:
    """Check each receipt against the entry that the verified log has at its index.

    Raises:
        InvalidInput: a file holds no receipt.
    """
    verifiers = [log_verifier(vkey) for vkey in head.vkeys]
    receipts, findings = run.target.receipts, run.findings
    kept = 0
    for brought in receipts:
        receipt = _read(brought)
        index = receipt.log_index
        entry = entries_at(run.store, run.archive_id, log.size, index, index + 1).get(index)
        if entry is None and index < log.size:
            continue  # its bundle is damaged, which is named already
        if entry is None:
            findings.problem(
                f"it promises log index {index}, but the log has {log.size} entries: the entry was "
                "dropped, unless the receipt was given a moment ago. Keep it; it is the proof",
                object_key=brought.name,
            )
            continue
        try:
            verify_receipt(receipt, entry, verifiers)
            kept += 1
        except IntegrityError as error:
            findings.problem(
                f"the log's entry {index} is not what this receipt promises: {error}",
                object_key=brought.name,
            )
    if kept:
        findings.count("receipts kept", kept)
        findings.proven.append(f"{kept} of {len(receipts)} receipts were kept by the log")


def _read(brought: Held) -> Receipt:
    try:
        found = loads(brought.data)
        return Receipt.from_dict(found if isinstance(found, dict) else {})
    except (JSONDecodeError, UnicodeDecodeError, RecursionError, IntegrityError) as error:
        raise InvalidInput(
            f"{brought.name} is no receipt: expected JSON with note, log_index and path: {error}"
        ) from error
