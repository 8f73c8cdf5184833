"""Disposal batches from what is due to two approvals; on both databases."""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db import batches as batch_rows
from archiver.db.batch_review import Standout
from archiver.db.disposal_tables import batch as batch_table
from archiver.db.kept_back import Keeps, Place
from archiver.db.tables import record as record_table
from archiver.db.tables import schedule, segment
from archiver.disposal.batch_views import BatchView
from archiver.disposal.disposition import Disposition
from archiver.errors import Conflict, Denied, InvalidInput, NotFound
from archiver.model.actor import Actor
from archiver.model.batch import BatchState, MemberState
from archiver.model.post import Change
from tests.fakes.disposal_people import (
    ADA,
    BEN,
    MARA,
    OPERATOR,
    PROGRAM,
    RITA,
    RITA_AS_COUNSEL,
    TOKEN,
)
from tests.fakes.disposition import disposition_of
from tests.fakes.small_archive import COUNSEL, SmallArchive, arrival, small_archive

EIGHT_YEARS = timedelta(days=366 * 8)  # the default class keeps seven
WHY = "retention has ended"


@pytest.fixture
async def archive(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[SmallArchive]:
    """An archive on SQLite, for rules that no database decides."""
    shutil.copyfile(migrated_sqlite, tmp_path / "muniment.db")
    url = f"sqlite:///{tmp_path / 'muniment.db'}"
    async with small_archive(tmp_path / "home", url) as opened:
        yield opened


@pytest.fixture
async def either(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """An archive on each database, for what statements decide."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


async def captured(archive: SmallArchive, count: int, *, account: str = "@acme") -> list[str]:
    """Capture posts; return their ids."""
    arrivals = [arrival(f"{account}{n}", f"merger {n}", account=account) for n in range(count)]
    return [each.record_id for each in await archive.capture(*arrivals)]


async def one_batch(archive: SmallArchive, batches: Disposition) -> BatchView:
    """Eight years later, the one batch of what was captured."""
    archive.clock.pass_by(EIGHT_YEARS)
    (batch,) = await batches.forming.form(actor=RITA)
    return batch


async def members(batches: Disposition, batch_id: str, state: str = "in") -> list[str]:
    page = await batches.reviews.members(batch_id, state=state, limit=1000, actor=RITA)
    return [member.id for member in page.members]


async def approved(batches: Disposition, batch: BatchView) -> BatchView:
    """The batch, proposed by Rita and approved by Ada and Ben."""
    proposed = await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)
    for who in (ADA, BEN):
        count = proposed.records
        proposed = await batches.approvals.approve(batch.id, records=count, reason=WHY, actor=who)
    return proposed


async def results(archive: SmallArchive, object_id: str, action: Action) -> list[str]:
    """How the events of one kind about an object ended."""
    found = await archive.events_about(object_id)
    return [event.result for event in found if event.action == action]


async def test_what_is_due_is_formed_into_batches_of_one_class_account_and_month(
    either: SmallArchive,
) -> None:
    batches = disposition_of(either)
    await captured(either, 3)
    await captured(either, 2, account="@other")
    assert await batches.forming.form(actor=RITA) == ()

    either.clock.pass_by(EIGHT_YEARS)
    due = await batches.forming.due(actor=RITA)
    formed = await batches.forming.form(actor=RITA)

    assert [(each.group.account, each.records) for each in due] == [("@acme", 3), ("@other", 2)]
    assert [(each.row.account, each.records, each.state) for each in formed] == [
        ("@acme", 3, BatchState.FORMED),
        ("@other", 2, BatchState.FORMED),
    ]
    assert {each.row.period for each in formed} == {"2033-03"}
    assert await batches.forming.due(actor=RITA) == ()
    assert await batches.forming.form(actor=RITA) == ()  # all of it is in a batch


async def test_only_one_account_is_proposed_where_only_it_is_asked_for(
    archive: SmallArchive,
) -> None:
    batches = disposition_of(archive)
    await captured(archive, 1)
    await captured(archive, 1, account="@other")
    archive.clock.pass_by(EIGHT_YEARS)

    formed = await batches.forming.form(account="@other", actor=RITA)

    assert [each.row.account for each in formed] == ["@other"]


async def test_two_formings_at_once_propose_no_record_twice(archive: SmallArchive) -> None:
    await captured(archive, 3)
    archive.clock.pass_by(EIGHT_YEARS)
    one, other = disposition_of(archive), disposition_of(archive)

    formed = await asyncio.gather(one.forming.form(actor=RITA), other.forming.form(actor=RITA))

    proposed = [
        record
        for batch in (*formed[0], *formed[1])
        for record in await members(one, batch.id, MemberState.IN)
    ]
    assert sorted(proposed) == sorted(set(proposed))
    assert len(proposed) == 3
    for batch in (*formed[0], *formed[1]):
        if taken := await members(one, batch.id, MemberState.EXCLUDED):
            with pytest.raises(Conflict, match=f"{len(taken)} records are in batch"):
                await one.batches.include(batch.id, taken, reason=WHY, actor=RITA)
            break
    else:
        pytest.fail("no batch left out what the other had taken")


async def test_a_held_record_is_in_no_batch_and_comes_up_in_the_next_one_after_its_release(
    either: SmallArchive,
) -> None:
    batches = disposition_of(either)
    held, *free = await captured(either, 4)
    hold = await either.holds.place(name="h", reason="claim", record_ids=[held], actor=COUNSEL)
    batch = await one_batch(either, batches)

    review = await batches.reviews.show(batch.id, actor=RITA)
    assert await members(batches, batch.id) == free
    assert review.outside.held == 1
    assert [(each.hold, each.records) for each in review.holds] == [(hold.id, 1)]

    await either.holds.release(hold.id, reason="settled", actor=COUNSEL)
    (second,) = await batches.forming.form(actor=RITA)
    again = await batches.reviews.show(second.id, actor=RITA)

    assert await members(batches, second.id) == [held]
    assert again.standouts[Standout.RELEASED_HOLD] == 1
    assert again.outside.held == 0


async def test_what_is_kept_back_is_counted_by_what_keeps_it_and_listed(
    either: SmallArchive,
) -> None:
    kept, place = disposition_of(either).kept, Place("default", "mastodon", "@acme")
    held, awaiting, *_ = await captured(either, 4)
    await captured(either, 1, account="@other")
    assert await kept.groups(actor=RITA) == []
    await either.holds.place(name="h", reason="claim", record_ids=[held], actor=COUNSEL)
    either.clock.pass_by(EIGHT_YEARS)
    async with either.database.transaction() as tx:
        await tx.execute(
            update(record_table).where(record_table.c.id == awaiting).values(retain_until=None)
        )
    (group,) = await kept.groups(actor=RITA)
    assert (group.place, group.counts) == (place, {Keeps.HELD: 1, Keeps.AWAITING_EVENT: 1})

    lock = to_millis(either.clock()) + 1_000_000
    async with either.database.transaction() as tx:
        await tx.execute(update(segment).values(lock_mode="governance", lock_until=lock))
    acme, other = await kept.groups(actor=RITA)

    assert acme.counts == {Keeps.HELD: 1, Keeps.LOCKED: 2, Keeps.AWAITING_EVENT: 1}
    assert (other.place.account, other.counts) == ("@other", {Keeps.LOCKED: 1})
    for why in Keeps:
        listed = await kept.records(why, place, actor=RITA)
        assert (len(listed), {each.lock_until for each in listed}) == (acme.counts[why], {lock})
    first, second = await kept.records("locked", place, actor=RITA)
    assert await kept.records("locked", place, limit=1, actor=RITA) == [first]
    assert await kept.records("locked", place, after=first.log_index, actor=RITA) == [second]
    with pytest.raises(InvalidInput, match="expected one of held, locked, awaiting-event"):
        await kept.records("other", place, actor=RITA)
    with pytest.raises(Denied):  # sees counts, and no list of records
        await kept.records("held", place, actor=OPERATOR)


async def test_permanent_records_await_no_event(either: SmallArchive) -> None:
    kept = disposition_of(either).kept
    await captured(either, 1)
    async with either.database.transaction() as tx:
        await tx.execute(update(record_table).values(retain_until=None))
        rows = await tx.execute(select(schedule.c.version, schedule.c.body))
        body = next(json.loads(row.body) for row in rows)
        await tx.execute(update(schedule).values(body=json.dumps({**body, "action": "permanent"})))

    assert await kept.groups(actor=RITA) == []
    place = Place("default", "mastodon", "@acme")
    assert await kept.records("awaiting-event", place, actor=RITA) == []


async def test_two_people_approve_and_neither_of_them_proposed(either: SmallArchive) -> None:
    batches = disposition_of(either)
    await captured(either, 2)
    batch = await one_batch(either, batches)

    with pytest.raises(Conflict, match="to be reviewed, found it formed"):
        await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=ADA)
    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)
    with pytest.raises(Denied, match="who forms or proposes a batch does not approve it"):
        await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=RITA_AS_COUNSEL)
    with pytest.raises(Denied, match="people who sign in"):
        await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=TOKEN)
    with pytest.raises(Denied, match="may not approve disposal"):
        await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=RITA)
    once = await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=ADA)
    with pytest.raises(Conflict, match="another person must"):
        await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=ADA)
    twice = await batches.approvals.approve(batch.id, records=2, reason=WHY, actor=BEN)

    assert (once.state, twice.state) == (BatchState.REVIEWED, BatchState.APPROVED)
    assert [each.approved_by for each in twice.approvals] == ["ada", "ben"]
    outcomes = Counter(await results(either, batch.id, Action.BATCH_APPROVED))
    assert outcomes == {"refused": 2, "denied": 3, "ok": 2}


async def test_one_approver_is_enough_without_the_two_person_rule_but_never_the_proposer(
    archive: SmallArchive,
) -> None:
    batches = disposition_of(archive, two_person=False)
    await captured(archive, 1)
    batch = await one_batch(archive, batches)
    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)

    with pytest.raises(Denied):
        await batches.approvals.approve(batch.id, records=1, reason=WHY, actor=RITA_AS_COUNSEL)
    done = await batches.approvals.approve(batch.id, records=1, reason=WHY, actor=ADA)

    assert done.state is BatchState.APPROVED


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_an_approval_of_another_count_is_refused(archive: SmallArchive, count: int) -> None:
    batches = disposition_of(archive)
    await captured(archive, 2)
    batch = await one_batch(archive, batches)
    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)

    with pytest.raises(InvalidInput, match="the exact number of records"):
        await batches.approvals.approve(batch.id, records=count, reason=WHY, actor=ADA)
    with pytest.raises(InvalidInput, match="reason"):
        await batches.approvals.approve(batch.id, records=2, reason="  ", actor=ADA)


async def test_leaving_a_record_out_voids_what_was_approved(archive: SmallArchive) -> None:
    batches = disposition_of(archive)
    out, *rest = await captured(archive, 3)
    batch = await approved(batches, await one_batch(archive, batches))

    changed = await batches.batches.exclude(batch.id, [out], reason="of value", actor=RITA)

    assert (changed.state, changed.approvals, changed.records) == (BatchState.FORMED, (), 2)
    assert await members(batches, batch.id) == rest
    assert await members(batches, batch.id, "excluded") == [out]
    back = await batches.batches.include(batch.id, [out], reason="a mistake", actor=RITA)
    assert back.records == 3


async def test_what_a_review_keeps_until_a_day_is_in_no_batch_before(
    either: SmallArchive,
) -> None:
    batches = disposition_of(either)
    kept, later, _ = await captured(either, 3)
    batch = await one_batch(either, batches)
    until = either.clock() + timedelta(days=365)
    exclude = batches.batches.exclude
    await exclude(batch.id, [kept], reason="the museum asks", keep_until=until, actor=RITA)
    await exclude(batch.id, [later], reason="look again", actor=RITA)
    with pytest.raises(InvalidInput, match="a moment to come"):
        await exclude(batch.id, [later], reason=WHY, keep_until=either.clock(), actor=RITA)
    await batches.batches.cancel(batch.id, reason="form it anew", actor=RITA)

    (second,) = await batches.forming.form(actor=RITA)
    assert kept not in await members(batches, second.id)
    assert later in await members(batches, second.id)
    review = await batches.reviews.show(second.id, actor=RITA)
    assert review.outside.kept_by_review == 1

    either.clock.now = until
    (third,) = await batches.forming.form(actor=RITA)
    assert await members(batches, third.id) == [kept]


async def test_an_approval_is_taken_back_before_the_execution(archive: SmallArchive) -> None:
    batches = disposition_of(archive)
    await captured(archive, 1)
    batch = await approved(batches, await one_batch(archive, batches))

    with pytest.raises(Conflict, match="no approval of yours"):
        await batches.approvals.withdraw(batch.id, reason=WHY, actor=RITA_AS_COUNSEL)
    back = await batches.approvals.withdraw(batch.id, reason="a new claim", actor=ADA)

    assert back.state is BatchState.REVIEWED
    assert [each.approved_by for each in back.approvals] == ["ben"]


async def test_a_cancelled_batch_frees_its_records(either: SmallArchive) -> None:
    batches = disposition_of(either)
    ids = await captured(either, 2)
    batch = await approved(batches, await one_batch(either, batches))

    await batches.batches.cancel(batch.id, reason="a new claim", actor=ADA)

    (second,) = await batches.forming.form(actor=RITA)
    assert await members(batches, second.id) == ids
    with pytest.raises(Conflict, match="found it cancelled"):
        await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)


async def test_of_two_who_change_a_batch_at_once_the_second_is_told(
    either: SmallArchive,
) -> None:
    batches = disposition_of(either)
    ids = await captured(either, 2)
    batch = await one_batch(either, batches)
    exclude = batches.batches.exclude

    changed = await asyncio.gather(
        *(exclude(batch.id, [each], reason=WHY, actor=RITA) for each in ids),
        return_exceptions=True,
    )
    with pytest.raises(Conflict, match="changed since you looked at it"):
        await exclude(batch.id, ids, reason=WHY, version=batch.version, actor=RITA)

    refused = [each for each in changed if isinstance(each, Conflict)]
    stands = await batches.reviews.show(batch.id, actor=RITA)
    assert stands.view.records == len(refused)  # who was told no changed nothing


async def test_the_same_seed_draws_the_same_sample_and_the_event_names_it(
    archive: SmallArchive,
) -> None:
    batches = disposition_of(archive)
    await captured(archive, 30)
    batch = await one_batch(archive, batches)
    sample = batches.reviews.sample

    first = await sample(batch.id, size=5, actor=RITA)
    again = await sample(batch.id, size=5, seed=first.seed, actor=ADA)
    other = await sample(batch.id, size=5, seed="another", actor=RITA)
    everything = await sample(batch.id, size=1000, seed=first.seed, actor=RITA)

    assert first.members == again.members
    assert len(first.members) == 5
    assert other.members != first.members
    assert len(everything.members) == 30
    events = await archive.events_about(batch.id)
    seeds = [event.details for event in events if event.action == Action.BATCH_SAMPLED]
    assert sum(first.seed in each for each in seeds) == 3


async def test_what_stands_out_comes_first_and_each_number_has_its_list(
    either: SmallArchive,
) -> None:
    batches = disposition_of(either)
    first, _, film, reply = (
        each.record_id
        for each in await either.capture(
            arrival("1", "hello"),
            arrival("2", "edited", change=Change.EDITED),
            arrival("3", "film", media=b"f" * 9000),
            arrival("4", "answer", in_reply_to="1"),
        )
    )
    await either.index_all()
    await either.frozen_sets.freeze("answer", name="A", actor=COUNSEL)
    batch = await one_batch(either, batches)

    review = await batches.reviews.show(batch.id, actor=RITA)

    assert review.standouts == {
        "changed": 1,
        "released-hold": 0,
        "in-set": 1,
        "answered": 1,
        "attachments": 1,
        "reclassified": 0,
        "default-class": 4,
    }
    for why, ids in (("in-set", [reply]), ("answered", [first]), ("attachments", [film])):
        page = await batches.reviews.exceptions(batch.id, Standout(why), actor=RITA)
        assert [member.id for member in page.members] == ids
    assert review.statistics.records == 4
    assert [(each.value, each.records) for each in review.statistics.by["year"]] == [("2026", 4)]
    assert [(each.value, each.records) for each in review.statistics.by["media"]] == [
        ("with media", 1),
        ("without media", 3),
    ]
    consequences = review.consequences
    assert (consequences.records, consequences.media, consequences.backup_days) == (4, 1, 35)
    assert consequences.bytes == batch.row.bytes == review.statistics.bytes


async def test_records_that_share_an_object_with_kept_ones_are_told_before_they_go(
    either: SmallArchive,
) -> None:
    batches = disposition_of(either)
    held, *_ = (
        each.record_id
        for each in await either.capture(*(arrival(str(n), f"post {n}") for n in range(3)))
    )
    await either.holds.place(name="h", reason="claim", record_ids=[held], actor=COUNSEL)
    batch = await one_batch(either, batches)

    consequences = (await batches.reviews.show(batch.id, actor=RITA)).consequences

    assert (consequences.whole, consequences.shared, consequences.staying) == (0, 1, 1)


async def test_lists_go_on_behind_the_last_one_shown(archive: SmallArchive) -> None:
    batches = disposition_of(archive)
    ids = await captured(archive, 5)
    batch = await one_batch(archive, batches)
    found: list[str] = []
    after: int | None = -1
    while after is not None:
        page = await batches.reviews.members(batch.id, after=after, limit=2, actor=RITA)
        found += [member.id for member in page.members]
        after = page.after

    assert found == ids
    listed = await batches.batches.list(state="formed", actor=RITA)
    assert ([each.id for each in listed.items], listed.total) == ([batch.id], 1)
    assert (await batches.batches.list(state="done", actor=RITA)).total == 0


async def test_who_has_no_right_to_dispose_does_nothing_and_leaves_a_trace(
    archive: SmallArchive,
) -> None:
    batches = disposition_of(archive)
    ids = await captured(archive, 1)
    batch = await one_batch(archive, batches)
    acts = {
        Action.BATCH_PROPOSED: batches.approvals.propose(batch.id, reason=WHY, actor=OPERATOR),
        Action.BATCH_EXCLUDED: batches.batches.exclude(batch.id, ids, reason=WHY, actor=OPERATOR),
        Action.BATCH_INCLUDED: batches.batches.include(batch.id, ids, reason=WHY, actor=OPERATOR),
        Action.BATCH_CANCELLED: batches.batches.cancel(batch.id, reason=WHY, actor=OPERATOR),
        Action.BATCH_APPROVED: batches.approvals.approve(
            batch.id, records=1, reason=WHY, actor=OPERATOR
        ),
        Action.BATCH_WITHDRAWN: batches.approvals.withdraw(batch.id, reason=WHY, actor=OPERATOR),
    }
    for action, act in acts.items():
        with pytest.raises(Denied):
            await act
        assert await results(archive, batch.id, action) == ["denied"]
    for read in (
        batches.reviews.members(batch.id, actor=OPERATOR),
        batches.reviews.sample(batch.id, actor=OPERATOR),
    ):
        with pytest.raises(Denied):  # an operator reads no content
            await read
    with pytest.raises(Denied):
        await batches.forming.form(actor=OPERATOR)

    assert (await batches.reviews.show(batch.id, actor=OPERATOR)).view.version == batch.version


@pytest.mark.parametrize("actor", [RITA, ADA])
async def test_a_batch_or_record_that_is_not_there_is_not_found(
    archive: SmallArchive, actor: Actor
) -> None:
    batches = disposition_of(archive)
    await captured(archive, 1)
    batch = await one_batch(archive, batches)

    with pytest.raises(NotFound, match="no batch"):
        await batches.reviews.show("01K00000000000000000000000", actor=actor)
    with pytest.raises(NotFound, match="are not in batch"):
        await batches.batches.exclude(
            batch.id, ["01K00000000000000000000000"], reason=WHY, actor=RITA
        )
    async with archive.database.reading() as tx:
        assert (await batch_rows.get(tx, batch.id)).stated_at == batch.version


async def test_a_batch_to_be_transferred_is_approved_only_after_the_receiver_confirmed(
    archive: SmallArchive, tmp_path: Path
) -> None:
    batches = disposition_of(archive)
    await captured(archive, 2)
    batch = await one_batch(archive, batches)
    await _let_schedule_ask_for(archive, batch.id, "transfer")
    transfers, package = batches.transfers, tmp_path / "package.zip"
    with pytest.raises(Conflict, match="found it formed"):
        await transfers.export(batch.id, package, actor=RITA)
    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)
    approve = batches.approvals.approve

    with pytest.raises(Conflict, match="receiver has not confirmed"):
        await approve(batch.id, records=2, reason=WHY, actor=ADA)
    with pytest.raises(Conflict, match="no package"):
        await transfers.confirm(batch.id, sha256="ab" * 32, receiver="Archives", actor=RITA)
    packed = await transfers.export(batch.id, package, actor=RITA)
    with pytest.raises(Conflict, match="receiver has not confirmed"):
        await approve(batch.id, records=2, reason=WHY, actor=ADA)
    for wrong in ("cd" * 32, "ab", "x" * 64):
        with pytest.raises(InvalidInput, match="SHA-256"):
            await transfers.confirm(batch.id, sha256=wrong, receiver="Archives", actor=MARA)
    for alone, why in ((RITA, "who makes it does not confirm"), (PROGRAM, "people who sign in")):
        with pytest.raises(Denied, match=why):
            await transfers.confirm(
                batch.id, sha256=packed.sha256, receiver="Archives", actor=alone
            )
        told = await archive.events_about(batch.id)
        assert [each.action for each in told if each.actor == alone.name and each.result != "ok"][
            :1
        ] == [Action.BATCH_CONFIRMED]
    await transfers.confirm(batch.id, sha256=packed.sha256, receiver="Archives", actor=MARA)
    await approve(batch.id, records=2, reason=WHY, actor=ADA)
    done = await approve(batch.id, records=2, reason=WHY, actor=BEN)

    assert done.state is BatchState.APPROVED
    review = await batches.reviews.show(batch.id, actor=RITA)
    assert review.package is not None
    assert (review.package.receiver, review.package.records) == ("Archives", 2)


async def test_a_change_after_the_transfer_needs_another_package(
    archive: SmallArchive, tmp_path: Path
) -> None:
    batches = disposition_of(archive)
    out, _ = await captured(archive, 2)
    batch = await one_batch(archive, batches)
    await _let_schedule_ask_for(archive, batch.id, "transfer")
    await batches.approvals.propose(batch.id, reason=WHY, actor=RITA)
    await batches.transfers.export(batch.id, tmp_path / "package.zip", actor=RITA)

    await batches.batches.exclude(batch.id, [out], reason=WHY, actor=RITA)

    assert (await batches.reviews.show(batch.id, actor=RITA)).package is None


async def test_a_schedule_that_asks_for_a_review_is_decided_by_proposing(
    archive: SmallArchive,
) -> None:
    batches = disposition_of(archive)
    out, _ = await captured(archive, 2)
    batch = await one_batch(archive, batches)
    await _let_schedule_ask_for(archive, batch.id, "review")

    proposed = await batches.approvals.propose(batch.id, reason="of no value", actor=RITA)
    undone = await batches.batches.exclude(batch.id, [out], reason=WHY, actor=RITA)

    assert (proposed.row.action, undone.row.action) == ("reviewed", "review")


async def _let_schedule_ask_for(archive: SmallArchive, batch_id: str, action: str) -> None:
    """As if the class's schedule had named this action when the batch was formed."""
    async with archive.database.transaction() as tx:
        await tx.execute(
            update(batch_table).where(batch_table.c.id == batch_id).values(action=action)
        )
