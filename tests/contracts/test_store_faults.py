"""Object stores when disk, network or server fail, each fault in its pair: stored, and not stored.

After every fault the object is wholly there, lock included, or not at all, and the caller was told
the truth about it.
"""

import errno
import fcntl
import os
import signal
import struct
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.clock import system_clock
from archiver.errors import (
    ConfigurationError,
    Conflict,
    IntegrityError,
    InvalidInput,
    NotFound,
    OperatorError,
    StorageUnavailable,
)
from archiver.model.lock import Lock, LockMode
from archiver.preserve.store import ObjectStore, s3_listing, sidecar
from archiver.preserve.store.disk import INCOMING
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.opening import open_store
from archiver.preserve.store.s3 import S3Patience, S3Store
from tests.conftest import BUCKET
from tests.fakes import faulty_store
from tests.fakes.faulty_store import FaultyStore, fail_call, fail_from
from tests.fakes.s3_fault_proxy import Answer, Fault, S3FaultProxy
from tests.fakes.seaweedfs import LIMITED, SeaweedFS, credentials

KEY = "seg/acme/broker/2032-11/01K0000000.seg"
BODY = b"posts"
LOCK = Lock(mode=LockMode.COMPLIANCE, until=datetime(2099, 1, 1, tzinfo=UTC))


# --- filesystem: fsync


class FailingSync:
    """An fsync that fails at its `number`-th call, and counts."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0

    def __call__(self, descriptor: int) -> None:
        self.calls += 1
        if self.calls == self.number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(descriptor)


def test_a_failed_fsync_is_fatal_wherever_it_happens_and_never_retried(tmp_path: Path) -> None:
    for number in range(1, 20):
        root = tmp_path / str(number)
        FilesystemStore.create(root)
        sync = FailingSync(number)
        store = FilesystemStore(root, clock=system_clock, fsync=sync)
        failure = _failure_of_a_put(store)
        if failure is None:
            # Body, sidecar, four folders on the way and the name itself are each synced once.
            assert number - 1 == 2 + 4 + 1
            return
        assert failure.ambiguous
        _takes_no_writes(store)
        assert sync.calls == number, "nothing was synced after the failure"
        _is_whole_or_absent(FilesystemStore(root, clock=system_clock))
    pytest.fail("the sweep never ran without a fault")


def _failure_of_a_put(store: ObjectStore) -> StorageUnavailable | None:
    try:
        store.put(KEY, BODY, lock=LOCK)
    except StorageUnavailable as error:
        return error
    return None


def _takes_no_writes(store: FilesystemStore) -> None:
    for write in (
        lambda: store.put("other", BODY),
        lambda: store.put(KEY, BODY),
        lambda: store.replace("checkpoint", BODY),
        lambda: store.delete(KEY, version_id="0"),
        lambda: store.extend_lock(KEY, version_id="0", lock=LOCK),
        lambda: store.set_legal_hold(KEY, version_id="0", on=True),
        store.probe,
    ):
        with pytest.raises(StorageUnavailable, match="restart"):
            write()
    assert list(store.list_keys("")) in ([], [KEY]), "reads go on"


def _is_whole_or_absent(store: ObjectStore) -> None:
    """What a restarted process finds; whatever it is, the same put then succeeds."""
    if list(store.list_keys("")):
        assert store.get(KEY) == BODY
        assert store.head(KEY).lock == LOCK
    else:
        with pytest.raises(NotFound):
            store.head(KEY)
    stored = store.put(KEY, BODY, lock=LOCK)
    assert store.get(KEY, version_id=stored.version_id) == BODY
    assert store.head(KEY).lock == LOCK


# --- filesystem: crashes

CRASHING_PUTS = """
    import os, signal, sys
    from pathlib import Path
    from archiver.clock import system_clock
    from archiver.preserve.store.filesystem import FilesystemStore
    from tests.contracts.test_store_faults import BODY, KEY, LOCK

    root, step = Path(sys.argv[1]), sys.argv[2]

    def crash_at(number, real):
        calls = 0
        def stepping(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        return stepping

    def put(number):
        FilesystemStore.create(root / str(number))
        store = FilesystemStore(root / str(number), clock=system_clock)
        if step == "sync":
            store._disk._fsync = crash_at(number, os.fsync)
        else:
            setattr(os, step, crash_at(number, getattr(os, step)))
        store.put(KEY, BODY, lock=LOCK)

    for number in range(1, 30):
        child = os.fork()  # an interpreter for each would start for longer than it lives
        if not child:
            put(number)
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)
        if code != -signal.SIGKILL:
            break
