"""What the event of a search term report changes: the report, and which records each term hit."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from archiver.db import term_reports as report_rows
from archiver.db.term_reports import TermReportRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.model.number_list import unpack
from archiver.model.post import Part, PartRole
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of

TERMS_REPORTED = "terms:reported"
REPORT_PART = "report.json"
"""The part of a report's event that holds the report, and the packed hits of each term."""


class _Kept(msgspec.Struct, frozen=True):
    """The part: a report as JSON, and for each term how many documents it hit, and which."""

    report: msgspec.Raw
    counts: tuple[int, ...]
    hits: tuple[bytes, ...]


_decode = msgspec.json.Decoder(_Kept).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsReported(SelfStated):
    """A report was made. `hits` are the packed log indexes of each term, `counts` how many."""

    row: TermReportRow
    counts: Sequence[int]
    hits: Sequence[bytes] = field(repr=False)

    def apply(self, connection: Connection) -> bool:
        """Insert the report with its hits, unless it is there."""
        report_rows.insert_whole(connection, self.row, self.hits)
        return False

    @property
    def details(self) -> dict[str, str | int | bool]:
        """The details of its event: what `terms_reported` reads beside the part."""
        row = self.row
        return {
            "name": row.name,
            "matter": row.matter,
            "set_id": row.set_id,
            "within": row.within,
            "terms": row.terms,
            "documents": row.documents,
            "hits": row.hits,
        }

    @property
    def part(self) -> Part:
        """The part of its event that holds it."""
        kept = _Kept(msgspec.Raw(self.row.body.encode()), tuple(self.counts), tuple(self.hits))
        return Part(
            name=REPORT_PART,
            role=PartRole.DERIVED,
            media_type="application/json",
            content=msgspec.json.encode(kept),
        )


def terms_reported(body: EventBody, part: PartOf) -> TermsReported:
    """Return what the event of a report changes.

    Raises:
        ValueError, InvalidInput: it does not state the report whole.
    """
    ulid_bytes(body.object_id)
    content = part(REPORT_PART)
    if content is None:
        raise ValueError("it does not hold the report")
    try:
        kept = _decode(content)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the report does not parse: {error}") from error
    for packed, count in zip(kept.hits, kept.counts, strict=True):
        unpack(packed, count)
    row = TermReportRow(
        id=body.object_id,
        name=detail_of(body, "name", str),
        matter=detail_of(body, "matter", str),
        set_id=detail_of(body, "set_id", str),
        within=detail_of(body, "within", str),
        terms=detail_of(body, "terms", int),
        documents=detail_of(body, "documents", int),
        hits=detail_of(body, "hits", int),
        body=bytes(kept.report).decode(),
        made_at=moment_of(body),
        made_by=body.actor,
    )
    return TermsReported(row=row, counts=kept.counts, hits=kept.hits)
