"""Golden decisions, reasons included, for the rules the templates ship."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from retention.decisions import State, decide, retain_until
from retention.errors import FactsError
from retention.facts import Facts, Hold
from retention.periods import PERMANENT, Period
from retention.reasons import Reason
from retention.schedules import Action, LockMode, Schedule, Term, Trigger
from retention.templates import get_template
from tests.unit.retention.samples import facts, hold, utc


@dataclass(frozen=True, kw_only=True)
class Golden:
    name: str
    template: str
    facts: Facts
    as_of: str
    state: State
    until: str | None
    reasons: tuple[Reason, ...]
    zone: str = "America/New_York"
    fiscal_year_starts: int | None = None
    holds: tuple[Hold, ...] = field(default=())
    lock_until: str | None = None


def because(text: str, citation: str) -> Reason:
    return Reason(text=text, citation=citation)


SEC_B4 = "17 CFR 240.17a-4(b)(4)"
FINRA_2210 = "FINRA 2210(b)(4)(A); 17 CFR 240.17a-4(b)"
HIPAA = "45 CFR 164.316(b)(2)(i), 164.530(j)(2)"
GRS_020 = "GRS 6.4 item 020, DAA-GRS-2016-0005-0002"
ADVISER = "17 CFR 275.204-2(a)(7), (e)(1)"
ADVISER_ADS = "17 CFR 275.204-2(a)(11), (a)(16), (e)(3)(i); 275.206(4)-1"

BROKER_POST = facts(captured="2020-10-26T12:00", posted="2020-10-25T23:54")
POSTED = because(
    "Posted 2020-10-25 19:54 America/New_York; kept 3 years from then, until 2023-10-26 00:00.",
    SEC_B4,
)
CAPTURED = because(
    "Captured 2020-10-26 08:00 America/New_York; kept 3 years from then, until 2023-10-27 00:00.",
    SEC_B4,
)
HELD = because(
    "On hold All of Doe since 2022-02-01 10:00 America/New_York: nothing of it may be "
    "disposed of before the hold is released.",
    "matter Doe v. Acme, hold H-1",
)
MAY_GO = because(
    "Every term has ended, no hold covers it and no lock is running: it may be destroyed after "
    "review and approval.",
    "class us-sec-17a4-comms, schedule version 1",
)

GOLDENS = (
    Golden(
        name="17a-4(b)(4), a moment before the end",
        template="us-sec-17a4-comms",
        facts=BROKER_POST,
        as_of="2023-10-27T03:59:59.999999",
        state=State.RETAIN,
        until="2023-10-27T04:00",
        reasons=(CAPTURED, POSTED),
    ),
    Golden(
        name="17a-4(b)(4), at the end",
        template="us-sec-17a4-comms",
        facts=BROKER_POST,
        as_of="2023-10-27T04:00",
        state=State.ELIGIBLE,
        until="2023-10-27T04:00",
        reasons=(CAPTURED, POSTED, MAY_GO),
    ),
    Golden(
        name="17a-4(b)(4), held",
        template="us-sec-17a4-comms",
        facts=BROKER_POST,
        as_of="2030-01-01T00:00",
        holds=(hold(),),
        state=State.HELD,
        until="2023-10-27T04:00",
        reasons=(HELD, CAPTURED, POSTED),
    ),
    Golden(
        name="17a-4(b)(4), locked to the end of the month",
        template="us-sec-17a4-comms",
        facts=BROKER_POST,
        as_of="2023-10-31T23:59",
        lock_until="2023-11-01T00:00",
        state=State.LOCKED,
        until="2023-11-01T00:00",
        reasons=(
            CAPTURED,
            POSTED,
            because(
                "The stored object is locked until 2023-11-01 00:00 UTC; the store refuses to "
                "delete it before then.",
                "object lock, class lock mode compliance",
            ),
        ),
    ),
    Golden(
        name="17a-4(b)(4), the lock has ended",
        template="us-sec-17a4-comms",
        facts=BROKER_POST,
        as_of="2023-11-01T00:00",
        lock_until="2023-11-01T00:00",
        state=State.ELIGIBLE,
        until="2023-11-01T00:00",
        reasons=(
            CAPTURED,
            POSTED,
            because(
                "The stored object is locked until 2023-11-01 00:00 UTC; the lock has ended.",
                "object lock, class lock mode compliance",
            ),
            MAY_GO,
        ),
    ),
    Golden(
        name="17a-4(b)(4), the platform did not say when",
        template="us-sec-17a4-comms",
        facts=facts(captured="2020-10-26T12:00"),
        as_of="2021-01-01T00:00",
        state=State.RETAIN,
        until="2023-10-27T04:00",
        reasons=(
            because(
                "Posting time unknown, so counted from the capture: captured 2020-10-26 08:00 "
                "America/New_York; kept 3 years from then, until 2023-10-27 00:00.",
                SEC_B4,
            ),
            CAPTURED,
        ),
    ),
    Golden(
        name="17a-4(b)(4), the platform says the year 2999",
        template="us-sec-17a4-comms",
        facts=facts(captured="2020-10-26T12:00", posted="2999-01-01T00:00"),
        as_of="2021-01-01T00:00",
        state=State.RETAIN,
        until="2023-10-27T04:00",
        reasons=(
            because(
                "Posting time 2999-01-01 given by the platform is not plausible, so counted from "
                "the capture: captured 2020-10-26 08:00 America/New_York; kept 3 years from then, "
                "until 2023-10-27 00:00.",
                SEC_B4,
            ),
            CAPTURED,
        ),
    ),
    Golden(
        name="17a-4(a), six years",
        template="us-sec-17a4-books",
        facts=facts(captured="2020-02-29T15:00"),
        as_of="2021-01-01T00:00",
        state=State.RETAIN,
        until="2026-03-02T05:00",
        reasons=(
            because(
                "Captured 2020-02-29 10:00 America/New_York; kept 6 years from then, until "
                "2026-03-02 00:00.",
                "17 CFR 240.17a-4(a)",
            ),
        ),
    ),
    Golden(
        name="17a-4(c), the account is open",
        template="us-sec-17a4-account",
        facts=facts(),
        as_of="2090-01-01T00:00",
        state=State.AWAITING_EVENT,
        until=None,
        reasons=(
            because(
                "Awaiting the event account_closed; kept 6 years from then.",
                "17 CFR 240.17a-4(c), (e)(5)",
            ),
        ),
    ),
    Golden(
        name="17a-4(c), the account was closed",
        template="us-sec-17a4-account",
        facts=facts(account_closed="2021-06-30T20:00"),
        as_of="2026-01-01T00:00",
        state=State.RETAIN,
        until="2027-07-01T04:00",
        reasons=(
            because(
                "Event account_closed on 2021-06-30 16:00 America/New_York; kept 6 years from "
                "then, until 2027-07-01 00:00.",
                "17 CFR 240.17a-4(c), (e)(5)",
            ),
        ),
    ),
    Golden(
        name="FINRA 2210, still in use after three years",
        template="us-finra-2210-public",
        facts=BROKER_POST,
        as_of="2030-01-01T00:00",
        state=State.AWAITING_EVENT,
        until=None,
        reasons=(
            because(
                "Awaiting the event last_use; kept 3 years from then.",
                f"{FINRA_2210} (to be confirmed by counsel)",
            ),
            because(CAPTURED.text, FINRA_2210),
            because(POSTED.text, FINRA_2210),
        ),
    ),
    Golden(
        name="FINRA 2210, last used a year later",
        template="us-finra-2210-public",
        facts=facts(
            captured="2020-10-26T12:00", posted="2020-10-25T23:54", last_use="2021-12-01T17:00"
        ),
        as_of="2024-01-01T00:00",
        state=State.RETAIN,
        until="2024-12-02T05:00",
        reasons=(
            because(
                "Event last_use on 2021-12-01 12:00 America/New_York; kept 3 years from then, "
                "until 2024-12-02 00:00.",
                f"{FINRA_2210} (to be confirmed by counsel)",
            ),
            because(CAPTURED.text, FINRA_2210),
            because(POSTED.text, FINRA_2210),
        ),
    ),
    Golden(
        name="CFTC, oral, one year",
        template="us-cftc-131-oral",
        zone="America/Chicago",
        facts=facts(captured="2024-03-09T00:00", posted="2024-02-29T12:00"),
        as_of="2025-03-02T06:00",
        state=State.ELIGIBLE,
        until="2025-03-02T06:00",
        reasons=(
            because(
                "Posted 2024-02-29 06:00 America/Chicago; kept 1 year from then, until "
                "2025-03-02 00:00.",
                "17 CFR 1.31(b)(2)",
            ),
            because(
                MAY_GO.text,
                "class us-cftc-131-oral, schedule version 1",
            ),
        ),
    ),
    Golden(
        name="204-2, five years from the end of the fiscal year",
        template="us-sec-204-2-comms",
        fiscal_year_starts=7,
        # captured in the fiscal year after the post's: the later term wins by a whole year
        facts=facts(captured="2021-07-01T04:00", posted="2021-07-01T03:59"),
        as_of="2026-12-31T00:00",
        state=State.RETAIN,
        until="2027-07-01T04:00",
        reasons=(
            because(
                "Captured 2021-07-01 00:00 America/New_York; cut off at the end of the fiscal year "
                "on 2022-06-30; kept 5 years from then, until 2027-07-01 00:00.",
                ADVISER,
            ),
            because(
                "Posted 2021-06-30 23:59 America/New_York; cut off at the end of the fiscal year "
                "on 2021-06-30; kept 5 years from then, until 2026-07-01 00:00.",
                ADVISER,
            ),
        ),
    ),
    Golden(
        name="204-2, an advertisement last used in a calendar fiscal year",
        template="us-sec-204-2-ads",
        fiscal_year_starts=1,
        facts=facts(last_use="2022-01-01T04:59"),
        as_of="2026-12-31T00:00",
        state=State.RETAIN,
        until="2027-01-01T05:00",
        reasons=(
            because(
                "Event last_use on 2021-12-31 23:59 America/New_York; cut off at the end of the "
                "fiscal year on 2021-12-31; kept 5 years from then, until 2027-01-01 00:00.",
                ADVISER_ADS,
            ),
        ),
    ),
    Golden(
        name="HIPAA, a policy in force",
        template="us-hipaa-doc",
        facts=facts(captured="2010-05-05T16:00"),
        as_of="2030-01-01T00:00",
        state=State.AWAITING_EVENT,
        until=None,
        reasons=(
            because("Not superseded yet; kept 6 years from then.", HIPAA),
            because(
                "Captured 2010-05-05 12:00 America/New_York; kept 6 years from then, until "
                "2016-05-06 00:00.",
                HIPAA,
            ),
        ),
    ),
    Golden(
        name="HIPAA, a policy superseded",
        template="us-hipaa-doc",
        facts=facts(captured="2010-05-05T16:00", superseded="2015-01-01T17:00"),
        as_of="2020-01-01T00:00",
        state=State.RETAIN,
        until="2021-01-02T05:00",
        reasons=(
            because(
                "Superseded 2015-01-01 12:00 America/New_York; kept 6 years from then, until "
                "2021-01-02 00:00.",
                HIPAA,
            ),
            because(
                "Captured 2010-05-05 12:00 America/New_York; kept 6 years from then, until "
                "2016-05-06 00:00.",
                HIPAA,
            ),
        ),
    ),
    Golden(
        name="NARA, 90 days over the change of clocks",
        template="us-nara-grs64-020",
        facts=facts(captured="2024-01-10T15:00", posted="2024-01-10T14:00"),
        as_of="2024-04-10T04:00",
        state=State.ELIGIBLE,
        until="2024-04-10T04:00",
        reasons=(
            because(
                "Posted 2024-01-10 09:00 America/New_York; kept 90 days from then, until "
                "2024-04-10 00:00.",
                GRS_020,
            ),
            because(
                "Captured 2024-01-10 10:00 America/New_York; kept 90 days from then, until "
                "2024-04-10 00:00.",
                GRS_020,
            ),
            because(MAY_GO.text, "class us-nara-grs64-020, schedule version 1"),
        ),
    ),
    Golden(
        name="NARA, unscheduled is permanent",
        template="us-nara-unscheduled",
        facts=facts(),
        as_of="2190-01-01T00:00",
        state=State.PERMANENT,
        until=None,
        reasons=(because("Kept permanently.", "GRS 6.4, introduction; 36 CFR 1220.32(e)"),),
    ),
    Golden(
        name="permanent and held",
        template="us-nara-unscheduled",
        facts=facts(),
        as_of="2190-01-01T00:00",
        holds=(hold(),),
        state=State.HELD,
        until=None,
        reasons=(HELD, because("Kept permanently.", "GRS 6.4, introduction; 36 CFR 1220.32(e)")),
    ),
)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_the_decision_and_its_reasons_are_the_golden_ones(golden: Golden) -> None:
    schedule = get_template(golden.template).schedule(
        version=1, zone=golden.zone, fiscal_year_starts=golden.fiscal_year_starts
    )

    decision = decide(
        golden.facts,
        schedule,
        golden.holds,
        utc(golden.as_of),
        lock_until=utc(golden.lock_until) if golden.lock_until else None,
    )

    assert decision.reasons == golden.reasons
    assert decision.state is golden.state
    assert decision.until == (utc(golden.until) if golden.until else None)


def schedule_of(*terms: Term, action: Action = Action.DESTROY) -> Schedule:
    return Schedule(
        class_code="posts",
        version=3,
        terms=terms,
        action=action,
        lock=LockMode.NONE,
        zone="Europe/Paris",
    )


def term(trigger: str, period: Period, zone: str = "") -> Term:
    return Term(
        id=trigger, citation="House rule", trigger=Trigger.parse(trigger), period=period, zone=zone
    )


def test_a_schedule_whose_action_is_permanent_keeps_after_its_terms_have_ended() -> None:
    schedule = schedule_of(term("captured", Period(years=2)), action=Action.PERMANENT)

    decision = decide(facts(captured="2000-01-01T12:00"), schedule, (), utc("2030-01-01"))

    assert decision.state is State.PERMANENT
    assert decision.until is None
    assert decision.at_least == utc("2002-01-01T23:00")
    assert decision.reasons[0] == because(
        "Kept permanently: the schedule names no disposal when its terms have ended.",
        "class posts, schedule version 3",
    )


def test_a_permanent_schedule_awaits_no_event() -> None:
    schedule = schedule_of(term("event:withdrawn", Period(years=2)), action=Action.PERMANENT)

    assert retain_until(facts(), schedule).kind is State.PERMANENT


def test_a_term_counts_in_its_own_zone_where_it_names_one() -> None:
    moment = facts(captured="2020-01-01T12:00")
    paris = retain_until(moment, schedule_of(term("captured", Period(days=1))))
    kiritimati = retain_until(
        moment, schedule_of(term("captured", Period(days=1), "Pacific/Kiritimati"))
    )

    assert paris.until == utc("2020-01-02T23:00")
    assert kiritimati.until == utc("2020-01-03T10:00")


def test_a_reason_shows_the_zone_its_term_counts_in() -> None:
    schedule = schedule_of(term("captured", Period(days=1), "Pacific/Kiritimati"))

    reason = decide(facts(captured="2020-01-01T12:00"), schedule, (), utc("2020-01-01")).reasons[0]

    assert reason.text == (
        "Captured 2020-01-02 02:00 Pacific/Kiritimati; kept 1 day from then, until "
        "2020-01-04 00:00."
    )


def test_a_permanent_term_is_named_before_an_awaited_event_and_an_end() -> None:
    forever = Term(
        id="forever", citation="Charter", trigger=Trigger.parse("captured"), period=PERMANENT
    )
    schedule = schedule_of(
        term("captured", Period(years=1)),
        term("event:last_use", Period(years=1)),
        forever,
        action=Action.PERMANENT,
    )

    texts = [reason.text for reason in decide(facts(), schedule, (), utc("2020-10-26")).reasons]

    assert [text.split()[0] for text in texts] == ["Kept", "Awaiting", "Captured"]


def test_an_event_that_came_twice_counts_from_the_latest() -> None:
    reopened = Facts(
        platform="x",
        account="acme",
        captured_at=utc("2020-01-01"),
        events=(
            ("account_closed", utc("2022-05-05T12:00")),
            ("account_closed", utc("2021-05-05T12:00")),
            ("last_use", utc("2023-05-05T12:00")),
        ),
    )

    keep = retain_until(reopened, schedule_of(term("event:account_closed", Period(years=1))))

    assert keep.until == utc("2023-05-05T22:00")


def test_an_awaited_event_leaves_known_what_a_lock_can_be_set_to() -> None:
    keep = retain_until(
        facts(captured="2020-06-01T12:00"),
        schedule_of(term("captured", Period(years=1)), term("event:last_use", Period(years=3))),
    )

    assert keep.kind is State.AWAITING_EVENT
    assert keep.until is None
    assert keep.at_least == utc("2021-06-01T22:00")


@pytest.mark.parametrize(
    ("posted", "believed"),
    [
        ("2021-10-27T12:00", True),  # scheduled a year ahead
        ("2021-10-27T12:01", False),
        ("1970-01-01T00:00", False),  # what a missing number becomes
        ("1970-01-01T00:01", True),
    ],
)
def test_a_posting_time_is_believed_within_reason(posted: str, believed: bool) -> None:  # noqa: FBT001 - a table column
    assert facts(captured="2020-10-26T12:00", posted=posted).posted_is_plausible() is believed


NAIVE = datetime(2020, 1, 1)  # noqa: DTZ001 - what the engine must refuse


def test_a_naive_moment_is_refused_wherever_it_is_given() -> None:
    aware = utc("2020-01-01")
    schedule = schedule_of(term("captured", Period(years=1)))
    known = facts()

    with pytest.raises(FactsError, match="naive"):
        replace(known, captured_at=NAIVE)
    with pytest.raises(FactsError, match="posted_at"):
        replace(known, posted_at=NAIVE)
    with pytest.raises(FactsError, match="superseded_at"):
        replace(known, superseded_at=NAIVE)
    with pytest.raises(FactsError, match="event last_use"):
        replace(known, events=(("last_use", NAIVE),))
    with pytest.raises(FactsError, match="hold H-1"):
        Hold(id="H-1", matter="M", placed_at=NAIVE)
    with pytest.raises(FactsError, match="as_of"):
        decide(facts(), schedule, (), NAIVE)
    with pytest.raises(FactsError, match="lock_until"):
        decide(facts(), schedule, (), aware, lock_until=NAIVE)


@pytest.mark.parametrize("captured", ["1969-12-31T23:59", "2200-01-01T00:00"])
def test_a_capture_outside_the_years_we_count_in_is_refused(captured: str) -> None:
    with pytest.raises(FactsError, match="between 1970 and 2200"):
        facts(captured=captured)