"""


@pytest.mark.parametrize(
    ("step", "at_least"), [("sync", 4), ("link", 2), ("unlink", 2), ("write", 2), ("open", 3)]
)
def test_a_killed_put_leaves_all_or_nothing(tmp_path: Path, step: str, at_least: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CRASHING_PUTS), tmp_path, step],
        cwd=Path(__file__).parents[2],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    codes = [int(line) for line in run.stdout.split()]

    assert codes == [-signal.SIGKILL] * (len(codes) - 1) + [0]
    assert len(codes) > at_least
    for number in range(1, len(codes) + 1):
        _is_whole_or_absent(FilesystemStore(tmp_path / str(number), clock=system_clock))


def test_after_a_crash_between_lock_and_object_the_key_is_free_for_other_bytes(
    filesystem_store: FilesystemStore, tmp_path: Path
) -> None:
    filesystem_store.put(KEY, b"lost", lock=LOCK)
    (tmp_path / "store" / KEY).unlink()
    assert list(filesystem_store.list_keys("")) == []
    filesystem_store.put(KEY, BODY, lock=LOCK)
    assert filesystem_store.get(KEY) == BODY
    assert filesystem_store.head(KEY).version_id == sidecar.version_of(
        filesystem_store.head(KEY).sha256 or b""
    )


def test_unfinished_files_of_a_crash_are_removed_at_the_next_start(tmp_path: Path) -> None:
    FilesystemStore.create(tmp_path)
    left = tmp_path / INCOMING / "4711-0"
    left.write_bytes(b"half")
    store = FilesystemStore(tmp_path, clock=system_clock)
    assert left.exists(), "a put of another process may be under way"
    assert list(store.list_keys("")) == []
    FilesystemStore(tmp_path, clock=lambda: system_clock() + timedelta(hours=2))
    assert not left.exists()


# --- filesystem: full, spoiled and missing


@contextmanager
def mounted(*command: str | Path, at: Path) -> Iterator[Path]:
    """Mount something of the test's own, or skip: mounting needs root."""
    at.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", *command, at], check=False).returncode:
        pytest.skip("cannot mount: needs root and a kernel that allows it")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", at], check=True)


