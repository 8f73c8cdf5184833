"""The lock probe on a real S3 server, on one that lies, on a plain bucket and on files."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from archiver.app import Services, open_services
from archiver.assurance.worm_probe import was_entitled
from archiver.cli.main import main
from archiver.cli.serve import serve_archive
from archiver.clock import system_clock, to_millis
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db import worm_probes
from archiver.errors import ConfigurationError, IntegrityError, StorageUnavailable
from archiver.jobs.examination import examine
from archiver.jobs.finding import State
from archiver.jobs.worm_probing import AUDIT_TRAIL, EVERY, Probed
from archiver.model.lock import Lock, LockMode
from archiver.preserve.ledger.entry import WormCheck, worm_entry
from archiver.preserve.object_keys import probe_prefix
from archiver.preserve.store.opening import open_store, open_trial
from retention.templates import AUDIT_CLASS
from tests.conftest import BUCKET
from tests.fakes.archive import eventually, found, publish, require_included, settings_for
from tests.fakes.lying_s3_proxy import Lie, LyingS3Proxy
from tests.fakes.seaweedfs import ADMINISTRATOR, LIMITED, SeaweedFS

PREFIX = "worm-probe"

CONVICTED_BY = {
    Lie.STORES_WITHOUT_LOCK: "put with a lock",
    Lie.SHOWS_LOCKS_IT_DROPPED: "delete by version",
    Lie.HIDES_LOCKS: "put with a lock",
    Lie.SAYS_DELETED: "delete by version",
    Lie.DELETES: "delete by version",
    Lie.DELETES_AND_SAYS_REFUSED: "delete by version",
    Lie.SAYS_SHORTENED: "shorten the lock",
    Lie.CREATES_TWICE: "put if none is there, twice",
    Lie.TAKES_ANY_CHECKSUM: "put with a wrong checksum",
    Lie.DROPS_HOLDS: "put with a legal hold",
    Lie.KEEPS_NO_HOLD_LIFTED: "lift the hold",
}


@pytest.fixture
async def on_s3(seaweedfs: SeaweedFS, tmp_path: Path) -> Settings:
    """Settings of an archive in a locking bucket."""
    url = seaweedfs.store_url(BUCKET, f"{PREFIX}-{tmp_path.name}")
    return await found(settings_for(tmp_path / "home", store_url=url))


@asynccontextmanager
async def opened(settings: Settings, store_url: str) -> AsyncIterator[Services]:
    """The archive opened as if its store were at another URL."""
    async with open_services(settings.model_copy(update={"store_url": store_url})) as services:
        yield services


@pytest.fixture
def plain_bucket(seaweedfs: SeaweedFS) -> Iterator[str]:
    """The URL of a store in a bucket without versioning and Object Lock."""
    client = boto3.client("s3", endpoint_url=seaweedfs.endpoint_url, region_name="us-east-1")
    client.create_bucket(Bucket="without-object-lock")
    yield seaweedfs.store_url("without-object-lock")
    client.close()


def failed(probed: Probed) -> list[str]:
    return [check.name for check in probed.entry.checks if not check.ok]


def table(probed: Probed) -> None:
    """Show what was tried, for whoever reads the test's output."""
    for check in probed.entry.checks:
        print("ok " if check.ok else "NOT", check.name, "|", check.found)


