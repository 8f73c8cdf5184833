"""Reading from two stores as one: falling over, checking, and saying so."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.clock import system_clock
from archiver.errors import ConfigurationError, IntegrityError, NotFound, StorageUnavailable
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.second_copy import (
    FIRST_RESTS,
    SECOND_RESTS,
    Reads,
    SecondCopy,
    read_checked,
)
from tests.fakes.faulty_store import FaultyStore
from tests.fakes.small_archive import MovingClock

KEY = "seg/a/b.seg"
TRUE = b"what the log promised"
ALTERED = b"something else"


class Pair:
    """Two stores with faults, and both as one."""

    def __init__(self, folder: Path) -> None:
        self.clock = MovingClock(system_clock())
        self.first, self.second = (self._store(folder / name) for name in ("first", "second"))
        self.opened = 0
        self.copies = SecondCopy(self.first, self._open, clock=self.clock)

    def _store(self, folder: Path) -> FaultyStore:
        FilesystemStore.create(folder)
        return FaultyStore(FilesystemStore(folder, clock=self.clock))

    def _open(self) -> FaultyStore:
        self.opened += 1
        return self.second


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def checked(store: Reads) -> bytes:
    """Read as a reader does who knows what was promised."""
    data = store.get(KEY, version_id=None)
    if data != TRUE:
        raise IntegrityError(f"{KEY}: not what the log promised", object_key=KEY)
    return data


def test_what_the_first_store_gives_is_read_and_the_second_is_never_opened(pair: Pair) -> None:
    pair.first.put(KEY, TRUE)

    assert pair.copies.get(KEY) == TRUE
    assert pair.copies.read(KEY, checked) == TRUE
    assert (pair.opened, pair.copies.fallen_over, pair.copies.damaged) == (0, 0, 0)


def test_everything_is_written_to_the_first_store_alone(pair: Pair) -> None:
    stored = pair.copies.put(KEY, TRUE, legal_hold=True)
    pair.copies.set_legal_hold(KEY, version_id=stored.version_id, on=False)
    pair.copies.replace("checkpoint", b"1")
    pair.copies.restore(KEY, TRUE)
    pair.copies.delete(KEY, version_id=stored.version_id)

    assert [call.operation for call in pair.first.calls] == [
        "put", "set_legal_hold", "replace", "restore", "delete",
    ]  # fmt: skip
    assert pair.second.calls == []


def test_a_lost_object_is_read_from_the_second_copy_by_key_and_reported_once(pair: Pair) -> None:
    stored = pair.first.put(KEY, TRUE)
    pair.second.put(KEY, TRUE)
    pair.first.delete(KEY, version_id=stored.version_id)

    for _ in range(3):
        assert pair.copies.get(KEY, version_id=stored.version_id) == TRUE
    assert pair.copies.get_range(KEY, 5, 3) == TRUE[5:8]

    (damage,) = pair.copies.new_damage()
    assert (damage.key, pair.copies.damaged) == (KEY, 1)
    assert KEY in damage.what
    assert pair.copies.new_damage() == [damage], "until somebody was told"
    pair.copies.told(KEY)
    assert pair.copies.new_damage() == []
    assert pair.copies.fallen_over == 4


def test_what_describes_an_object_is_never_the_second_store_s(pair: Pair) -> None:
    """A version id of the second store would be used to hold or delete in the first."""
    pair.second.put(KEY, TRUE)

    assert pair.copies.get(KEY) == TRUE
    with pytest.raises(NotFound):
        pair.copies.head(KEY)
    assert list(pair.copies.list_keys("")) == []
    assert list(pair.copies.list_versions("")) == []


def test_altered_bytes_are_read_from_the_second_copy_if_that_one_passes_the_check(
    pair: Pair,
) -> None:
    pair.first.put(KEY, ALTERED)
    pair.second.put(KEY, TRUE)

    assert read_checked(pair.copies, KEY, checked) == TRUE
    assert [damage.key for damage in pair.copies.new_damage()] == [KEY]


def test_a_bad_second_copy_answers_nothing_and_the_first_store_s_fault_is_told(
    pair: Pair,
) -> None:
    pair.first.put(KEY, ALTERED)
    pair.second.put(KEY, ALTERED + b"!")

    with pytest.raises(IntegrityError, match="not what the log promised"):
        read_checked(pair.copies, KEY, checked)
    assert pair.copies.new_damage() == []
    assert pair.copies.fallen_over == 0


def test_without_a_second_copy_the_check_is_all_there_is(pair: Pair) -> None:
    pair.first.put(KEY, ALTERED)
    with pytest.raises(IntegrityError):
        read_checked(pair.first, KEY, checked)


def test_what_neither_store_has_is_not_found(pair: Pair) -> None:
    with pytest.raises(NotFound, match=KEY):
        pair.copies.get(KEY)
    assert pair.copies.new_damage() == []


@pytest.mark.parametrize(
    ("lost", "expected"), [(True, NotFound), (False, StorageUnavailable)], ids=["lost", "away"]
)
def test_when_the_second_store_is_away_the_first_one_s_answer_stands(
    pair: Pair, *, lost: bool, expected: type[Exception]
) -> None:
    pair.second.put(KEY, TRUE)
    pair.second.deaf = True
    pair.first.deaf = not lost

    with pytest.raises(expected):
        pair.copies.get(KEY)


def test_a_first_store_that_is_away_is_no_damage_and_is_left_alone_for_a_moment(
    pair: Pair,
) -> None:
    asked: list[str] = []
    pair.first.put(KEY, TRUE)
    pair.second.put(KEY, TRUE)
    pair.first.deaf = True
    _listen(pair.first, asked.append)

    for _ in range(3):
        assert pair.copies.get(KEY) == TRUE
    assert len(asked) == 1, "not waited for again"
    assert pair.copies.damaged == 0

    pair.first.deaf = False
    pair.clock.pass_by(FIRST_RESTS + timedelta(seconds=1))
    before = pair.copies.fallen_over
    assert pair.copies.get(KEY) == TRUE
    assert pair.copies.fallen_over == before


def test_what_is_not_copied_yet_is_waited_for_from_the_first_store(pair: Pair) -> None:
    pair.first.put(KEY, TRUE)
    pair.first.deaf = True
    with pytest.raises(StorageUnavailable):
        pair.copies.get(KEY)
    pair.first.deaf = False

    assert pair.copies.get(KEY) == TRUE, "although it is resting"


def test_a_second_store_that_is_away_is_left_alone_for_a_while(pair: Pair) -> None:
    asked: list[str] = []
    pair.second.put(KEY, TRUE)
    pair.second.deaf = True
    _listen(pair.second, asked.append)

    for _ in range(3):
        with pytest.raises(NotFound):
            pair.copies.get(KEY)
    assert len(asked) == 1

    pair.second.deaf = False
    pair.clock.pass_by(SECOND_RESTS + timedelta(seconds=1))
    assert pair.copies.get(KEY) == TRUE


def test_a_second_store_that_cannot_be_opened_is_one_that_does_not_answer(tmp_path: Path) -> None:
    pair = Pair(tmp_path)

    def fail() -> FaultyStore:
        raise ConfigurationError("there is no object store at the copy's place")

    copies = SecondCopy(pair.first, fail, clock=pair.clock)
    pair.first.put(KEY, TRUE)
    assert copies.get(KEY) == TRUE
    with pytest.raises(NotFound):
        copies.get("seg/other")


def test_damage_that_was_repaired_is_forgotten_and_told_again_when_it_comes_back(
    pair: Pair,
) -> None:
    pair.second.put(KEY, TRUE)
    assert pair.copies.get(KEY) == TRUE
    pair.copies.told(KEY)

    pair.copies.repaired(KEY)
    assert pair.copies.damaged == 0
    assert pair.copies.get(KEY) == TRUE
    assert len(pair.copies.new_damage()) == 1


def test_closing_leaves_the_first_store_to_who_opened_it(pair: Pair) -> None:
    closed: list[str] = []
    pair.second.put(KEY, TRUE)
    assert pair.copies.get(KEY) == TRUE
    pair.first.close = lambda: closed.append("first")  # type: ignore[method-assign]
    pair.second.close = lambda: closed.append("second")  # type: ignore[method-assign]
    pair.copies.close()
    assert closed == ["second"]


def _listen(store: FaultyStore, hear: Callable[[str], None]) -> None:
    """Let a store tell which reads it was asked for."""
    real = store._hear

    def heard(operation: str, key: str) -> None:
        hear(operation)
        real(operation, key)

    store._hear = heard  # type: ignore[method-assign]
