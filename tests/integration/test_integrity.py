"""The archive's integrity as it is told: sound, damaged, repaired; and the proof to take away."""

import asyncio
import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from archiver.app import Services, open_services
from archiver.assurance.integrity_judgement import IntegrityState
from archiver.assurance.integrity_status import StorePromise
from archiver.audit.actions import Action
from archiver.config import Settings
from archiver.db import integrity as rows
from archiver.db.jobs import JobState
from archiver.errors import Denied, InvalidInput
from archiver.jobs.verifying import Extent
from archiver.jobs.work_views import JobView
from archiver.model.actor import Actor, LimitedRole, Role
from archiver.preserve.ledger.checkpoint import parse_checkpoint
from archiver.preserve.ledger.merkle import verify_consistency
from archiver.preserve.ledger.note import Ed25519Verifier, open_note, parse_note
from tests.fakes.archive import AGENT, an_arrival, found, publish, settings_for

AUDREY = Actor(name="audrey", roles=frozenset({Role.AUDITOR}), person_id="P-audrey")


@dataclass
class Archive:
    """An open archive with six posts; its jobs run when a test says so."""

    settings: Settings
    services: Services
    records: list[str] = field(default_factory=list)

    async def capture(self, *contents: bytes) -> None:
        outcomes = await self.services.ingest.submit(
            [an_arrival(content) for content in contents], actor=AGENT
        )
        await publish(self.services)
        self.records += [outcome.record_id for outcome in outcomes]

    async def verify(self, *, percent: float | None = None, content: bool = False) -> JobView:
        job = await self.services.work.start_verification(
            percent=percent, content=content, actor=AUDREY
        )
        await self.services.runner.work_off()
        await publish(self.services)
        return await self.services.work.show(job.id, actor=AUDREY)

    async def state(self) -> IntegrityState:
        return (await self.services.integrity.status(AUDREY)).state

    def flip_a_bit(self) -> Path:
        """Damage the frames of the first segment of posts."""
        path = min(self.settings.home.glob("store/seg/*/default/*/*.seg"))
        data = bytearray(path.read_bytes())
        data[200] ^= 1
        path.chmod(0o600)
        path.write_bytes(data)
        return path


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[Archive]:
    settings = await found(settings_for(tmp_path / "home"))
    async with open_services(settings) as services:
        opened = Archive(settings=settings, services=services)
        await opened.capture(*(b"post %d" % number for number in range(6)))
        yield opened


class TestStatus:
    async def test_an_archive_nobody_verified_is_not_called_verified(
        self, archive: Archive
    ) -> None:
        status = await archive.services.integrity.status(AUDREY)

        assert status.state is IntegrityState.NOT_YET
        assert status.facts.signals.store is StorePromise.AUDIT_TRAIL
        assert (status.facts.covered, status.facts.waiting) == (0, 0)

    async def test_a_verification_as_a_job_makes_it_verified(self, archive: Archive) -> None:
        job = await archive.verify()

        assert (job.state, job.result["ok"], job.result["checked"]) == (JobState.DONE, True, 6)
        status = await archive.services.integrity.status(AUDREY)
        assert status.state is IntegrityState.VERIFIED
        assert status.facts.newest is not None
        assert (status.facts.newest.by, status.facts.newest.extent) == ("audrey", "full")
        assert status.facts.covered == 6
        assert status.facts.log_size == 7  # and the event of the verification

    async def test_the_verification_is_one_event(self, archive: Archive) -> None:
        await archive.verify()

        async with archive.services.database.reading() as tx:
            events = await rows.newest_events(tx, Action.VERIFICATION_FINISHED.value, 10)
        assert len(events) == 1

    async def test_while_one_waits_or_runs_it_is_verifying(self, archive: Archive) -> None:
        await archive.services.work.start_verification(actor=AUDREY)

        assert await archive.state() is IntegrityState.VERIFYING
        await archive.services.runner.work_off()
        assert await archive.state() is IntegrityState.VERIFIED

    async def test_a_sample_tells_its_share_and_its_seed(self, archive: Archive) -> None:
        job = await archive.verify(percent=50)

        assert job.result["percent"] == 50
        assert isinstance(job.result["seed"], int)
        status = await archive.services.integrity.status(AUDREY)
        assert status.state is IntegrityState.NOT_YET
        assert status.facts.newest is not None
        assert status.facts.newest.percent == "50"

    @pytest.mark.parametrize("percent", [0, -1, 100.5, float("nan"), float("inf")])
    async def test_a_share_that_is_none_is_refused(self, archive: Archive, percent: float) -> None:
        with pytest.raises(InvalidInput, match="percentage"):
            await archive.services.work.start_verification(percent=percent, actor=AUDREY)

    @pytest.mark.parametrize(
        "actor",
        [
            Actor(name="agent", roles=frozenset({Role.CAPTURE_AGENT})),
            Actor(
                name="lena",
                roles=frozenset(),
                limited=frozenset({LimitedRole(role=Role.AUDITOR, unit="Treasury")}),
            ),
        ],
        ids=["capture agent", "auditor of one unit"],
    )
    async def test_numbers_of_the_whole_archive_are_for_who_sees_all_of_it(
        self, archive: Archive, actor: Actor
    ) -> None:
        with pytest.raises(Denied):
            await archive.services.integrity.status(actor)


