"""Evidence bundles: they verify without the archive, come out the same twice, and never twist."""

import io
import json
import random
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiver.app import open_services
from archiver.assurance.attestations import Attestations
from archiver.assurance.evidence.choosing import Wanted
from archiver.assurance.evidence_verifier import CHECKS
from archiver.assurance.timestamp_view import TimestampView
from archiver.audit.actions import Action
from archiver.config import Settings
from archiver.db import events as event_rows
from archiver.errors import Conflict, Denied, IntegrityError, InvalidInput, NotFound, TooLarge
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.model.post import Change
from archiver.preserve.ledger.timestamps import Authority
from archiver.preserve.object_keys import timestamp_object, trust_object
from tests.fakes.archive import AGENT, an_arrival, publish
from tests.fakes.evidence_bundles import (
    COUNSEL,
    EVERYBODY,
    Courtroom,
    courtroom,
    failed,
    members_of,
    verify,
)

AUDITOR = Actor(name="audrey", roles=frozenset({Role.AUDITOR}))
OPERATOR = Actor(name="olga", roles=frozenset({Role.OPERATOR}))


@pytest.fixture
async def room(local_settings: Settings, tmp_path: Path) -> AsyncIterator[Courtroom]:
    """An archive with stamped posts."""
    async with courtroom(local_settings, tmp_path) as opened:
        yield opened


