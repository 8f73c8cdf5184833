"""Facts, schedules and hypothesis strategies the retention tests share."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from retention.facts import Facts, Hold
from retention.periods import PERMANENT, Cutoff, CutoffKind, Period
from retention.schedules import Action, LockMode, Mark, Schedule, Term, Trigger

ZONES = (
    "UTC",
    "America/New_York",
    "America/Sao_Paulo",  # skipped midnight until 2018
    "America/Havana",  # skips midnight in spring, has it twice in autumn
    "America/St_Johns",  # changed at 00:01 until 2011
    "Africa/Cairo",  # skips midnight
    "Europe/London",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Kiritimati",  # UTC+14
    "Pacific/Pago_Pago",  # UTC-11
    "Antarctica/Troll",  # changes by two hours
)


def utc(text: str) -> datetime:
    """Return the UTC moment an ISO text without offset writes."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def facts(
    captured: str = "2020-10-26T12:00",
    posted: str | None = None,
    superseded: str | None = None,
    **events: str,
) -> Facts:
    return Facts(
        platform="bluesky",
        account="acme.example",
        captured_at=utc(captured),
        posted_at=utc(posted) if posted else None,
        superseded_at=utc(superseded) if superseded else None,
        events=tuple((name, utc(moment)) for name, moment in events.items()),
    )


def hold(placed: str = "2022-02-01T15:00") -> Hold:
    return Hold(id="H-1", matter="Doe v. Acme", placed_at=utc(placed), name="All of Doe")


zones = st.sampled_from(ZONES)
moments = st.datetimes(
    min_value=datetime(1970, 1, 3),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2199, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
days = st.dates(min_value=date(1970, 1, 3), max_value=date(2199, 12, 30))
periods = st.builds(
    Period,
    years=st.integers(0, 100),
    months=st.integers(0, 60),
    days=st.integers(0, 4000),
)
cutoffs = st.one_of(
    st.sampled_from([kind for kind in CutoffKind if kind is not CutoffKind.FISCAL_YEAR]).map(
        lambda kind: Cutoff(kind=kind)
    ),
    st.integers(1, 12).map(lambda month: Cutoff(kind=CutoffKind.FISCAL_YEAR, first_month=month)),
)
triggers = st.sampled_from(
    ("posted", "captured", "superseded", "event:account_closed", "event:last_use")
).map(Trigger.parse)


names = st.text(min_size=1, max_size=8).filter(str.strip)


def terms(*, permanent: bool = False) -> st.SearchStrategy[Term]:
    return st.builds(
        Term,
        id=names,
        citation=names,
        trigger=triggers,
        period=st.one_of(periods, st.just(PERMANENT)) if permanent else periods,
        cutoff=cutoffs,
        zone=st.one_of(st.just(""), zones),
        mark=st.sampled_from(Mark),
        note=st.text(max_size=8),
    )


def _schedule(terms: list[Term], action: Action, lock: LockMode, zone: str) -> Schedule:
    endless = any(term.period is PERMANENT for term in terms)
    return Schedule(
        class_code="public-posts",
        version=1,
        terms=tuple(terms),
        action=Action.PERMANENT if endless else action,
        lock=lock,
        zone=zone,
    )


schedules = st.builds(
    _schedule,
    terms=st.lists(terms(permanent=True), min_size=1, max_size=4, unique_by=lambda term: term.id),
    action=st.sampled_from(Action),
    lock=st.sampled_from(LockMode),
    zone=zones,
)
all_facts = st.builds(
    Facts,
    platform=st.just("bluesky"),
    account=st.just("acme.example"),
    captured_at=moments,
    posted_at=st.one_of(
        st.none(),
        moments,
        st.just(datetime(1, 1, 1, tzinfo=UTC)),
        st.just(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
    ),
    superseded_at=st.one_of(st.none(), moments),
    events=st.lists(
        st.tuples(st.sampled_from(("account_closed", "last_use")), moments), max_size=3
    ).map(tuple),
    days=st.lists(st.tuples(st.sampled_from(("account_closed", "last_use")), days), max_size=2).map(
        tuple
    ),
)
holds = st.builds(Hold, id=st.just("H-1"), matter=st.just("Doe v. Acme"), placed_at=moments)
