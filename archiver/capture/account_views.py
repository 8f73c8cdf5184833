"""What is shown of accounts: one in a list, a page of the list, one with all about it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from archiver.access.rules import Permission, allowed
from archiver.audit.actions import SENTENCES, Action
from archiver.clock import from_millis, rfc3339
from archiver.db import holds as hold_rows
from archiver.db.accounts import AccountRow, ListedAccount
from archiver.db.events import EventRow
from archiver.db.transaction import Transaction
from archiver.model.actor import Actor
from retention.rules import RuleSet

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account with its totals.

    `state` is `open`, `closed`, or `not registered`; then `id` is empty. Moments are RFC 3339 or
    empty.
    """

    id: str
    platform: str
    handle: str
    title: str
    custodian: str
    unit: str
    state: str
    registered_at: str
    closed_at: str
    records: int
    first_captured_at: str
    last_captured_at: str

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountList:
    """A page of the register.

    `platforms` and `units` are what the list can be narrowed to. `limited_to` names the units that
    the reader sees, None where they see all; only then `not_registered` says anything.
    """

    items: tuple[AccountView, ...]
    total: int
    next_cursor: str
    platforms: tuple[str, ...]
    units: tuple[str, ...]
    not_registered: tuple[AccountView, ...]
    not_registered_total: int
    limited_to: tuple[str, ...] | None

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            "items": [item.to_dict() for item in self.items],
            "next_cursor": self.next_cursor,
            "total": self.total,
            "total_is_exact": True,
            "not_registered": {
                "items": [item.to_dict() for item in self.not_registered],
                "total": self.not_registered_total,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A class rule that can apply to an account's records, in its words. `id` "" is the default."""

    id: str
    class_code: str
    conditions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldNamed:
    """A hold whose scope names the account."""

    id: str
    name: str
    matter: str
    state: str
    placed_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One event about the account: who did what when, and what it changed, in words."""

    at: str
    sentence: str
    detail: str
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """One account with all about it. `months` are `YYYY-MM` with records, oldest first.

    `holds` is None where the reader may not see holds.
    """

    account: AccountView
    months: tuple[tuple[str, int], ...]
    rules_version: int
    rules: tuple[RuleView, ...]
    holds: tuple[HoldNamed, ...] | None
    history: tuple[HistoryLine, ...]

    def to_dict(self) -> Json:
        """Return the JSON document."""
        return {
            **self.account.to_dict(),
            "months": [{"month": month, "records": records} for month, records in self.months],
            "class_rules": {
                "version": self.rules_version,
                "items": [
                    {"id": rule.id, "class_code": rule.class_code, "conditions": rule.conditions}
                    for rule in self.rules
                ],
            },
            "history": [
                {"at": line.at, "sentence": line.sentence, "detail": line.detail}
                for line in self.history
            ],
        }


def view_of(found: ListedAccount) -> AccountView:
    """Return what is shown of an account."""
    row = found.row
    state = "not registered"
    if row is not None:
        state = "open" if row.closed_at is None else "closed"
    return AccountView(
        id=row.id if row else "",
        platform=found.platform,
        handle=found.handle,
        title=row.title if row else "",
        custodian=row.custodian if row else "",
        unit=row.unit if row else "",
        state=state,
        registered_at=_shown(row.registered_at if row else None),
        closed_at=_shown(row.closed_at if row else None),
        records=found.records,
        first_captured_at=_shown(found.first_captured_at),
        last_captured_at=_shown(found.last_captured_at),
    )


def page_of(
    found: ListedAccount,
    row: AccountRow,
    *,
    months: Sequence[tuple[str, int]],
    rules: RuleSet,
    holds: tuple[HoldNamed, ...] | None,
    events: Sequence[EventRow],
) -> AccountPage:
    """Return an account with all about it."""
    return AccountPage(
        account=view_of(found),
        months=tuple(months),
        rules_version=rules.version,
        rules=_rules_for(rules, row),
        holds=holds,
        history=tuple(_line(event, row) for event in events if event.object_id == row.id),
    )


async def hold_views(tx: Transaction, handle: str, actor: Actor) -> tuple[HoldNamed, ...] | None:
    """Return the holds whose scope names an account; None for whoever may not read all holds."""
    if not allowed(actor, Permission.READ_HOLDS):
        return None
    return tuple(
        HoldNamed(
            id=hold.id,
            name=hold.name,
            matter=hold.matter,
            state=hold.state,
            placed_at=_shown(hold.placed_at),
        )
        for hold in await hold_rows.list_all(tx)
        if handle in (json.loads(hold.scope).get("accounts") or ())
    )


def _rules_for(rules: RuleSet, row: AccountRow) -> tuple[RuleView, ...]:
    """Return the rules that some record of the account can meet, in order, and the default."""
    met = [
        RuleView(id=rule.id, class_code=rule.class_code, conditions=rule.described())
        for rule in rules.rules
        if row.platform in (rule.platforms or (row.platform,))
        and row.handle in (rule.accounts or (row.handle,))
        and row.unit in (rule.units or (row.unit,))
    ]
    default = RuleView(id="", class_code=rules.default_class, conditions="every other record")
    return (*met, default)


def _line(event: EventRow, row: AccountRow) -> HistoryLine:
    details = json.loads(event.details)
    said = [
        f"{name} from {details[f'{name}_before'] or 'none'} to {details[name] or 'none'}"
        for name in ("title", "custodian", "unit")
        if f"{name}_before" in details
    ]
    if event.action == Action.ACCOUNT_REGISTERED:
        named = ((name, details.get(name)) for name in ("custodian", "unit"))
        said.extend(f"{name} {value}" for name, value in named if value)
    if details.get("reason"):
        said.append(f"reason: {details['reason']}")
    sentence = SENTENCES[Action(event.action)].format(actor=event.actor, object=row.handle)
    return HistoryLine(
        at=_shown(event.at), sentence=sentence, detail="; ".join(said), event_id=event.record_id
    )


def _shown(millis: int | None) -> str:
    return "" if millis is None else rfc3339(from_millis(millis))
