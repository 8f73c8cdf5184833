"""What an event changes besides its own row: holds, file plan, tokens, accounts, people, sets.

Such an act *is* its event. The record is durable before anything takes effect, and whatever
sequences it (the writer, the adoption after a crash, the rebuilding of a lost database) applies the
same effect in the same transaction. So a crash at any step leaves the act undone or whole, and the
rows can be derived again from the stored events alone.

Effects never fail for what is there already: applying one twice changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from archiver.clock import from_millis
from archiver.db import holds as hold_rows
from archiver.db import records as record_rows
from archiver.db import tokens as token_rows
from archiver.db.holds import ACTIVE, HoldRow
from archiver.db.refiled_classes import RECLASSIFYING
from archiver.db.transaction import Connection
from archiver.errors import IntegrityError, InvalidInput
from archiver.ids import ulid_bytes
from archiver.preserve.account_effects import ACCOUNT, account_effect
from archiver.preserve.batch_effects import BATCH, batch_effect
from archiver.preserve.certificate_effects import CERTIFICATE_ISSUED, certificate_issued
from archiver.preserve.disposal_effects import (
    CARRIED_OUT,
    CONDEMNED,
    KEPT,
    carried_out,
    condemned,
    kept,
)
from archiver.preserve.effect import PartOf, SelfStated
from archiver.preserve.event_record import (
    HOLD_RELEASED,
    MEMBERS_PART,
    SET_FROZEN,
    EventBody,
    detail_of,
    moment_of,
    parse_members,
)
from archiver.preserve.ledger.entry import hold_entry, members_digest
from archiver.preserve.person_effects import PERSON, person_effect
from archiver.preserve.plan_effects import (
    CLASS_STATED,
    DRAFT,
    class_effect,
    draft_effect,
    plan_extended,
)
from archiver.preserve.privacy_effects import PRIVACY_REQUEST, privacy_effect
from archiver.preserve.reclass_effects import reclassified
from archiver.preserve.retention_event_effects import (
    REFILED,
    RETENTION_STATED,
    refiled,
    retention_changed,
)
from archiver.preserve.saved_search_effects import SAVED_SEARCH, saved_search_effect
from archiver.preserve.secret_effects import (
    LINKED,
    PASSKEY_REMOVED,
    PASSWORD_SET,
    link_made,
    passkey_removed,
    password_set,
)
from archiver.preserve.set_effects import set_frozen
from archiver.preserve.stop_effects import RESUMED, STOPPED, stop_effect
from archiver.preserve.subscription_effects import SUBSCRIPTION, subscription_effect
from archiver.preserve.term_effects import TERMS_REPORTED, terms_reported

HOLD_PLACED = "hold:placed"
TOKEN_REVOKED = "token:revoked"  # noqa: S105 - the name of an act


class Effect(Protocol):
    """What one event changes in the database."""

    @property
    def entries(self) -> Sequence[bytes]:
        """The log entries that state the change; they follow the event's own."""

    def apply(self, connection: Connection) -> bool:
        """Change the rows; False where no entry is to follow, as all was done before.

        Raises:
            IntegrityError: it names records that the database does not know.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlaced:
    """A hold came into force. `indexes` are its members' log indexes, None where not at hand."""

    row: HoldRow
    members: Sequence[str] = field(repr=False)
    indexes: Sequence[int] | None = field(default=None, repr=False)

    @property
    def entries(self) -> Sequence[bytes]:
        """The `hold` entry, on."""
        row = self.row
        return (
            hold_entry(
                row.id,
                on=True,
                count=row.records,
                members_sha256=row.members_sha256,
                ts_ms=row.placed_at,
            ),
        )

    def apply(self, connection: Connection) -> bool:
        """Insert the hold with all its members."""
        if hold_rows.is_known(connection, self.row.id):
            return False
        indexes = self._find(connection) if self.indexes is None else self.indexes
        hold_rows.insert_whole(connection, self.row, indexes)
        return True

    def _find(self, connection: Connection) -> list[int]:
        known = record_rows.find_indexes(connection, self.members)
        missing = [each for each in self.members if each not in known]
        if missing:
            raise IntegrityError(
                f"hold {self.row.id}: {len(missing)} of its {len(self.members)} members, the first "
                f"of them {missing[0]}, are not in the database; nothing was changed. Run "
                "`muniment recover`",
                record_id=missing[0],
            )
        return sorted(known.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased:
    """A hold was released. Of two releases of one hold only the first has an effect."""

    hold_id: str
    at: int
    by: str
    reason: str
    records: int
    members_sha256: bytes

    @property
    def entries(self) -> Sequence[bytes]:
        """The `hold` entry, off."""
        return (
            hold_entry(
                self.hold_id,
                on=False,
                count=self.records,
                members_sha256=self.members_sha256,
                ts_ms=self.at,
            ),
        )

    def apply(self, connection: Connection) -> bool:
        """Mark the hold released."""
        return hold_rows.mark_released(
            connection, self.hold_id, at=self.at, by=self.by, reason=self.reason
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(SelfStated):
    """A token was revoked; so it stays in a database restored from a backup of before."""

    token_id: str
    at: int

    def apply(self, connection: Connection) -> bool:
        """Mark the token revoked, where it is known."""
        token_rows.mark_revoked(connection, self.token_id, from_millis(self.at))
        return False


def effect_of(body: EventBody, part: PartOf) -> Effect | None:
    """Return what an event changes, None for most. `part` gives a part's content by its name.

    Raises:
        IntegrityError: what it states cannot be read; the message names the event's object.
    """
    try:
        read = _BY_ACTION.get(body.action) or _BY_OBJECT_TYPE.get(body.object_type) or plan_extended
        return read(body, part)
    except (IntegrityError, InvalidInput, ValueError) as error:
        raise IntegrityError(
            f"the event {body.action} of {body.object_type} {body.object_id} cannot be read: "
            f"{error}; restore its segment from the store's second copy"
        ) from error


def _hold_placed(body: EventBody, part: PartOf) -> HoldPlaced:
    members = part(MEMBERS_PART)
    if members is None:
        raise ValueError("it does not name the members of the hold")
    ulid_bytes(body.object_id)
    ids = parse_members(members)
    row = HoldRow(
        id=body.object_id,
        name=detail_of(body, "name", str),
        matter=detail_of(body, "matter", str),
        reason=detail_of(body, "reason", str),
        scope=detail_of(body, "scope", str),
        state=ACTIVE,
        log_size=detail_of(body, "log_size", int),
        records=detail_of(body, "records", int),
        members_sha256=bytes.fromhex(detail_of(body, "members_sha256", str)),
        placed_at=moment_of(body),
        placed_by=body.actor,
    )
    if (len(ids), members_digest(ids)) != (row.records, row.members_sha256):
        raise ValueError(f"{len(ids)} members are not the {row.records} that it states")
    return HoldPlaced(row=row, members=ids)


def _hold_released(body: EventBody, _part: PartOf) -> HoldReleased:
    ulid_bytes(body.object_id)
    return HoldReleased(
        hold_id=body.object_id,
        at=moment_of(body),
        by=body.actor,
        reason=detail_of(body, "reason", str),
        records=detail_of(body, "records", int),
        members_sha256=bytes.fromhex(detail_of(body, "members_sha256", str)),
    )


def _token_revoked(body: EventBody, _part: PartOf) -> TokenRevoked:
    return TokenRevoked(token_id=body.object_id, at=moment_of(body))


_BY_ACTION: Mapping[str, Callable[[EventBody, PartOf], Effect | None]] = {
    HOLD_PLACED: _hold_placed,
    HOLD_RELEASED: _hold_released,
    TOKEN_REVOKED: _token_revoked,
    LINKED: link_made,
    PASSWORD_SET: password_set,
    PASSKEY_REMOVED: passkey_removed,
    SET_FROZEN: set_frozen,
    TERMS_REPORTED: terms_reported,
    CERTIFICATE_ISSUED: certificate_issued,
    CONDEMNED: condemned,
    KEPT: kept,
    CARRIED_OUT: carried_out,
    STOPPED: lambda body, _part: stop_effect(body),
    RESUMED: lambda body, _part: stop_effect(body),
    **dict.fromkeys(CLASS_STATED, class_effect),
    **dict.fromkeys(RETENTION_STATED, retention_changed),
    REFILED: refiled,
    RECLASSIFYING: reclassified,
}
_BY_OBJECT_TYPE: Mapping[str, Callable[[EventBody, PartOf], Effect | None]] = {
    ACCOUNT: account_effect,
    BATCH: batch_effect,
    DRAFT: draft_effect,
    PERSON: lambda body, _part: person_effect(body),
    PRIVACY_REQUEST: privacy_effect,
    SAVED_SEARCH: lambda body, _part: saved_search_effect(body),
    SUBSCRIPTION: subscription_effect,
}
