"""The register of accounts: every change is an event, and units decide who sees what."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.sql import Executable

from archiver.capture.accounts import Accounts
from archiver.db.transaction import Transaction
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.ids import Ulids
from archiver.jobs.account_totals import AccountTotals, account_chores
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.preserve.account_effects import AccountChanged
from archiver.preserve.filing import FilePlan
from retention.rules import Rule, RuleSet
from tests.fakes.small_archive import AUDITOR, SmallArchive, arrival, small_archive

OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))


def limited(unit: str = "", matter: str = "", role: Role = Role.COUNSEL) -> Actor:
    """Somebody who holds a role over one unit or matter only."""
    held = LimitedRole(role=role, unit=unit, matter=matter)
    return Actor(name="lou", roles=frozenset(), limited=frozenset({held}))


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    async with small_archive(tmp_path, database_url) as opened:
        yield opened


@pytest.fixture
def accounts(archive: SmallArchive) -> Accounts:
    return Accounts(
        database=archive.database,
        trail=archive.trail,
        clock=archive.clock,
        ulids=Ulids(),
        plan=archive.plan,
    )


async def test_a_registration_is_an_event_and_a_row(
    archive: SmallArchive, accounts: Accounts
) -> None:
    made = await accounts.register(
        platform="mastodon",
        handle="@acme",
        title="Acme news",
        custodian="P. Ray",
        unit="Communications",
        actor=OPERATOR,
    )
    assert (made.state, made.unit, made.records) == ("open", "Communications", 0)
    (event,) = await archive.events_about(made.id)
    assert (event.action, event.actor, event.object_id) == ("account:registered", "olga", made.id)
    assert '"unit":"Communications"' in event.details


async def test_an_account_is_registered_once(accounts: Accounts) -> None:
    await accounts.register(platform="mastodon", handle="@acme", actor=OPERATOR)
    with pytest.raises(Conflict, match="registered already"):
        await accounts.register(platform="Mastodon ", handle=" @acme", actor=OPERATOR)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("/platform", {"platform": "My Space", "handle": "@a"}),
        ("/platform", {"platform": "", "handle": "@a"}),
        ("/handle", {"platform": "x", "handle": "  "}),
        ("/handle", {"platform": "x", "handle": "a\0b"}),
        ("/title", {"platform": "x", "handle": "a", "title": "t" * 201}),
        ("/unit", {"platform": "x", "handle": "a", "unit": "treasury"}),
    ],
)
async def test_what_is_wrong_is_said_of_its_field(
    accounts: Accounts, field: str, values: dict[str, str]
) -> None:
    await accounts.register(platform="x", handle="@first", unit="Treasury", actor=OPERATOR)
    with pytest.raises(InvalidInput) as raised:
        await accounts.register(**values, actor=OPERATOR)
    assert raised.value.pointer == field


async def test_a_change_says_from_what_to_what(archive: SmallArchive, accounts: Accounts) -> None:
    made = await accounts.register(platform="x", handle="@a", unit="Treasury", actor=OPERATOR)
    archive.clock.pass_by(timedelta(seconds=1))
    changed = await accounts.change(made.id, unit="Legal", custodian="N. Ko", actor=OPERATOR)
    assert (changed.unit, changed.custodian) == ("Legal", "N. Ko")
    page = await accounts.show(made.id, actor=AUDITOR)
    assert [line.detail for line in page.history] == [
        "custodian from none to N. Ko; unit from Treasury to Legal",
        "unit Treasury",
    ]


async def test_no_change_makes_no_event(archive: SmallArchive, accounts: Accounts) -> None:
    made = await accounts.register(platform="x", handle="@a", title="A", actor=OPERATOR)
    await accounts.change(made.id, title="A", actor=OPERATOR)
    assert len(await archive.events_about(made.id)) == 1


async def test_a_closed_account_can_be_reopened(archive: SmallArchive, accounts: Accounts) -> None:
    made = await accounts.register(platform="x", handle="@a", actor=OPERATOR)
    archive.clock.pass_by(timedelta(days=1))
    closed = await accounts.close(made.id, reason="Left the platform", actor=OPERATOR)
    assert (closed.state, closed.closed_at) == ("closed", "2026-03-03T09:00:00.000Z")
    with pytest.raises(Conflict, match="closed already"):
        await accounts.close(made.id, reason="again", actor=OPERATOR)
    with pytest.raises(Conflict, match="reopen it"):
        await accounts.register(platform="x", handle="@a", actor=OPERATOR)
    assert (await accounts.reopen(made.id, reason="Back", actor=OPERATOR)).state == "open"
    with pytest.raises(Conflict, match="open already"):
        await accounts.reopen(made.id, reason="Back", actor=OPERATOR)


async def test_a_title_of_a_closed_account_changes_without_opening_it(accounts: Accounts) -> None:
    made = await accounts.register(platform="x", handle="@a", actor=OPERATOR)
    await accounts.close(made.id, reason="Left", actor=OPERATOR)
    assert (await accounts.change(made.id, title="Old", actor=OPERATOR)).state == "closed"


async def test_an_older_statement_undoes_nothing(archive: SmallArchive, accounts: Accounts) -> None:
    made = await accounts.register(platform="x", handle="@a", unit="Treasury", actor=OPERATOR)
    archive.clock.pass_by(timedelta(days=1))
    await accounts.change(made.id, unit="Legal", actor=OPERATOR)
    old = AccountChanged(
        account_id=made.id, title="", custodian="", unit="Old", closed_at=None, at=1
    )
    async with archive.database.transaction() as tx:
        await tx.run_sync(old.apply)
    assert (await accounts.show(made.id, actor=AUDITOR)).account.unit == "Legal"


@pytest.mark.parametrize("actor", [AUDITOR, limited(unit="Treasury", role=Role.OPERATOR)])
async def test_only_who_operates_the_whole_archive_writes(accounts: Accounts, actor: Actor) -> None:
    made = await accounts.register(platform="x", handle="@a", unit="Treasury", actor=OPERATOR)
    with pytest.raises(Denied):
        await accounts.register(platform="x", handle="@b", actor=actor)
    with pytest.raises(Denied):
        await accounts.change(made.id, unit="Legal", actor=actor)
    with pytest.raises(Denied):
        await accounts.close(made.id, reason="r", actor=actor)


async def test_who_is_limited_to_a_unit_sees_its_accounts_alone(accounts: Accounts) -> None:
    mine = await accounts.register(platform="x", handle="@mine", unit="Treasury", actor=OPERATOR)
    other = await accounts.register(platform="y", handle="@other", unit="Legal", actor=OPERATOR)
    none = await accounts.register(platform="y", handle="@none", actor=OPERATOR)
    lou = limited(unit="Treasury")
    found = await accounts.list(actor=lou)
    assert [item.handle for item in found.items] == ["@mine"]
    assert (found.total, found.platforms, found.units) == (1, ("x",), ("Treasury",))
    assert (found.not_registered_total, found.limited_to) == (0, ("Treasury",))
    assert (await accounts.list(unit="Legal", actor=lou)).total == 0
    assert (await accounts.show(mine.id, actor=lou)).account.handle == "@mine"
    for hidden in (other.id, none.id):
        with pytest.raises(NotFound) as seen:
            await accounts.show(hidden, actor=lou)
        with pytest.raises(NotFound) as missing:
            await accounts.show("01KAM000000000000000000000", actor=lou)
        words = str(missing.value).replace("01KAM000000000000000000000", hidden)
        assert str(seen.value) == words


async def test_who_is_limited_to_a_matter_sees_no_account(accounts: Accounts) -> None:
    made = await accounts.register(platform="x", handle="@a", actor=OPERATOR)
    assert (await accounts.list(actor=limited(matter="24-1"))).total == 0
    with pytest.raises(NotFound):
        await accounts.show(made.id, actor=limited(matter="24-1"))


async def test_the_list_is_filtered_sorted_and_cut_in_pages(accounts: Accounts) -> None:
    for number in range(5):
        await accounts.register(
            platform="xy"[number % 2], handle=f"@{number}", title=f"T{number}", actor=OPERATOR
        )
    first = await accounts.list(sort="-account", limit=2, actor=AUDITOR)
    assert ([item.handle for item in first.items], first.total) == (["@4", "@3"], 5)
    second = await accounts.list(sort="-account", limit=3, cursor=first.next_cursor, actor=AUDITOR)
    assert [item.handle for item in second.items] == ["@2", "@1", "@0"]
    assert second.next_cursor == ""
    assert (await accounts.list(platform="y", actor=AUDITOR)).total == 2
    assert [i.handle for i in (await accounts.list(text="t3", actor=AUDITOR)).items] == ["@3"]
    assert (await accounts.list(text="%", actor=AUDITOR)).total == 0
    assert (await accounts.list(state="closed", actor=AUDITOR)).total == 0


@pytest.mark.parametrize(
    "asked",
    [{"sort": "id; drop"}, {"state": "half"}, {"limit": 0}, {"limit": 999}, {"cursor": "²"}],
)
async def test_strange_lists_are_refused(accounts: Accounts, asked: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await accounts.list(**asked, actor=AUDITOR)


async def test_new_captures_are_filed_as_of_the_unit_of_their_account(
    archive: SmallArchive, accounts: Accounts
) -> None:
    await accounts.register(platform="mastodon", handle="@acme", unit="Treasury", actor=OPERATOR)
    assert archive.plan.units == {("mastodon", "@acme"): "Treasury"}
    await accounts.register(platform="x", handle="@b", unit="Legal", actor=OPERATOR)
    learnt = archive.plan.units.copy()
    archive.plan.set_units({})
    chores = account_chores(archive.database, archive.clock, archive.plan)
    (refresh,) = (chore.act for chore in chores if chore.name == "account register")
    assert (await refresh(), archive.plan.units) == ("", learnt)


async def test_a_rule_may_ask_for_the_unit(archive: SmallArchive, accounts: Accounts) -> None:
    treasury = Rule(id="t", class_code="us-sec-17a4-comms", units=("Treasury",))
    rules = RuleSet(version=2, default_class="default", rules=(treasury,))
    plan = FilePlan(rules, archive.plan.schedules)
    register = Accounts(
        database=archive.database,
        trail=archive.trail,
        clock=archive.clock,
        ulids=Ulids(),
        plan=plan,
    )
    made = await register.register(
        platform="mastodon", handle="@acme", unit="Treasury", actor=OPERATOR
    )
    post = arrival("1", "hello").post
    assert plan.file_post(post, archive.clock()).retention.class_code == "us-sec-17a4-comms"
    page = await accounts.show(made.id, actor=AUDITOR)
    assert [rule.id for rule in page.rules] == [""]  # the rules in force name no unit
    await register.change(made.id, unit="", actor=OPERATOR)
    assert plan.file_post(post, archive.clock()).retention.class_code == "default"


async def test_a_hold_that_names_the_account_is_shown_to_who_reads_holds(
    archive: SmallArchive, accounts: Accounts
) -> None:
    await archive.capture(arrival("1", "hello"))
    await archive.index_all()
    made = await accounts.register(
        platform="mastodon", handle="@acme", unit="Treasury", actor=OPERATOR
    )
    counsel = Actor(name="carla", roles=frozenset({Role.COUNSEL}))
    await archive.holds.place(name="Smith", reason="suit", accounts=["@acme"], actor=counsel)
    shown = (await accounts.show(made.id, actor=counsel)).holds
    assert [hold.name for hold in shown or ()] == ["Smith"]
    assert (await accounts.show(made.id, actor=OPERATOR)).holds is None
    assert (await accounts.show(made.id, actor=limited(unit="Treasury"))).holds is None


@pytest.mark.parametrize("act", ["list", "show"])
async def test_a_page_costs_the_same_statements_however_much_there_is(
    archive: SmallArchive, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    statements: list[Executable] = []
    execute = Transaction.execute

    async def counted(tx: Transaction, statement: Executable, values: Any = None) -> Any:
        statements.append(statement)
        return await execute(tx, statement, values)

    monkeypatch.setattr(Transaction, "execute", counted)
    counts = []
    made = await accounts.register(platform="x", handle="@first", unit="U0", actor=OPERATOR)
    for start, end in ((0, 10), (10, 60)):
        for number in range(start, end):
            await accounts.register(
                platform="x", handle=f"@{number}", unit=f"U{number}", actor=OPERATOR
            )
            await archive.capture(arrival(f"{number}", "hello", account=f"@other{number}"))
        await AccountTotals(database=archive.database, clock=archive.clock).catch_up()
        statements.clear()
        if act == "list":
            found = await accounts.list(limit=200, actor=AUDITOR)
            assert (found.total, found.not_registered_total) == (end + 1, end)
        else:
            await accounts.show(made.id, actor=AUDITOR)
        counts.append(len(statements))
    assert counts[0] == counts[1] > 0
