"""What events about accounts change: the register, and with it who sees an account's records.

Each event states the whole of what may change, not the difference, so that the newest one alone
gives the row. Whoever sequences an old event late (a segment that was damaged and is restored)
therefore undoes nothing newer.
"""

from dataclasses import dataclass

from archiver.db import accounts as account_rows
from archiver.db.accounts import AccountRow
from archiver.db.transaction import Connection
from archiver.ids import ulid_bytes
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import EventBody, detail_of, moment_of
from archiver.preserve.retention_event_effects import RetentionChanged, retention_changed

ACCOUNT = "account"
"""The object type of these events."""

REGISTERED = "account:registered"
RESTATED = ("account:changed", "account:closed", "account:reopened")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRegistered(SelfStated):
    """An account came into the register. Of two registrations only the first has an effect."""

    row: AccountRow

    def apply(self, connection: Connection) -> bool:
        """Insert the account, unless it is there."""
        account_rows.add(connection, self.row)
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanged(SelfStated):
    """What stands of an account from `at` on; `closed_at` is None while it is open.

    `retention`: closing it is what terms of its records count from, and reopening takes that back.
    """

    account_id: str
    title: str
    custodian: str
    unit: str
    closed_at: int | None
    at: int
    retention: RetentionChanged | None = None

    def apply(self, connection: Connection) -> bool:
        """Change the row, where nothing newer stands."""
        account_rows.change(
            connection,
            self.account_id,
            title=self.title,
            custodian=self.custodian,
            unit=self.unit,
            closed_at=self.closed_at,
            at=self.at,
        )
        if self.retention is not None:
            self.retention.apply(connection)
        return False


def account_effect(body: EventBody, part: PartOf) -> AccountRegistered | AccountChanged | None:
    """Return what an event about an account changes, None for one that changes nothing.

    Raises:
        ValueError, InvalidInput: it does not state the account whole.
    """
    if body.action not in (REGISTERED, *RESTATED):
        return None
    ulid_bytes(body.object_id)
    at = moment_of(body)
    title, custodian, unit = (detail_of(body, name, str) for name in ("title", "custodian", "unit"))
    if body.action == REGISTERED:
        return AccountRegistered(
            row=AccountRow(
                id=body.object_id,
                platform=detail_of(body, "platform", str),
                handle=detail_of(body, "handle", str),
                title=title,
                custodian=custodian,
                unit=unit,
                registered_at=at,
                changed_at=at,
            )
        )
    return AccountChanged(
        account_id=body.object_id,
        title=title,
        custodian=custodian,
        unit=unit,
        closed_at=detail_of(body, "closed_at", int) or None,
        at=at,
        retention=retention_changed(body, part),
    )
