"""Drafts of the file plan: what is to change, who wrote it, and what became of it.

Rows are written by the effects of events (`archiver.preserve.plan_effects`); each event states the
whole draft. Moments are milliseconds since 1970 UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from archiver.db.disposal_tables import plan_draft
from archiver.db.transaction import Connection, Transaction
from archiver.errors import NotFound

SCHEDULE, RULES = "schedule", "rules"
"""What a draft can be of: the schedule of one class, or the class rules."""

OPEN = ("draft", "submitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRow:
    """One draft. `revision` counts its events from 1 on.

    `body` is JSON of `retention.Schedule` or `retention.RuleSet` without class and version, which
    are `class_code` and the one after `based_on`; while it is a draft it may be incomplete.
    `authors` is a JSON list of all who wrote it, by what tells one from another.
    """

    id: str
    subject: str
    class_code: str
    based_on: int
    body: str
    reason: str
    state: str
    in_force_from: int | None
    simulation: str
    revision: int
    made_by: str
    made_at: int
    authors: str
    decided_by: str
    stated_at: int


_COLUMNS = tuple(DraftRow.__dataclass_fields__)


def is_new(connection: Connection, row: DraftRow) -> bool:
    """Return whether nothing as new is known of the draft.

    Of two changes of one revision only the first has an effect.
    """
    known = connection.execute(
        select(plan_draft.c.revision).where(plan_draft.c.id == row.id)
    ).scalar_one_or_none()
    return known is None or known < row.revision


def put(connection: Connection, row: DraftRow) -> None:
    """Make the row say so, inserting it where there is none."""
    values = {name: getattr(row, name) for name in _COLUMNS}
    done = connection.execute(update(plan_draft).where(plan_draft.c.id == row.id).values(values))
    if done.rowcount == 0:
        connection.execute(insert(plan_draft).values(values))


async def get(tx: Transaction, draft_id: str) -> DraftRow:
    """Return one draft. Raises NotFound."""
    statement = select(plan_draft).where(plan_draft.c.id == draft_id)
    row = (await tx.execute(statement)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no draft has the id {draft_id!r}; list the drafts to see their ids")
    return DraftRow(**row)


async def list_all(
    tx: Transaction, *, subject: str = "", class_code: str = "", states: Sequence[str] = ()
) -> list[DraftRow]:
    """Return the drafts, newest first; of a subject, a class or some states, where named."""
    statement = select(plan_draft).order_by(plan_draft.c.id.desc())
    if subject:
        statement = statement.where(plan_draft.c.subject == subject)
    if class_code:
        statement = statement.where(plan_draft.c.class_code == class_code)
    if states:
        statement = statement.where(plan_draft.c.state.in_(states))
    return [DraftRow(**row) for row in (await tx.execute(statement)).mappings()]
