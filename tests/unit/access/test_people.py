import pytest

from archiver.access.people import PeopleFilter
from archiver.access.rules import PERMISSIONS, Permission, conflicts
from archiver.audit.actions import Action
from archiver.db import people as rows
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.grants import Grants, grant
from archiver.model.person import Density, PersonState, Preferences, Theme
from tests.unit.access.house import CLI, House

AUDITOR = Grants(roles=frozenset({Role.AUDITOR}))
WRITER, APPROVER = Role.RECORDS_MANAGER, Role.COUNSEL


async def test_an_invited_person_is_there_with_their_roles_and_the_event_says_so(
    house: House,
) -> None:
    part = LimitedRole(role=Role.REVIEWER, matter="2026-014")
    made = await house.access.people.invite(
        "  Rosa   Records ", " Rosa@Example.com ", Grants.of([WRITER, part]), actor=CLI
    )

    (shown,) = await house.access.people.list(actor=CLI)
    assert (shown.name, shown.email) == ("Rosa Records", "rosa@example.com")
    assert shown == made
    assert shown.state is PersonState.INVITED
    assert shown.grants.lines == ("records-manager", "reviewer in matter 2026-014")
    line = house.trail.lines[0]
    assert (line.action, line.object_id) == (Action.PERSON_INVITED, made.id)
    assert line.details["roles"] == "records-manager, reviewer in matter 2026-014"


