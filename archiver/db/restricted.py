"""Records whose processing is restricted (GDPR art. 18): hidden from whoever may not see them.

A record is restricted while any privacy request, open or closed, has decided so; and so is what
came later of the same post, from the transaction that brought it in, unless that request decided
otherwise on it. This follows from the rows there are: capture asks and writes nothing for it.

`state` tells a change of decisions cheaply, so that what was read of thousands of records can be
remembered; `later_than` adds what was captured since.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    and_,
    func,
    or_,
    select,
    union,
)

from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.tables import a_post, record
from archiver.db.transaction import Connection, Transaction
from archiver.model.privacy import PrivacyDecision

_BATCH = 500
_STATE = (
    select(privacy_request.c.id, privacy_request.c.stated_at)
    .where(privacy_request.c.restricts > 0)
    .order_by(privacy_request.c.id)
)
_NEWEST = select(func.coalesce(func.max(record.c.log_index), -1))
_LATER = record.alias("later")
_OWN = privacy_record.alias("own")
# Found by the id of the post: an account has thousands of posts, and its index is not to be used.
_SAME_POST = and_(
    *(_LATER.c[name] == record.c[name] for name in ("platform", "post_id")),
    _LATER.c.account.concat("") == record.c.account.concat(""),
    _LATER.c.log_index > record.c.log_index,
)
_IS_RESTRICTED = privacy_record.c.decision == PrivacyDecision.RESTRICT.value

State = tuple[tuple[str, int], ...]
"""The requests that restrict anything, each with the moment of its last change."""


def state(connection: Connection) -> State:
    """Return what tells whether the decisions to restrict are those there were."""
    return tuple((row.id, row.stated_at) for row in connection.execute(_STATE))


def newest(connection: Connection) -> int:
    """Return the highest log index of a record that is there, -1 where there is none."""
    return int(connection.execute(_NEWEST).scalar_one())


def indexes(connection: Connection) -> frozenset[int]:
    """Return the log indexes of all restricted records."""
    return frozenset(connection.execute(_RESTRICTED).scalars())


def later_than(connection: Connection, log_index: int) -> tuple[frozenset[int], int]:
    """Return what is restricted of the records above a log index, and the highest of them.

    Mostly few were captured since, and those are looked at; of many, the restricted posts are.
    """
    highest = newest(connection)
    if highest <= log_index:
        return frozenset(), log_index
    recent = select(record.c.log_index).where(record.c.log_index > log_index, a_post)
    some = list(connection.execute(recent.limit(_BATCH + 1)).scalars())
    if len(some) <= _BATCH:
        return frozenset(_with(connection, some)), highest
    above = _later(_pairs_of_decided(_LATER.c.log_index > log_index))
    return frozenset(connection.execute(above).scalars()), highest


async def among(tx: Transaction, log_indexes: Sequence[int]) -> set[int]:
    """Return which of these records are restricted."""
    return await tx.run_sync(lambda connection: among_rows(connection, log_indexes))


def among_rows(connection: Connection, log_indexes: Sequence[int]) -> set[int]:
    """Return the same as `among`, in a transaction of blocking code."""
    if not log_indexes or connection.execute(_STATE.limit(1)).first() is None:
        return set()
    found: set[int] = set()
    for start in range(0, len(log_indexes), _BATCH):
        found |= _with(connection, log_indexes[start : start + _BATCH])
    return found


async def count(tx: Transaction) -> int:
    """Return how many records that are still there are restricted."""
    statement = select(func.count()).where(record.c.log_index.in_(_RESTRICTED))
    return int((await tx.execute(statement)).scalar_one())


def requests_behind(log_index: int) -> CompoundSelect[Any]:
    """Return the query of the requests that restrict a record: `request_id`, `decided_index`.

    The second is the record that was decided on: this one, or an earlier one of its post.
    """
    columns = privacy_record.c.request_id, privacy_record.c.log_index.label("decided_index")
    return union(
        _decided(*columns).where(privacy_record.c.log_index == log_index),
        _later(_pairs_of(_LATER.c.log_index == log_index), *columns),
    )


async def later_counts(tx: Transaction, request_ids: Sequence[str]) -> dict[str, int]:
    """Return how many records each of these requests restricts as what came later of a post."""
    pairs = _pairs_of_decided()
    later = (
        _later(pairs, privacy_record.c.request_id, pairs.c.later)
        .where(privacy_record.c.request_id.in_(request_ids))
        .distinct()
        .subquery()
    )
    rows = await tx.execute(
        select(later.c.request_id, func.count().label("records")).group_by(later.c.request_id)
    )
    return {row.request_id: row.records for row in rows}


def _with(connection: Connection, some: Sequence[int]) -> set[int]:
    decided = _decided(privacy_record.c.log_index).where(privacy_record.c.log_index.in_(some))
    later = _later(_pairs_of(_LATER.c.log_index.in_(some)))
    return set(connection.execute(decided.union(later)).scalars())


def _decided(*columns: Any) -> Select[Any]:
    return select(*columns).where(_IS_RESTRICTED)


def _later(pairs: Subquery, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return the query of the later records of these pairs of which a decision restricts both."""
    return (
        select(*(columns or (pairs.c.later,)))
        .select_from(pairs)
        .join(privacy_record, privacy_record.c.log_index == pairs.c.earlier)
        .outerjoin(
            _OWN,
            and_(
                _OWN.c.request_id == privacy_record.c.request_id,
                _OWN.c.log_index == pairs.c.later,
            ),
        )
        .where(
            _IS_RESTRICTED,
            or_(
                _OWN.c.log_index.is_(None),
                _OWN.c.decision == PrivacyDecision.UNDECIDED.value,
            ),
        )
    )


def _pairs_of(later: ColumnElement[bool]) -> Subquery:
    """Return the query of these records, each with every earlier one of its post.

    A subquery of its own, so that few records are found by their posts however many are restricted.
    """
    return (
        select(_LATER.c.log_index.label("later"), record.c.log_index.label("earlier"))
        .select_from(_LATER)
        .join(record, _SAME_POST)
        .where(later, _LATER.c.entry_type == "rec")
        .distinct()
        .subquery()
    )


def _pairs_of_decided(*conditions: ColumnElement[bool]) -> Subquery:
    """Return the query of restricted records, each with every later one of its post."""
    decided = privacy_record.alias("decided")
    return (
        select(_LATER.c.log_index.label("later"), record.c.log_index.label("earlier"))
        .select_from(decided)
        .join(record, record.c.log_index == decided.c.log_index)
        .join(_LATER, _SAME_POST)
        .where(
            decided.c.decision == PrivacyDecision.RESTRICT.value,
            _LATER.c.entry_type == "rec",
            *conditions,
        )
        .distinct()
        .subquery()
    )


_RESTRICTED = _decided(privacy_record.c.log_index).union(_later(_pairs_of_decided()))
