"""What every object store promises, checked on each implementation, S3 on a real server."""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.clock import system_clock
from archiver.errors import Conflict, IntegrityError, InvalidInput, NotFound
from archiver.model.lock import Lock, LockMode
from archiver.preserve.store import ObjectStore, StoredObject
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from archiver.preserve.store.second_copy import SecondCopy
from archiver.preserve.store.threads import AsyncStore

KEY = "seg/acme/broker/2032-11/01K0000000.seg"
BODY = b"posts"


def compliance(**ahead: float) -> Lock:
    return Lock(mode=LockMode.COMPLIANCE, until=whole(system_clock() + timedelta(**ahead)))


def governance(**ahead: float) -> Lock:
    return Lock(mode=LockMode.GOVERNANCE, until=whole(system_clock() + timedelta(**ahead)))


def whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


@pytest.fixture(
    params=["filesystem", pytest.param("s3", marks=pytest.mark.integration), "second copy"]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """Each implementation in turn, empty, and a store with a second copy, which is one too."""
    if request.param != "second copy":
        chosen: ObjectStore = request.getfixturevalue(f"{request.param}_store")
        return chosen
    folders = (tmp_path / "first", tmp_path / "second")
    for folder in folders:
        FilesystemStore.create(folder)
    first, second = (FilesystemStore(folder, clock=system_clock) for folder in folders)
    return SecondCopy(first, lambda: second, clock=system_clock)


# --- putting and reading


def test_what_was_put_is_read_back_and_described(store: ObjectStore) -> None:
    stored = store.put(KEY, BODY)
    assert store.get(KEY) == BODY
    assert store.get(KEY, version_id=stored.version_id) == BODY
    found = store.head(KEY)
    assert found == store.head(KEY, version_id=stored.version_id)
    assert (found.key, found.version_id, found.size) == (KEY, stored.version_id, len(BODY))
    assert found.sha256 == stored.sha256 == hashlib.sha256(BODY).digest()
    assert found.lock is None
    assert not found.legal_hold
    assert found.modified_at is not None
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_same_bytes_at_the_same_key_are_stored_once(store: ObjectStore) -> None:
    first = store.put(KEY, BODY)
    assert store.put(KEY, BODY).version_id == first.version_id
    assert [found.version_id for found in store.list_versions("")] == [first.version_id]


def test_other_bytes_at_the_same_key_are_refused_and_nothing_changes(store: ObjectStore) -> None:
    store.put(KEY, BODY, lock=compliance(hours=1))
    before = store.head(KEY)
    with pytest.raises(IntegrityError, match="other bytes") as refusal:
        store.put(KEY, BODY + b"!", lock=compliance(hours=2), legal_hold=True)
    assert refusal.value.object_key == KEY
    assert store.get(KEY) == BODY
    assert store.head(KEY) == before
    assert len(list(store.list_versions(""))) == 1


@pytest.mark.parametrize("size", [0, 1, 8 * 1024 * 1024])
def test_objects_of_every_size_are_kept_whole(store: ObjectStore, size: int) -> None:
    body = hashlib.sha256(b"seed").digest() * (size // 32) + b"x" * (size % 32)
    store.put(KEY, body, lock=governance(minutes=5))
    assert store.get(KEY) == body
    assert store.head(KEY).size == size


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 3, b"012"),
        (3, 4, b"3456"),
        (8, 2, b"89"),
        (8, 100, b"89"),
        (10, 5, b""),
        (99, 5, b""),
        (4, 0, b""),
    ],
)
def test_a_range_is_cut_only_by_the_end_of_the_object(
    store: ObjectStore, offset: int, length: int, expected: bytes
) -> None:
    version_id = store.put(KEY, b"0123456789").version_id
    assert store.get_range(KEY, offset, length) == expected
    assert store.get_range(KEY, offset, length, version_id=version_id) == expected


def test_a_range_of_an_empty_object_is_empty(store: ObjectStore) -> None:
    store.put(KEY, b"")
    assert store.get_range(KEY, 0, 5) == b""


