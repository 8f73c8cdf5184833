"""Opening records and saying why they are kept: verified, proved, explained, never unnoticed."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from archiver.audit.actions import Action
from archiver.clock import to_millis
from archiver.db import file_plan as file_plan_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db.tables import record
from archiver.errors import Conflict, Denied, IntegrityError, NotFound
from archiver.model.actor import Actor, Role
from archiver.model.post import Change, PartRole
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.proof import parse_tlog_proof
from archiver.preserve.object_keys import log_prefix
from retention.decisions import State
from tests.fakes.small_archive import (
    AGENT,
    AUDITOR,
    COUNSEL,
    START,
    SmallArchive,
    arrival,
    small_archive,
)

FILM = b"film" * 5_000  # over the inline limit, so it is a blob
OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))
ADMINISTRATOR = Actor(name="ada", roles=frozenset({Role.ADMINISTRATOR}))


@pytest.fixture
async def archive(tmp_path: Path, database_url: str) -> AsyncIterator[SmallArchive]:
    """An open archive without posts."""
    async with small_archive(tmp_path / "home", database_url) as opened:
        yield opened


async def captured(archive: SmallArchive) -> str:
    """Capture a post with a film and return its record id."""
    (outcome,) = await archive.capture(arrival("p1", "We opened a shop.", media=FILM))
    return outcome.record_id


class TestShowing:
    async def test_a_record_shows_all_that_is_known_of_it(self, archive: SmallArchive) -> None:
        record_id = await captured(archive)

        told = (await archive.records.show(record_id, actor=COUNSEL)).to_dict()

        json.dumps(told)
        assert (told["id"], told["log_index"], told["type"]) == (record_id, 0, "rec")
        assert (told["text"], told["change"], told["post_id"]) == (
            *("We opened a shop.", "created"),
            "p1",
        )
        assert told["author"] == {"id": "1", "handle": "@acme", "name": "Acme Corp"}
        assert told["posted_at"] == told["captured_at"] == "2026-03-02T09:00:00.000Z"
        assert told["provenance"] == {
            "method": "push",
            "source": "test",
            "connector": "",
            "version": "",
            "details": {},
        }
        assert told["parts"][1] == {  # type: ignore[index]
            "name": "film.mp4",
            "role": "media",
            "media_type": "video/mp4",
            "size": len(FILM),
            "sha256": hashlib.sha256(FILM).hexdigest(),
        }
        assert (told["class_code"], told["rule"], told["schedule_version"]) == (
            *("default", "1/default"),
            1,
        )
        assert (told["holds"], told["versions"], told["duplicate_of"]) == ([], 1, None)
        assert str(told["segment"]).startswith(f"seg/{archive.archive.id}/default/")

    async def test_parts_come_back_byte_for_byte(self, archive: SmallArchive) -> None:
        record_id = await captured(archive)

        raw = await archive.records.raw(record_id, actor=COUNSEL)
        film = await archive.records.part(record_id, "film.mp4", actor=COUNSEL)

        assert (raw.role, film.role, film.content) == (PartRole.RAW, PartRole.MEDIA, FILM)
        assert json.loads(raw.content)["text"] == "We opened a shop."
        assert await archive.records.parts(record_id, actor=COUNSEL) == (raw, film)
        with pytest.raises(NotFound, match=r"payload.json, film.mp4"):
            await archive.records.part(record_id, "other", actor=COUNSEL)

    async def test_versions_of_a_post_stand_oldest_first(self, archive: SmallArchive) -> None:
        hour = timedelta(hours=1)
        for change, edited, text in (
            (Change.EDITED, START - hour, "second"),  # arrives before the first
            (Change.CREATED, START - 2 * hour, "first"),
            (Change.DELETED, None, "gone"),
        ):
            await archive.capture(arrival("p1", text, change=change, edited_at=edited))
            archive.clock.pass_by(hour)
        (other,) = await archive.capture(arrival("p2", "another post"))

        async with archive.database.reading() as tx:
            (middle, *_) = await record_rows.ids_at(tx, [0])
        versions = await archive.records.versions(middle, actor=COUNSEL)
        assert [version.change for version in versions] == ["created", "edited", "deleted"]
        assert versions[1].to_dict()["id"] == middle
        assert len(await archive.records.versions(other.record_id, actor=COUNSEL)) == 1

    async def test_an_old_post_and_its_old_edit_captured_together_stand_in_their_order(
        self, archive: SmallArchive
    ) -> None:
        day = timedelta(days=1)
        first, edited = await archive.capture(
            arrival("p1", "first", posted_at=START - 9 * day),
            arrival("p1", "second", change=Change.EDITED, edited_at=START - 8 * day),
        )

        versions = await archive.records.versions(first.record_id, actor=COUNSEL)
        assert [version.id for version in versions] == [first.record_id, edited.record_id]

    async def test_every_read_is_an_event(self, archive: SmallArchive) -> None:
        record_id = await captured(archive)
        await archive.publish()
        for act in (
            *(archive.records.show, archive.records.raw, archive.records.parts),
            *(archive.records.versions, archive.records.proof, archive.records.verify),
            archive.filing.why,
        ):
            before = len(await archive.events_about(record_id))
            await act(record_id, actor=COUNSEL)
            assert len(await archive.events_about(record_id)) == before + 1

    async def test_altered_bytes_are_never_returned(self, archive: SmallArchive) -> None:
        record_id = await captured(archive)
        async with archive.database.transaction() as tx:
            await tx.execute(update(record).values(frame_offset=record.c.frame_offset + 1))

        for act in (archive.records.show, archive.records.raw, archive.records.parts):
            with pytest.raises(IntegrityError, match=record_id):
                await act(record_id, actor=COUNSEL)


class TestWhoMayRead:
    @pytest.mark.parametrize("actor", [AGENT, OPERATOR, ADMINISTRATOR])
    async def test_who_may_not_read_content_opens_no_post(
        self, archive: SmallArchive, actor: Actor
    ) -> None:
        record_id = await captured(archive)
        for act in (
            *(archive.records.show, archive.records.raw, archive.records.parts),
            archive.records.versions,
        ):
            with pytest.raises(Denied, match="read content"):
                await act(record_id, actor=actor)
        assert await archive.events_about(record_id) == []

    async def test_events_are_read_by_who_may_read_the_trail(self, archive: SmallArchive) -> None:
        record_id = await captured(archive)
        await archive.records.show(record_id, actor=COUNSEL)
        (event,) = await archive.events_about(record_id)

        raw = await archive.records.raw(event.record_id, actor=AUDITOR)
        assert json.loads(raw.content)["actor"] == "carla"
        told = (await archive.records.show(event.record_id, actor=ADMINISTRATOR)).to_dict()
        assert (told["type"], told["versions"], "text" in told) == ("aud", 1, False)
        with pytest.raises(Denied, match="read audit"):
            await archive.records.raw(event.record_id, actor=COUNSEL)

    @pytest.mark.parametrize("name", ["", "01KAM0000000000000000000AA", "../x", "ü" * 5_000])
    async def test_what_is_no_record_is_not_found(self, archive: SmallArchive, name: str) -> None:
        for act in (archive.records.show, archive.records.proof, archive.filing.why):
            with pytest.raises(NotFound):
                await act(name, actor=COUNSEL)


class TestProving:
    async def test_a_proof_convinces_who_has_only_the_entry_and_the_logs_key(
        self, archive: SmallArchive
    ) -> None:
        await archive.capture(*(arrival(f"q{number}", "x") for number in range(5)))
        record_id = await captured(archive)
        with pytest.raises(Conflict, match="try again in a second"):
            await archive.records.proof(record_id, actor=COUNSEL)
        await archive.publish()

        proof = parse_tlog_proof((await archive.records.proof(record_id, actor=COUNSEL)).encode())

        async with archive.database.reading() as tx:
            entry, *_ = await ledger_rows.entries(tx, 5, 6)
        verifier = Ed25519Verifier.from_vkey(archive.archive.vkey)
        assert proof.verify(entry, archive.archive.origin, [verifier]).size == 6

    async def test_a_sound_record_passes_every_check(self, archive: SmallArchive) -> None:
        record_id = await captured(archive)
        await archive.publish()

        told = await archive.records.verify(record_id, actor=OPERATOR)

        assert told["ok"] is True
        checks = told["checks"]
        assert [check["what"] for check in checks] == [  # type: ignore[attr-defined]
            *("stored bytes", "part payload.json", "part film.mp4"),
            "place in the log",
        ]

    async def test_a_lost_film_fails_its_own_check_and_no_other(
        self, archive: SmallArchive, tmp_path: Path
    ) -> None:
        record_id = await captured(archive)
        await archive.publish()
        (film,) = [
            path
            for path in (tmp_path / "home" / "store" / "blob").rglob("*")
            if path.is_file() and path.suffix != ".lock"
        ]
        film.unlink()

        told = await archive.records.verify(record_id, actor=AUDITOR)

        assert told["ok"] is False
        failed = [check["what"] for check in told["checks"] if not check["ok"]]  # type: ignore[attr-defined]
        assert failed == ["part film.mp4"]
        (event,) = await archive.events_about(record_id)
        assert (event.action, event.result) == (Action.RECORD_VERIFIED, "integrity")

    async def test_a_log_whose_tile_was_altered_proves_nothing(
        self, archive: SmallArchive, tmp_path: Path
    ) -> None:
        record_id = await captured(archive)
        await archive.capture(arrival("p2", "x"))
        await archive.publish()
        tiles = tmp_path / "home" / "store" / log_prefix(archive.archive.id) / "tile" / "0"
        (tile,) = [path for path in tiles.rglob("2") if path.is_file()]
        tile.chmod(0o644)
        tile.write_bytes(bytes(64))

        with pytest.raises(IntegrityError):
            await archive.records.proof(record_id, actor=COUNSEL)
        told = await archive.records.verify(record_id, actor=AUDITOR)
        assert [check["ok"] for check in told["checks"]] == [True, True, True, False]  # type: ignore[attr-defined]


class TestWhy:
    async def test_the_reasons_name_class_rule_schedule_and_citation(
        self, archive: SmallArchive
    ) -> None:
        record_id = await captured(archive)

        why = (await archive.filing.why(record_id, actor=OPERATOR)).to_dict()

        shown = (await archive.records.show(record_id, actor=COUNSEL)).to_dict()
        assert (why["id"], why["state"]) == (record_id, "retain")
        reasons = why["reasons"]
        assert isinstance(reasons, list)
        assert reasons[0] == {
            "text": "No rule of class rules version 1 matches: the default class default stands. "
            "Schedule version 1 of the class applies.",
            "citation": "class default, schedule version 1",
        }
        assert len(reasons) > 1
        assert all(reason["citation"] for reason in reasons)
        # The lock is set for whole months, so it is what ends last.
        assert str(why["until"]) >= str(shown["retain_until"])

    async def test_a_record_is_explained_by_the_schedule_pinned_on_it(
        self, archive: SmallArchive
    ) -> None:
        record_id = await captured(archive)
        before = await archive.filing.why(record_id, actor=COUNSEL)
        async with archive.database.transaction() as tx:
            body = await file_plan_rows.get_schedule(tx, "default", 1)
            longer = {**body, "version": 2}
            longer["terms"] = [{**term, "period": "P30Y"} for term in body["terms"]]
            at = to_millis(archive.clock())
            await file_plan_rows.add_schedule(tx, "default", 2, longer, at)

        assert await archive.filing.why(record_id, actor=COUNSEL) == before
        (default, *_) = [
            each
            for each in await archive.filing.classes(actor=COUNSEL)
            if each["code"] == "default"
        ]
        assert default["schedule"]["version"] == 2
        versions = await archive.filing.schedules("default", actor=COUNSEL)
        assert [each["version"] for each in versions] == [2, 1]
        assert versions[1]["in_force_from"] == "2026-03-02T09:00:00.000Z"

    async def test_when_every_term_and_lock_has_ended_a_record_is_eligible(
        self, archive: SmallArchive
    ) -> None:
        record_id = await captured(archive)
        before = await archive.filing.why(record_id, actor=COUNSEL)
        assert before.until is not None

        archive.clock.now = before.until
        assert (await archive.filing.why(record_id, actor=COUNSEL)).state == State.ELIGIBLE
        archive.clock.now = before.until - timedelta(seconds=1)
        assert (await archive.filing.why(record_id, actor=COUNSEL)).state != State.ELIGIBLE

    async def test_a_version_counts_as_superseded_from_the_capture_of_the_next(
        self, archive: SmallArchive
    ) -> None:
        first = await captured(archive)
        async with archive.database.transaction() as tx:
            body = await file_plan_rows.get_schedule(tx, "default", 1)
            terms = [{**term, "trigger": "superseded"} for term in body["terms"]]
            at = to_millis(archive.clock())
            await file_plan_rows.add_schedule(
                tx, "default", 2, {**body, "version": 2, "terms": terms}, at
            )
            await tx.execute(update(record).values(schedule_version=2))
        awaiting = await archive.filing.why(first, actor=COUNSEL)
        assert (awaiting.state, awaiting.until) == (State.AWAITING_EVENT, None)

        archive.clock.pass_by(timedelta(days=3))
        await archive.capture(arrival("p1", "We closed it.", change=Change.EDITED))
        superseded = await archive.filing.why(first, actor=COUNSEL)
        assert superseded.state == State.RETAIN
        assert any("Superseded 2026-03-05" in reason.text for reason in superseded.reasons)

    async def test_events_are_explained_too(self, archive: SmallArchive) -> None:
        await archive.records.show(await captured(archive), actor=COUNSEL)
        (event,) = await archive.events_about("carla")

        why = await archive.filing.why(event.record_id, actor=AUDITOR)
        assert "event of the archive's own" in why.reasons[0].text
        assert len(why.reasons) > 1  # and the terms of its class

    async def test_the_file_plan_is_not_for_capture_agents(self, archive: SmallArchive) -> None:
        with pytest.raises(Denied):
            await archive.filing.why(await captured(archive), actor=AGENT)
        with pytest.raises(Denied):
            await archive.filing.classes(actor=AGENT)
        with pytest.raises(Denied):
            await archive.filing.schedules("default", actor=AGENT)
        with pytest.raises(NotFound):
            await archive.filing.schedules("nothing", actor=COUNSEL)
