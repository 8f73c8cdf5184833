"""Taking a row from the event that a change was made upon to that change, or not at all.

So two people who decide at once never both do, and an event that is applied again changes nothing.
"""

from typing import NamedTuple

from sqlalchemy import Table, update

from archiver.db.transaction import Connection


class Claim(NamedTuple):
    """What an event changes: which row, upon which earlier event, in which states, and when."""

    id: str
    was: int
    at: int
    states: tuple[str, ...]


def take(connection: Connection, table: Table, claim: Claim) -> bool:
    """Take a row of `table`, which has `id`, `state` and `stated_at`; False: it has moved on."""
    done = connection.execute(
        update(table)
        .where(
            table.c.id == claim.id,
            table.c.stated_at == claim.was,
            table.c.state.in_(claim.states),
        )
        .values(stated_at=claim.at)
    )
    return done.rowcount == 1
