"""What the event of a certificate of destruction changes: the row that it is.

The certificate itself is a part of its event, so it outlives every database. Of two that were made
at once with the same number, or over the same batch, the log's order decides; the other has no
effect, wherever the log is replayed.
"""

from dataclasses import dataclass, field

from archiver.db import certificates as rows
from archiver.db.certificates import CertificateRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

CERTIFICATE = "certificate"
"""The object type of these events."""

CERTIFICATE_ISSUED = "certificate:issued"
CERTIFICATE_PART = "certificate.json"


@dataclass(slots=True, kw_only=True)
class CertificateIssued(SelfStated):
    """A certificate was issued. `took`, once applied: whether its number was the next one."""

    row: CertificateRow
    took: bool = field(default=False, init=False)

    def apply(self, connection: Connection) -> bool:
        """Insert the certificate, if its number is the next one and its batch has none."""
        self.took = rows.add(connection, self.row)
        return False

    @property
    def details(self) -> dict[str, str | int | bool]:
        """The details of its event: all that `certificate_issued` reads besides the part."""
        row = self.row
        return {
            "name": f"no. {row.number}",
            "number": row.number,
            "batch_id": row.batch_id,
            "class_code": row.class_code,
            "records": row.records,
        }

    @property
    def part(self) -> Part:
        """The part of its event that holds the certificate."""
        return Part(
            name=CERTIFICATE_PART,
            role=PartRole.DERIVED,
            media_type="application/json",
            content=self.row.body.encode(),
        )


def certificate_issued(body: EventBody, part: PartOf) -> CertificateIssued | None:
    """Return what the event that issued a certificate changes.

    Raises:
        ValueError, InvalidInput: it does not state the certificate whole.
    """
    if body.result != "ok":
        return None
    ulid_bytes(body.object_id)
    document = part(CERTIFICATE_PART)
    if document is None:
        raise ValueError("it does not hold the certificate")
    return CertificateIssued(
        row=CertificateRow(
            id=body.object_id,
            number=detail_of(body, "number", int),
            batch_id=detail_of(body, "batch_id", str),
            class_code=detail_of(body, "class_code", str),
            records=detail_of(body, "records", int),
            body=document.decode("utf-8"),
            issued_at=moment_of(body),
        )
    )