class TestABundle:
    async def test_verifies_with_every_check_made(self, room: Courtroom) -> None:
        await room.stamp()
        exported = await room.export(*room.records)
        policy = f"log {room.services.archive.vkey}\nquorum none\n"

        report = verify(exported.path.read_bytes(), policy=policy, roots=room.tsa.root)

        assert failed(report) == set()
        assert {check["id"] for check in report["checks"] if check["made"]} == set(CHECKS)
        assert report["ok"]
        assert report["trust"] == []
        assert report["records"] == list(room.records)
        assert report["conclusion"].startswith("3 records existed by ")
        assert report["conclusion"].endswith(" at the latest, unaltered since.")

    async def test_holds_the_verbatim_bytes_and_what_the_log_commits_to(
        self, room: Courtroom
    ) -> None:
        exported = await room.export(room.records[-1])
        files = members_of(exported.path.read_bytes())
        folder = f"records/{room.records[-1]}"

        assert files[f"{folder}/parts/000-post.json"] == b'{"film": 1}'
        assert files[f"{folder}/parts/001-0.jpg"] == b"film" * 90_000
        assert json.loads(files[f"{folder}/entry.json"])["id"] == room.records[-1]
        assert json.loads(files[f"{folder}/why.json"])["reasons"]
        assert files[f"{folder}/frame.bin"].startswith(b"SMF1")

    async def test_comes_out_the_same_for_the_same_log_size(self, room: Courtroom) -> None:
        first = await room.export(*room.records, name="one.zip")
        await room.services.ingest.submit([an_arrival(b"later")], actor=AGENT)
        await room.services.holds.place(
            name="later",
            matter="",
            reason="test",
            query=None,
            accounts=["acme"],
            record_ids=[],
            actor=EVERYBODY,
        )
        await publish(room.services)

        again = await room.export(*reversed(room.records), name="two.zip", log_size=first.log_size)
        newest = await room.export(*room.records, name="three.zip")

        assert again.path.read_bytes() == first.path.read_bytes()
        assert newest.log_size > first.log_size
        assert newest.sha256 != first.sha256

    async def test_proves_each_record_under_its_earliest_timestamp(self, room: Courtroom) -> None:
        (late,) = await room.services.ingest.submit([an_arrival(b"late")], actor=AGENT)
        await room.stamp()
        exported = await room.export(room.records[0], late.record_id)
        files = members_of(exported.path.read_bytes())

        sizes = [
            int(files[f"records/{each}/proof.tlog-proof"].split(b"\n\n")[1].split(b"\n")[1])
            for each in (room.records[0], late.record_id)
        ]
        assert sizes[0] < sizes[1]
        assert exported.timestamps == 2
        assert f"consistency/{sizes[0]:012d}-{sizes[1]:012d}.json" in files

    async def test_tells_the_trail_of_a_record_to_who_may_read_it(self, room: Courtroom) -> None:
        told = members_of((await room.export(room.records[0], name="a.zip")).path.read_bytes())
        untold = members_of(
            (await room.export(room.records[0], name="b.zip", with_events=False)).path.read_bytes()
        )
        counsels = members_of(
            (await room.export(room.records[0], name="c.zip", actor=COUNSEL)).path.read_bytes()
        )

        name = f"records/{room.records[0]}/events.jsonl"
        events = [json.loads(json.loads(line)["event"]) for line in told[name].splitlines()]
        assert [event["actor"] for event in events] == ["carla", "carla"]
        assert name not in untold
        assert name not in counsels  # counsel exports, and does not read the audit trail
        assert b"audit trail was left out" in counsels["README.txt"]

    async def test_without_a_timestamp_says_whose_clock_it_rests_on(
        self, local_settings: Settings, tmp_path: Path
    ) -> None:
        async with courtroom(local_settings, tmp_path) as room:
            (late,) = await room.services.ingest.submit([an_arrival(b"late")], actor=AGENT)
            await publish(room.services)
            exported = await room.export(late.record_id)

        assert exported.timestamps == 0
        assert "rests on the archive's own clock" in exported.conclusion
        readme = members_of(exported.path.read_bytes())["README.txt"].decode()
        assert "THERE ARE NONE" in readme
        assert "by any clock but the archive's own" in " ".join(readme.split())

    async def test_of_a_hold_has_all_its_records(self, room: Courtroom) -> None:
        hold = await room.services.holds.place(
            name="Doe v. Acme",
            matter="",
            reason="suit",
            query=None,
            accounts=["acme"],
            record_ids=[],
            actor=EVERYBODY,
        )
        await publish(room.services)
        exported = await room.export(hold_id=hold.id)

        assert exported.records == len(room.records)
        why = json.loads(
            members_of(exported.path.read_bytes())[f"records/{room.records[0]}/why.json"]
        )
        assert why["state"] == "held"

    async def test_is_an_event_in_the_trail(self, room: Courtroom) -> None:
        exported = await room.export(room.records[0])
        async with room.services.database.reading() as tx:
            newest, *_ = await event_rows.list_about(tx, room.records[0], 1)

        assert newest.action == Action.EVIDENCE_EXPORTED
        assert json.loads(newest.details)["bundle_sha256"] == exported.sha256

    async def test_shows_hostile_posts_without_doing_what_they_say(self, room: Courtroom) -> None:
        hostile = b"<script>alert(1)</script>\x1b[2J\xe2\x80\xae <img src=x onerror=alert(1)>"
        (outcome,) = await room.services.ingest.submit([an_arrival(hostile)], actor=AGENT)
        await publish(room.services)
        exported = await room.export(outcome.record_id)
        files = members_of(exported.path.read_bytes())
        pages = [content.decode() for name, content in files.items() if name.endswith(".html")]

        assert len(pages) == 4
        for page in pages:
            assert "default-src 'none'" in page
            assert not {"<script", "<img", "\x1b", "\u202e", "javascript:", "http://"} & {
                each
                for each in ("<script", "<img", "\x1b", "\u202e", "javascript:", "http://")
                if each in page
            }
        assert "&lt;script&gt;" in files[f"records/{outcome.record_id}/page.html"].decode()

    async def test_drafts_certificates_that_a_person_completes(self, room: Courtroom) -> None:
        await room.stamp()
        files = members_of((await room.export(*room.records)).path.read_bytes())
        schedule = files["schedule-a.txt"].decode()

        for number in ("13", "14"):
            text = files[f"certificate-902-{number}.txt"].decode()
            assert text.startswith("DRAFT: TO BE REVIEWED BY COUNSEL")
            assert f"902({number})" in text
            assert "28 U.S.C. § 1746" in text
            assert "under penalty of perjury under the laws of the United States" in text
            assert "Signature: ______" in text
            assert "Known gaps" in text
            assert "3 records" in text
        for record_id in room.records:
            manifest = json.loads(files[f"records/{record_id}/manifest.json"])
            assert all(part["sha256"] in schedule for part in manifest["parts"])
        assert schedule.count("Timestamp by test-tsa: ") == len(room.records)