@pytest.mark.integration
class TestOnS3:
    async def test_a_sound_store_passes_and_the_result_is_in_the_signed_log(
        self, on_s3: Settings
    ) -> None:
        async with open_services(on_s3) as services:
            probed = await services.worm.probe()
            table(probed)

            assert failed(probed) == []
            assert probed.entry.ok
            assert was_entitled(probed.entry.checks)
            head = await publish(services)
            async with services.database.reading() as tx:
                (data,) = await ledger_rows.entries(tx, probed.log_index, probed.log_index + 1)
            require_included(services, head, probed.log_index, data)
            assert await services.worm.newest() == probed

    async def test_what_was_proven_is_not_tried_again_within_a_week(self, on_s3: Settings) -> None:
        async with open_services(on_s3) as services:
            await services.worm.require_for_capture()
            proven = await services.worm.newest()

            await services.worm.require_for_capture()
            assert await services.worm.weekly() == ""

            assert proven is not None
            assert await services.worm.newest() == proven

    async def test_a_probe_of_last_week_is_repeated(self, on_s3: Settings) -> None:
        async with open_services(on_s3) as services:
            old = await self._noted(services, ok=True, age=EVERY + timedelta(hours=1))

            await services.worm.weekly()

            newest = await services.worm.newest()
            assert newest is not None
            assert newest.log_index > old

    async def test_a_failed_probe_is_repeated_at_once(self, on_s3: Settings) -> None:
        async with open_services(on_s3) as services:
            await self._noted(services, ok=False, age=timedelta(0))

            await services.worm.require_for_capture()

            newest = await services.worm.newest()
            assert newest is not None
            assert newest.entry.ok

    async def test_what_the_other_principals_may_is_tried_as_them(
        self, on_s3: Settings, tmp_path: Path
    ) -> None:
        async with open_services(on_s3) as services:
            file = _principals(tmp_path, limited=LIMITED, holds=ADMINISTRATOR)
            probed = await replace(services.worm, credentials_file=file).probe()
            table(probed)

        found = {check.name: check for check in probed.entry.checks}
        assert failed(probed) == []
        assert found["lift the hold as limited"].expected == "may not lift it"
        assert "it may: hold lifted" in found["lift the hold as holds"].found
        assert "version unchanged" in found["delete as holds"].found

    async def test_a_principal_that_lifts_holds_and_should_not_fails_the_probe(
        self, on_s3: Settings, tmp_path: Path
    ) -> None:
        async with open_services(on_s3) as services:
            file = _principals(tmp_path, disposer=ADMINISTRATOR)
            probed = await replace(services.worm, credentials_file=file).probe()

        assert failed(probed) == ["lift the hold as disposer"]

    async def test_a_credential_the_store_does_not_know_is_no_result(
        self, on_s3: Settings, tmp_path: Path
    ) -> None:
        async with open_services(on_s3) as services:
            file = _principals(tmp_path, auditor=("AKUNKNOWN", "secret-that-nobody-knows"))
            with pytest.raises(ConfigurationError, match="as auditor, of MUNIMENT_WORM"):
                await replace(services.worm, credentials_file=file).probe()

            assert await services.worm.newest() is None

    async def test_canaries_whose_lock_has_ended_are_removed_by_the_next_probe(
        self, on_s3: Settings
    ) -> None:
        async with open_services(on_s3) as services:
            url, key = services.store.blocking.url, probe_prefix(services.archive.id) + "old"
            lock = Lock(mode=LockMode.COMPLIANCE, until=system_clock() + timedelta(seconds=2))
            trial = open_trial(url, clock=system_clock)
            await asyncio.to_thread(trial.put, key, b"canary", lock=lock.in_whole_seconds())
            trial.close()

            async def ended() -> bool:
                return system_clock() > lock.in_whole_seconds().until + timedelta(seconds=1)

            await eventually(ended)
            await services.worm.probe()

            left = [key async for key in services.store.list_keys(key)]
            assert left == []

    async def test_a_store_that_is_down_neither_passes_nor_fails(
        self, on_s3: Settings, seaweedfs: SeaweedFS
    ) -> None:
        async with open_services(on_s3) as services:
            url = on_s3.store_url.replace(f":{seaweedfs.port}", ":1")
            away = replace(services.worm, store=open_store(url, clock=system_clock, create=False))
            with pytest.raises(StorageUnavailable):
                await away.require_for_capture()
            assert await away.newest() is None

    async def _noted(self, services: Services, *, ok: bool, age: timedelta) -> int:
        check = WormCheck(name="delete by version", expected="refused", found="204", ok=ok)
        url = services.store.blocking.url
        entry = worm_entry(url, [check], to_millis(system_clock() - age))
        async with services.database.transaction() as tx:
            index = await ledger_rows.add(tx, [entry])
            await worm_probes.add(tx, index, store=url, ok=ok)
        return index


@pytest.mark.integration
@pytest.mark.parametrize("lie", Lie)
async def test_a_store_that_lies_is_convicted_and_takes_no_captures(
    on_s3: Settings, seaweedfs: SeaweedFS, lie: Lie
) -> None:
    with LyingS3Proxy(seaweedfs.port, lie) as liar:
        url = on_s3.store_url.replace(f":{seaweedfs.port}", f":{liar.port}")
        async with opened(on_s3, url) as services:
            probed = await services.worm.probe()
            table(probed)

            assert CONVICTED_BY[lie] in failed(probed)
            assert not probed.entry.ok
            with pytest.raises(ConfigurationError, match=AUDIT_CLASS):
                await services.worm.require_for_capture()
            with pytest.raises(IntegrityError, match="does not keep compliance locks"):
                await services.worm.weekly()


@pytest.mark.integration
async def test_the_proxy_without_a_lie_passes(on_s3: Settings, seaweedfs: SeaweedFS) -> None:
    with LyingS3Proxy(seaweedfs.port, None) as honest:
        url = on_s3.store_url.replace(f":{seaweedfs.port}", f":{honest.port}")
        async with opened(on_s3, url) as services:
            assert failed(await services.worm.probe()) == []


