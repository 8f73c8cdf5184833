"""What may be said of the archive: a table of facts, with the words people read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.assurance.integrity_judgement import Gravity, IntegrityState, judge
from archiver.assurance.integrity_status import (
    CopySeen,
    Found,
    IndexSeen,
    IntegrityFacts,
    LoopSeen,
    Signals,
    StorePromise,
    Timestamped,
    UnderWay,
    Verification,
)

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
QUIET = Signals(
    store=StorePromise.WORM, store_words="WORM, as probed", indexed=100, timestamp_problems={}
)
RUNNING = UnderWay(job_id="J", by="audrey", is_running=True, phase="Segments", done=1, total=4)
DAMAGE = Found(object_key="seg/a/b.seg", record_id="R", what="its hash differs")


def verification(*, full: bool = True, problems: int = 0, days_ago: float = 1) -> Verification:
    return Verification(
        event_id="E",
        at=NOW - timedelta(days=days_ago),
        by="audrey",
        extent="full" if full else "sample",
        percent="" if full else "5",
        level="A",
        checked=90,
        log_size=90,
        problems=problems,
        found=(DAMAGE,) * min(problems, 20),
        not_checked="",
        seconds=1.0,
    )


def facts(
    *verifications: Verification, signals: Signals = QUIET, verifying: tuple[UnderWay, ...] = ()
) -> IntegrityFacts:
    return IntegrityFacts(
        as_of=NOW,
        log_size=100,
        size=98,
        root=bytes(32),
        checkpoint_at=NOW,
        verifications=verifications,
        verifying=verifying,
        timestamps=(),
        contradictions=0,
        damaged=0,
        signals=signals,
    )


FULL, SAMPLE = verification(), verification(full=False, days_ago=0.5)
BAD_FULL = verification(problems=2, days_ago=2)
BAD_SAMPLE = verification(full=False, problems=1, days_ago=2)

INDEX = IndexSeen(
    engine="tantivy 0.27.0",
    analyzer="v1",
    size=1,
    is_written_here=True,
    compared_at=None,
    compared_to=0,
    checked_at=None,
    missing=0,
    surplus=0,
    losses=0,
    last_loss="",
    aside=0,
    damaged=0,
)
STATES = {
    "nobody ever verified": (facts(), IntegrityState.NOT_YET),
    "only a sample was": (facts(SAMPLE), IntegrityState.NOT_YET),
    "everything was": (facts(FULL), IntegrityState.VERIFIED),
    "a sample came after": (facts(SAMPLE, FULL), IntegrityState.VERIFIED),
    "the first one runs": (facts(verifying=(RUNNING,)), IntegrityState.VERIFYING),
    "another one runs": (facts(FULL, verifying=(RUNNING,)), IntegrityState.VERIFYING),
    "everything had problems": (facts(BAD_FULL), IntegrityState.PROBLEM),
    "a sample had problems": (facts(BAD_SAMPLE), IntegrityState.PROBLEM),
    "a sound sample clears nothing": (facts(SAMPLE, BAD_FULL), IntegrityState.PROBLEM),
    "a running one hides nothing": (facts(BAD_FULL, verifying=(RUNNING,)), IntegrityState.PROBLEM),
    "a later full one clears": (facts(FULL, BAD_FULL), IntegrityState.VERIFIED),
    "a later full one clears a sample": (facts(FULL, BAD_SAMPLE), IntegrityState.VERIFIED),
    "a witness holds another log": (
        replace(facts(FULL), contradictions=1),
        IntegrityState.PROBLEM,
    ),
    "an object was found damaged": (replace(facts(FULL), damaged=3), IntegrityState.PROBLEM),
    "the store lets locked objects go": (
        facts(FULL, signals=replace(QUIET, store=StorePromise.REFUSED)),
        IntegrityState.PROBLEM,
    ),
    "the store never claimed to keep them": (
        facts(FULL, signals=replace(QUIET, store=StorePromise.AUDIT_TRAIL)),
        IntegrityState.VERIFIED,
    ),
    "a loop stopped for good": (
        facts(
            FULL,
            signals=replace(
                QUIET,
                loops=(
                    LoopSeen(name="integrator", problem="root differs", notice="", stopped=True),
                ),
            ),
        ),
        IntegrityState.PROBLEM,
    ),
    "stored posts were found damaged by the index": (
        facts(FULL, signals=replace(QUIET, index=replace(INDEX, aside=2, damaged=1))),
        IntegrityState.PROBLEM,
    ),
    "a post could not be taken into the index, and is not damaged": (
        facts(FULL, signals=replace(QUIET, index=replace(INDEX, aside=1))),
        IntegrityState.VERIFIED,
    ),
    "the index was lost and differed: a view, and no evidence": (
        facts(FULL, signals=replace(QUIET, index=replace(INDEX, missing=1, losses=1))),
        IntegrityState.VERIFIED,
    ),
    "the index has more posts than its engine is meant for": (
        facts(FULL, signals=replace(QUIET, index=replace(INDEX, crowded="6 are more: slow"))),
        IntegrityState.VERIFIED,
    ),
    "a loop only fails just now": (
        facts(
            FULL,
            signals=replace(
                QUIET,
                loops=(LoopSeen(name="index", problem="disk away", notice="", stopped=False),),
            ),
        ),
        IntegrityState.VERIFIED,
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_the_state_follows_from_the_facts(name: str) -> None:
    known, state = STATES[name]

    assert judge(known).state is state


GOLDEN = {
    "problems": (
        replace(facts(BAD_FULL), contradictions=1, damaged=2),
        "Problem: 3 things are not as promised.",
        [
            "The verification of 2026-11-19 22:00 UTC found 2 problems",
            "1 time a witness held another log than this",
            "2 stored objects were found damaged while being read",
        ],
    ),
    "never verified": (
        facts(),
        "Not yet verified: nobody has verified the whole archive.",
        ["The whole archive was never verified"],
    ),
    "old": (
        facts(verification(days_ago=45)),
        (
            "Verified: everything the log held on 2026-10-07 was as promised (90 records, events "
            "included)."
        ),
        ["The last verification of everything is 45 days old"],
    ),
    "a small engine": (
        facts(FULL, signals=replace(QUIET, index=replace(INDEX, crowded="6 are more: slow"))),
        (
            "Verified: everything the log held on 2026-11-20 was as promised (90 records, events "
            "included)."
        ),
        ["The search engine is too small: 6 are more"],
    ),
    "peers away": (
        facts(
            FULL,
            signals=replace(
                QUIET,
                authorities=("swiss",),
                timestamp_problems={"swiss": "no answer"},
                quorum_asked=True,
                quorum_size=90,
                second=CopySeen(pending=4, lag_s=9, damaged=0, problem="bucket away"),
                store=StorePromise.UNPROVEN,
            ),
        ),
        (
            "Verified: everything the log held on 2026-11-20 was as promised (90 records, events "
            "included)."
        ),
        [
            "The timestamp authority swiss gave no token",
            "No recent timestamp covers the log",
            "The newest checkpoint has no quorum of witnesses yet",
            "The store claims locks, and nobody has tried them",
            "The second copy is not up to date",
        ],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_words_are_these(name: str) -> None:
    known, sentence, reasons = GOLDEN[name]

    judgement = judge(known)

    assert judgement.sentence == sentence
    assert [reason.what for reason in judgement.reasons] == reasons


def test_every_reason_says_what_it_means_and_what_to_do() -> None:
    reasons = [reason for known, *_ in GOLDEN.values() for reason in judge(known).reasons]

    assert all(reason.means and reason.todo for reason in reasons)


def test_a_fresh_timestamp_is_no_reason() -> None:
    stamp = Timestamped(authority="swiss", size=98, at=NOW - timedelta(hours=1), log_index=98)
    known = facts(FULL, signals=replace(QUIET, authorities=("swiss",)))

    assert judge(replace(known, timestamps=(stamp,))).reasons == ()


@given(
    sound=st.lists(st.booleans(), max_size=6),
    extents=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_it_is_verified_only_if_the_newest_full_one_and_all_since_found_nothing(
    sound: list[bool], extents: list[bool]
) -> None:
    """`sound` and `extents` are of the verifications, newest first."""
    made = [
        verification(full=full, problems=0 if ok else 1)
        for ok, full in zip(sound, extents, strict=False)
    ]
    newest_full = next((i for i, each in enumerate(made) if each.is_full), None)

    state = judge(facts(*made)).state

    is_sound = newest_full is not None and all(each.ok for each in made[: newest_full + 1])
    assert (state is IntegrityState.VERIFIED) is is_sound


def test_problems_come_before_notices() -> None:
    gravities = [reason.gravity for reason in judge(replace(facts(), damaged=1)).reasons]

    assert gravities == [Gravity.PROBLEM, Gravity.NOTICE]