class TestDamage:
    async def test_a_flipped_bit_is_a_problem_that_names_object_and_record(
        self, archive: Archive
    ) -> None:
        path = archive.flip_a_bit()

        job = await archive.verify()

        assert (job.state, job.result["ok"]) == (JobState.DONE, False)
        status = await archive.services.integrity.status(AUDREY)
        assert status.state is IntegrityState.PROBLEM
        assert status.facts.failing is not None
        named = status.facts.failing.found
        assert any(path.name in each.object_key for each in named)
        assert {each.record_id for each in named} & set(archive.records)
        assert status.reasons[0].todo.startswith("Keep everything as it is.")

    async def test_a_sound_sample_does_not_clear_it_and_a_full_one_does(
        self, archive: Archive
    ) -> None:
        path = archive.flip_a_bit()
        await archive.verify()
        data = bytearray(path.read_bytes())
        data[200] ^= 1
        path.write_bytes(data)

        await archive.verify(percent=100)
        assert await archive.state() is IntegrityState.PROBLEM
        await archive.verify()
        assert await archive.state() is IntegrityState.VERIFIED

    async def test_what_the_command_line_found_is_told_as_well(self, archive: Archive) -> None:
        archive.flip_a_bit()

        cli = Actor(name="cli:root", roles=frozenset(Role), via="cli")
        await archive.services.verifying.run(Extent(), actor=cli)

        status = await archive.services.integrity.status(AUDREY)
        assert status.facts.failing is not None
        assert status.facts.failing.by == "cli:root"

    async def test_the_report_is_the_file_of_the_job(self, archive: Archive) -> None:
        archive.flip_a_bit()
        job = await archive.verify()

        kept = await archive.services.work.file(job.id, actor=AUDREY)
        report = json.loads(await asyncio.to_thread(kept.path.read_bytes))

        assert report["ok"] is False
        assert report["problems"]


class TestProof:
    async def test_the_bundle_proves_the_checkpoint_and_that_it_continues_the_kept_one(
        self, archive: Archive
    ) -> None:
        kept = parse_checkpoint(
            parse_note(await archive.services.log.checkpoint(actor=AUDREY)).text
        )
        await archive.capture(b"one more")

        bundle = await archive.services.proofs.make(since=kept.size, actor=AUDREY)

        with zipfile.ZipFile(io.BytesIO(bundle.content)) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
        verifier = Ed25519Verifier.from_vkey(archive.services.archive.vkey)
        note = open_note(files["checkpoint"], [verifier])
        head = parse_checkpoint(note.text)
        proof = json.loads(files["consistency.json"])
        verify_consistency(
            old_size=kept.size,
            new_size=head.size,
            proof=[_base64(each) for each in proof["proof"]],
            old_root=kept.root,
            new_root=head.root,
        )
        assert head.size > kept.size
        assert archive.services.archive.vkey in files["policy.txt"].decode()
        assert "muniment verify --full --from" in files["README.txt"].decode()

    async def test_without_a_kept_size_it_holds_no_consistency_proof(
        self, archive: Archive
    ) -> None:
        bundle = await archive.services.proofs.make(actor=AUDREY)

        with zipfile.ZipFile(io.BytesIO(bundle.content)) as opened:
            assert set(opened.namelist()) == {"README.txt", "checkpoint", "policy.txt"}
            assert "consistency.json  " not in opened.read("README.txt").decode()

    async def test_a_size_the_log_never_had_is_refused(self, archive: Archive) -> None:
        with pytest.raises(InvalidInput):
            await archive.services.proofs.make(since=10_000, actor=AUDREY)


def _base64(text: str) -> bytes:
    return base64.b64decode(text)