@pytest.mark.integration
async def test_a_bucket_without_object_lock_fails_and_is_not_served(
    on_s3: Settings, plain_bucket: str
) -> None:
    async with opened(on_s3, plain_bucket) as services:
        probed = await services.worm.probe()
        table(probed)

        assert failed(probed) == ["put with a lock", "put with a legal hold"]
        assert (
            len(probed.entry.checks) == 2
        )  # nothing is called sound that was refused for the lock
        with pytest.raises(ConfigurationError, match=f"captured into {AUDIT_CLASS}; use"):
            await serve_archive(services, "127.0.0.1", 0)
        found = await examine(services.settings, clock=system_clock)

    assert {each.part: each.state for each in found}["store"] is State.PROBLEM


class TestOnFiles:
    async def test_the_probe_says_what_the_program_refuses_and_the_disk_does_not(
        self, local_settings: Settings
    ) -> None:
        async with open_services(local_settings) as services:
            probed = await services.worm.probe()

        assert failed(probed) == ["delete behind the store's back"]
        assert not probed.entry.ok

    async def test_captures_are_taken_and_the_store_is_called_what_it_is(
        self, local_settings: Settings
    ) -> None:
        async with open_services(local_settings) as services:
            await services.worm.require_for_capture()
            assert await services.worm.weekly() == AUDIT_TRAIL

        told = {each.part: each for each in await examine(local_settings, clock=system_clock)}
        assert told["locks"].said == AUDIT_TRAIL
        assert {each.state for each in told.values()} == {State.OK, State.WARNING}

    async def test_a_second_probe_removes_nothing_that_is_still_locked(
        self, local_settings: Settings
    ) -> None:
        async with open_services(local_settings) as services:
            await services.worm.probe()
            prefix = probe_prefix(services.archive.id)
            before = [key async for key in services.store.list_keys(prefix)]

            await services.worm.probe()

            after = [key async for key in services.store.list_keys(prefix)]
        assert before
        assert set(before) < set(after)

    async def test_a_missing_store_is_a_problem_and_the_rest_is_still_examined(
        self, local_settings: Settings
    ) -> None:
        local_settings.home.joinpath("store").rename(local_settings.home / "away")

        told = {each.part: each for each in await examine(local_settings, clock=system_clock)}

        assert told["store"].state is State.PROBLEM
        assert told["log"].said == "not looked at: store must work first"
        assert told["database"].state is State.OK


def _principals(folder: Path, **identities: tuple[str, str]) -> Path:
    """A credentials file naming these principals; the one called `holds` is meant to lift."""
    lines = []
    for name, (key_id, secret) in identities.items():
        (folder / f"{name}.id").write_text(key_id + "\n")
        (folder / f"{name}.key").write_text(secret + "\n")
        lines.append(
            f'[{name}]\naccess_key_id_file = "{name}.id"\nsecret_key_file = "{name}.key"\n'
        )
        lines.append(f"lifts_holds = {'true' if name == 'holds' else 'false'}\n")
    path = folder / "principals.toml"
    path.write_text("".join(lines))
    return path


@pytest.mark.integration
class TestCommandLine:
    @pytest.fixture
    def home(self, tmp_path: Path, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> Path:
        url = seaweedfs.store_url(BUCKET, f"{PREFIX}-{tmp_path.name}")
        monkeypatch.setenv("MUNIMENT_STORE_URL", url)
        asyncio.run(found(settings_for(tmp_path / "home", store_url=url)))
        return tmp_path / "home"

    def test_doctor_worm_shows_what_was_tried_and_ends_with_0_on_a_sound_store(
        self, home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = main(["doctor", "worm", "--home", str(home)])

        said = capsys.readouterr().out
        print(said)
        assert code == 0
        assert "delete by version\trefused; version unchanged\t403 AccessDenied" in said
        assert "0 not as a WORM store answers" in said
        assert main(["doctor", "--home", str(home)]) == 0
        assert "ok       locks         WORM (17 CFR" in capsys.readouterr().out

    def test_it_ends_with_1_on_a_store_that_lies_which_then_is_not_served(
        self,
        home: Path,
        seaweedfs: SeaweedFS,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with LyingS3Proxy(seaweedfs.port, Lie.DELETES) as liar:
            url = seaweedfs.store_url(BUCKET, f"{PREFIX}-{home.parent.name}", port=liar.port)
            monkeypatch.setenv("MUNIMENT_STORE_URL", url)
            assert main(["doctor", "worm", "--home", str(home)]) == 1
            assert "NOT WORM" in capsys.readouterr().out

            assert main(["doctor", "--home", str(home)]) == 1
            assert main(["serve", "--home", str(home)]) == 2

        assert "does not keep compliance locks" in capsys.readouterr().err
