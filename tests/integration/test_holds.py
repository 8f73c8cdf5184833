"""Legal holds on a real archive: exact sets, in effect at once, seen everywhere, enforced below."""

import json
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from archiver.audit.actions import Action
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.segments import SegmentRow
from archiver.db.tables import hold, record
from archiver.errors import (
    Conflict,
    Denied,
    InvalidInput,
    NotFound,
    SearchUnavailable,
    StorageUnavailable,
)
from archiver.preserve.ledger.entry import HoldEntry, decode_entry, members_digest
from archiver.preserve.object_keys import epoch_object
from search.engines.opening import open_writer
from tests.fakes.small_archive import (
    AUDITOR,
    COUNSEL,
    SmallArchive,
    arrival,
    small_archive,
)

WHY = "litigation expected"


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """Six posts of two accounts: @acme merger, merger, picnic; @globex merger, picnic, picnic."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        for account, texts in {"@acme": "mmp", "@globex": "mpp"}.items():
            for number, word in enumerate(texts):
                text = {"m": "the merger", "p": "a picnic"}[word]
                await opened.capture(arrival(f"{account}{number}", text, account=account))
        await opened.index_all()
        yield opened


async def placed(archive: SmallArchive, **scope: object) -> tuple[int, set[int]]:
    """Place a hold; return its stated count and the log indexes of its members."""
    view = await archive.holds.place(name="Smith", reason=WHY, actor=COUNSEL, **scope)  # type: ignore[arg-type]
    members = await archive.hold_register.members(view.id, actor=COUNSEL)
    return view.records, {index for index, _ in members}


async def ids_at(archive: SmallArchive, *indexes: int) -> list[str]:
    async with archive.database.reading() as tx:
        return await record_rows.ids_at(tx, list(indexes))


async def segment_of(archive: SmallArchive, index: int) -> SegmentRow:
    async with archive.database.reading() as tx:
        found = await segment_rows.list_after(tx, 0, 100)
    return next(s for s in found if s.first_index <= index < s.first_index + s.records)


class TestScope:
    async def test_each_condition_alone_holds_exactly_what_meets_it(
        self, archive: SmallArchive
    ) -> None:
        ids = await ids_at(archive, 2, 4)
        assert await placed(archive, query="merger") == (3, {0, 1, 3})
        assert await placed(archive, accounts=["@globex"]) == (3, {3, 4, 5})
        assert await placed(archive, record_ids=ids) == (2, {2, 4})

    async def test_a_member_meets_every_stated_condition(self, archive: SmallArchive) -> None:
        ids = await ids_at(archive, 0, 2, 3)
        assert await placed(archive, query="merger", accounts=["@acme"]) == (2, {0, 1})
        assert await placed(archive, query="merger", record_ids=ids) == (2, {0, 3})
        assert await placed(archive, accounts=["@acme"], record_ids=ids) == (2, {0, 2})
        assert await placed(
            archive, query="picnic", accounts=["@acme", "@globex"], record_ids=ids
        ) == (1, {2})

    async def test_posts_the_index_has_not_read_are_members_too(
        self, archive: SmallArchive
    ) -> None:
        await archive.capture(arrival("new", "merger, again"), arrival("other", "a picnic"))
        state = await archive.log_state()

        count, members = await placed(archive, query="merger")

        assert archive.index.watermark < state.next_index
        new = min(state.next_index - 1, 7)
        assert count == 4
        assert members - {0, 1, 3} <= {new - 1, new}

    async def test_posts_captured_afterwards_are_not_members(self, archive: SmallArchive) -> None:
        view = await archive.holds.place(name="n", reason=WHY, query="merger", actor=COUNSEL)
        await archive.capture(arrival("later", "merger"))
        await archive.index_all()

        answer = await archive.searching.search("merger", actor=COUNSEL)
        assert (answer.count, sum(hit.held for hit in answer.hits)) == (4, 3)
        assert (await archive.hold_register.show(view.id, actor=COUNSEL)).records == 3

    async def test_events_are_never_members(self, archive: SmallArchive) -> None:
        await archive.searching.search("merger", actor=COUNSEL)
        everything = 'merger OR picnic OR NOT "nothing"'
        assert await placed(archive, query=everything) == (6, {0, 1, 2, 3, 4, 5})

    async def test_duplicates_of_a_member_are_members(self, archive: SmallArchive) -> None:
        original, *_ = await ids_at(archive, 2)
        async with archive.database.transaction() as tx:  # as a race of two servers leaves it
            where = record.c.log_index == 5
            await tx.execute(update(record).where(where).values(duplicate_of=original))

        duplicate = await ids_at(archive, 5)
        assert await placed(archive, record_ids=[original]) == (2, {2, 5})
        assert await placed(archive, record_ids=duplicate) == (2, {2, 5})
        assert await placed(archive, accounts=["@acme"]) == (4, {0, 1, 2, 5})
        assert await placed(archive, accounts=["@acme", "@globex"]) == (6, {0, 1, 2, 3, 4, 5})

    async def test_a_preview_counts_the_same_and_writes_nothing(
        self, archive: SmallArchive
    ) -> None:
        asked = {"name": "n", "reason": WHY, "query": "merger", "actor": COUNSEL}
        before = await archive.log_state()
        preview = (await archive.holds.preview(**asked)).view  # type: ignore[arg-type]

        after = await archive.log_state()
        assert (preview.state, preview.id, preview.records) == ("preview", "", 3)
        assert after.next_index == before.next_index + 1  # its event, and no hold entry
        assert await archive.hold_register.list(actor=COUNSEL) == ()
        real = await archive.holds.place(**asked)  # type: ignore[arg-type]
        assert (real.records, real.members_sha256) == (preview.records, preview.members_sha256)


class TestRefused:
    async def refused(self, archive: SmallArchive, why: str, **scope: object) -> str | None:
        asked: dict[str, object] = {"name": "n", "reason": WHY, "actor": COUNSEL} | scope
        with pytest.raises(InvalidInput, match=why) as caught:
            await archive.holds.place(**asked)  # type: ignore[arg-type]
        assert await archive.hold_register.list(actor=COUNSEL) == ()
        return caught.value.pointer

    async def test_a_hold_states_a_condition_a_name_and_a_reason(
        self, archive: SmallArchive
    ) -> None:
        assert await self.refused(archive, "at least one of") == "query"
        assert await self.refused(archive, "expected a name", name=" ", query="a") == "name"
        assert await self.refused(archive, "expected a reason", reason="", query="a") == "reason"
        assert await self.refused(archive, "Expected AND or OR", query="a b") == "query"

    async def test_names_that_are_not_in_the_archive_are_refused_by_name(
        self, archive: SmallArchive
    ) -> None:
        known = await ids_at(archive, 0)
        event = await archive.trail.record(Action.SEARCH_RUN, actor=COUNSEL)
        events = await ids_at(archive, event)
        accounts = ["@acme", "@unknown"]
        assert await self.refused(archive, "'@unknown'", accounts=accounts) == "accounts"
        ids = [*known, "01KAM0000000000000000000AA"]
        assert await self.refused(archive, ids[1], record_ids=ids) == "record_ids"
        assert await self.refused(archive, events[0], record_ids=events) == "record_ids"

    async def test_an_incomplete_index_is_refused_rather_than_trusted(
        self, archive: SmallArchive
    ) -> None:
        archive.index.close()
        current = archive.index.generations.current()
        assert current is not None
        with closing(open_writer(current)) as writer:
            writer.delete([1])
            writer.commit(6)

        with pytest.raises(SearchUnavailable, match=r"holds 5 posts .* 6 searchable"):
            await archive.holds.place(name="n", reason=WHY, query="merger", actor=COUNSEL)
        assert await placed(archive, accounts=["@acme"]) == (3, {0, 1, 2})

    async def test_an_auditor_sees_holds_and_places_or_releases_none(
        self, archive: SmallArchive
    ) -> None:
        view = await archive.holds.place(name="n", reason=WHY, query="merger", actor=COUNSEL)
        with pytest.raises(Denied):
            await archive.holds.place(name="n", reason=WHY, query="merger", actor=AUDITOR)
        with pytest.raises(Denied):
            await archive.holds.release(view.id, reason="no", actor=AUDITOR)
        assert await archive.hold_register.list(actor=AUDITOR) == (view,)


class TestEvidence:
    async def test_the_log_commits_to_who_was_held_and_let_go(self, archive: SmallArchive) -> None:
        view = await archive.holds.place(name="n", reason=WHY, query="merger", actor=COUNSEL)
        await archive.holds.release(view.id, reason="settled", actor=COUNSEL)

        end = (await archive.log_state()).next_index
        async with archive.database.reading() as tx:
            leaves = await ledger_rows.entries(tx, 0, end)
        entries = [entry for leaf in leaves if isinstance(entry := decode_entry(leaf), HoldEntry)]
        digest = members_digest(await ids_at(archive, 0, 1, 3))
        assert [(e.id, e.on, e.count, e.members_sha256) for e in entries] == [
            (view.id, True, 3, digest),
            (view.id, False, 3, digest),
        ]
        event = decode_entry(leaves[view.log_size])
        assert (event.kind, entries[0]) == ("aud", decode_entry(leaves[view.log_size + 1]))
        await archive.publish()  # the tree takes them

    async def test_placing_and_releasing_are_events_that_state_the_scope(
        self, archive: SmallArchive
    ) -> None:
        view = await archive.holds.place(
            name="Smith", matter="24-1", reason=WHY, query="Merger", actor=COUNSEL
        )
        await archive.holds.release(view.id, reason="settled", actor=COUNSEL)

        released, placed = await archive.events_about(view.id)
        assert (placed.action, released.action) == (Action.HOLD_PLACED, Action.HOLD_RELEASED)
        details = json.loads(placed.details)
        assert (details["name"], details["records"]) == ("Smith", 3)
        assert json.loads(details["scope"])["query"] == "merger"
        assert json.loads(released.details)["reason"] == "settled"

    async def test_a_held_record_says_so_everywhere(self, archive: SmallArchive) -> None:
        view = await archive.holds.place(
            name="Smith", matter="24-1", reason=WHY, query="merger", actor=COUNSEL
        )
        (held,) = await ids_at(archive, 3)

        shown = (await archive.records.show(held, actor=COUNSEL)).to_dict()
        assert shown["holds"] == [{"id": view.id, "name": "Smith", "matter": "24-1"}]
        why = await archive.filing.why(held, actor=COUNSEL)
        assert why.state == "held"
        assert any("On hold Smith since" in reason.text for reason in why.reasons)
        assert f"matter 24-1, hold {view.id}" in {reason.citation for reason in why.reasons}
        answer = await archive.searching.search("merger", actor=COUNSEL)
        assert {hit.id: hit.held for hit in answer.hits}[held]
        assert (3, held) in await archive.hold_register.members(view.id, actor=COUNSEL)

        await archive.holds.release(view.id, reason="settled", actor=COUNSEL)
        assert (await archive.records.show(held, actor=COUNSEL)).to_dict()["holds"] == []
        assert (await archive.filing.why(held, actor=COUNSEL)).state == "retain"
        members = await archive.hold_register.members(view.id, actor=COUNSEL)
        assert (3, held) in members  # evidence stays

    async def test_members_come_in_pages_in_log_order(self, archive: SmallArchive) -> None:
        view = await archive.holds.place(name="n", reason=WHY, query="merger", actor=COUNSEL)
        register = archive.hold_register
        first = await register.members(view.id, limit=2, actor=COUNSEL)
        rest = await register.members(view.id, after=first[-1][0], limit=2, actor=COUNSEL)
        assert [index for index, _ in (*first, *rest)] == [0, 1, 3]


class TestRelease:
    async def test_a_hold_is_released_once_and_with_a_reason(self, archive: SmallArchive) -> None:
        view = await archive.holds.place(name="n", reason=WHY, query="merger", actor=COUNSEL)
        with pytest.raises(InvalidInput, match="expected a reason"):
            await archive.holds.release(view.id, reason=" ", actor=COUNSEL)

        released = await archive.holds.release(view.id, reason="settled", actor=COUNSEL)
        told = released.to_dict()
        assert (told["state"], told["released_by"], told["release_reason"]) == (
            *("released", "carla"),
            "settled",
        )
        end = (await archive.log_state()).next_index
        with pytest.raises(Conflict, match="released by carla"):
            await archive.holds.release(view.id, reason="again", actor=COUNSEL)
        assert (await archive.log_state()).next_index == end

    async def test_what_is_no_hold_is_not_found(self, archive: SmallArchive) -> None:
        with pytest.raises(NotFound):
            await archive.holds.release("01KAM0", reason="r", actor=COUNSEL)
        with pytest.raises(NotFound):
            await archive.hold_register.show("01KAM0", actor=COUNSEL)


class TestObjects:
    async def objects(self, archive: SmallArchive, index: int) -> dict[str, bool]:
        """Return whether each object that a record is read from is under legal hold."""
        row = await segment_of(archive, index)
        keys = [
            row.object_key,
            row.keys_object_key,
            epoch_object(archive.archive.id, row.class_code, row.period),
        ]
        return {key: (await archive.store.head(key)).legal_hold for key in keys}

    async def test_nothing_of_a_held_record_can_be_deleted_after_its_lock_has_passed(
        self, archive: SmallArchive
    ) -> None:
        film = await archive.capture(arrival("film", "the film", media=b"x" * 10_000))
        async with archive.database.reading() as tx:
            (blob,) = await segment_rows.list_blobs(tx, "", 10)
        view = await archive.holds.place(
            name="n", reason=WHY, record_ids=[film[0].record_id], actor=COUNSEL
        )
        assert view.objects_pending == 0
        archive.clock.pass_by(timedelta(days=366 * 40))

        names = [*await self.objects(archive, film[0].log_index), blob.object_key]
        for name in names:
            found = await archive.store.head(name)
            assert found.lock is None or not found.lock.binds(archive.clock())
            with pytest.raises(Conflict, match="hold"):
                await archive.store.delete(name, version_id=found.version_id)

        await archive.holds.release(view.id, reason="settled", actor=COUNSEL)
        for name in names:
            found = await archive.store.head(name)
            assert not found.legal_hold
            await archive.store.delete(name, version_id=found.version_id)

    async def test_object_holds_are_lifted_only_where_no_other_hold_needs_them(
        self, archive: SmallArchive
    ) -> None:
        mergers = await archive.holds.place(name="a", reason=WHY, query="merger", actor=COUNSEL)
        acme = await archive.holds.place(name="b", reason=WHY, accounts=["@acme"], actor=COUNSEL)

        await archive.holds.release(mergers.id, reason="settled", actor=COUNSEL)
        assert all((await self.objects(archive, 0)).values())
        segment, keys, epoch = (await self.objects(archive, 3)).values()
        assert (segment, keys, epoch) == (False, False, True)  # the epoch also opens @acme's

        await archive.holds.release(acme.id, reason="settled", actor=COUNSEL)
        assert not any((await self.objects(archive, 0)).values())

    async def test_a_hold_stands_while_the_store_fails_and_is_mirrored_later(
        self, archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = (await segment_of(archive, 0)).keys_object_key
        real = archive.store.blocking.set_legal_hold

        def failing(key: str, *, version_id: str, on: bool) -> None:
            if key == broken:
                raise StorageUnavailable("the disk is away")
            real(key, version_id=version_id, on=on)

        monkeypatch.setattr(archive.store.blocking, "set_legal_hold", failing)
        view = await archive.holds.place(name="n", reason=WHY, accounts=["@acme"], actor=COUNSEL)
        assert (view.state, view.records, view.objects_pending) == ("active", 3, 1)
        assert all((await self.objects(archive, 1)).values())  # the others were done
        with pytest.raises(StorageUnavailable):
            await archive.holds.mirror()

        monkeypatch.undo()
        await archive.holds.mirror()
        assert all((await self.objects(archive, 0)).values())
        assert (await archive.hold_register.show(view.id, actor=COUNSEL)).objects_pending == 0

    async def test_an_epoch_that_could_not_be_held_is_not_forgotten(
        self, archive: SmallArchive, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = archive.store.blocking.set_legal_hold

        def failing(key: str, *, version_id: str, on: bool) -> None:
            if key.endswith("epoch.json"):
                raise StorageUnavailable("the disk is away")
            real(key, version_id=version_id, on=on)

        monkeypatch.setattr(archive.store.blocking, "set_legal_hold", failing)
        view = await archive.holds.place(name="n", reason=WHY, accounts=["@acme"], actor=COUNSEL)
        assert view.objects_pending == 3

        monkeypatch.undo()
        await archive.holds.mirror()
        assert all((await self.objects(archive, 0)).values())

    async def test_a_crash_between_commit_and_mirror_is_repaired(
        self, archive: SmallArchive
    ) -> None:
        view = await archive.holds.place(name="n", reason=WHY, accounts=["@acme"], actor=COUNSEL)
        async with archive.database.transaction() as tx:  # released, and then the process died
            where = hold.c.id == view.id
            await tx.execute(update(hold).where(where).values(state="released"))
        assert all((await self.objects(archive, 0)).values())

        await archive.holds.mirror()
        assert not any((await self.objects(archive, 0)).values())
        async with archive.database.reading() as tx:
            assert (await tx.execute(select(func.count()).select_from(hold))).scalar() == 1
