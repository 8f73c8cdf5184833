"""Rows that stored events make once more on tables of their own, beside the rows as they are.

Both are in one database without a name, on disk, which goes with its process: what takes memory is
a page of it, however much people have decided. Events are kept there until all are known, because
they are opened in the order of their segments, and take effect in that of the log.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    create_engine,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from archiver.db.disposal import CONDEMNED, DISPOSED, EXECUTING
from archiver.db.disposal_tables import (
    batch,
    batch_approval,
    batch_package,
    batch_record,
    certificate,
    disposal_stop,
    disposed,
    plan_draft,
)
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.tables import (
    account,
    class_rules,
    file_class,
    metadata,
    person,
    person_role,
    saved_search,
    saved_search_version,
    saved_search_visit,
    term_hits,
    term_report,
    token,
)
from archiver.db.transaction import Transaction, insert_rows

_PAGE = 5_000
_AT_ONCE = 500
_EVENTS = 8  # each may be as long as 5,000 claims
_NOT_STATED = {
    "person": {
        *("subject", "password_hash", "preferences"),
        *("last_sign_in_at", "failures", "locked_until"),
    },
    "token": {"sha256", "created_at", "last_used_at"},
}
"""Columns that no event states: secrets and what follows from their use (decision 0021)."""

_VIEWS = (
    *(privacy_request, privacy_record),
    *(batch, batch_record, batch_approval, batch_package),
    *(certificate, disposed, disposal_stop),
    *(person, person_role, token, account),
    *(file_class, class_rules, plan_draft),
    *(saved_search, saved_search_version, saved_search_visit),
    *(term_report, term_hits),
)
VIEWS = tuple(table.name for table in _VIEWS)
"""The tables that are compared. In each, the first column of the key says what its rows are of."""

_copies = MetaData()
_event = Table(
    "replayed_event",
    _copies,
    Column("log_index", Integer, primary_key=True),
    Column("batch_id", Text, nullable=False),  # whose execution it is a step of, or ""
    Column("parts", LargeBinary, nullable=False),
    Index("ix_replayed_event_batch_id", "batch_id", "log_index"),
)


def _columns(table: Table) -> tuple[str, ...]:
    left_out = _NOT_STATED.get(table.name, ())
    return tuple(each.name for each in table.columns if each.name not in left_out)


def _key(table: Table) -> tuple[str, ...]:
    return tuple(each.name for each in table.primary_key)


def _copy_of(table: Table) -> Table:
    """Return the table of the rows as they are: it takes whatever somebody may have put there."""
    name = f"found_{table.name}"
    columns = (Column(each, table.c[each].type) for each in _columns(table))
    return Table(name, _copies, *columns, Index(f"ix_{name}", *_key(table)))


_found = {table.name: _copy_of(table) for table in _VIEWS}
_stated = {table.name: table for table in _VIEWS}
_decode = msgspec.msgpack.Decoder(dict[str, bytes]).decode


@cache
def _schema() -> list[str]:
    """Return the statements that make the tables: all of them, as effects touch many."""
    dialect = sqlite.dialect()
    made: list[DDLElement] = []
    for table in (*metadata.tables.values(), *_copies.tables.values()):
        made += [CreateTable(table), *map(CreateIndex, table.indexes)]
    return [str(each.compile(dialect=dialect)) for each in made]


class Difference(NamedTuple):
    """A row that is not as events make it: its key, and the columns that differ, with both values.

    `stated` is None where no event makes it, `found` where it is not there; the other has all
    columns then.
    """

    key: Mapping[str, Any]
    stated: Mapping[str, Any] | None
    found: Mapping[str, Any] | None


class KeptEvent(NamedTuple):
    """An event that was kept: its place in the log, and its parts by name."""

    log_index: int
    parts: Mapping[str, bytes]


class Replay:
    """Empty tables, and the events that are to fill them. One thread at a time; close it."""

    def __init__(self) -> None:
        # Named "", a database of SQLite's is a file that is unlinked while it is open.
        self._engine = create_engine(
            "sqlite://",
            creator=lambda: sqlite3.connect("", check_same_thread=False),
            poolclass=StaticPool,
        )
        self.connection: Connection = self._engine.connect()
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-8000"):
            self.connection.exec_driver_sql(f"PRAGMA {pragma}")
        for statement in _schema():
            self.connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Free the space."""
        self.connection.close()
        self._engine.dispose()

    async def copy(self, tx: Transaction) -> None:
        """Copy the rows as they are in a transaction. Raises as `Transaction.stream`."""
        for table in _VIEWS:
            columns = _columns(table)
            page: list[Sequence[object]] = []
            async for row in tx.stream(select(*(table.c[name] for name in columns)), _PAGE):
                page.append(row)
                if len(page) == _PAGE:
                    insert_rows(self.connection, _found[table.name], columns, page)
                    page = []
            insert_rows(self.connection, _found[table.name], columns, page)

    def keep(self, log_index: int, parts: Mapping[str, bytes], *, batch_id: str = "") -> None:
        """Keep an event until `events`. `batch_id` names the batch whose execution it is of."""
        values = {"log_index": log_index, "batch_id": batch_id}
        packed = msgspec.msgpack.encode(dict(parts))
        self.connection.execute(insert(_event).values(**values, parts=packed))

    def events(self) -> Iterator[KeptEvent]:
        """Yield the events that were kept, in log order; rows may be changed meanwhile."""
        after = -1
        while True:
            page = self.connection.execute(
                select(_event.c.log_index, _event.c.parts)
                .where(_event.c.log_index > after)
                .order_by(_event.c.log_index)
                .limit(_EVENTS)
            ).all()
            for row in page:
                yield KeptEvent(row.log_index, _decode(row.parts))
            if len(page) < _EVENTS:
                return
            after = page[-1].log_index

    def has_plan(self) -> bool:
        """Return whether an event stated class rules: that of the founding does."""
        stated = select(func.count()).select_from(class_rules)
        return bool(self.connection.execute(stated).scalar_one())

    def next_step(self, batch_id: str, log_index: int) -> int | None:
        """Return where the next step of a batch's execution stands behind an index, if any."""
        return self.connection.execute(
            select(func.min(_event.c.log_index)).where(
                _event.c.batch_id == batch_id, _event.c.log_index > log_index
            )
        ).scalar()

    def add_token(self, token_id: str, at: int, **stated: object) -> None:
        """Add a token as the event of its making states it: with all but its secret."""
        known = select(token.c.id).where(token.c.id == token_id)
        if self.connection.execute(known).first() is None:
            no_secret = token_id.encode()
            self.connection.execute(
                insert(token).values(id=token_id, sha256=no_secret, created_at=at, **stated)
            )

    def allow_progress(self) -> None:
        """Let batches that are being executed be as far as they are: no event states each step.

        What was condemned may be noted as disposed of, and only then need its remains be there.
        """
        executing = select(batch.c.id).where(batch.c.state == EXECUTING)
        members, remains = _found["batch_record"], _found["disposed"]
        self.connection.execute(
            update(batch_record)
            .where(
                batch_record.c.batch_id.in_(executing),
                batch_record.c.state == CONDEMNED,
                select(members.c.state)
                .where(
                    members.c.batch_id == batch_record.c.batch_id,
                    members.c.log_index == batch_record.c.log_index,
                    members.c.state == DISPOSED,
                )
                .exists(),
            )
            .values(state=DISPOSED)
        )
        columns = _columns(disposed)
        to_come = select(*(disposed.c[name] for name in columns)).where(
            disposed.c.batch_id.in_(executing),
            ~select(remains.c.log_index)
            .where(remains.c.log_index == disposed.c.log_index)
            .exists(),
        )
        self.connection.execute(insert(remains).from_select(columns, to_come))

    def differences(self, name: str) -> Iterator[Difference]:
        """Yield the rows of one of `VIEWS` that are not as events make them, by key."""
        stated, found = _stated[name], _found[name]
        key, columns = _key(stated), _columns(stated)
        beside = and_(*(stated.c[each] == found.c[each] for each in key))
        other = or_(*(stated.c[each].is_distinct_from(found.c[each]) for each in columns))
        for row in self._rows(stated.outerjoin(found, beside), other, (stated, found), columns):
            ours = dict(zip(columns, row, strict=False))
            theirs = dict(zip(columns, row[len(columns) :], strict=True))
            named = {each: ours[each] for each in key}
            if theirs[key[0]] is None:
                yield Difference(named, ours, None)
                continue
            wrong = [each for each in columns if ours[each] != theirs[each]]
            yield Difference(
                named, {each: ours[each] for each in wrong}, {each: theirs[each] for each in wrong}
            )
        alone = stated.c[key[0]].is_(None)
        for row in self._rows(found.outerjoin(stated, beside), alone, (found,), columns):
            theirs = dict(zip(columns, row, strict=True))
            yield Difference({each: theirs[each] for each in key}, None, theirs)

    def _rows(
        self,
        joined: FromClause,
        where: ColumnElement[bool],
        tables: Sequence[Table],
        columns: Sequence[str],
    ) -> Iterator[Sequence[Any]]:
        """Yield the columns of these tables, one after the other, in the order of the first key."""
        wanted = [table.c[each] for table in tables for each in columns]
        statement = select(*wanted).select_from(joined).where(where).order_by(*wanted[:1])
        yield from self.connection.execute(statement, execution_options={"yield_per": _AT_ONCE})