@pytest.mark.faults
def test_a_full_disk_refuses_puts_keeps_serving_and_recovers_by_itself(tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs", at=tmp_path / "small") as root:
        FilesystemStore.create(root)
        store = FilesystemStore(root, clock=system_clock)
        store.put("first", BODY)
        ballast = root / INCOMING / "ballast"
        ballast.write_bytes(bytes(600_000))
        with pytest.raises(StorageUnavailable, match=r"disk is full.*Free space") as refusal:
            store.put(KEY, bytes(700_000), lock=LOCK)
        assert not refusal.value.ambiguous
        assert [path.name for path in (root / INCOMING).iterdir()] == ["ballast"]
        assert list(store.list_keys("")) == ["first"]
        assert store.get("first") == BODY
        ballast.unlink()
        store.put(KEY, bytes(700_000), lock=LOCK)
        assert store.head(KEY).lock == LOCK


@pytest.mark.parametrize("number", [1, 2])
def test_a_disk_that_fills_up_between_the_two_names_leaves_neither(
    filesystem_store: FilesystemStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real, calls = os.link, 0

    def full(*args: Any, **options: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(*args, **options)

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(StorageUnavailable, match="disk is full") as refusal:
        filesystem_store.put(KEY, BODY)
    assert not refusal.value.ambiguous
    assert list(filesystem_store.list_keys("")) == []
    assert filesystem_store.put(KEY, b"other").version_id


@pytest.mark.faults
def test_what_was_put_survives_a_power_cut(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    made = subprocess.run(["mkfs.ext4", "-q", image], check=False, capture_output=True)
    if made.returncode:
        pytest.skip("mkfs.ext4 is missing")
    with mounted("-o", "loop", image, at=tmp_path / "before") as root:
        FilesystemStore.create(root / "store")
        FilesystemStore(root / "store", clock=system_clock).put(KEY, BODY, lock=LOCK)
        (root / "unsynced").write_bytes(b"x")
        _cut_power(root)
    with mounted("-o", "loop", image, at=tmp_path / "after") as root:
        assert not (root / "unsynced").exists(), "the power was really cut"
        store = FilesystemStore(root / "store", clock=system_clock)
        assert store.get(KEY) == BODY
        assert store.head(KEY).lock == LOCK


def _cut_power(mount: Path) -> None:
    """FS_IOC_SHUTDOWN without flushing the journal: what was not synced is lost."""
    folder = os.open(mount, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, 0x8004587D, struct.pack("I", 2))
    finally:
        os.close(folder)


def test_a_store_that_is_not_there_is_not_created_by_opening_it(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigurationError, match="mounted"):
            open_store(f"file:{folder}", clock=system_clock, create=False)
    assert list(tmp_path.iterdir()) == []
    store = open_store(f"file:{tmp_path}/a/b", clock=system_clock, create=True)
    store.put(KEY, BODY)
    again = open_store(store.url, clock=system_clock, create=False)
    assert again.get(KEY) == BODY
    assert open_store(store.url, clock=system_clock, create=True).get(KEY) == BODY


def test_a_store_that_vanishes_says_so(filesystem_store: FilesystemStore, tmp_path: Path) -> None:
    (tmp_path / "store" / INCOMING).rmdir()
    with pytest.raises(StorageUnavailable, match="mounted"):
        filesystem_store.put(KEY, BODY)


def test_a_key_below_an_object_is_refused(filesystem_store: FilesystemStore) -> None:
    filesystem_store.put("a/b", BODY)
    for key in ("a/b/c", "a"):
        with pytest.raises(InvalidInput, match="folder"):
            filesystem_store.put(key, BODY)
        with pytest.raises(InvalidInput, match="folder"):
            filesystem_store.replace(key, BODY)
    assert list(filesystem_store.list_keys("")) == ["a/b"]


def test_an_immutable_object_is_not_replaced(filesystem_store: FilesystemStore) -> None:
    filesystem_store.put(KEY, BODY)
    with pytest.raises(Conflict, match="immutable"):
        filesystem_store.replace(KEY, b"other")
    assert filesystem_store.get(KEY) == BODY


def test_objects_are_read_only_files(filesystem_store: FilesystemStore, tmp_path: Path) -> None:
    filesystem_store.put(KEY, BODY)
    for name in (KEY, KEY + ".lock"):
        assert not (tmp_path / "store" / name).stat().st_mode & 0o222


def test_a_damaged_lock_file_is_reported_and_blocks_deletion(
    filesystem_store: FilesystemStore, tmp_path: Path
) -> None:
    stored = filesystem_store.put(KEY, BODY, lock=LOCK)
    line = tmp_path / "store" / (KEY + ".lock")
    line.chmod(0o644)
    line.write_bytes(line.read_bytes()[:-3])
    with pytest.raises(IntegrityError, match="damaged") as damage:
        filesystem_store.head(KEY)
    assert damage.value.object_key == KEY
    with pytest.raises(IntegrityError, match="damaged"):
        filesystem_store.delete(KEY, version_id=stored.version_id)
    assert filesystem_store.get(KEY) == BODY


@given(line=st.binary(max_size=300))
def test_garbage_as_a_lock_file_is_damage_and_nothing_else(line: bytes) -> None:
    with pytest.raises(IntegrityError, match="damaged"):
        sidecar.decode(line, key=KEY)


@given(
    body=st.binary(max_size=50),
    until=st.none() | st.datetimes(timezones=st.just(UTC)),
    mode=st.sampled_from([LockMode.COMPLIANCE, LockMode.GOVERNANCE]),
    hold=st.booleans(),
)
def test_a_lock_file_says_what_was_promised(
    body: bytes, until: datetime | None, mode: LockMode, *, hold: bool
) -> None:
    lock = Lock(mode=mode, until=until) if until else None
    promised = sidecar.describing(body, lock=lock, legal_hold=hold)
    assert sidecar.decode(promised.encode(), key=KEY) == promised


# --- S3


@pytest.fixture(scope="module")
def proxy(seaweedfs: SeaweedFS) -> Iterator[S3FaultProxy]:
    with S3FaultProxy(seaweedfs.port) as running:
        yield running


@pytest.fixture
def behind_proxy(
    proxy: S3FaultProxy, seaweedfs: SeaweedFS, s3_store: S3Store
) -> Iterator[Callable[..., S3Store]]:
    """Open the store of `s3_store` through the proxy; one attempt per call unless told."""
    opened: list[S3Store] = []

    def open_behind(*, attempts: int = 1, read_s: float = 2.0) -> S3Store:
        url = s3_store.url.replace(f":{seaweedfs.port}", f":{proxy.port}")
        patience = S3Patience(connect_s=2.0, read_s=read_s, attempts=attempts)
        store = S3Store(url, clock=system_clock, patience=patience, sleep=lambda _seconds: None)
        opened.append(store)
        return store

    proxy.clear()
    yield open_behind
    for store in opened:
        store.close()


UNANSWERED = [Answer.CUT, Answer.HANG, Answer.ERROR_500, Answer.SLOW_DOWN, Answer.ERROR_IN_200]
IN_PAIRS = pytest.mark.parametrize("stored", [True, False], ids=["stored", "not stored"])
EACH_ANSWER = pytest.mark.parametrize("answer", UNANSWERED, ids=lambda answer: answer.name)
s3_only = pytest.mark.integration


def _read_s(answer: Answer) -> float:
    return 0.5 if answer is Answer.HANG else 5.0


@s3_only
@IN_PAIRS
@EACH_ANSWER
def test_one_unanswered_put_is_resolved_and_stored_exactly_once(
    behind_proxy: Callable[..., S3Store],
    proxy: S3FaultProxy,
    s3_store: S3Store,
    answer: Answer,
    *,
    stored: bool,
) -> None:
    store = behind_proxy(read_s=_read_s(answer))
    proxy.next("PUT", Fault(forward=stored, answer=answer))
    found = store.put(KEY, BODY, lock=LOCK)
    puts = sum(method == "PUT" for method, _ in proxy.requests)
    assert puts == (1 if stored else 2)
    [only] = s3_store.list_versions("")
    assert only.version_id == found.version_id
    assert s3_store.head(KEY).lock == found.lock == LOCK


@s3_only
@EACH_ANSWER
def test_a_put_that_never_reaches_the_store_is_known_not_to_be_stored(
    behind_proxy: Callable[..., S3Store],
    proxy: S3FaultProxy,
    s3_store: S3Store,
    answer: Answer,
) -> None:
    store = behind_proxy(read_s=_read_s(answer))
    proxy.next("PUT", *[Fault(forward=False, answer=answer)] * 2)
    with pytest.raises(StorageUnavailable, match="not stored") as failure:
        store.put(KEY, BODY, lock=LOCK)
    assert not failure.value.ambiguous
    assert list(s3_store.list_versions("")) == []
    store.put(KEY, BODY, lock=LOCK)


@s3_only
@IN_PAIRS
@EACH_ANSWER
def test_a_put_that_can_neither_be_answered_nor_looked_up_is_ambiguous(
    behind_proxy: Callable[..., S3Store],
    proxy: S3FaultProxy,
    s3_store: S3Store,
    answer: Answer,
    *,
    stored: bool,
) -> None:
    store = behind_proxy(read_s=_read_s(answer))
    proxy.next("PUT", Fault(forward=stored, answer=answer))
    proxy.next("HEAD", Fault(forward=True, answer=Answer.CUT))
    with pytest.raises(StorageUnavailable, match="not known") as failure:
        store.put(KEY, BODY, lock=LOCK)
    assert failure.value.ambiguous
    assert len(list(s3_store.list_versions(""))) == stored
    store.put(KEY, BODY, lock=LOCK)
    assert len(list(s3_store.list_versions(""))) == 1


@s3_only
@IN_PAIRS
def test_the_client_library_s_own_retry_does_not_mistake_its_first_attempt_for_another_writer(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store, *, stored: bool
) -> None:
    store = behind_proxy(attempts=2)
    proxy.next("PUT", Fault(forward=stored, answer=Answer.CUT))
    found = store.put(KEY, BODY, lock=LOCK)
    assert [method for method, _ in proxy.requests].count("PUT") == 2
    assert [one.version_id for one in s3_store.list_versions("")] == [found.version_id]


@s3_only
@IN_PAIRS
def test_an_unanswered_put_never_hides_that_other_bytes_are_there(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store, *, stored: bool
) -> None:
    s3_store.put(KEY, b"other")
    proxy.next("PUT", Fault(forward=stored, answer=Answer.CUT))
    with pytest.raises(IntegrityError, match="other bytes"):
        behind_proxy().put(KEY, BODY)
    assert s3_store.get(KEY) == b"other"


@s3_only
@IN_PAIRS
def test_a_checkpoint_that_was_not_answered_is_newest_afterwards(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store, *, stored: bool
) -> None:
    s3_store.replace("checkpoint", b"size 1")
    proxy.next("PUT", Fault(forward=stored, answer=Answer.CUT))
    found = behind_proxy().replace("checkpoint", b"size 2")
    assert s3_store.get("checkpoint") == b"size 2"
    assert s3_store.head("checkpoint").version_id == found.version_id
    assert len(list(s3_store.list_versions(""))) == 2


@s3_only
def test_a_conflict_with_another_writer_is_asked_again(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store
) -> None:
    proxy.next("PUT", *[Fault(forward=False, answer=Answer.CONFLICT)] * 2)
    behind_proxy().put(KEY, BODY, lock=LOCK)
    assert s3_store.get(KEY) == BODY
    proxy.next("PUT", *[Fault(forward=False, answer=Answer.CONFLICT)] * 20)
    with pytest.raises(StorageUnavailable, match="other writers"):
        behind_proxy().put("k2", BODY)


@s3_only
def test_an_ignored_lock_is_found_by_the_first_put_of_its_kind(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy
) -> None:
    hidden = (
        "x-amz-object-lock-mode",
        "x-amz-object-lock-retain-until-date",
        "x-amz-object-lock-legal-hold",
    )
    store = behind_proxy()
    proxy.next("HEAD", Fault(forward=True, without=hidden))
    with pytest.raises(IntegrityError, match="ignores locks"):
        store.put(KEY, BODY, lock=LOCK)
    proxy.next("HEAD", Fault(forward=True, without=hidden))
    with pytest.raises(IntegrityError, match="ignores locks"):
        store.put("held", BODY, legal_hold=True)
    store.put("k1", BODY, lock=LOCK)
    proxy.clear()
    store.put("k2", BODY, lock=LOCK)
    assert [method for method, _ in proxy.requests] == ["PUT"], "proven once, then one request"


@s3_only
def test_an_answer_with_another_checksum_or_without_a_version_is_not_believed(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy
) -> None:
    checksum = "x-amz-checksum-sha256"
    wrong = Fault(forward=True, without=(checksum,), with_header=(checksum, "AAAA"))
    proxy.next("PUT", wrong)
    with pytest.raises(IntegrityError, match="reports SHA-256"):
        behind_proxy().put(KEY, BODY)
    proxy.next("PUT", Fault(forward=True, without=("x-amz-version-id",)))
    with pytest.raises(ConfigurationError, match="keeps no versions"):
        behind_proxy().put("k2", BODY)


@s3_only
def test_a_200_without_the_headers_of_an_object_says_nothing_about_it(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store
) -> None:
    s3_store.put(KEY, BODY)
    proxy.next("HEAD", Fault(forward=True, answer=Answer.ERROR_IN_200))
    with pytest.raises(StorageUnavailable, match="Last-Modified"):
        behind_proxy().head(KEY)
    proxy.next("PUT", Fault(forward=False, answer=Answer.CUT))
    proxy.next("HEAD", Fault(forward=True, answer=Answer.ERROR_IN_200))
    with pytest.raises(StorageUnavailable, match="not known") as failure:
        behind_proxy().put("k2", BODY)
    assert failure.value.ambiguous


@s3_only
def test_a_store_without_checksums_is_compared_byte_by_byte(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store
) -> None:
    s3_store.put(KEY, BODY)
    silent = Fault(forward=True, without=("x-amz-checksum-sha256",))
    proxy.next("HEAD", silent, silent)
    behind_proxy().put(KEY, BODY)
    with pytest.raises(IntegrityError, match="other bytes"):
        behind_proxy().put(KEY, b"other")
    assert [method for method, _ in proxy.requests].count("GET") == 2


@s3_only
def test_a_truncated_answer_is_read_again_and_never_returned(
    behind_proxy: Callable[..., S3Store], proxy: S3FaultProxy, s3_store: S3Store
) -> None:
    body = bytes(100_000)
    s3_store.put(KEY, body)
    truncated = Fault(forward=True, answer=Answer.TRUNCATED)
    store = behind_proxy()
    proxy.next("GET", truncated)
    assert store.get(KEY) == body
    proxy.next("GET", truncated, truncated)
    with pytest.raises(StorageUnavailable, match="no whole answer") as failure:
        store.get_range(KEY, 0, 90_000)
    assert not failure.value.ambiguous, "a read leaves nothing behind"


@s3_only
def test_a_store_that_is_down_is_unavailable_and_says_where(seaweedfs: SeaweedFS) -> None:
    url = seaweedfs.store_url(BUCKET, port=9)
    store = S3Store(url, clock=system_clock, patience=S3Patience(attempts=1))
    for act in (
        lambda: store.get(KEY),
        lambda: list(store.list_keys("")),
        lambda: list(store.list_versions("")),
        lambda: store.put(KEY, BODY),
        store.probe,
        store.server_time,
    ):
        with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1:9"):
            act()
    store.close()


@s3_only
@pytest.mark.parametrize("access_key", ["AKUNKNOWN", LIMITED[0]])
def test_wrong_credentials_are_named_without_being_shown(
    seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch, access_key: str
) -> None:
    for name, value in credentials((access_key, "wrong-secret")).items():
        monkeypatch.setenv(name, value)
    store = S3Store(seaweedfs.store_url(BUCKET), clock=system_clock)
    for act in (store.probe, lambda: store.put(KEY, BODY), lambda: store.get(KEY)):
        with pytest.raises(ConfigurationError, match="credentials") as refusal:
            act()
        assert "wrong-secret" not in str(refusal.value)
        assert access_key not in str(refusal.value)
    store.close()


@s3_only
def test_a_machine_without_credentials_is_told_so(
    seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = S3Store(seaweedfs.store_url(BUCKET), clock=system_clock)
    with pytest.raises(ConfigurationError, match="no credentials"):
        store.probe()
    store.close()


@s3_only
def test_a_missing_bucket_is_found_by_the_probe_and_not_created(seaweedfs: SeaweedFS) -> None:
    store = open_store(seaweedfs.store_url("never-created"), clock=system_clock, create=False)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="muniment init"):
            store.probe()
    store.close()


@s3_only
def test_a_bucket_without_object_lock_fails_the_probe(
    seaweedfs: SeaweedFS, s3_store: S3Store
) -> None:
    s3_store._client.create_bucket(Bucket="plain-bucket")
    store = S3Store(seaweedfs.store_url("plain-bucket"), clock=system_clock)
    with pytest.raises(ConfigurationError, match="no versioning"):
        store.probe()
    with pytest.raises(OperatorError):
        store.put(KEY, BODY)
    s3_store._client.put_bucket_versioning(
        Bucket="plain-bucket", VersioningConfiguration={"Status": "Enabled"}
    )
    with pytest.raises(ConfigurationError, match="Object Lock"):
        store.probe()
    store.close()


@s3_only
def test_init_makes_a_bucket_that_locks_what_nobody_locked(seaweedfs: SeaweedFS) -> None:
    url = seaweedfs.store_url("created-by-init", "archive")
    open_store(url, clock=system_clock, create=True).close()
    store = open_store(url, clock=system_clock, create=True)
    store.probe()
    stored = store.put(KEY, BODY)
    lock = store.head(KEY).lock
    assert lock is not None
    assert lock.mode is LockMode.COMPLIANCE
    with pytest.raises(Conflict):
        store.delete(KEY, version_id=stored.version_id)
    store.close()


@s3_only
def test_the_store_itself_refuses_what_this_program_would_not_ask(s3_store: S3Store) -> None:
    stored = s3_store.put(KEY, BODY, lock=LOCK)
    late = S3Store(s3_store.url, clock=lambda: LOCK.until + timedelta(days=1))
    with pytest.raises(ConfigurationError, match="locked"):
        late.delete(KEY, version_id=stored.version_id)
    assert s3_store.get(KEY) == BODY
    late.close()


@s3_only
def test_an_extension_overtaken_by_a_longer_one_of_another_process_is_no_error(
    s3_store: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = Lock(mode=LockMode.COMPLIANCE, until=LOCK.until + timedelta(days=2))
    s3_store.put(KEY, BODY, lock=LOCK)
    answers = [s3_store.head(KEY)]
    s3_store.extend_lock(KEY, version_id=answers[0].version_id, lock=longest)
    answers.append(s3_store.head(KEY))
    monkeypatch.setattr(s3_store, "head", lambda _key, **_which: answers.pop(0))
    longer = Lock(mode=LockMode.COMPLIANCE, until=LOCK.until + timedelta(days=1))
    s3_store.extend_lock(KEY, version_id=answers[0].version_id, lock=longer)
    monkeypatch.undo()
    assert s3_store.head(KEY).lock == longest


@s3_only
def test_delete_markers_are_listed_and_can_be_removed(s3_store: S3Store) -> None:
    stored = s3_store.put(KEY, BODY, lock=LOCK)
    s3_store._client.delete_object(Bucket=BUCKET, Key=s3_store._address.prefix + KEY)
    assert list(s3_store.list_keys("")) == []
    marker, version = s3_store.list_versions("")
    assert (marker.is_delete_marker, marker.is_latest) == (True, True)
    assert (version.is_delete_marker, version.is_latest) == (False, False)
    assert version.version_id == stored.version_id
    assert s3_store.get(KEY, version_id=stored.version_id) == BODY
    s3_store.delete(KEY, version_id=marker.version_id)
    assert s3_store.get(KEY) == BODY


@s3_only
def test_no_version_is_lost_at_the_edges_of_pages(s3_store: S3Store) -> None:
    names = [f"t/{tile:03}" for tile in range(6)]
    names += [f"t/{tile:03}.p/{width}" for tile in range(6) for width in (1, 12, 112)]
    names += [f"seg/{code}/2032-11/{number}" for code in ("b", "b-d") for number in range(9)]
    for name in names:
        s3_store.put(name, b"")
    own = s3_store._address.prefix
    for page in (4, 7):
        versions = s3_listing.versions(s3_store._client, BUCKET, own, page=page)
        assert sorted(one.key for one in versions) == sorted(own + name for name in names)
        keys = s3_listing.keys(s3_store._client, BUCKET, own + "seg/", after="", page=page)
        assert list(keys) == sorted(own + name for name in names if name.startswith("seg/"))


@s3_only
def test_the_clock_of_the_store_can_be_read(s3_store: S3Store) -> None:
    assert abs(s3_store.server_time() - system_clock()) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/lib/muniment",
        "ftp://host/path",
        "file://otherhost/path",
        "file:",
        "file:/a?b=c",
        "s3://",
        "s3:bucket",
        "s3://AKID:secret@bucket/prefix",
        "s3://bucket?endpoint_url=http://AKID:secret@host",
        "s3://bucket?endpoint_url=ftp://host",
        "s3://bucket?secret=x",
        "s3://bucket/../other",
    ],
)
def test_a_wrong_store_url_is_explained(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected|credentials|prefix") as refusal:
        open_store(url, clock=system_clock, create=False)
    assert "secret@" not in str(refusal.value)


def test_the_url_of_an_s3_store_is_canonical() -> None:
    url = "s3://bucket/a/b?endpoint_url=http://127.0.0.1:1&region=eu-central-1"
    store = open_store(url, clock=system_clock, create=False)
    assert store.url == url
    store.close()


# --- the fake that other tests rely on


@pytest.mark.parametrize("fault", faulty_store.Fault)
def test_the_faulty_store_tells_the_truth_about_what_it_did(
    filesystem_store: FilesystemStore, fault: faulty_store.Fault
) -> None:
    seen: list[str] = []
    store = FaultyStore(
        filesystem_store, plan=fail_call(2, fault), before=lambda call: seen.append(call.key)
    )
    store.put("k1", BODY)
    with pytest.raises(StorageUnavailable) as failure:
        store.put("k2", BODY)
    done = fault is faulty_store.Fault.DONE
    assert failure.value.ambiguous is done
    assert list(filesystem_store.list_keys("")) == (["k1", "k2"] if done else ["k1"])
    store.put("k3", BODY)
    assert seen == ["k1", "k2", "k3"]


def test_the_faulty_store_can_go_down_for_good(filesystem_store: FilesystemStore) -> None:
    store = FaultyStore(filesystem_store, plan=fail_from(1, faulty_store.Fault.NOT_DONE), deaf=True)
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            store.put("k1", BODY)
        with pytest.raises(StorageUnavailable):
            store.head("k1")


# --- filesystem: restoring


def _altered(root: Path, sync: Callable[[int], None] = os.fsync) -> FilesystemStore:
    """A store whose one object was altered behind its back."""
    FilesystemStore.create(root)
    FilesystemStore(root, clock=system_clock).put(KEY, BODY, lock=LOCK)
    (root / KEY).chmod(0o644)
    (root / KEY).write_bytes(b"pasts")
    return FilesystemStore(root, clock=system_clock, fsync=sync)


def test_a_restore_that_fails_at_any_sync_leaves_old_or_new_bytes_and_can_be_done_again(
    tmp_path: Path,
) -> None:
    for number in range(1, 20):
        root = tmp_path / str(number)
        if _restores(_altered(root, FailingSync(number))):
            assert number > 5, "new bytes, the folders of the old ones and the name are synced"
            return
        again = FilesystemStore(root, clock=system_clock)
        assert again.get(KEY) in (BODY, b"pasts")
        assert again.head(KEY).lock == LOCK
        again.restore(KEY, BODY)
        assert again.get(KEY) == BODY
        kept = [one for one in again.list_versions("") if not one.is_latest]
        assert [again.get(KEY, version_id=one.version_id) for one in kept] == [b"pasts"]
    pytest.fail("the sweep never ran without a fault")


def _restores(store: ObjectStore) -> bool:
    try:
        store.restore(KEY, BODY, lock=LOCK)
    except StorageUnavailable:
        return False
    return True


def test_a_restore_writes_a_damaged_lock_file_anew(tmp_path: Path) -> None:
    store = _altered(tmp_path)
    sidecar_file = tmp_path / f"{KEY}.lock"
    sidecar_file.chmod(0o644)
    sidecar_file.write_bytes(b"{}")
    store.restore(KEY, BODY, lock=LOCK)
    assert store.head(KEY).lock == LOCK
    assert store.get(KEY) == BODY


def test_a_folder_in_the_place_of_an_object_is_not_replaced(tmp_path: Path) -> None:
    FilesystemStore.create(tmp_path)
    store = FilesystemStore(tmp_path, clock=system_clock)
    store.put("a/b", BODY)
    with pytest.raises(InvalidInput, match="cannot be a folder"):
        store.restore("a", BODY)
