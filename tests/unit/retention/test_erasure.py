"""What stands against erasing a record early: only terms of the house may end before their time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.decisions import State, decide
from retention.erasure import Ground, bars_to_erasure
from retention.errors import FactsError
from retention.facts import Facts, Hold
from retention.periods import PERMANENT, Period
from retention.schedules import Action, LockMode, Schedule, Term, Trigger

CAPTURED = datetime(2024, 6, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
FACTS = Facts(platform="x", account="acme", captured_at=CAPTURED)
HOLD = Hold(id="H1", name="Q3", matter="24-1", placed_at=datetime(2024, 6, 2, 7, 8, tzinfo=UTC))
HOUSE = "House rule: no law is cited"
LAW = "17 CFR 240.17a-4(b)(4)"


def term(
    citation: str, years: int | None = 7, trigger: str = "captured", term_id: str = "t"
) -> Term:
    return Term(
        id=term_id,
        citation=citation,
        trigger=Trigger.parse(trigger),
        period=PERMANENT if years is None else Period(years=years),
    )


def schedule(*terms: Term, action: Action = Action.DESTROY) -> Schedule:
    return Schedule(
        class_code="guests",
        version=3,
        terms=terms,
        action=action,
        lock=LockMode.NONE,
        zone="UTC",
    )


def test_a_term_of_the_house_bars_nothing() -> None:
    assert bars_to_erasure(FACTS, schedule(term(HOUSE)), (), NOW) == ()


@pytest.mark.parametrize("action", [Action.DESTROY, Action.REVIEW])
def test_an_ended_law_bars_nothing(action: Action) -> None:
    ended = schedule(term(LAW, years=1), action=action)
    assert bars_to_erasure(FACTS, ended, (), NOW) == ()


def test_each_bar_tells_its_reason_its_citation_and_its_ground() -> None:
    kept = schedule(
        term(LAW, years=6, term_id="a"),
        term(HOUSE, years=9, term_id="b"),
        term("FINRA 4511(b)", years=6, trigger="event:account_closed", term_id="c"),
        action=Action.TRANSFER,
    )
    bars = bars_to_erasure(FACTS, kept, (HOLD,), NOW, lock_until=NOW + timedelta(days=9))
    assert [(bar.ground, bar.reason.text, bar.reason.citation) for bar in bars] == [
        (
            Ground.LEGAL_CLAIMS,
            (
                "On hold Q3 since 2024-06-02 07:08 UTC: nothing of it may be disposed of before "
                "the hold is released."
            ),
            "matter 24-1, hold H1",
        ),
        (
            Ground.LEGAL_OBLIGATION,
            "Captured 2024-06-01 12:00 UTC; kept 6 years from then, until 2030-06-02 00:00.",
            LAW,
        ),
        (
            Ground.LEGAL_OBLIGATION,
            "Awaiting the event account_closed; kept 6 years from then.",
            "FINRA 4511(b)",
        ),
        (
            Ground.PUBLIC_ARCHIVING,
            "The schedule hands it over to an archive before anything of it is destroyed.",
            "class guests, schedule version 3",
        ),
        (
            None,
            (
                "The stored object is locked until 2026-12-01 00:00 UTC; the store refuses to "
                "delete it before then."
            ),
            "object lock, class lock mode none",
        ),
    ]


def test_a_permanent_schedule_of_the_house_bars_too() -> None:
    kept = schedule(term(HOUSE, years=None), action=Action.PERMANENT)
    (bar,) = bars_to_erasure(FACTS, kept, (), NOW)
    assert (bar.ground, bar.reason.text) == (
        Ground.PUBLIC_ARCHIVING,
        "The schedule keeps it permanently.",
    )


@pytest.mark.parametrize(
    ("citation", "house"),
    [
        (HOUSE, True),
        ("  house rule", True),
        ("HOUSE RULE under GDPR 5", True),
        ("House-rule", False),
        ("our house rule", False),
        ("Regulation (EU) 2016/679 art. 5", False),
        ("?", False),
    ],
)
def test_whatever_does_not_say_house_rule_first_counts_as_law(
    citation: str, *, house: bool
) -> None:
    assert term(citation).is_house_rule is house
    assert bool(bars_to_erasure(FACTS, schedule(term(citation)), (), NOW)) is not house


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(FactsError, match="aware"):
        bars_to_erasure(FACTS, schedule(term(HOUSE)), (), datetime(2026, 1, 1))  # noqa: DTZ001


def test_every_ground_has_its_citation_and_its_words() -> None:
    for ground in Ground:
        assert ground.citation.startswith("GDPR art. ")
        assert ground.text.endswith(".")


@given(
    terms=st.lists(
        st.tuples(
            st.sampled_from([HOUSE, LAW, "x"]),
            st.sampled_from([0, 1, 2, 3, 9]),
            st.sampled_from(["captured", "posted", "superseded", "event:account_closed"]),
        ),
        min_size=1,
        max_size=4,
    ),
    action=st.sampled_from([Action.DESTROY, Action.REVIEW, Action.TRANSFER]),
    held=st.booleans(),
    locked=st.integers(min_value=-2, max_value=2),
    days=st.integers(min_value=0, max_value=4000),
)
def test_nothing_held_locked_or_bound_by_law_may_ever_be_erased(
    terms: list[tuple[str, int, str]], action: Action, *, held: bool, locked: int, days: int
) -> None:
    kept = schedule(
        *(term(cited, years, on, str(i)) for i, (cited, years, on) in enumerate(terms)),
        action=action,
    )
    at = CAPTURED + timedelta(days=days)
    lock = at + timedelta(days=locked)
    bars = bars_to_erasure(FACTS, kept, (HOLD,) if held else (), at, lock_until=lock)
    if held or locked > 0 or action is Action.TRANSFER:
        assert bars
    laws = [each for each in kept.terms if not each.is_house_rule]
    if laws:
        by_law = Schedule(
            class_code="guests",
            version=3,
            terms=tuple(laws),
            action=action,
            lock=LockMode.NONE,
            zone="UTC",
        )
        if decide(FACTS, by_law, (), at).state is not State.ELIGIBLE:
            assert Ground.LEGAL_OBLIGATION in {bar.ground for bar in bars}
    if not bars:  # then, without the house's own terms, nothing keeps it at all
        assert not held
        assert locked <= 0
