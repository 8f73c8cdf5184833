"""Keyring and epoch keys: made once, never overwritten, opened by the right secret only."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import ConfigurationError, IntegrityError, NotFound, StorageUnavailable
from archiver.model.lock import Lock, LockMode
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import (
    Keyring,
    create_keyring,
    open_keyring,
    write_keyring,
    write_private,
)
from archiver.preserve.object_keys import epoch_object
from archiver.preserve.store.filesystem import FilesystemStore
from tests.fakes.faulty_store import Call, Fault, FaultyStore, fail_call
from tests.unit.ledger.mutations import mutations

ARCHIVE = "01JD4M8X7ZK3Q9V5T2W6Y8B1C0"
EPOCH = epoch_object(ARCHIVE, "c", "2032-11")
SOON = Lock(mode=LockMode.GOVERNANCE, until=datetime(2099, 1, 1, tzinfo=UTC))
LATER = Lock(mode=LockMode.GOVERNANCE, until=datetime(2099, 2, 1, tzinfo=UTC))
STRICT = Lock(mode=LockMode.COMPLIANCE, until=datetime(2099, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return create_keyring(ARCHIVE, "log.example", os.urandom)


def written(folder: Path, keyring: Keyring, *, seal: str = "key-file") -> tuple[Path, Path]:
    path, secret = folder / "keyring.json", folder / "secret"
    secret.write_bytes(b"correct horse battery")
    write_keyring(path, keyring, seal=seal, secret=secret.read_bytes(), randomness=os.urandom)
    return path, secret


@pytest.mark.parametrize("seal", ["key-file", "scrypt"])
def test_the_right_secret_opens_the_keyring_and_another_does_not(
    seal: str, tmp_path: Path, keyring: Keyring
) -> None:
    path, secret = written(tmp_path, keyring, seal=seal)

    secret.write_bytes(secret.read_bytes() + (b"\r\n" if seal == "scrypt" else b""))
    assert open_keyring(path, secret, passphrase=seal == "scrypt") == keyring
    secret.write_bytes(b"another")
    with pytest.raises(ConfigurationError, match="does not open"):
        open_keyring(path, secret, passphrase=seal == "scrypt")


def test_a_keyring_holds_no_key_in_clear_and_is_its_owners_alone(
    tmp_path: Path, keyring: Keyring
) -> None:
    path, _ = written(tmp_path, keyring)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring.root_keys[0] not in path.read_bytes()
    assert keyring.root_keys[0].hex() not in repr(keyring)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["keyring.json", "secret"]


def test_a_keyring_is_never_overwritten(tmp_path: Path, keyring: Keyring) -> None:
    path, secret = written(tmp_path, keyring)
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="never overwritten"):
        write_keyring(path, keyring, seal="key-file", secret=b"x", randomness=os.urandom)
    assert path.read_bytes() == before
    assert open_keyring(path, secret, passphrase=False) == keyring
    assert len(list(tmp_path.iterdir())) == 2


def test_a_crash_while_it_is_written_leaves_no_half_a_keyring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(Exception):
        pass

    def cut(_descriptor: int) -> None:
        raise PowerCutError

    path = tmp_path / "keyring.json"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", cut)
        with pytest.raises(PowerCutError):
            write_private(path, b"secret")
    assert not path.exists()
    write_private(path, b"secret")
    assert path.read_bytes() == b"secret"


def test_every_small_damage_to_a_keyring_is_a_configuration_error(
    tmp_path: Path, keyring: Keyring
) -> None:
    path, secret = written(tmp_path, keyring)
    sound = path.read_bytes()
    damaged = tmp_path / "damaged"
    for data in mutations(sound, step=3):
        damaged.write_bytes(data)
        try:
            found = open_keyring(damaged, secret, passphrase=False)
        except ConfigurationError:
            continue
        # What is not sealed cannot be checked here: the database is compared with the origin, and
        # JSON may be spaced otherwise.
        assert (found.root_keys, found.log_keys) == (keyring.root_keys, keyring.log_keys)


@settings(deadline=None)  # it reads a file
@given(data=st.binary(max_size=80))
def test_garbage_is_a_configuration_error(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError):
        open_keyring(path, None, passphrase=False)


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"seal": "none"}, {"salt": "*"}, {"sealed": ""}, {"sealed": "é"}, {"archive": "é"}],
)
def test_a_keyring_of_another_kind_is_refused(
    change: dict[str, object], tmp_path: Path, keyring: Keyring
) -> None:
    path, secret = written(tmp_path, keyring)
    path.write_bytes(msgspec.json.encode(msgspec.json.decode(path.read_bytes()) | change))

    with pytest.raises(ConfigurationError):
        open_keyring(path, secret, passphrase=False)


def test_an_epoch_key_is_made_once_and_found_again(
    keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    key = Epochs(keyring, filesystem_store, os.urandom).for_writing("c", "2032-11", SOON)
    again = Epochs(keyring, filesystem_store, os.urandom)

    assert again.for_reading("c", "2032-11") == key
    assert again.for_writing("c", "2032-11", SOON) == key
    with pytest.raises(NotFound):
        again.for_reading("c", "2032-12")


def test_of_two_writers_that_make_an_epoch_key_one_wins_and_both_use_its_key(
    keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    both = threading.Barrier(2)

    def meet(call: Call) -> None:
        if call.operation == "put":
            both.wait(timeout=10)

    stores = [FaultyStore(filesystem_store, before=meet) for _ in range(2)]
    writers = [Epochs(keyring, store, os.urandom) for store in stores]
    with ThreadPoolExecutor(2) as threads:
        keys = list(threads.map(lambda each: each.for_writing("c", "2032-11", SOON), writers))

    assert (
        keys[0]
        == keys[1]
        == Epochs(keyring, filesystem_store, os.urandom).for_reading("c", "2032-11")
    )


@pytest.mark.parametrize("fault", Fault)
def test_an_epoch_key_whose_storing_failed_is_not_used_until_it_is_known_to_be_stored(
    fault: Fault, keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    store = FaultyStore(filesystem_store, plan=fail_call(1, fault))
    epochs = Epochs(keyring, store, os.urandom)

    with pytest.raises(StorageUnavailable):
        epochs.for_writing("c", "2032-11", SOON)
    key = epochs.for_writing("c", "2032-11", SOON)
    assert Epochs(keyring, filesystem_store, os.urandom).for_reading("c", "2032-11") == key
    assert filesystem_store.head(EPOCH).lock == SOON


def test_a_later_or_stricter_lock_of_a_segment_reaches_its_epoch_key(
    keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    store = FaultyStore(filesystem_store)
    epochs = Epochs(keyring, store, os.urandom)
    kept = []
    for lock in (SOON, LATER, SOON, STRICT, None):
        epochs.for_writing("c", "2032-11", lock)
        kept.append(filesystem_store.head(EPOCH).lock)

    strictest = Lock(mode=LockMode.COMPLIANCE, until=LATER.until)
    assert kept == [SOON, LATER, LATER, strictest, strictest]
    assert [call.operation for call in store.calls] == ["put", "extend_lock", "extend_lock"]


def test_an_epoch_key_made_by_another_process_gets_the_lock_too(
    keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    Epochs(keyring, filesystem_store, os.urandom).for_writing("c", "2032-11", None)
    assert filesystem_store.head(EPOCH).lock is None

    Epochs(keyring, filesystem_store, os.urandom).for_writing("c", "2032-11", SOON)
    assert filesystem_store.head(EPOCH).lock == SOON


def test_every_small_damage_to_an_epoch_key_is_refused(
    keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    key = Epochs(keyring, filesystem_store, os.urandom).for_writing("c", "2032-11", SOON)
    sound = filesystem_store.get(EPOCH)
    stored = filesystem_store._path(EPOCH)
    stored.chmod(0o600)
    for data in mutations(sound, step=3):
        stored.write_bytes(data)
        try:
            found = Epochs(keyring, filesystem_store, os.urandom).for_reading("c", "2032-11")
        except IntegrityError:
            continue
        assert found == key, "what is damaged says nothing of the key: names beside it, spaces"


def test_an_epoch_key_does_not_open_for_another_class_month_or_archive(
    keyring: Keyring, filesystem_store: FilesystemStore
) -> None:
    epochs = Epochs(keyring, filesystem_store, os.urandom)
    epochs.for_writing("c", "2032-11", None)
    body = filesystem_store.get(EPOCH)
    filesystem_store.put(epoch_object(ARCHIVE, "d", "2032-11"), body)
    filesystem_store.put(epoch_object(ARCHIVE, "c", "2032-12"), body)

    for class_code, period in (("d", "2032-11"), ("c", "2032-12")):
        with pytest.raises(IntegrityError, match="does not open"):
            epochs.for_reading(class_code, period)
    another = create_keyring(ARCHIVE, "log.example", os.urandom)
    with pytest.raises(IntegrityError, match="another archive's"):
        Epochs(another, filesystem_store, os.urandom).for_reading("c", "2032-11")
