"""What closing an account states for retention, and reopening it takes back.

Many rules count from the closing of an account (17 CFR 240.17a-4(c), (e)(5); FINRA 4511(b)), so
that the register and the terms tell one story, both stand in one event of the trail.
"""

from datetime import date, datetime

from archiver.clock import to_millis
from archiver.db import retention_events as event_rows
from archiver.db.accounts import AccountRow
from archiver.db.transaction import Transaction
from archiver.ids import Ulids
from archiver.preserve.retention_event_effects import Statement, Statements, statement_of

ACCOUNT_CLOSED = "account_closed"
"""The name of the event that terms count from."""

REGISTER = "register"
"""The source of what the register states; reopening takes back that, and no other statement."""


async def closing_statements(
    tx: Transaction,
    row: AccountRow,
    *,
    closed_at: datetime | None,
    closed_on: date | None,
    ulids: Ulids,
    now: datetime,
) -> Statements:
    """Return what is stated when an account is closed (`closed_at` given) or reopened.

    `closed_on` is the calendar day, where one was stated; `closed_at` is its end then.
    """
    subject = (row.platform, row.handle, "")
    before = [
        each
        for each in await event_rows.in_force_about(tx, [subject])
        if each.name == ACCOUNT_CLOSED and each.source == REGISTER
    ]
    ended = tuple(map(statement_of, before))
    if closed_at is None:
        return Statements(ended=ended)
    stated = Statement(
        id=ulids.one(now),
        name=ACCOUNT_CLOSED,
        happened_at=to_millis(closed_at),
        platform=row.platform,
        account=row.handle,
        source=REGISTER,
        day="" if closed_on is None else closed_on.isoformat(),
    )
    return Statements(stated=(stated,), ended=ended)
