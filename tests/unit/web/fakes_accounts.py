# ruff: noqa: ARG002 - a fake takes every argument of what it stands for
"""The register of accounts and the file plan in words, in memory, for tests of the face alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from archiver.access.rules import Permission, reach, require
from archiver.capture.account_views import (
    AccountList,
    AccountPage,
    AccountView,
    HistoryLine,
    RuleView,
)
from archiver.disposal.class_views import (
    ClassPage,
    ClassView,
    Example,
    RuleLine,
    RulesPage,
    class_view,
    example_of,
    rule_lines,
    schedule_views,
)
from archiver.errors import InvalidInput, NotFound
from archiver.model.actor import Actor
from retention.rules import RuleSet
from retention.templates import get_template

ACCOUNT = "01KAM0ACCNT000000000000001"
CLASS = "us-finra-2210-public"
HOSTILE = "<script>alert(1)</script> \u202egnihton"
NOW = datetime(2026, 11, 21, 22, 1, 26, tzinfo=UTC)

_TEMPLATE = get_template(CLASS)
_SCHEDULE = _TEMPLATE.schedule(version=1, zone="UTC")
_RULES = RuleSet(version=1, default_class=CLASS)
_BODY = _TEMPLATE.file_class().to_dict()


def an_account(number: int = 1, **changed: Any) -> AccountView:
    """Return an account of the register with hostile words in it."""
    view = AccountView(
        id=f"01KAM0ACCNT{number:0>15}",
        platform="mastodon",
        handle=f"@acme{number}",
        title=HOSTILE,
        custodian="P. Ray",
        unit="Treasury",
        state="open",
        registered_at="2026-10-14T16:02:07.000Z",
        closed_at="",
        records=1284,
        first_captured_at="2026-10-14T16:02:07.000Z",
        last_captured_at="2026-11-14T16:02:07.000Z",
    )
    return replace(view, **changed)


@dataclass
class FakeAccounts:
    """One account of the register, and what was asked."""

    view: AccountView = field(default_factory=an_account)
    others: tuple[AccountView, ...] = ()
    empty: bool = False
    failure: Exception | None = None
    asked: list[Mapping[str, object]] = field(default_factory=list)

    async def list(self, *, actor: Actor, **asked: object) -> AccountList:
        seen = reach(actor, Permission.READ_ACCOUNTS)
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        return AccountList(
            items=() if self.empty else (self.view,),
            total=0 if self.empty else 51,
            next_cursor="" if self.empty else "50",
            platforms=("mastodon", "x"),
            units=("Legal", "Treasury"),
            not_registered=self.others,
            not_registered_total=len(self.others),
            limited_to=None if seen.everything else tuple(sorted(seen.units)),
        )

    async def show(self, account_id: str, *, actor: Actor) -> AccountPage:
        reach(actor, Permission.READ_ACCOUNTS)
        self._require(account_id)
        return AccountPage(
            account=self.view,
            months=(("2026-10", 3), ("2026-11", 7)),
            rules_version=1,
            rules=(RuleView(id="", class_code=CLASS, conditions="every other record"),),
            holds=(),
            history=(
                HistoryLine(
                    at="2026-10-14T16:02:07.000Z",
                    sentence=f"olga registered account {HOSTILE}",
                    detail="unit from none to Treasury",
                    event_id="01KAM0EVENT000000000000001",
                ),
            ),
        )

    async def register(self, *, actor: Actor, **asked: str) -> AccountView:
        return self._act(actor, asked)

    async def change(self, account_id: str, *, actor: Actor, **asked: str | None) -> AccountView:
        self._require(account_id)
        return self._act(actor, asked)

    async def close(
        self, account_id: str, *, reason: str, closed_at: datetime | None = None, actor: Actor
    ) -> AccountView:
        self._require(account_id)
        return self._act(actor, {"reason": reason})

    async def reopen(self, account_id: str, *, reason: str, actor: Actor) -> AccountView:
        return await self.close(account_id, reason=reason, actor=actor)

    def _act(self, actor: Actor, asked: Mapping[str, object]) -> AccountView:
        require(actor, Permission.OPERATE)
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure
        return self.view

    def _require(self, account_id: str) -> None:
        if account_id != self.view.id:
            raise NotFound(f"no account {account_id!r}")


class FakeClasses:
    """What `Filing` tells of one class of the file plan."""

    async def schedules(self, class_code: str, *, actor: Actor) -> list[Mapping[str, object]]:
        reach(actor, Permission.READ_FILE_PLAN)
        return [{**_SCHEDULE.to_dict(), "in_force_from": "2026-01-01T00:00:00.000Z"}]

    async def plan(self, *, actor: Actor) -> tuple[ClassView, ...]:
        counted = reach(actor, Permission.READ_FILE_PLAN).everything
        return (class_view(_BODY, _SCHEDULE, _RULES, {CLASS: 12_406} if counted else None),)

    async def show_class(
        self, code: str, *, posted: str = "", happened: str = "", actor: Actor
    ) -> ClassPage:
        (view,) = await self.plan(actor=actor)
        if code != CLASS:
            raise NotFound(f"no class {code}")
        return ClassPage(
            view=view,
            schedules=schedule_views([{**_SCHEDULE.to_dict(), "in_force_from": 1}], 2),
            rules_version=1,
            rules=rule_lines(_RULES, code),
            awaits=("last use",),
            example=example_of(_SCHEDULE, posted, happened, NOW) if posted else None,
        )

    async def work_example(
        self, code: str, *, posted: str, happened: str = "", actor: Actor
    ) -> Example:
        found = (
            await self.show_class(CLASS, posted=posted, happened=happened, actor=actor)
        ).example
        if found is None:
            raise InvalidInput("expected a day", pointer="posted")
        return found

    async def class_rules(self, *, actor: Actor) -> RulesPage:
        reach(actor, Permission.READ_FILE_PLAN)
        hostile = RuleLine(place=1, id=HOSTILE, class_code=CLASS, conditions="platform is x")
        return RulesPage(version=1, rules=(hostile, *rule_lines(_RULES)))