@pytest.mark.parametrize(("offset", "length"), [(-1, 5), (0, -1)])
def test_a_negative_range_is_refused(store: ObjectStore, offset: int, length: int) -> None:
    store.put(KEY, BODY)
    with pytest.raises(InvalidInput, match="not a range"):
        store.get_range(KEY, offset, length)


@pytest.mark.parametrize(
    "read",
    [
        lambda store, **which: store.get(KEY, **which),
        lambda store, **which: store.head(KEY, **which),
        lambda store, **which: store.get_range(KEY, 0, 1, **which),
        lambda store, **which: store.get_range(KEY, 0, 0, **which),
    ],
    ids=["get", "head", "range", "empty range"],
)
def test_a_missing_object_or_version_is_not_found(
    store: ObjectStore, read: Callable[..., object]
) -> None:
    with pytest.raises(NotFound, match=KEY):
        read(store)
    stored = store.put(KEY, BODY)
    unknown = ("0" if stored.version_id[0] != "0" else "1") + stored.version_id[1:]
    with pytest.raises(NotFound, match=KEY):
        read(store, version_id=unknown)


def test_the_folder_of_an_object_is_not_an_object(store: ObjectStore) -> None:
    store.put("a/b/c", BODY)
    for key in ("a", "a/b"):
        with pytest.raises(NotFound):
            store.get(key)
        with pytest.raises(NotFound):
            store.head(key)


# --- names


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "./a",
        "a/.hidden",
        "a\0b",
        "a\nb",
        "a\n",
        "a b",
        "a\\b",
        "ä",
        "a/\u2028",
        "a.lock",
        "a.lock/b",
        "a/" + "x" * 201,
        "x/" * 500 + "x",
    ],
)
def test_names_that_could_escape_or_clash_are_refused(store: ObjectStore, key: str) -> None:
    for act in (
        lambda: store.put(key, BODY),
        lambda: store.replace(key, BODY),
        lambda: store.restore(key, BODY),
        lambda: store.get(key),
        lambda: store.head(key),
        lambda: store.get_range(key, 0, 1),
        lambda: store.delete(key, version_id="0"),
        lambda: store.set_legal_hold(key, version_id="0", on=True),
        lambda: store.extend_lock(key, version_id="0", lock=compliance(hours=1)),
    ):
        with pytest.raises(InvalidInput, match="not an object key"):
            act()
    assert list(store.list_keys("")) == []