class TestRefusals:
    async def test_who_may_not_export_or_read_gets_nothing(self, room: Courtroom) -> None:
        for actor in (AUDITOR, OPERATOR, AGENT):
            with pytest.raises(Denied):
                await room.export(room.records[0], actor=actor)
        assert not (room.folder / "bundle.zip").exists()

    async def test_an_event_is_given_only_to_who_may_read_the_trail(self, room: Courtroom) -> None:
        async with room.services.database.reading() as tx:
            event, *_ = await event_rows.list_about(tx, room.records[0], 1)

        with pytest.raises(Denied):
            await room.export(event.record_id, actor=COUNSEL)
        assert (await room.export(event.record_id)).records == 1

    async def test_a_record_without_a_checkpoint_is_refused_in_words(self, room: Courtroom) -> None:
        (outcome,) = await room.services.ingest.submit([an_arrival(b"new")], actor=AGENT)

        with pytest.raises(Conflict, match="not under a checkpoint yet"):
            await room.export(outcome.record_id)

    async def test_what_is_not_there_is_refused(self, room: Courtroom) -> None:
        with pytest.raises(NotFound, match="no record 01JD4M8X7ZK3Q9V5T2W6Y8B1CD"):
            await room.export("01JD4M8X7ZK3Q9V5T2W6Y8B1CD")
        with pytest.raises(InvalidInput, match="needs records"):
            await room.export()
        with pytest.raises(InvalidInput, match="no checkpoint of 2 entries"):
            await room.export(room.records[-1], log_size=2)

    async def test_a_file_in_the_way_is_left_alone(self, room: Courtroom) -> None:
        (room.folder / "bundle.zip").write_bytes(b"mine")

        with pytest.raises(Conflict, match="there is a file"):
            await room.export(room.records[0])
        assert (room.folder / "bundle.zip").read_bytes() == b"mine"

    async def test_damaged_content_makes_no_bundle(self, room: Courtroom) -> None:
        home = room.services.settings.home
        (segment,) = [
            path for path in home.rglob("*.seg") if b"SMF1" in path.read_bytes() and _is_post(path)
        ]
        segment.chmod(0o600)
        segment.write_bytes(segment.read_bytes()[:60] + b"\0\0\0\0" + segment.read_bytes()[64:])

        with pytest.raises(IntegrityError):
            await room.export(room.records[0])
        assert [path.name for path in room.folder.glob("*.zip*")] == []
        assert [path.name for path in room.folder.glob(".*.partial")] == []

    async def test_a_stored_timestamp_over_other_bytes_makes_no_bundle(
        self, room: Courtroom
    ) -> None:
        await room.services.ingest.submit([an_arrival(b"more")], actor=AGENT)
        size = (await publish(room.services)).size
        archive, store = room.services.archive.id, room.services.store
        await store.put(timestamp_object(archive, size, "test-tsa"), room.tsa.stamp(b"other"))
        assert await store.get(trust_object(archive, "tsa-roots.pem")) == room.tsa.root

        with pytest.raises(IntegrityError, match="other bytes than this checkpoint"):
            await room.export(room.records[0])


