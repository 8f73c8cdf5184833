"""What each object is to be, and how what is there differs from it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.lock_drift import (
    MEANINGS,
    MENDED,
    DriftKind,
    Judged,
    falls_short,
    judge,
)
from archiver.assurance.lock_promises import (
    RENEWED_EVERY,
    ObjectNeed,
    lasting_need,
    locks_of,
    needs_of,
)
from archiver.clock import to_millis
from archiver.db.lock_states import NOT_HELD, Held, SegmentState
from archiver.db.segments import BlobRow, SegmentRow
from archiver.model.lock import Lock, LockMode
from archiver.preserve.store import StoredObject

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMIT = timedelta(days=366 * 30)
EARLIEST, LATEST = datetime(2000, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001 - hypothesis adds UTC
moments = st.datetimes(EARLIEST, LATEST, timezones=st.just(UTC)).map(
    lambda each: each.replace(microsecond=0)
)


def state(
    lock_until: datetime,
    *,
    mode: LockMode = LockMode.COMPLIANCE,
    latest_end: datetime | None = None,
    endless: int = 0,
    held: Held = NOT_HELD,
    noted: bool = False,
) -> SegmentState:
    row = SegmentRow(
        id="S",
        class_code="default",
        period="2033-11",
        first_index=0,
        records=2,
        object_key="seg/a/default/2033-11/S.seg",
        version_id="1",
        size=10,
        seal=b"",
        keys_object_key="keys/a/default/2033-11/S.keys",
        keys_version_id="2",
        keys_sha256=b"",
        lock_mode=mode,
        lock_until=to_millis(lock_until),
        legal_hold=noted,
        created_at=to_millis(datetime(2026, 11, 20, tzinfo=UTC)),
    )
    blob = BlobRow(
        object_key="blob/a/default/2033-11/B",
        version_id="3",
        record_id="R",
        size=7,
        sha256=b"",
        legal_hold=noted,
    )
    end = None if latest_end is None else to_millis(latest_end)
    return SegmentState(
        segment=row,
        standing=2,
        latest_end=end,
        endless=endless,
        held=held,
        blobs=((blob, held),),
    )


def as_needed(need: ObjectNeed, *, legal_hold: bool = False) -> StoredObject:
    return StoredObject(
        key=need.key,
        version_id="1",
        size=need.size or 0,
        lock=need.needed,
        legal_hold=legal_hold,
    )


@given(moments, st.none() | moments, st.integers(0, 2), moments, st.sampled_from(LockMode))
def test_no_lock_is_ever_shortened_or_set_beyond_the_limit(
    promised_until: datetime, end: datetime | None, endless: int, now: datetime, mode: LockMode
) -> None:
    asked = state(promised_until, mode=mode, latest_end=end, endless=endless)
    promised, needed = locks_of(asked, now, LIMIT)

    if mode is LockMode.NONE:
        assert promised is needed is None
        return
    assert promised == Lock(mode=mode, until=promised_until)
    assert needed is not None
    assert (needed.mode, needed.until >= promised_until) == (mode, True)
    assert needed.until <= max(promised_until, now + LIMIT)


@given(moments, st.none() | moments, st.integers(0, 2), moments, st.integers(0, 29))
def test_what_was_extended_need_not_be_again_within_the_month(
    promised_until: datetime, end: datetime | None, endless: int, now: datetime, days: int
) -> None:
    _, needed = locks_of(state(promised_until, latest_end=end, endless=endless), now, LIMIT)
    assert needed is not None
    later = now + timedelta(days=days)
    if end is not None and later + timedelta(days=1) > needed.until:
        return  # the month ends meanwhile, and the shortest lock there is lasts a day

    _, again = locks_of(state(needed.until, latest_end=end, endless=endless), later, LIMIT)

    assert again == needed


@given(moments, moments)
def test_every_record_is_locked_to_its_end_or_its_end_is_over(
    promised_until: datetime, end: datetime
) -> None:
    _, needed = locks_of(state(promised_until, latest_end=end), NOW, LIMIT)

    assert needed is not None
    assert needed.until >= min(end, NOW + LIMIT - RENEWED_EVERY) or end <= NOW


def test_a_record_without_an_end_keeps_a_lock_of_eleven_months_at_least() -> None:
    for days in (0, 100, 334):
        _, needed = locks_of(state(NOW + timedelta(days=days), endless=1), NOW, LIMIT)
        assert needed is not None
        assert needed.until == datetime(2027, 11, 22, tzinfo=UTC)
    _, needed = locks_of(state(NOW + timedelta(days=336), endless=1), NOW, LIMIT)
    assert needed == Lock(mode=LockMode.COMPLIANCE, until=NOW + timedelta(days=336))


def test_a_blob_was_put_a_little_before_its_segment() -> None:
    asked = state(NOW + timedelta(days=100))
    (keys, segment, blob) = needs_of(asked, NOW, LIMIT)
    assert keys.promised == segment.promised
    assert blob.promised is not None
    assert segment.promised is not None
    assert segment.promised.until - blob.promised.until == timedelta(days=1)
    (_, _, blob) = needs_of(replace(asked, endless=1), NOW, LIMIT)
    assert blob.needed == Lock(mode=LockMode.COMPLIANCE, until=datetime(2027, 11, 22, tzinfo=UTC))


@given(moments, st.booleans(), st.booleans())
def test_an_object_as_needed_has_no_drift(
    lock_until: datetime,
    is_held: bool,  # noqa: FBT001 - drawn
    is_first: bool,  # noqa: FBT001 - drawn
) -> None:
    held = Held(since=0) if is_held else NOT_HELD
    for need in needs_of(state(lock_until, held=held, noted=is_held), NOW, LIMIT):
        found = as_needed(need, legal_hold=is_held)
        assert judge(need, found, NOW, is_first=is_first) == Judged()


def the_segment(**asked: object) -> ObjectNeed:
    return needs_of(state(NOW + timedelta(days=100), **asked), NOW, LIMIT)[1]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lock", "kind"),
    [
        (None, DriftKind.LOCK_MISSING),
        (Lock(mode=LockMode.COMPLIANCE, until=NOW + timedelta(days=99)), DriftKind.LOCK_SHORT),
        (Lock(mode=LockMode.GOVERNANCE, until=NOW + timedelta(days=200)), DriftKind.LOCK_WEAK),
    ],
)
def test_a_lock_that_promises_less_is_drift_and_is_set_to_what_was_promised(
    lock: Lock | None, kind: DriftKind
) -> None:
    need = the_segment()

    judged = judge(need, replace(as_needed(need), lock=lock), NOW, is_first=True)

    assert [each for each, _ in judged.found] == [kind]
    assert judged.lock == need.promised
    assert falls_short(judged, as_needed(need)) == ""
    assert falls_short(judged, replace(as_needed(need), lock=lock)) != ""


def test_a_lock_that_ran_out_with_its_records_is_no_drift() -> None:
    asked = state(NOW - timedelta(days=1), latest_end=NOW - timedelta(days=20))
    need = needs_of(asked, NOW, LIMIT)[1]

    assert judge(need, replace(as_needed(need), lock=None), NOW, is_first=True) == Judged()


def test_a_hold_on_its_way_is_no_drift() -> None:
    just_now = Held(since=to_millis(NOW - timedelta(minutes=5)))
    unnoted, noted = the_segment(held=just_now), the_segment(held=just_now, noted=True)

    assert judge(unnoted, as_needed(unnoted), NOW, is_first=True) == Judged()
    assert judge(noted, as_needed(noted), NOW, is_first=False) == Judged()
    removed = judge(noted, as_needed(noted), NOW, is_first=True)
    assert (removed.found[0][0], removed.hold) == (DriftKind.HOLD_MISSING, True)


def test_only_a_hold_of_this_archive_is_lifted() -> None:
    ours = the_segment(held=Held(released=0))
    strangers = the_segment()

    left = judge(ours, as_needed(ours, legal_hold=True), NOW, is_first=True)
    unknown = judge(strangers, as_needed(strangers, legal_hold=True), NOW, is_first=True)

    assert (left.found[0][0], left.hold) == (DriftKind.HOLD_LEFT, False)
    assert (unknown.found[0][0], unknown.hold) == (DriftKind.HOLD_UNKNOWN, None)


def test_an_object_of_another_size_is_drift() -> None:
    need = the_segment()

    judged = judge(need, replace(as_needed(need), size=11), NOW, is_first=True)

    assert judged.found == ((DriftKind.ALTERED, "11 bytes, not 10"),)
    assert not judged.is_mendable


def test_an_object_of_the_log_was_promised_a_year_and_is_renewed_monthly() -> None:
    made = NOW - timedelta(days=29)
    need = lasting_need("log/a/checkpoints/1", made, LockMode.GOVERNANCE, NOW)
    year = Lock(mode=LockMode.GOVERNANCE, until=made + timedelta(days=365))
    young = StoredObject(key="k", version_id="", size=0, lock=year)
    assert judge(need, young, NOW, is_first=True) == Judged()
    old = Lock(mode=LockMode.GOVERNANCE, until=NOW + timedelta(days=300))
    older = lasting_need("k", NOW - timedelta(days=65), LockMode.GOVERNANCE, NOW)
    judged = judge(
        older, StoredObject(key="k", version_id="", size=0, lock=old), NOW, is_first=True
    )
    assert judged == Judged(lock=replace(old, until=NOW + timedelta(days=365)))
    assert lasting_need("k", made, LockMode.NONE, NOW).needed is None


def test_every_kind_of_drift_says_what_it_means_and_what_to_do() -> None:
    assert set(MEANINGS) == set(DriftKind)
    assert set(DriftKind) > MENDED
