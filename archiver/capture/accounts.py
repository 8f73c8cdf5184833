"""The register of accounts: which ones the business speaks from, whose they are, of which unit.

The unit decides who sees an account's records where roles are held over units, so every change is
an event that says from what to what, and only whoever operates the whole archive makes it.
Accounts that captures name and nobody registered are listed as such: what was said is never hidden
for want of a form.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import get_args

from archiver.access.rules import Permission, reach, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.capture.account_closing import closing_statements
from archiver.capture.account_views import (
    AccountList,
    AccountPage,
    AccountView,
    hold_views,
    page_of,
    view_of,
)
from archiver.capture.decoding import Platform
from archiver.clock import Clock, to_millis
from archiver.db import accounts as account_rows
from archiver.db import events as event_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db.accounts import SORTS, AccountRow, ListedAccount, Wanted
from archiver.db.transaction import Database, Transaction
from archiver.errors import Conflict, InvalidInput
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.preserve.account_effects import ACCOUNT
from archiver.preserve.filing import FilePlan
from archiver.preserve.retention_event_effects import RETENTION_ACT
from retention.rules import RuleSet

MOST_LISTED = 200
_NOT_REGISTERED_SHOWN = 50
_EVENTS_SHOWN = 50
_WORDS = 200
_REASON = 4000
_HANDLE = 1024
_PLATFORM = re.compile(get_args(Platform)[1].pattern, re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNPRINTABLE = re.compile("[\0-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stated:
    """What an event states of an account."""

    title: str
    custodian: str
    unit: str

    @property
    def details(self) -> dict[str, str | int | bool]:
        return {"title": self.title, "custodian": self.custodian, "unit": self.unit}


class Accounts:
    """The use cases on the register. One per process: `plan` learns units as they are given."""

    def __init__(
        self, *, database: Database, trail: Trail, clock: Clock, ulids: Ulids, plan: FilePlan
    ) -> None:
        self._database = database
        self._trail = trail
        self._clock = clock
        self._ulids = ulids
        self._plan = plan

    async def register(
        self,
        *,
        platform: str,
        handle: str,
        title: str = "",
        custodian: str = "",
        unit: str = "",
        actor: Actor,
    ) -> AccountView:
        """Take an account into the register.

        Raises:
            Denied: the actor may not operate the whole archive.
            InvalidInput: a value is missing or not well formed; `pointer` names the field.
            Conflict: it is registered already.
        """
        require(actor, Permission.OPERATE)
        platform, handle = _platform(platform), _handle(handle)
        now = self._clock()
        async with self._database.reading() as tx:
            stated = await _stated(tx, title=title, custodian=custodian, unit=unit)
            known = await account_rows.find(tx, platform, handle)
        if known is not None:
            raise _registered_already(known)
        account_id = self._ulids.one(now)
        await self._trail.record(
            Action.ACCOUNT_REGISTERED,
            actor=actor,
            object_type=ACCOUNT,
            object_id=account_id,
            details={"platform": platform, "handle": handle, **stated.details},
            at=now,
        )
        async with self._database.reading() as tx:
            row = await account_rows.find(tx, platform, handle)
        if row is None or row.id != account_id:  # somebody else registered it meanwhile
            raise Conflict(f"{handle!r} on {platform} is registered already; look at its page")
        return await self._told(account_id)

    async def change(
        self,
        account_id: str,
        *,
        title: str | None = None,
        custodian: str | None = None,
        unit: str | None = None,
        actor: Actor,
    ) -> AccountView:
        """Set title, custodian or unit; None leaves what is there. No change makes no event.

        A new unit changes who sees the account's records, at once and those of the past included.
        New records are filed by it; records that are there keep their class.

        Raises:
            Denied: the actor may not operate the whole archive.
            NotFound: no such account.
            InvalidInput: a value is not well formed; `pointer` names the field.
        """
        require(actor, Permission.OPERATE)
        async with self._database.reading() as tx:
            row = await account_rows.get(tx, account_id)
            stated = await _stated(
                tx,
                title=row.title if title is None else title,
                custodian=row.custodian if custodian is None else custodian,
                unit=row.unit if unit is None else unit,
            )
        before = _stated_of(row).details
        changed = {f"{name}_before": value for name, value in before.items()}
        changed = {
            name: value
            for name, value in changed.items()
            if stated.details[name.removesuffix("_before")] != value
        }
        if changed:
            await self._restate(Action.ACCOUNT_CHANGED, row, stated, changed, actor=actor)
        return await self._told(account_id)

    async def close(
        self,
        account_id: str,
        *,
        reason: str,
        closed_at: datetime | None = None,
        closed_on: date | None = None,
        actor: Actor,
    ) -> AccountView:
        """Note that the business no longer speaks from an account, since `closed_at` or now.

        Its records stay, and a post that comes all the same is kept. Terms that count from
        `account_closed` begin: the same event of the trail states it. `closed_on` is given where a
        calendar day is stated, with `closed_at` as its end.

        Raises:
            Denied: the actor may not operate the whole archive.
            NotFound: no such account.
            InvalidInput: no reason, or a moment before 1970 or still to come.
            Conflict: it is closed already.
        """
        now = self._clock()
        if closed_at is not None and not _EPOCH <= closed_at <= now:
            raise InvalidInput(
                f"expected a moment from 1970 to now, found {closed_at}; an account that will be "
                "closed is closed then",
                pointer="/closed_at",
            )
        return await self._turn(
            Action.ACCOUNT_CLOSED,
            account_id,
            reason,
            actor=actor,
            closed_at=closed_at or now,
            closed_on=closed_on,
        )

    async def reopen(self, account_id: str, *, reason: str, actor: Actor) -> AccountView:
        """Note that the business speaks from a closed account again; errors as `close`.

        What its closing stated for retention is withdrawn: terms await the next closing.
        """
        return await self._turn(Action.ACCOUNT_REOPENED, account_id, reason, actor=actor)

    async def list(
        self,
        *,
        text: str = "",
        platform: str = "",
        unit: str | None = None,
        state: str = "",
        sort: str = "account",
        limit: int = 50,
        cursor: str = "",
        actor: Actor,
    ) -> AccountList:
        """Return one page of the register with its totals, and what is not registered.

        `sort` is one of `archiver.db.accounts.SORTS`, with `-` before it for the greatest first.
        Whoever is limited to units sees those units' accounts, and never what is not registered.

        Raises:
            Denied: the actor may not read accounts anywhere.
            InvalidInput: an unknown sort or state, a limit not from 1 to 200, or a strange cursor.
        """
        seen = reach(actor, Permission.READ_ACCOUNTS)
        limit, offset = _page(limit, cursor)
        column, descending = sort.removeprefix("-"), sort.startswith("-")
        if column not in SORTS:
            raise InvalidInput(
                f"expected a sort of {', '.join(SORTS)}, found {sort!r}", pointer="sort"
            )
        if state not in ("", "open", "closed"):
            raise InvalidInput(f"expected open or closed, found {state!r}", pointer="state")
        within = None if seen.everything else seen.units
        wanted = Wanted(units=within, platform=platform, unit=unit, text=text.strip(), state=state)
        async with self._database.reading() as tx:
            found = await account_rows.listed(
                tx, wanted, sort=column, descending=descending, limit=limit, offset=offset
            )
            total = await account_rows.count(tx, wanted)
            platforms = await account_rows.platforms(tx, Wanted(units=within))
            units = await account_rows.unit_names(tx)
            others: list[ListedAccount] = []
            others_total = 0
            if seen.everything:
                others = await account_rows.not_registered(tx, _NOT_REGISTERED_SHOWN)
                others_total = await account_rows.count_not_registered(tx)
        end = offset + len(found)
        return AccountList(
            items=tuple(map(view_of, found)),
            total=total,
            next_cursor=str(end) if end < total else "",
            platforms=tuple(platforms),
            units=tuple(name for name in units if within is None or name in within),
            not_registered=tuple(map(view_of, others)),
            not_registered_total=others_total,
            limited_to=None if within is None else tuple(sorted(within)),
        )

    async def show(self, account_id: str, *, actor: Actor) -> AccountPage:
        """Return an account with its totals, months, class rules, holds and its own events.

        Holds are shown to whoever reads holds over the whole archive: those whose scope names it.

        Raises:
            Denied: the actor may not read accounts anywhere.
            NotFound: no such account, or it is of a unit that the actor does not see.
        """
        seen = reach(actor, Permission.READ_ACCOUNTS)
        async with self._database.reading() as tx:
            found = await account_rows.show(tx, account_id)
            row = found.row
            if row is None or not (seen.everything or row.unit in seen.units - {""}):
                raise account_rows.not_there(account_id)
            months = await account_rows.months(tx, row.platform, row.handle)
            rules = RuleSet.from_dict(
                await file_plan_rows.rules_in_force(tx, to_millis(self._clock()))
            )
            holds = await hold_views(tx, row.handle, actor)
            events = await event_rows.list_about(tx, account_id, _EVENTS_SHOWN)
        # It tells which holds touch the account, and who changed it.
        await self._trail.record(
            Action.ACCOUNT_VIEWED,
            actor=actor,
            object_type="account",
            object_id=account_id,
            details={"name": f"{row.platform} {row.handle}"},
        )
        return page_of(found, row, months=months, rules=rules, holds=holds, events=events)

    async def units(self, *, actor: Actor) -> tuple[str, ...]:
        """Return every unit that accounts belong to: what roles can be limited to.

        Raises:
            Denied: the actor may not read the accounts of the whole archive.
        """
        require(actor, Permission.READ_ACCOUNTS)
        async with self._database.reading() as tx:
            return tuple(await account_rows.unit_names(tx))

    async def _turn(
        self,
        action: Action,
        account_id: str,
        reason: str,
        *,
        actor: Actor,
        closed_at: datetime | None = None,
        closed_on: date | None = None,
    ) -> AccountView:
        require(actor, Permission.OPERATE)
        if not reason.strip() or len(reason) > _REASON:
            raise InvalidInput(
                f"expected a reason of 1 to {_REASON} characters, found {len(reason.strip())}",
                pointer="/reason",
            )
        closing = action is Action.ACCOUNT_CLOSED
        async with self._database.reading() as tx:
            row = await account_rows.get(tx, account_id)
        if closing == (row.closed_at is not None):
            raise Conflict(
                f"{row.handle!r} on {row.platform} is {'closed' if closing else 'open'} already"
            )
        now = self._now_after(row)
        async with self._database.reading() as tx:
            statements = await closing_statements(
                tx, row, closed_at=closed_at, closed_on=closed_on, ulids=self._ulids, now=now
            )
        await self._trail.record(
            action,
            actor=actor,
            object_type=ACCOUNT,
            object_id=row.id,
            details={
                **_stated_of(row).details,
                "reason": reason.strip(),
                "closed_at": 0 if closed_at is None else to_millis(closed_at),
                RETENTION_ACT: self._ulids.one(now),
            },
            parts=(statements.part,),
            at=now,
        )
        return await self._told(account_id)

    async def _restate(
        self,
        action: Action,
        row: AccountRow,
        stated: _Stated,
        more: Mapping[str, str | int | bool],
        *,
        actor: Actor,
    ) -> None:
        now = self._now_after(row)
        await self._trail.record(
            action,
            actor=actor,
            object_type=ACCOUNT,
            object_id=row.id,
            details={**stated.details, **more, "closed_at": row.closed_at or 0},
            at=now,
        )

    def _now_after(self, row: AccountRow) -> datetime:
        """Return now; the newest event about an account must not be dated before its last one.

        Raises:
            Conflict: this server's clock is behind the one that made the last change.
        """
        now = self._clock()
        if to_millis(now) < row.changed_at:
            raise Conflict(
                f"{row.handle!r} on {row.platform} was last changed at a moment that is still to "
                "come by this server's clock; compare the servers' clocks, then try again"
            )
        return now

    async def _told(self, account_id: str) -> AccountView:
        async with self._database.reading() as tx:
            found = await account_rows.show(tx, account_id)
        self._plan.set_unit(found.platform, found.handle, found.row.unit if found.row else "")
        return view_of(found)


def _stated_of(row: AccountRow) -> _Stated:
    return _Stated(title=row.title, custodian=row.custodian, unit=row.unit)


async def _stated(tx: Transaction, *, title: str, custodian: str, unit: str) -> _Stated:
    stated = _Stated(
        title=_words("title", title),
        custodian=_words("custodian", custodian),
        unit=_words("unit", unit),
    )
    # Units are compared exactly, so a slip of the case would make a unit that nobody sees.
    for known in await account_rows.unit_names(tx):
        if known.casefold() == stated.unit.casefold() and known != stated.unit:
            raise InvalidInput(
                f"there is a unit {known!r} already; write it so, or give the new one another name",
                pointer="/unit",
            )
    return stated


def _words(field: str, text: str) -> str:
    found = " ".join(text.split())
    if len(found) > _WORDS or _UNPRINTABLE.search(found):
        raise InvalidInput(
            f"expected a {field} of at most {_WORDS} printable characters, found {len(found)}",
            pointer=f"/{field}",
        )
    return found


def _platform(text: str) -> str:
    found = text.strip().lower()
    if not _PLATFORM.fullmatch(found):
        raise InvalidInput(
            "expected a platform of 1 to 64 characters a-z 0-9 . _ - as captures write it, such "
            f"as mastodon, found {found[:80]!r}",
            pointer="/platform",
        )
    return found


def _handle(text: str) -> str:
    found = text.strip()
    if not 1 <= len(found) <= _HANDLE or _UNPRINTABLE.search(found):
        raise InvalidInput(
            f"expected the account's handle as captures write it, 1 to {_HANDLE} printable "
            f"characters, found {len(found)}",
            pointer="/handle",
        )
    return found


def _registered_already(row: AccountRow) -> Conflict:
    closed = " and closed; reopen it" if row.closed_at is not None else "; look at its page"
    return Conflict(f"{row.handle!r} on {row.platform} is registered already{closed}")


def _page(limit: int, cursor: str) -> tuple[int, int]:
    if not 1 <= limit <= MOST_LISTED:
        raise InvalidInput(
            f"expected a limit from 1 to {MOST_LISTED}, found {limit}", pointer="limit"
        )
    if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 10):  # noqa: PLR2004 - far beyond any register
        raise InvalidInput("expected the next_cursor of an earlier answer", pointer="cursor")
    return limit, int(cursor or 0)
