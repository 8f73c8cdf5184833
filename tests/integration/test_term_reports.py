"""Search term reports over an archive: families, errors, reach, what is kept, and the index."""

import csv
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from archiver.audit.actions import Action
from archiver.db.privacy_tables import privacy_record, privacy_request
from archiver.db.tables import account, record, term_hits
from archiver.errors import Conflict, InvalidInput, NotFound, SearchUnavailable
from archiver.legal.term_comparison import Change
from archiver.legal.term_files import Table, facts, report_csv, report_xlsx
from archiver.legal.term_report import TermReport, report_of, report_text
from archiver.legal.term_reports import Wanted
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.post import Change as PostChange
from tests.fakes.small_archive import COUNSEL, START, SmallArchive, arrival, small_archive

_HELD = LimitedRole(role=Role.COUNSEL, unit="Treasury", matter="")
TREASURY = Actor(name="lena", roles=frozenset(), limited=frozenset({_HELD}))


@pytest.fixture
async def archive(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[SmallArchive]:
    """@acme: a merger and two replies in a row, of which the first says picnic; an edited post.

    @globex: a merger; a post without words.
    """
    database = shutil.copyfile(migrated_sqlite, tmp_path / "muniment.db")
    async with small_archive(tmp_path / "home", f"sqlite:///{database}") as opened:
        for each in (
            arrival("root", "the merger"),
            arrival("reply", "a picnic", in_reply_to="root"),
            arrival("again", "nothing to add", in_reply_to="reply"),
            arrival("edited", "merger talks"),
            arrival("edited", "no talks", change=PostChange.EDITED, edited_at=START),
            arrival("other", "the merger elsewhere", account="@globex", posted_at=None),
            arrival("mute", "", account="@globex"),
        ):
            await opened.capture(each)
        await forget(opened, "mute")  # as a post without a word is from the start
        await opened.index_all()
        async with opened.database.transaction() as tx:
            await tx.execute(
                insert(account).values(
                    id="01KAM0ACC00000000000000001",
                    platform="mastodon",
                    handle="@acme",
                    title="Acme",
                    custodian="Ann",
                    unit="Treasury",
                    registered_at=0,
                    changed_at=0,
                )
            )
        yield opened


async def forget(archive: SmallArchive, post_id: str) -> None:
    """Let the database say of a post that nothing in it can be searched."""
    async with archive.database.transaction() as tx:
        await tx.execute(update(record).where(record.c.post_id == post_id).values(searchable=False))


async def restrict(archive: SmallArchive, post_id: str) -> None:
    """Restrict the records of a post, as a privacy request decides it."""
    request = {
        **dict.fromkeys(("reference", "person", "extension", "document", "made_by"), ""),
        **dict.fromkeys(("received_at", "due_at", "extended_months", "made_at", "stated_at"), 0),
    }
    decided = {**dict.fromkeys(("ground", "reason", "decided_by"), ""), "decision": "restrict"}
    wanted = select(record.c.log_index).where(record.c.post_id == post_id)
    async with archive.database.transaction() as tx:
        await tx.execute(
            insert(privacy_request).values(
                id="01KAM0REQ00000000000000001",
                kind="restriction",
                state="open",
                restricts=1,
                **request,
            )
        )
        for index in (await tx.execute(wanted)).scalars():
            await tx.execute(
                insert(privacy_record).values(
                    request_id="01KAM0REQ00000000000000001", log_index=index, **decided
                )
            )


async def made(
    archive: SmallArchive, *terms: str, actor: Actor = COUNSEL, **asked: str
) -> TermReport:
    wanted = Wanted(terms="\n".join(terms), **asked)  # type: ignore[arg-type] # texts of a report
    return await archive.term_reports.make(wanted, actor=actor)


def counts(report: TermReport) -> list[tuple[int, int, int]]:
    return [(line.documents, line.family, line.unique) for line in report.terms]


class TestCounts:
    async def test_a_family_is_the_thread_with_all_versions(self, archive: SmallArchive) -> None:
        report = await made(archive, "merger", "picnic", "elsewhere")

        assert counts(report) == [(3, 6, 2), (1, 3, 1), (1, 1, 0)]
        assert (report.total.documents, report.total.family) == (4, 6)
        assert (report.documents, report.not_searchable) == (6, 1)

    async def test_families_are_counted_within_the_set_and_linked_through_the_archive(
        self, archive: SmallArchive
    ) -> None:
        # The post between the two is not in the set.
        report = await made(archive, "merger", query="the OR nothing")

        assert counts(report) == [(2, 3, 2)]

    async def test_accounts_and_months_are_told_with_custodians(
        self, archive: SmallArchive
    ) -> None:
        report = await made(archive, "merger")

        (line,) = report.terms
        assert [(*name, n) for name, n in report.by_account(line)] == [
            ("mastodon", "@acme", "Ann", 2),
            ("mastodon", "@globex", "", 1),
        ]
        assert list(report.by_month(line)) == [("", 1), (f"{START:%Y-%m}", 2)]

    async def test_a_term_that_cannot_be_read_is_in_the_report_with_its_error(
        self, archive: SmallArchive
    ) -> None:
        report = await made(archive, "merger", "merger AND", "Merger")

        assert counts(report) == [(3, 6, 0), (0, 0, 0), (3, 6, 0)]
        assert "AND" in report.terms[1].error
        assert report.errors == 1
        assert "same as term 1" in report.terms[2].notes[0]

    async def test_what_the_index_has_not_read_is_counted(self, archive: SmallArchive) -> None:
        await archive.capture(arrival("late", "a late merger"))

        report = await made(archive, "merger")

        assert counts(report)[0][0] == 4

    async def test_later_posts_are_in_no_count_over_an_earlier_set(
        self, archive: SmallArchive
    ) -> None:
        first = await made(archive, "merger")
        await archive.capture(arrival("late", "a late merger"))
        await archive.index_all()

        again = await made(archive, "merger", set_id=first.set.id)

        assert counts(again) == counts(first)
        assert again.set == first.set

    async def test_documents_that_hold_no_words_are_counted_in_the_set(
        self, archive: SmallArchive
    ) -> None:
        for each in (
            arrival("picture", ""),
            arrival("signs", "…", account="@globex"),
            arrival("face", "🎉"),
        ):
            await archive.capture(each)
        await archive.index_all()
        await archive.capture(arrival("unread", "—"))

        whole = await made(archive, "merger OR has:text")
        acme = await made(archive, "merger", query='account:"@acme"')
        words = await made(archive, "merger", query="merger")

        assert (whole.documents, whole.without_words) == (10, 3)
        assert whole.total.documents == whole.documents - 3
        assert (acme.documents, acme.without_words) == (8, 2)
        assert words.without_words == 0
        await archive.index_all()
        for report, expected in ((whole, 3), (acme, 2), (words, 0)):
            found = await archive.searching.count(report.query_without_words, actor=COUNSEL)
            assert found.count == expected

    async def test_every_form_of_a_report_tells_what_holds_no_words(
        self, archive: SmallArchive
    ) -> None:
        await archive.capture(arrival("picture", ""))
        await archive.index_all()

        report = await made(archive, "merger")

        assert (report.to_dict()["without_words"], report.to_dict()["not_searchable"]) == (1, 1)
        *_, last = csv.reader(b"".join(report_csv(report)).decode("utf-8-sig").splitlines())
        named = "Documents without words, which no word of a term can hit"
        assert last == ["", named, "1", "", "", "14.29", "NOT has:text", "", ""]
        assert dict(facts(report))[named] == 1

    async def test_a_report_made_before_this_was_counted_says_so(
        self, archive: SmallArchive
    ) -> None:
        report = await made(archive, "merger")
        before = json.loads(report_text(report))
        del before["without_words"]

        read = report_of(json.dumps(before))

        assert read == replace(report, without_words=None)
        assert read.to_dict()["without_words"] is None
        assert "not counted then" in dict(facts(read)).values()
        assert len(b"".join(report_csv(read)).splitlines()) == 3

    async def test_expansions_are_told(self, archive: SmallArchive) -> None:
        report = await made(archive, "stem:mergers")

        assert report.terms[0].expansions[0].told == (("merger", 3),)

    async def test_words_of_posts_out_of_reach_are_told_neither_in_a_report_nor_in_its_set(
        self, archive: SmallArchive
    ) -> None:
        report = await made(archive, "else* OR mer*", actor=TREASURY, query="else* OR mer*")
        frozen = await archive.frozen_sets.show(report.set.id, actor=TREASURY)

        told = [(each.word, each.tokens, each.told) for each in report.terms[0].expansions]
        assert told == [("else*", 0, ()), ("mer*", 1, (("merger", 2),))]
        assert frozen.expansions == report.terms[0].expansions

    async def test_a_restricted_picture_is_counted_only_in_a_set_that_asks_for_it(
        self, archive: SmallArchive
    ) -> None:
        await archive.capture(arrival("hidden", ""), arrival("shown", ""))
        await archive.index_all()
        before = await made(archive, "merger")
        await restrict(archive, "hidden")

        after = await made(archive, "merger", set_id=before.set.id)
        anew = await made(archive, "merger")
        asked = await made(archive, "merger", query="is:restricted")

        assert (before.without_words, after.without_words, anew.without_words) == (2, 1, 1)
        assert (asked.documents, asked.without_words) == (1, 1)
        for report in (before, anew, asked):
            found = await archive.searching.count(report.query_without_words, actor=COUNSEL)
            assert found.count == 1

    async def test_words_of_restricted_records_are_told_to_nobody(
        self, archive: SmallArchive
    ) -> None:
        await restrict(archive, "other")

        report = await made(archive, "else*")

        assert report.terms[0].expansions[0].tokens == 0
        assert report.terms[0].documents == 0

    async def test_an_incomplete_index_makes_no_report(self, archive: SmallArchive) -> None:
        frozen = await archive.frozen_sets.freeze("", actor=COUNSEL)
        await forget(archive, "root")  # which the index knows

        with pytest.raises(SearchUnavailable, match="not complete"):
            await made(archive, "merger", set_id=frozen.id)

    @pytest.mark.parametrize(
        ("asked", "pointer"),
        [
            ({"terms": " \n"}, "terms"),
            ({"terms": "a\n" * 1001}, "terms"),
            ({"terms": "a", "syntax": "sql"}, "syntax"),
            ({"terms": "a", "set_id": "S", "query": "q"}, "set_id"),
        ],
    )
    async def test_what_cannot_be_reported_is_refused(
        self, archive: SmallArchive, asked: dict[str, str], pointer: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            await archive.term_reports.make(Wanted(**asked), actor=COUNSEL)  # type: ignore[arg-type] # texts
        assert refused.value.pointer == pointer


class TestKept:
    async def test_a_report_comes_back_as_it_was_made(self, archive: SmallArchive) -> None:
        report = await made(archive, "merger", "oops AND", name="First", matter="24-1")

        assert await archive.term_reports.show(report.id, actor=COUNSEL) == report
        (entry,) = await archive.term_reports.entries(actor=COUNSEL)
        assert (entry.id, entry.name, entry.terms, entry.hits) == (report.id, "First", 2, 3)
        viewed, reported = await archive.events_about(report.id)
        assert (viewed.action, reported.action) == (Action.TERMS_VIEWED, Action.TERMS_REPORTED)
        assert json.loads(reported.details)["documents"] == 6

    async def test_its_rows_are_never_changed(self, archive: SmallArchive) -> None:
        await made(archive, "merger")

        with pytest.raises(Conflict, match="never changed"):
            async with archive.database.transaction() as tx:
                await tx.execute(update(term_hits).values(position=7))

    async def test_two_reports_are_compared_document_by_document(
        self, archive: SmallArchive
    ) -> None:
        first = await made(archive, "merger", "picnic")
        second = await made(archive, "merger AND the", "talks", "picnic", set_id=first.set.id)

        found = await archive.term_reports.compare(second.id, first.id, actor=COUNSEL)

        assert [(each.text, each.change) for each in found.terms] == [
            ("merger AND the", Change.ADDED),
            ("talks", Change.ADDED),
            ("picnic", Change.SAME),
            ("merger", Change.REMOVED),
        ]
        assert found.same_set
        assert (found.gained, found.lost) == ((4,), ())
        members = await archive.frozen_sets.ids(first.set.id, actor=COUNSEL)
        assert await archive.term_reports.ids(found.gained) == [members.ids[4]]

    async def test_files_hold_every_table_and_no_formula(self, archive: SmallArchive) -> None:
        report = await made(archive, "=cmd|calc", "merger")

        lines = b"".join(report_csv(report)).decode("utf-8-sig").splitlines()
        assert lines[1].split(",")[1] == '"\'=cmd|calc"'
        assert len(lines) == 5
        for table in Table:
            assert b"".join(report_csv(report, table))
        assert report_xlsx(report) == report_xlsx(report)


class TestReach:
    async def test_a_limited_person_reports_on_their_part(self, archive: SmallArchive) -> None:
        report = await made(archive, "merger", actor=TREASURY)

        assert (report.documents, counts(report)) == (5, [(2, 5, 2)])
        assert report.within == ("unit Treasury",)
        assert (report.not_searchable, report.without_words) == (0, 0)
        assert await archive.term_reports.show(report.id, actor=TREASURY) == report

    async def test_a_limited_person_counts_only_their_documents_without_words(
        self, archive: SmallArchive
    ) -> None:
        for number in range(3):
            await archive.capture(arrival(f"theirs{number}", "", account="@globex"))
        await archive.capture(arrival("mine", ""))
        await archive.index_all()
        whole = await made(archive, "merger")

        report = await made(archive, "merger", actor=TREASURY)

        assert (report.without_words, whole.without_words) == (1, 4)
        found = await archive.searching.count(report.query_without_words, actor=TREASURY)
        assert found.count == 1

    async def test_reports_out_of_reach_are_not_there(self, archive: SmallArchive) -> None:
        whole = await made(archive, "merger")
        mine = await made(archive, "merger", actor=TREASURY)

        assert [each.id for each in await archive.term_reports.entries(actor=TREASURY)] == [mine.id]
        with pytest.raises(NotFound):
            await archive.term_reports.show(whole.id, actor=TREASURY)
        with pytest.raises(NotFound):
            await archive.term_reports.compare(mine.id, whole.id, actor=TREASURY)
        with pytest.raises(NotFound):
            await made(archive, "merger", actor=TREASURY, set_id=whole.set.id)