@pytest.mark.parametrize("prefix", ["/", "../", "a//", "a/../b", "ä"])
def test_prefixes_that_no_key_can_have_are_refused(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(InvalidInput):
        list(store.list_keys(prefix))
    with pytest.raises(InvalidInput):
        list(store.list_versions(prefix))


# --- locks


def test_a_locked_object_is_not_deleted_before_the_lock_ends(store: ObjectStore) -> None:
    locks = {"compliance": compliance(seconds=2), "governance": governance(seconds=2)}
    versions = {key: store.put(key, BODY, lock=lock).version_id for key, lock in locks.items()}
    for key, version_id in versions.items():
        assert store.head(key).lock == locks[key]
        with pytest.raises(Conflict, match="locked"):
            store.delete(key, version_id=version_id)
        assert store.get(key) == BODY
    while system_clock() <= max(lock.until for lock in locks.values()) + timedelta(seconds=0.5):
        time.sleep(0.1)
    for key, version_id in versions.items():
        store.delete(key, version_id=version_id)
    assert list(store.list_versions("")) == []


def test_a_lock_is_extended_and_never_shortened(store: ObjectStore) -> None:
    short, long = compliance(hours=1), compliance(hours=2)
    version_id = store.put(KEY, BODY, lock=short).version_id
    store.extend_lock(KEY, version_id=version_id, lock=long)
    assert store.head(KEY).lock == long
    store.extend_lock(KEY, version_id=version_id, lock=short)
    assert store.head(KEY).lock == long


def test_putting_the_same_bytes_extends_the_lock_and_sets_the_hold(store: ObjectStore) -> None:
    first = store.put(KEY, BODY, lock=compliance(hours=1))
    longer = compliance(hours=2)
    again = store.put(KEY, BODY, lock=longer, legal_hold=True)
    assert (again.version_id, again.lock, again.legal_hold) == (first.version_id, longer, True)
    found = store.head(KEY)
    assert (found.lock, found.legal_hold) == (longer, True)
    store.put(KEY, BODY, lock=compliance(hours=1))
    assert store.head(KEY).lock == longer
    assert store.head(KEY).legal_hold, "a put never lifts a hold"


def test_an_unlocked_object_can_be_locked_later(store: ObjectStore) -> None:
    version_id = store.put(KEY, BODY).version_id
    lock = compliance(hours=1)
    store.extend_lock(KEY, version_id=version_id, lock=lock)
    assert store.head(KEY).lock == lock
    with pytest.raises(Conflict):
        store.delete(KEY, version_id=version_id)


def test_a_governance_lock_can_become_a_compliance_lock_but_not_the_reverse(
    store: ObjectStore,
) -> None:
    version_id = store.put(KEY, BODY, lock=governance(hours=2)).version_id
    store.extend_lock(KEY, version_id=version_id, lock=compliance(hours=1))
    found = store.head(KEY).lock
    assert found is not None
    assert found.mode is LockMode.COMPLIANCE
    assert found.until > system_clock() + timedelta(minutes=110), "the later end is kept"
    later = governance(hours=3)
    store.extend_lock(KEY, version_id=version_id, lock=later)
    assert store.head(KEY).lock == Lock(mode=LockMode.COMPLIANCE, until=later.until)


def test_fractions_of_a_second_are_rounded_up(store: ObjectStore) -> None:
    until = datetime(2099, 1, 1, 0, 0, 0, 1, UTC)
    store.put(KEY, BODY, lock=Lock(mode=LockMode.GOVERNANCE, until=until))
    lock = store.head(KEY).lock
    assert lock is not None
    assert lock.until == datetime(2099, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_a_lock_that_has_ended_already_and_the_lock_none_lock_nothing(store: ObjectStore) -> None:
    nothing = Lock(mode=LockMode.NONE, until=datetime(2099, 1, 1, tzinfo=UTC))
    for number, lock in enumerate((compliance(hours=-1), nothing)):
        stored = store.put(f"k{number}", BODY, lock=lock)
        assert store.head(f"k{number}").lock is None
        store.extend_lock(f"k{number}", version_id=stored.version_id, lock=lock)
        store.delete(f"k{number}", version_id=stored.version_id)


def test_a_hold_blocks_deletion_until_it_is_lifted(store: ObjectStore) -> None:
    version_id = store.put(KEY, BODY).version_id
    for _ in range(2):
        store.set_legal_hold(KEY, version_id=version_id, on=True)
        assert store.head(KEY).legal_hold
    with pytest.raises(Conflict, match="legal hold"):
        store.delete(KEY, version_id=version_id)
    for _ in range(2):
        store.set_legal_hold(KEY, version_id=version_id, on=False)
    assert not store.head(KEY).legal_hold
    store.delete(KEY, version_id=version_id)
    assert list(store.list_versions("")) == []


def test_a_hold_can_be_set_with_the_put_and_leaves_the_lock_alone(store: ObjectStore) -> None:
    lock = compliance(hours=1)
    stored = store.put(KEY, BODY, lock=lock, legal_hold=True)
    assert stored.legal_hold
    found = store.head(KEY)
    assert (found.legal_hold, found.lock) == (True, lock)
    store.set_legal_hold(KEY, version_id=stored.version_id, on=False)
    assert store.head(KEY).lock == lock
    with pytest.raises(Conflict, match="locked"):
        store.delete(KEY, version_id=stored.version_id)


def test_promises_about_missing_versions_are_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        store.set_legal_hold(KEY, version_id="0" * 32, on=True)
    with pytest.raises(NotFound):
        store.extend_lock(KEY, version_id="0" * 32, lock=compliance(hours=1))


# --- deleting


def test_deleting_is_idempotent_and_frees_the_key(store: ObjectStore) -> None:
    stored = store.put(KEY, BODY)
    store.delete(KEY, version_id=stored.version_id)
    store.delete(KEY, version_id=stored.version_id)
    assert list(store.list_versions("")) == []
    store.put(KEY, b"other")
    assert store.get(KEY) == b"other"


def test_deleting_an_unknown_version_leaves_the_object(store: ObjectStore) -> None:
    stored = store.put(KEY, BODY)
    unknown = ("0" if stored.version_id[0] != "0" else "1") + stored.version_id[1:]
    store.delete(KEY, version_id=unknown)
    store.delete("never/there", version_id=unknown)
    assert store.get(KEY, version_id=stored.version_id) == BODY


# --- the key that changes


def test_a_key_that_changes_gives_the_newest_bytes(store: ObjectStore) -> None:
    key = "log/acme/checkpoint"
    first = store.replace(key, b"size 1")
    second = store.replace(key, b"size 2")
    assert store.get(key) == b"size 2"
    assert first.version_id != second.version_id
    assert store.get(key, version_id=second.version_id) == b"size 2"
    assert store.head(key).version_id == second.version_id
    latest = [found for found in store.list_versions(key) if found.is_latest]
    assert [found.version_id for found in latest] == [second.version_id]


# --- restoring

ALTERED = b"pasts"


def damage(store: ObjectStore, key: str) -> None:
    """Alter an object behind the store's back, as far as the store can be got round."""
    if store.url.startswith("file:"):
        path = Path(store.url.removeprefix("file:")) / key
        path.chmod(0o644)
        path.write_bytes(ALTERED)
    else:
        store.replace(key, ALTERED)


def lose(store: ObjectStore, key: str) -> None:
    """Take an object out of sight: delete the file, or put a delete marker over it."""
    if isinstance(store, S3Store):
        store._client.delete_object(Bucket=store._bucket, Key=store._address.prefix + key)
        return
    path = Path(store.url.removeprefix("file:")) / key
    path.unlink()


def test_restored_bytes_are_the_object_and_the_altered_ones_an_older_version(
    store: ObjectStore,
) -> None:
    store.put(KEY, BODY, lock=compliance(hours=1))
    damage(store, KEY)
    assert store.get(KEY) == ALTERED

    restored = store.restore(KEY, BODY, lock=compliance(hours=1))

    assert store.get(KEY) == store.get(KEY, version_id=restored.version_id) == BODY
    assert store.head(KEY).version_id == restored.version_id
    versions = list(store.list_versions(""))
    assert [one.version_id for one in versions if one.is_latest] == [restored.version_id]
    older = [one for one in versions if not one.is_latest]
    assert {one.key for one in versions} == {KEY}
    kept = [store.get(KEY, version_id=one.version_id) for one in older]
    assert ALTERED in kept
    assert store.head(KEY, version_id=older[0].version_id).size == len(ALTERED)
    assert list(store.list_keys("")) == [KEY]


def test_a_lost_object_is_restored_under_the_lock_that_is_asked_for(store: ObjectStore) -> None:
    store.put(KEY, BODY)
    lose(store, KEY)
    lock = governance(hours=1)
    restored = store.restore(KEY, BODY, lock=lock, legal_hold=True)
    found = store.head(KEY)
    assert store.get(KEY) == BODY
    assert (found.version_id, found.lock, found.legal_hold) == (restored.version_id, lock, True)


def test_what_was_never_there_can_be_restored(store: ObjectStore) -> None:
    lock = compliance(hours=1)
    restored = store.restore(KEY, BODY, lock=lock)
    assert store.get(KEY, version_id=restored.version_id) == BODY
    assert store.head(KEY).lock == lock
    assert len(list(store.list_versions(""))) == 1


def test_restoring_keeps_the_promises_of_what_it_replaces(store: ObjectStore) -> None:
    store.put(KEY, BODY)
    damage(store, KEY)
    altered = store.head(KEY)
    lock = compliance(hours=2)
    store.extend_lock(KEY, version_id=altered.version_id, lock=lock)
    store.set_legal_hold(KEY, version_id=altered.version_id, on=True)

    store.restore(KEY, BODY, lock=governance(hours=1))

    found = store.head(KEY)
    assert (found.lock, found.legal_hold) == (lock, True)


def test_restoring_again_changes_nothing(store: ObjectStore) -> None:
    store.put(KEY, BODY)
    damage(store, KEY)
    first = store.restore(KEY, BODY)
    before = list(store.list_versions(""))
    assert store.restore(KEY, BODY).version_id == first.version_id
    assert list(store.list_versions("")) == before


def test_restoring_sound_bytes_adds_only_promises(store: ObjectStore) -> None:
    first = store.put(KEY, BODY)
    lock = compliance(hours=1)
    again = store.restore(KEY, BODY, lock=lock, legal_hold=True)
    assert (again.version_id, again.lock, again.legal_hold) == (first.version_id, lock, True)
    assert len(list(store.list_versions(""))) == 1


def test_replaced_bytes_are_kept_as_long_as_the_object(store: ObjectStore) -> None:
    store.put(KEY, BODY)
    damage(store, KEY)
    altered = store.head(KEY)
    lock = compliance(hours=1)
    store.extend_lock(KEY, version_id=altered.version_id, lock=lock)
    store.restore(KEY, BODY)
    older = [one for one in store.list_versions("") if one.size and not one.is_latest]
    with pytest.raises(Conflict, match="locked"):
        store.delete(KEY, version_id=older[0].version_id)


def test_replaced_bytes_can_be_deleted_by_their_version(store: ObjectStore) -> None:
    store.put(KEY, BODY)
    damage(store, KEY)
    restored = store.restore(KEY, BODY)
    for one in list(store.list_versions("")):
        if not one.is_latest:
            store.delete(KEY, version_id=one.version_id)
    assert [one.version_id for one in store.list_versions("")] == [restored.version_id]
    store.delete(KEY, version_id=restored.version_id)
    assert list(store.list_versions("")) == []


def test_of_racing_repairs_of_one_object_one_is_done(store: ObjectStore) -> None:
    store.put(KEY, BODY)
    damage(store, KEY)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: store.restore(KEY, BODY), range(4)))
    assert store.get(KEY) == BODY