@pytest.mark.parametrize(
    ("name", "email", "grants", "pointer"),
    [
        ("", "a@b", AUDITOR, "name"),
        ("a\u202e", "a@b", AUDITOR, "name"),
        ("Ada", "nobody", AUDITOR, "email"),
        ("Ada", "a@b@c", AUDITOR, "email"),
        ("Ada", "a b@c", AUDITOR, "email"),
        ("Ada", "a@b", Grants(), "roles"),
        ("Ada", "a@b", Grants.of([LimitedRole(role=Role.ADMINISTRATOR, unit="x")]), "roles"),
    ],
)
async def test_who_cannot_be_a_person_is_refused_with_the_field(
    house: House, name: str, email: str, grants: Grants, pointer: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await house.access.people.invite(name, email, grants, actor=CLI)

    assert refused.value.pointer == pointer
    assert house.trail.lines == []


async def test_one_email_is_one_person(house: House) -> None:
    await house.access.people.invite("Rosa", "rosa@example.com", AUDITOR, actor=CLI)

    with pytest.raises(Conflict):
        await house.access.people.invite("Other", "ROSA@example.com", AUDITOR, actor=CLI)


async def test_nobody_changes_their_own_roles_or_state(house: House) -> None:
    await house.person("other@example.com", Role.ADMINISTRATOR)
    me = await house.person("ada@example.com", Role.ADMINISTRATOR)
    ada = await house.actor(me)
    people, invitations = house.access.people, house.access.invitations

    with pytest.raises(Denied):
        await people.grant(me, AUDITOR, actor=ada)
    with pytest.raises(Denied):
        await people.disable(me, actor=ada)
    with pytest.raises(Denied):
        await people.enable(me, actor=ada)
    with pytest.raises(Denied):
        await invitations.link(me, actor=ada)


async def test_the_last_active_administrator_stays(house: House) -> None:
    people = house.access.people
    ada = await house.person("ada@example.com", Role.ADMINISTRATOR)
    other = await house.person("other@example.com", Role.ADMINISTRATOR)
    await people.invite("New", "new@example.com", Grants.of([Role.ADMINISTRATOR]), actor=CLI)
    await people.disable(other, actor=CLI)

    with pytest.raises(Conflict):
        await people.disable(ada, actor=CLI)
    with pytest.raises(Conflict):
        await people.grant(ada, AUDITOR, actor=CLI)

    await people.enable(other, actor=CLI)
    with pytest.raises(Conflict):  # never signed in, so only invited again
        await people.disable(ada, actor=CLI)


async def test_who_writes_does_not_approve_unless_the_setting_says_so(house: House) -> None:
    both = Grants.of([WRITER, APPROVER])
    rosa = await house.person("rosa@example.com", WRITER)

    with pytest.raises(Conflict):
        await house.access.people.invite("Both", "both@example.com", both, actor=CLI)
    with pytest.raises(Conflict):
        await house.access.people.grant(rosa, both, actor=CLI)

    alone = House(house.database, allow_conflicting_roles="true")
    changed = await alone.access.people.grant(rosa, both, actor=CLI)
    assert changed.grants == both


async def test_both_duties_over_different_parts_are_no_conflict(house: House) -> None:
    parts = Grants.of([WRITER, LimitedRole(role=APPROVER, unit="Treasury")])

    made = await house.access.people.invite("Rosa", "rosa@example.com", parts, actor=CLI)

    assert made.grants == parts


def test_roles_conflict_exactly_where_they_join_writing_and_approving() -> None:
    found = {frozenset({one, other}) for one in Role for other in Role if conflicts({one, other})}

    assert found == {frozenset({Role.RECORDS_MANAGER, Role.COUNSEL})}
    assert conflicts(set(Role)) == (
        (Permission.EDIT_FILE_PLAN, Permission.APPROVE_FILE_PLAN),
        (Permission.PROPOSE_DISPOSAL, Permission.APPROVE_DISPOSAL),
    )
    assert conflicts(set()) == ()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
async def test_only_who_manages_access_changes_it(house: House, role: Role) -> None:
    who = Actor(name="x", roles=frozenset({role}), person_id="P")
    rosa = await house.person("rosa@example.com", Role.AUDITOR)
    before = len(house.trail.lines)

    with pytest.raises(Denied):
        await house.access.people.invite("A", "a@example.com", AUDITOR, actor=who)
    with pytest.raises(Denied):
        await house.access.people.grant(rosa, AUDITOR, actor=who)
    with pytest.raises(Denied):
        await house.access.people.disable(rosa, actor=who)
    with pytest.raises(Denied):
        await house.access.invitations.link(rosa, actor=who)
    if Permission.READ_AUDIT not in PERMISSIONS[role]:
        with pytest.raises(Denied):
            await house.access.people.list(actor=who)
    assert len(house.trail.lines) == before


async def test_an_administrator_of_a_part_administers_nothing(house: House) -> None:
    part = LimitedRole(role=Role.ADMINISTRATOR, unit="Treasury")
    who = Actor(name="x", roles=frozenset(), limited=frozenset({part}), person_id="P")

    with pytest.raises(Denied):
        await house.access.people.invite("A", "a@example.com", AUDITOR, actor=who)


async def test_a_list_is_narrowed_by_words_role_and_state(house: House) -> None:
    await house.person("rosa@example.com", WRITER)
    part = LimitedRole(role=APPROVER, unit="Treasury")
    await house.access.people.invite("Carl", "carl@example.com", Grants.of([part]), actor=CLI)
    people = house.access.people

    async def found(**conditions: str) -> list[str]:
        shown = await people.list(PeopleFilter(**conditions), actor=CLI)
        return [person.email for person in shown]

    assert await found(words="ROSA@") == ["rosa@example.com"]
    assert await found(role=APPROVER) == ["carl@example.com"]
    assert await found(state="invited") == ["carl@example.com"]
    assert await found(state="disabled") == []


async def test_people_see_themselves_and_only_themselves(house: House) -> None:
    rosa = await house.person("rosa@example.com", WRITER)
    carl = await house.person("carl@example.com", APPROVER)
    hers = await house.actor(rosa)

    assert (await house.access.people.show(rosa, actor=hers)).email == "rosa@example.com"
    with pytest.raises(Denied):
        await house.access.people.show(carl, actor=hers)
    with pytest.raises(NotFound):
        await house.access.people.show("nobody", actor=CLI)


async def test_an_older_statement_undoes_nothing_newer(house: House) -> None:
    rosa = await house.person("rosa@example.com", WRITER)
    house.later(hours=1)
    await house.access.people.grant(rosa, Grants(), actor=CLI)
    async with house.database.transaction() as tx:
        await tx.run_sync(
            lambda connection: rows.state_person(
                connection,
                person_id=rosa,
                name="Rosa",
                email="rosa@example.com",
                state="active",
                grants=Grants(roles=frozenset(Role)),
                at=0,
                by="somebody",
            )
        )

    assert (await house.access.people.show(rosa, actor=CLI)).grants == Grants()


async def test_a_clock_set_back_does_not_make_a_revocation_void(house: House) -> None:
    rosa = await house.person("rosa@example.com", WRITER)
    house.later(days=-1)

    await house.access.people.grant(rosa, Grants(), actor=CLI)

    assert (await house.access.people.show(rosa, actor=CLI)).grants == Grants()


async def test_preferences_are_kept_for_the_next_page(house: House) -> None:
    rosa = await house.person("rosa@example.com", WRITER)
    secret = await house.sign_in(rosa)
    actor = (await house.access.sessions.authenticate(secret)).actor
    chosen = Preferences(theme=Theme.DARK, density=Density.COMPACT, single_keys=False)

    await house.access.people.prefer(chosen, actor=actor)

    assert (await house.access.sessions.authenticate(secret)).preferences == chosen


@pytest.mark.parametrize("name", ["Treasury", "a in unit b", "Smith v. Acme, in matter 3", "é; x"])
def test_grants_are_read_back_from_what_people_read(name: str) -> None:
    held = Grants.of(
        [Role.COUNSEL, grant(Role.REVIEWER, unit=name), grant(Role.AUDITOR, matter=name)]
    )

    assert Grants.from_text(held.to_text()) == held


@pytest.mark.parametrize(
    "line", ["king", "counsel in", "counsel in unit ", "counsel of unit x", "counsel in unit a\0b"]
)
def test_what_is_no_grant_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        Grants.from_text(f"auditor\n{line}")


def test_words_change_the_role_and_never_the_name_of_its_part() -> None:
    held = Grants.of([Role.RECORDS_MANAGER, grant(Role.REVIEWER, unit="North-East in unit B")])

    assert held.words == ("Records manager", "Reviewer in unit North-East in unit B")
