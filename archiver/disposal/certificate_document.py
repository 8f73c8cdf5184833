"""The certificate of destruction as a document: what it says, its bytes, its seal. Pure.

    {"certificate": {…}, "seal": "<signed note>"}

Certificates of before 2026-11-23 say neither when the batch was proposed (`proposed.at`) nor until
when what was left out is kept (`left_out[].keep_until`); verifiers of any version take both forms.

Both are JSON in the canonical form of RFC 8785, which for documents of text, integers, lists and
objects with ASCII names is what `canonical` writes. The seal is a C2SP signed note by the keys of
the log over SHA-256 of the inner document: a note itself may be a megabyte, and a certificate of
20,000 records is more. `archiver.assurance.certificate_verifier` checks one without any of this.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from archiver.clock import from_millis, rfc3339
from archiver.db.batches import ApprovalRow, BatchRow, PackageRow
from archiver.db.certificates import Decided, Destroyed, LeftOut
from archiver.disposal.batch_views import package_document
from archiver.preserve.ledger.note import Signer, encode_base64, sign_note

KIND = "muniment certificate of destruction v1"
"""The first line of what the log's keys sign."""

_ROWS = (
    "rows about the records (account, author, platform id, hashtags, times), without content "
    "and without keys"
)

REMAINS = (
    "the entry of each record in the log, with its id and hashes",
    "for each record: class, rule, schedule version, size, and when it was captured and destroyed",
    "the events of the audit trail, and this certificate",
    "words that a search for a pattern had listed: with its event, its set and its reports",
    f"on PostgreSQL, until it has written over its log and the space it freed: {_ROWS}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """Log entries, verbatim, with one proof that all of them are under a signed checkpoint.

    `path` is that of `archiver.preserve.ledger.multiproof`; `policy` names the log's keys.
    """

    entries: Mapping[int, bytes]
    size: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """All that a certificate states but its number and who issues it."""

    archive_id: str
    origin: str
    store: str
    batch: BatchRow
    proposed_at: int
    file_class: Mapping[str, Any]
    schedule: Mapping[str, Any]
    approvals: Sequence[ApprovalRow]
    package: PackageRow | None
    destroyed: Sequence[Destroyed]
    decisions: Sequence[Decided]
    left_out: Sequence[LeftOut]
    proved: Proved
    backup_days: int


def body_of(
    what: Certified, *, number: int, certificate_id: str, by: str, at: datetime
) -> dict[str, Any]:
    """Return what a certificate says, as JSON."""
    batch, ended = what.batch, from_millis(what.batch.stated_at)
    return {
        "v": 1,
        "number": number,
        "id": certificate_id,
        "issued_at": rfc3339(at),
        "issued_by": by,
        "archive": {"id": what.archive_id, "origin": what.origin, "store": what.store},
        "class": dict(what.file_class),
        "schedule": dict(what.schedule),
        "batch": _batch(batch, ended),
        "proposed": {
            "by": batch.proposed_by,
            "who": batch.proposed_by_id,
            "why": batch.proposal,
            "at": rfc3339(from_millis(what.proposed_at)),
        },
        "approvals_needed": batch.approvals_needed,
        "approvals": [_approval(each) for each in what.approvals],
        "transfer": None if what.package is None else package_document(what.package),
        "method": batch.method,
        "counts": _counts(what),
        "records": list(_destroyed(what)),
        "requests": [
            {"request": request_id, "index": index, "entry": _entry(what, index)}
            for request_id, index in sorted(
                {(each.request_id, each.event_index) for each in what.decisions}
            )
        ],
        "disposals": [
            {"index": index, "entry": _entry(what, index)}
            for index in sorted({each.dis_index for each in what.destroyed})
        ],
        "left_out": [_left_out(each) for each in what.left_out],
        "proof": {
            "size": what.proved.size,
            "path": [encode_base64(each) for each in what.proved.path],
            "checkpoint": what.proved.checkpoint.decode(),
        },
        "policy": what.proved.policy,
        "remains": list(REMAINS),
        "backups": {
            "days": what.backup_days,
            "until": rfc3339(ended + timedelta(days=what.backup_days)),
            "hold": _ROWS,
        },
    }


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document in its one spelling (RFC 8785)."""
    return json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def seal_text(body: Mapping[str, Any]) -> str:
    """Return the text that seals a certificate: kind, log, number, SHA-256 of the certificate."""
    digest = encode_base64(sha256(canonical(body)).digest())
    return f"{KIND}\n{body['archive']['origin']}\n{body['number']}\n{digest}\n"


def sealed(body: Mapping[str, Any], signers: Sequence[Signer]) -> bytes:
    """Return the file of a certificate, sealed by the log's keys."""
    note = sign_note(seal_text(body), signers)
    return canonical({"certificate": body, "seal": note.decode()}) + b"\n"


def _batch(batch: BatchRow, ended: datetime) -> dict[str, Any]:
    return {
        "id": batch.id,
        "class": batch.class_code,
        "schedule_version": batch.schedule_version,
        "action": batch.action,
        "platform": batch.platform,
        "account": batch.account,
        "period": batch.period,
        "formed_by": batch.formed_by,
        "formed_at": rfc3339(from_millis(batch.formed_at)),
        "ended_at": rfc3339(ended),
    }


def _approval(row: ApprovalRow) -> dict[str, Any]:
    return {
        "by": row.approved_by,
        "who": row.approver_id,
        "at": rfc3339(from_millis(row.approved_at)),
        "records": row.records,
        "why": row.reason,
    }


def _left_out(each: LeftOut) -> dict[str, Any]:
    until = each.keep_until
    return {
        **each._asdict(),
        "keep_until": None if until is None else rfc3339(from_millis(until)),
    }


def _counts(what: Certified) -> dict[str, int]:
    kept = sum(each.state == "kept" for each in what.left_out)
    return {
        "formed": what.batch.records,
        "destroyed": len(what.destroyed),
        "kept": kept,
        "excluded": len(what.left_out) - kept,
        "bytes": sum(each.size for each in what.destroyed),
    }


def _destroyed(what: Certified) -> Iterator[dict[str, Any]]:
    decided: dict[int, list[int]] = {}
    for one in what.decisions:
        decided.setdefault(one.log_index, []).append(one.event_index)
    for each in what.destroyed:
        index = each.log_index
        record = {"index": index, "entry": _entry(what, index), "method": each.method}
        yield {**record, "decisions": decided[index]} if index in decided else record


def _entry(what: Certified, index: int) -> str:
    return what.proved.entries[index].decode()