# --- listing

AWKWARD = (
    "a-b/c",
    "a.p/1",
    "a/b",
    "a/c/d",
    "a0",
    "B",
    "aa",
    "z/x001/067",
    "z/000",
    "z/000.p/112",
    "z/001",
)


def test_keys_are_listed_in_byte_order_of_the_whole_key(store: ObjectStore) -> None:
    for key in AWKWARD:
        store.put(key, BODY)
    assert list(store.list_keys("")) == sorted(AWKWARD)
    assert [found.key for found in store.list_versions("")] == sorted(AWKWARD)


@pytest.mark.parametrize(
    "prefix", ["a", "a/", "a.", "z/0", "z/000", "z/000.p/", "none", "z/x001/0"]
)
def test_a_prefix_need_not_be_a_folder(store: ObjectStore, prefix: str) -> None:
    for key in AWKWARD:
        store.put(key, BODY)
    expected = sorted(key for key in AWKWARD if key.startswith(prefix))
    assert list(store.list_keys(prefix)) == expected
    assert [found.key for found in store.list_versions(prefix)] == expected


def test_listing_resumes_after_any_key(store: ObjectStore) -> None:
    for key in AWKWARD:
        store.put(key, BODY)
    for after in ("", "0", *AWKWARD, "a/", "a/bb", "a/c", "z", "z/000.p", "zz"):
        expected = sorted(key for key in AWKWARD if key > after)
        assert list(store.list_keys("", after=after)) == expected, after
    assert list(store.list_keys("a", after="a.p/1")) == ["a/b", "a/c/d", "a0", "aa"]


