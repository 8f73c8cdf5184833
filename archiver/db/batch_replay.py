"""A batch as its events make it, on empty tables of its own, beside the batch as it stands."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import create_engine, select
from sqlalchemy.pool import StaticPool

from archiver.db.disposal_tables import batch, batch_approval, batch_package, batch_record
from archiver.db.tables import metadata
from archiver.db.transaction import Connection

_OF_BATCH = (
    *("class_code", "schedule_version", "action", "platform", "account"),
    *("formed_by_id", "proposed_by_id", "approvals_needed"),
)


class Standing(NamedTuple):
    """What a destruction goes by: the batch's state and facts, who goes, who approved what."""

    state: str
    facts: tuple[Any, ...]
    members: frozenset[int]
    approvals: frozenset[tuple[str, int]]
    package: tuple[Any, ...] | None

    @property
    def class_code(self) -> str:
        """The class whose records are in it."""
        return str(self.facts[_OF_BATCH.index("class_code")])


def standing(connection: Connection, batch_id: str) -> Standing | None:
    """Return how a batch stands, None where there is none."""
    row = connection.execute(select(batch).where(batch.c.id == batch_id)).first()
    if row is None:
        return None
    members = connection.execute(
        select(batch_record.c.log_index).where(
            batch_record.c.batch_id == batch_id, batch_record.c.state != "excluded"
        )
    )
    approvals = connection.execute(
        select(batch_approval.c.approver_id, batch_approval.c.records).where(
            batch_approval.c.batch_id == batch_id
        )
    )
    package = connection.execute(
        select(
            batch_package.c.sha256, batch_package.c.receiver, batch_package.c.confirmed_at
        ).where(batch_package.c.batch_id == batch_id)
    ).first()
    return Standing(
        state=row.state,
        facts=tuple(getattr(row, name) for name in _OF_BATCH),
        members=frozenset(members.scalars()),
        approvals=frozenset((each.approver_id, each.records) for each in approvals),
        package=None if package is None else tuple(package),
    )


def replayed(batch_id: str, apply: Callable[[Connection], object]) -> Standing | None:
    """Return how a batch stands when `apply` has made it on empty tables, in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with engine.begin() as connection:
            tables = [batch, batch_record, batch_approval, batch_package]
            metadata.create_all(connection, tables=tables)
            apply(connection)
            return standing(connection, batch_id)
    finally:
        engine.dispose()
