"""The closing document of a privacy request: what it says, its bytes, its seal. Pure.

    {"request": {…}, "seal": "<signed note>"}

Canonical JSON (RFC 8785) and a C2SP signed note by the keys of the log over its SHA-256, as
certificates of destruction are sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from archiver.clock import from_millis, rfc3339
from archiver.disposal.certificate_document import canonical
from archiver.disposal.privacy_views import JudgedRecord, RequestView, ground_document
from archiver.model.privacy import PrivacyDecision
from archiver.preserve.ledger.note import Signer, encode_base64, sign_note

KIND = "muniment answer to a privacy request v1"
"""The first line of what the log's keys sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """All that a closing document states but who closes it and when."""

    archive_id: str
    origin: str
    view: RequestView
    records: Sequence[JudgedRecord]


def body_of(what: Answered, *, remark: str, by: str, at: datetime) -> dict[str, Any]:
    """Return what a closing document says, as JSON. `remark` is what else the person is told."""
    row = what.view.row
    return {
        "v": 1,
        "id": row.id,
        "archive": {"id": what.archive_id, "origin": what.origin},
        "kind": row.kind,
        "reference": row.reference,
        "person": row.person,
        "received_at": rfc3339(from_millis(row.received_at)),
        "due_at": rfc3339(from_millis(row.due_at)),
        "extended_months": row.extended_months,
        "extension": row.extension,
        "closed_at": rfc3339(at),
        "closed_by": by,
        "remark": remark,
        "counts": {
            "records": len(what.records),
            "erased": sum(each.asked.is_gone for each in what.records),
            **{
                name: sum(_is(each, decision) for each in what.records)
                for name, decision in (
                    ("refused", PrivacyDecision.REFUSE),
                    ("restricted", PrivacyDecision.RESTRICT),
                    ("restriction_lifted", PrivacyDecision.LIFTED),
                )
            },
        },
        "records": [_record(each) for each in what.records],
    }


def seal_text(body: dict[str, Any]) -> str:
    """Return the text that seals a document: kind, log, id, SHA-256 of the document."""
    digest = encode_base64(sha256(canonical(body)).digest())
    return f"{KIND}\n{body['archive']['origin']}\n{body['id']}\n{digest}\n"


def sealed(body: dict[str, Any], signers: Sequence[Signer]) -> bytes:
    """Return the file of a closing document, sealed by the log's keys."""
    note = sign_note(seal_text(body), signers)
    return canonical({"request": body, "seal": note.decode()}) + b"\n"


def _is(each: JudgedRecord, decision: PrivacyDecision) -> bool:
    return not each.asked.is_gone and each.asked.decision == decision


def _record(each: JudgedRecord) -> dict[str, Any]:
    """What was decided, and of what stays: until when, and by which rules.

    Holds are not named: which matters there are is not for the person to learn from this.
    """
    asked = each.asked
    document: dict[str, Any] = {
        "index": asked.log_index,
        "id": asked.id,
        "decision": asked.decision,
        "why": asked.reason,
        "ground": ground_document(asked.ground),
        "by": asked.decided_by,
        "at": None if asked.decided_at is None else rfc3339(from_millis(asked.decided_at)),
        "erased": asked.is_gone,
    }
    if asked.is_gone:
        return document | {"batch": asked.batch_id, "certificate": asked.certificate}
    until = each.retain_until
    return document | {
        "kept_until": None if until is None else rfc3339(until),
        "class": asked.class_code,
        "schedule_version": asked.schedule_version,
    }