# --- racing


def test_of_racing_writers_with_different_bytes_exactly_one_wins(store: ObjectStore) -> None:
    def write(number: int) -> StoredObject | None:
        try:
            return store.put(KEY, b"writer %d" % number, lock=compliance(hours=1))
        except IntegrityError:
            return None

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(write, range(8)))
    winners = [number for number, outcome in enumerate(outcomes) if outcome]
    assert len(winners) == 1
    assert store.get(KEY) == b"writer %d" % winners[0]
    [only] = store.list_versions("")
    won = outcomes[winners[0]]
    assert won is not None
    assert only.version_id == won.version_id
    assert store.head(KEY).lock == won.lock


def test_racing_writers_of_the_same_bytes_all_get_the_one_version(store: ObjectStore) -> None:
    locks = [compliance(hours=1 + number) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        stored = list(threads.map(lambda lock: store.put(KEY, BODY, lock=lock), locks))
    assert len({outcome.version_id for outcome in stored}) == 1
    assert len(list(store.list_versions(""))) == 1
    assert store.head(KEY).lock == locks[-1]


def test_racing_promises_are_all_kept(store: ObjectStore) -> None:
    version_id = store.put(KEY, BODY).version_id
    locks = [compliance(hours=number) for number in (3, 8, 1, 7, 2, 6, 5, 4)]

    def promise(lock: Lock) -> None:
        store.extend_lock(KEY, version_id=version_id, lock=lock)

    with ThreadPoolExecutor(9) as threads:
        held = threads.submit(store.set_legal_hold, KEY, version_id=version_id, on=True)
        list(threads.map(promise, locks))
        held.result()
    found = store.head(KEY)
    assert found.legal_hold
    assert found.lock == max(locks, key=lambda lock: lock.until)


def test_writers_that_share_nothing_but_the_disk_settle_who_was_first(tmp_path: Path) -> None:
    FilesystemStore.create(tmp_path)
    stores = [FilesystemStore(tmp_path, clock=system_clock) for _ in range(8)]

    def write(key: str, number: int) -> str | None:
        lock = compliance(hours=1 + number)
        try:
            return stores[number].put(key, b"%d" % (number % 2), lock=lock).version_id
        except IntegrityError:
            return None

    with ThreadPoolExecutor(8) as threads:
        for key in (f"race/{number}" for number in range(60)):
            outcomes = list(threads.map(write, [key] * 8, range(8)))
            winner = int(stores[0].get(key))
            assert [number % 2 == winner for number in range(8)] == [bool(one) for one in outcomes]
            kept = stores[0].head(key).lock
            assert kept is not None
            assert kept.until > system_clock() + timedelta(hours=6.5 + winner), "the longest"


# --- the store itself


def test_a_sound_store_passes_its_probe_and_is_left_empty(store: ObjectStore) -> None:
    store.probe()
    assert list(store.list_versions("")) == []


def test_only_object_lock_is_called_worm(store: ObjectStore) -> None:
    assert store.enforces_locks is store.url.startswith("s3:")


async def test_every_call_can_be_awaited(store: ObjectStore) -> None:
    awaited = AsyncStore(store)
    stored = await awaited.put(KEY, BODY, lock=governance(hours=1), legal_hold=True)
    assert await awaited.get(KEY, version_id=stored.version_id) == BODY
    assert await awaited.get_range(KEY, 1, 2) == BODY[1:3]
    longer = governance(hours=2)
    await awaited.extend_lock(KEY, version_id=stored.version_id, lock=longer)
    await awaited.set_legal_hold(KEY, version_id=stored.version_id, on=False)
    found = await awaited.head(KEY)
    assert (found.lock, found.legal_hold) == (longer, False)
    with pytest.raises(Conflict):
        await awaited.delete(KEY, version_id=stored.version_id)
    assert (await awaited.restore(KEY, BODY)).version_id == stored.version_id
    await awaited.replace("checkpoint", b"1")
    await awaited.probe()
    assert [key async for key in awaited.list_keys("")] == ["checkpoint", KEY]
    assert [key async for key in awaited.list_keys("", after="checkpoint")] == [KEY]
    assert [one.key async for one in awaited.list_versions("")] == ["checkpoint", KEY]
    assert awaited.blocking is store
    await awaited.close()


def test_a_folder_whose_last_object_was_deleted_is_listed_and_has_nothing(
    store: ObjectStore,
) -> None:
    """After a disposal: SeaweedFS lists it for a while as a folder inside of itself."""
    for key in ("seg/a/emptied/one", "seg/a/kept/two"):
        store.put(key, b"x", lock=None, legal_hold=False)
    (version,) = store.list_versions("seg/a/emptied/one")
    store.delete("seg/a/emptied/one", version_id=version.version_id)

    assert list(store.list_keys("")) == ["seg/a/kept/two"]
    assert list(store.list_keys("seg/a/emptied/")) == []
    assert [each.key for each in store.list_versions("seg/a/")] == ["seg/a/kept/two"]
