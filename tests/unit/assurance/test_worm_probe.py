"""How the lock probe judges: by the answer and by its effect, never by one alone."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.worm_principals import read_credentials
from archiver.assurance.worm_probe import (
    CANARIES,
    CONTROL,
    Canary,
    control,
    differences,
    lifting,
    refusal,
    run_probe,
    success,
    was_entitled,
)
from archiver.clock import Clock, system_clock
from archiver.errors import ConfigurationError, StorageUnavailable
from archiver.ids import Ulids
from archiver.model.lock import Lock, LockMode
from archiver.preserve.ledger.entry import WormCheck
from archiver.preserve.object_keys import probe_prefix
from archiver.preserve.store import StoredObject
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.opening import open_trial
from archiver.preserve.store.trials import Answer

UNTIL = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
LOCK = Lock(mode=LockMode.COMPLIANCE, until=UNTIL)
BODY = b"canary"
CANARY = Canary(key="probe/a/b", version_id="v", body=BODY, lock=LOCK)
SEEN = StoredObject(
    key="probe/a/b",
    version_id="v",
    size=len(BODY),
    sha256=hashlib.sha256(BODY).digest(),
    lock=LOCK,
)
DONE = Answer(accepted=True, said="204")
REFUSED = Answer(accepted=False, said="403 AccessDenied")
EARLIER = replace(LOCK, until=UNTIL - timedelta(seconds=1))


def test_a_version_found_as_it_was_put_does_not_differ() -> None:
    assert differences(CANARY, SEEN, BODY) == ""
    assert differences(CANARY, replace(SEEN, sha256=None), BODY) == ""


@pytest.mark.parametrize(
    ("seen", "body", "expected"),
    [
        (None, b"", "the version is gone"),
        (SEEN, b"canarx", "bytes or checksum"),
        (replace(SEEN, sha256=b"\0" * 32), BODY, "bytes or checksum"),
        (replace(SEEN, lock=None), BODY, "s3:GetObjectRetention"),
        (replace(SEEN, lock=EARLIER), BODY, "compliance until 2026-11-22T12:04:59"),
        (replace(SEEN, lock=replace(LOCK, mode=LockMode.GOVERNANCE)), BODY, "now governance"),
        (replace(SEEN, legal_hold=True), BODY, "under hold now"),
    ],
)
def test_each_change_of_a_canary_is_named(
    seen: StoredObject | None, body: bytes, expected: str
) -> None:
    assert expected in differences(CANARY, seen, body)


def test_a_hold_that_head_does_not_show_is_named() -> None:
    held = replace(CANARY, legal_hold=True)

    assert "s3:GetObjectLegalHold" in differences(held, SEEN, BODY)


@given(st.binary(max_size=8), st.sampled_from([None, LOCK, EARLIER]), st.booleans())
def test_nothing_but_the_canary_itself_passes_for_it(
    body: bytes,
    lock: Lock | None,
    legal_hold: bool,  # noqa: FBT001 - drawn
) -> None:
    seen = replace(SEEN, lock=lock, legal_hold=legal_hold, sha256=hashlib.sha256(body).digest())

    same = body == BODY and lock == LOCK and not legal_hold
    assert (differences(CANARY, seen, body) == "") is same


@pytest.mark.parametrize(
    ("answer", "differing", "ok"),
    [
        (REFUSED, "", True),
        (DONE, "", False),  # it says it did what it must not do
        (REFUSED, "the version is gone", False),  # it did what it says it refused
        (DONE, "the version is gone", False),
    ],
)
def test_a_forbidden_attempt_must_be_refused_and_without_effect(
    answer: Answer,
    differing: str,
    ok: bool,  # noqa: FBT001 - a column of the table
) -> None:
    check = refusal("delete by version", answer, differing)

    assert check.ok is ok
    assert answer.said in check.found


def test_a_granted_attempt_must_be_answered_yes_and_take_effect() -> None:
    assert success("put", "stored", DONE, "").ok
    assert not success("put", "stored", REFUSED, "").ok
    assert not success("put", "stored", DONE, "HEAD shows no lock").ok


@pytest.mark.parametrize(
    ("expected", "answer", "lifted", "ok"),
    [
        (None, DONE, True, True),
        (None, REFUSED, False, True),
        (True, DONE, True, True),
        (True, REFUSED, False, False),
        (False, REFUSED, False, True),
        (False, DONE, True, False),
        (None, DONE, False, False),
        (None, REFUSED, True, False),
        (False, REFUSED, True, False),
    ],
)
def test_who_lifts_a_hold_is_compared_with_who_should(
    expected: bool | None,  # noqa: FBT001 - a column of the table
    answer: Answer,
    lifted: bool,  # noqa: FBT001 - a column of the table
    ok: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert lifting("lift", expected=expected, answer=answer, lifted=lifted).ok is ok


def test_a_credential_that_may_not_delete_passes_but_is_told_from_one_that_may() -> None:
    may, may_not = control(DONE, gone=True), control(REFUSED, gone=False)

    assert may.ok
    assert may_not.ok
    assert was_entitled([may])
    assert not was_entitled([may_not])
    assert "missing rights" in may_not.found
    assert not control(DONE, gone=False).ok
    assert may.name == CONTROL


def _on_files(store: FilesystemStore, clock: Clock) -> tuple[WormCheck, ...]:
    return run_probe(
        archive_id="01M802DMSES14RHYY1BKSFE0JC",
        store=store,
        trial=open_trial(store.url, clock=clock),
        principals=(),
        clock=clock,
        ids=Ulids().take(CANARIES, clock()),
    )


def test_a_probe_so_slow_that_its_lock_may_have_ended_proves_nothing(
    filesystem_store: FilesystemStore,
) -> None:
    started, calls = system_clock(), iter(range(1000))

    def slow() -> datetime:
        return started + timedelta(seconds=20 * next(calls))

    with pytest.raises(StorageUnavailable, match="proves nothing"):
        _on_files(filesystem_store, slow)


def test_what_a_probe_left_is_removed_by_one_after_the_locks_have_ended(
    tmp_path: Path,
) -> None:
    FilesystemStore.create(tmp_path / "store")
    now = system_clock()
    held_key = probe_prefix("01M802DMSES14RHYY1BKSFE0JC") + "left-under-hold"
    early = FilesystemStore(tmp_path / "store", clock=lambda: now)
    _on_files(early, lambda: now)
    early.put(held_key, b"a probe that died before it lifted its hold", legal_hold=True)
    before = set(early.list_keys("probe/"))

    later = FilesystemStore(tmp_path / "store", clock=lambda: now + timedelta(hours=1))
    _on_files(later, lambda: now + timedelta(hours=1))

    assert held_key in before
    assert not before & set(later.list_keys("probe/"))


class TestCredentialsFile:
    def test_it_names_principals_with_keys_from_files_beside_it(self, tmp_path: Path) -> None:
        (tmp_path / "d.id").write_text("AKID\n")
        (tmp_path / "d.key").write_text("secret\n")
        path = tmp_path / "principals.toml"
        path.write_text('[disposer]\naccess_key_id_file = "d.id"\nsecret_key_file = "d.key"\n')

        (read,) = read_credentials(path)

        assert (read.name, read.key.id, read.key.secret) == ("disposer", "AKID", "secret")
        assert not read.lifts_holds
        assert "secret" not in repr(read)

    def test_without_a_file_there_are_none(self) -> None:
        assert read_credentials(None) == ()

    @pytest.mark.parametrize(
        "text",
        [
            "[disposer",
            "disposer = 1",
            '[disposer]\naccess_key_id_file = "d.id"',
            '[disposer]\naccess_key_id_file = "no"\nsecret_key_file = "no"',
            '["Not a name"]\naccess_key_id_file = "d"\nsecret_key_file = "d"',
            '[d]\naccess_key_id_file = "d"\nsecret_key_file = "d"\nmore = 1',
            '[d]\naccess_key_id_file = "empty"\nsecret_key_file = "empty"',
        ],
    )
    def test_what_it_cannot_use_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "empty").touch()
        path = tmp_path / "principals.toml"
        path.write_text(text)

        with pytest.raises(ConfigurationError, match="MUNIMENT_WORM_CREDENTIALS_FILE"):
            read_credentials(path)

    @given(st.binary(max_size=200))
    def test_garbage_is_refused_as_a_setting(
        self, tmp_path_factory: pytest.TempPathFactory, garbage: bytes
    ) -> None:
        path = tmp_path_factory.mktemp("garbage") / "principals.toml"
        path.write_bytes(b"[d]\nx = " + garbage)

        with pytest.raises(ConfigurationError):
            read_credentials(path)