async def test_a_thousand_single_byte_changes_are_a_thousand_refusals(room: Courtroom) -> None:
    await room.stamp()
    small = await room.export(room.records[0], name="small.zip")
    large = await room.export(*room.records[:2], name="large.zip", with_events=False)
    bundles = [small.path.read_bytes(), large.path.read_bytes()]
    drawn = random.Random(902)

    accepted = []
    for number in range(1000):
        bundle = bytearray(bundles[number % 2])
        place, change = drawn.randrange(len(bundle)), drawn.randrange(1, 256)
        bundle[place] ^= change
        report = verify(bytes(bundle))
        if report["ok"] or not failed(report):
            accepted.append((number, place, change))

    assert accepted == []
    assert all(verify(bundle)["ok"] for bundle in bundles)


async def test_bytes_added_removed_or_moved_are_refused(room: Courtroom) -> None:
    bundle = (await room.export(room.records[0])).path.read_bytes()
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members_of(bundle).items():
            packed.writestr(name, content)

    for other in (b"x" + bundle, bundle + b"x", bundle[:-1], bundle[1:], b"", again.getvalue()):
        assert "container" in failed(verify(other))


async def test_any_zip_tool_opens_a_bundle(room: Courtroom) -> None:
    exported = await room.export(*room.records)
    with zipfile.ZipFile(exported.path) as opened:
        dates = {info.date_time for info in opened.infolist()}

    assert dates == {(1980, 1, 1, 0, 0, 0)}
    assert datetime(1980, 1, 1, tzinfo=UTC) < datetime.now(UTC)


def _is_post(path: Path) -> bool:
    return "AUDIT" not in str(path).upper()


async def test_a_bundle_verifies_with_the_old_key_and_with_the_new(
    local_settings: Settings, tmp_path: Path
) -> None:
    async with courtroom(local_settings, tmp_path) as room:
        old = f"log {room.services.archive.vkey}\nquorum none\n"
        record = room.records[0]
    async with open_services(local_settings) as services:
        added = await services.keys.rotate_log(actor=EVERYBODY)
    async with open_services(local_settings) as services:
        (late,) = await services.ingest.submit([an_arrival(b"late")], actor=AGENT)
        await publish(services)
        wanted = Wanted(record_ids=(record, late.record_id))
        exported = await services.evidence.export(wanted, tmp_path / "both.zip", actor=EVERYBODY)
    bundle = exported.path.read_bytes()

    assert verify(bundle)["ok"]
    assert verify(bundle, policy=old)["ok"]
    by_the_new_alone = verify(bundle, policy=f"log {added}\nquorum none\n")
    assert "seal" not in failed(by_the_new_alone)
    assert "checkpoints" in failed(by_the_new_alone)  # the earlier one is of the old key


async def test_bundles_come_from_every_store_and_database(
    settings: Settings, tmp_path: Path
) -> None:
    async with courtroom(settings, tmp_path) as room:
        edit = an_arrival(b"edited", post_id="p", change=Change.EDITED)
        await room.services.ingest.submit([an_arrival(b"made", post_id="p")], actor=AGENT)
        (outcome,) = await room.services.ingest.submit([edit], actor=AGENT)
        await room.services.holds.place(
            name="Doe v. Acme",
            matter="",
            reason="suit",
            query=None,
            accounts=[],
            record_ids=[outcome.record_id],
            actor=EVERYBODY,
        )
        await room.stamp()
        exported = await room.export(*room.records, outcome.record_id)
        locked = room.services.store.blocking.enforces_locks
    files = members_of(exported.path.read_bytes())
    states = {
        name.split("/")[1]: json.loads(content)["state"]
        for name, content in files.items()
        if name.endswith("/why.json")
    }

    assert verify(exported.path.read_bytes(), roots=room.tsa.root)["ok"]
    assert exported.timestamps == 2
    assert states == {**dict.fromkeys(room.records, "retain"), outcome.record_id: "held"}
    assert files[f"records/{room.records[0]}/events.jsonl"].count(b"\n") == 2
    assert (b"enforces no lock" in files["README.txt"]) is not locked


