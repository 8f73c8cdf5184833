"""Search term reports: rows written once, by the effects of events, and never changed.

Also what a report needs to know of the records it counts: whose they are, when they were posted,
what they belong to. All of that is of posts below a log size, so it never changes while it is read
page by page.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Row, select

from archiver.db.tables import account, record, term_hits, term_report
from archiver.db.transaction import Connection, Database, Transaction, insert_rows
from archiver.errors import IntegrityError, NotFound
from archiver.model.number_list import unpack

_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TermReportRow:
    """One report. `within` and `body` are JSON; `hits` are documents with any hit, each once.

    In lists `body` is empty.
    """

    id: str
    name: str
    matter: str
    set_id: str
    within: str
    terms: int
    documents: int
    hits: int
    made_at: int
    made_by: str
    body: str = field(default="", repr=False)


COLUMNS = tuple(TermReportRow.__dataclass_fields__)
_LISTED = tuple(term_report.c[name] for name in COLUMNS if name != "body")


def insert_whole(connection: Connection, row: TermReportRow, hits: Sequence[bytes]) -> None:
    """Insert a report with the packed hits of each term, unless there is one with this id."""
    known = select(term_report.c.id).where(term_report.c.id == row.id)
    if connection.execute(known).first() is None:
        insert_rows(connection, term_report, COLUMNS, [[getattr(row, name) for name in COLUMNS]])
        columns = ("report_id", "position", "log_indexes")
        rows = [(row.id, position, packed) for position, packed in enumerate(hits, 1)]
        insert_rows(connection, term_hits, columns, rows)


async def get(tx: Transaction, report_id: str) -> TermReportRow:
    """Return one report. Raises NotFound."""
    rows = await tx.execute(select(term_report).where(term_report.c.id == report_id))
    row = rows.mappings().first()
    if row is None:
        raise no_report(report_id)
    return TermReportRow(**row)


def no_report(report_id: str) -> NotFound:
    """Return the error that tells that there is no such report, or none for who asks."""
    return NotFound(f"no search term report {report_id!r}; list the reports to see their ids")


async def list_all(tx: Transaction, set_id: str = "") -> list[TermReportRow]:
    """Return every report, or those over one set, newest first, without their bodies."""
    statement = select(*_LISTED).order_by(term_report.c.id.desc())
    if set_id:
        statement = statement.where(term_report.c.set_id == set_id)
    return [TermReportRow(**row) for row in (await tx.execute(statement)).mappings()]


async def hits(tx: Transaction, report_id: str, counts: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the log indexes each term of a report hit; `counts` are how many the report states.

    Raises:
        IntegrityError: the database has other hits than the report states.
    """
    rows = await tx.execute(
        select(term_hits.c.log_indexes)
        .where(term_hits.c.report_id == report_id)
        .order_by(term_hits.c.position)
    )
    try:
        return [
            unpack(bytes(packed), count)
            for packed, count in zip(rows.scalars(), counts, strict=True)
        ]
    except ValueError as error:
        raise IntegrityError(
            f"term report {report_id}: its hits in the database are not those it states: {error}; "
            "move the database away and run `muniment recover`, which reads them from the log"
        ) from error


async def whose(
    database: Database, indexes: Sequence[int]
) -> AsyncIterator[Sequence[Row[int, str, str, int | None]]]:
    """Yield `(log index, platform, account, posted_at)` of records, page by page."""
    columns = (record.c.log_index, record.c.platform, record.c.account, record.c.posted_at)
    for start in range(0, len(indexes), _AT_ONCE):
        chunk = indexes[start : start + _AT_ONCE]
        async with database.reading() as tx:
            rows = await tx.execute(select(*columns).where(record.c.log_index.in_(chunk)))
            yield rows.all()


async def links(
    database: Database, log_size: int
) -> AsyncIterator[Sequence[Row[int, str, str, str, str]]]:
    """Yield `archiver.legal.families.Linked` of every post below `log_size`, page by page."""
    columns = tuple(
        record.c[name]
        for name in ("log_index", "platform", "post_id", "conversation_id", "in_reply_to")
    )
    for start in range(0, log_size, _AT_ONCE):
        async with database.reading() as tx:
            rows = await tx.execute(
                select(*columns).where(
                    record.c.log_index >= start,
                    record.c.log_index < min(start + _AT_ONCE, log_size),
                    record.c.entry_type == "rec",
                )
            )
            yield rows.all()


async def custodians(tx: Transaction) -> dict[tuple[str, str], str]:
    """Return the custodian of every registered account, by platform and handle."""
    rows = await tx.execute(select(account.c.platform, account.c.handle, account.c.custodian))
    return {(row.platform, row.handle): row.custodian for row in rows}