class TestWithinReach:
    """Somebody limited to a matter takes evidence of its records and learns of no other."""

    MATTER = "Smith v. Acme"

    def limited(self, matter: str = MATTER) -> Actor:
        held = frozenset({LimitedRole(role=Role.COUNSEL, matter=matter)})
        return Actor(name="lena", roles=frozenset(), limited=held, via="web")

    async def place(self, room: Courtroom, *record_ids: str) -> str:
        view = await room.services.holds.place(
            name="Smith",
            matter=self.MATTER,
            reason="claim",
            record_ids=list(record_ids),
            actor=COUNSEL,
        )
        return str(view.to_dict()["id"])

    async def test_bundles_are_made_of_what_is_in_reach_only(self, room: Courtroom) -> None:
        inside, outside, *_ = room.records
        hold_id = await self.place(room, inside)
        await publish(room.services)

        made = await room.export(inside, actor=self.limited())
        assert made.records == 1
        by_hold = await room.export(name="hold.zip", hold_id=hold_id, actor=self.limited())
        assert by_hold.records == 1
        for wanted in (outside, "01KAM000000000000000000000"):
            with pytest.raises(NotFound, match=f"no record {wanted}"):
                await room.export(inside, wanted, name="more.zip", actor=self.limited())
            with pytest.raises(NotFound, match=f"no record {wanted}"):
                await room.services.evidence.one(wanted, actor=self.limited())
        with pytest.raises(NotFound, match="no hold"):
            await room.export(name="other.zip", hold_id=hold_id, actor=self.limited("Other"))

    async def test_a_record_in_reach_is_handed_out_at_once_and_verifies(
        self, room: Courtroom
    ) -> None:
        await self.place(room, room.records[0])
        await publish(room.services)

        bundle = await room.services.evidence.one(room.records[0], actor=self.limited())

        report = verify(bundle.content)
        assert failed(report) == set()
        assert report["records"] == [room.records[0]]
        assert bundle.name == f"evidence-{room.records[0]}.zip"

    async def test_a_record_with_much_media_is_no_download_at_once(
        self, room: Courtroom, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("archiver.assurance.evidence.exporting.MOST_AT_ONCE", 100_000)

        with pytest.raises(TooLarge, match="as a job"):
            await room.services.evidence.one(room.records[-1], actor=COUNSEL)
        await room.services.evidence.one(room.records[0], actor=COUNSEL)


async def test_the_first_timestamp_over_a_record_is_named_and_verified(room: Courtroom) -> None:
    services, archive = room.services, room.services.archive
    await room.stamp()

    def attestations(*roots: bytes) -> Attestations:
        view = TimestampView(
            archive_id=archive.id,
            authorities=[Authority(name="test-tsa", url="", roots=roots)] if roots else [],
            store=services.store,
            database=services.database,
        )
        policy = services.witnessing.policy
        return Attestations(archive_id=archive.id, stamps=view, policy=policy, store=services.store)

    (first,) = (await attestations(room.tsa.root).over(0)).stamps
    assert (first.authority, first.problem) == ("test-tsa", "")
    assert first.at is not None
    (later,) = (await attestations(room.tsa.root).over(first.size)).stamps
    assert later.size > first.size
    assert (await attestations(room.tsa.root).over(later.size)).stamps == ()
    (unknown,) = (await attestations().over(0)).stamps
    assert (unknown.size, unknown.at) == (first.size, None)
    assert "no longer in the authorities file" in unknown.problem


async def test_custody_tells_of_a_timestamp_that_cannot_be_verified_here(room: Courtroom) -> None:
    custody = await room.services.records.custody(room.records[0], actor=COUNSEL)

    (step,) = (each for each in custody.steps if each.what == "Timestamped by test-tsa")
    assert step.at is None
    assert "it does not verify" in step.detail
