"""One post under every regulation that is shipped: when it may go, worked out by hand.

The post is of a leap day, seen on the evening of the day on which clocks go forward in America, so
that a zone, a leap day or an hour that is counted wrong shows. Every end is the local midnight
after the last day the post is kept.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from retention.decisions import State, decide, retain_until
from retention.facts import Facts
from retention.periods import Period
from retention.schedules import Schedule
from retention.templates import get_template, shipped_templates
from tests.unit.retention.samples import facts, utc

POSTED = "2024-02-29T15:00"
CAPTURED = (
    "2024-03-11T01:30"  # the evening of 10 March in America, the morning of the 11th in Europe
)
SUPERSEDED = "2024-12-31T23:30"
HAPPENED = "2025-06-30T23:30"  # 1 July in Europe

NEW_YORK, CHICAGO, DENVER = "America/New_York", "America/Chicago", "America/Denver"
LOS_ANGELES, TORONTO = "America/Los_Angeles", "America/Toronto"
LONDON, PARIS = "Europe/London", "Europe/Paris"

# template, zone, what it awaits, the local day from which it may go: by hand, never by the engine
ENDS = (
    ("us-sec-17a4-comms", NEW_YORK, "", "2027-03-11"),
    ("us-sec-17a4-books", NEW_YORK, "", "2030-03-11"),
    ("us-sec-17a4-account", NEW_YORK, "account_closed", "2031-07-01"),
    ("us-sec-17a4-manual", NEW_YORK, "superseded", "2028-01-01"),
    ("us-sec-18a6-comms", NEW_YORK, "", "2027-03-11"),
    ("us-finra-4511-default", NEW_YORK, "", "2030-03-11"),
    ("us-finra-4511-account", NEW_YORK, "account_closed", "2031-07-01"),
    ("us-finra-2210-public", NEW_YORK, "last_use", "2028-07-01"),
    ("us-finra-3110-corr", NEW_YORK, "", "2027-03-11"),
    ("us-finra-3110-review", NEW_YORK, "reviewed_item_disposed", "2027-03-11"),
    ("us-finra-4513-complaint", NEW_YORK, "", "2028-03-11"),
    ("us-cftc-131-general", NEW_YORK, "", "2029-03-11"),
    ("us-cftc-131-swap", NEW_YORK, "transaction_ended", "2030-07-01"),
    ("us-cftc-131-oral", NEW_YORK, "", "2025-03-02"),  # a year without 29 February: 1 March
    ("us-sec-204-2-comms", NEW_YORK, "", "2029-10-01"),
    ("us-sec-204-2-ads", NEW_YORK, "last_use", "2030-10-01"),
    ("us-sec-204-2-support", NEW_YORK, "", "2029-10-01"),
    ("us-hipaa-doc", NEW_YORK, "superseded", "2031-01-01"),
    ("eu-mifid2-comms", PARIS, "", "2029-03-12"),
    ("eu-mifid2-comms-7y", PARIS, "", "2031-03-12"),
    ("uk-fca-sysc10a", LONDON, "", "2029-03-12"),
    ("uk-fca-sysc10a-7y", LONDON, "", "2031-03-12"),
    ("eu-gdpr-thirdparty", PARIS, "", "2025-09-12"),
    ("ca-ni31103-comms", TORONTO, "", "2031-03-11"),
    ("ca-ciro-mfd", TORONTO, "", "2031-03-11"),
    ("us-nara-grs64-010", NEW_YORK, "no_longer_needed", "2027-03-11"),
    ("us-nara-grs64-020", NEW_YORK, "", "2024-06-09"),
    ("us-nara-unscheduled", NEW_YORK, "", "never"),
    ("us-wa-exec-comms", LOS_ANGELES, "withdrawn", "2027-07-01"),
    ("us-wa-nonexec-comms", LOS_ANGELES, "withdrawn", "2027-07-01"),
    ("us-tx-admin-corr", CHICAGO, "", "2028-03-11"),
    ("us-tx-general-corr", CHICAGO, "", "2026-03-11"),
    ("us-fl-admin-corr", NEW_YORK, "", "2027-10-01"),
    ("us-fl-policy-corr", NEW_YORK, "", "2029-10-01"),
    ("us-wy-general-corr", DENVER, "", "2027-03-11"),
    ("us-wy-publicity", DENVER, "", "2029-03-11"),
    ("us-wy-transitory", DENVER, "superseded", "2028-01-01"),
    ("us-wy-executive", DENVER, "", "never"),
    ("house-7y", NEW_YORK, "", "2031-03-11"),
    ("default", NEW_YORK, "", "2031-03-11"),
    ("system-audit", NEW_YORK, "audited_records_disposed", "2034-03-11"),
)


def adopted(template_id: str, zone: str) -> Schedule:
    template = get_template(template_id)
    return template.schedule(
        version=1,
        zone=zone,
        fiscal_year_starts=10 if template.needs_fiscal_year else None,
        period=Period(months=18) if template.needs_period else None,
    )


def post(awaited: str = "") -> Facts:
    """Return the post, and what its schedule awaits."""
    if awaited == "superseded":
        return facts(CAPTURED, posted=POSTED, superseded=SUPERSEDED)
    return facts(CAPTURED, posted=POSTED, **({awaited: HAPPENED} if awaited else {}))


def test_the_table_names_every_template_that_is_shipped() -> None:
    assert [row[0] for row in sorted(ENDS)] == sorted(each.id for each in shipped_templates())


@pytest.mark.parametrize(("template", "zone", "awaited", "day"), ENDS, ids=[e[0] for e in ENDS])
def test_a_post_may_go_from_the_day_the_regulation_gives(
    template: str, zone: str, awaited: str, day: str
) -> None:
    schedule = adopted(template, zone)

    keep = retain_until(post(awaited), schedule)

    if day == "never":
        assert keep.kind is State.PERMANENT
        return
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert keep.until == midnight
    before = decide(post(awaited), schedule, (), midnight - timedelta.resolution)
    after = decide(post(awaited), schedule, (), midnight)
    assert (before.state, after.state) == (State.RETAIN, State.ELIGIBLE)
    assert all(reason.citation for reason in (*before.reasons, *after.reasons))


@pytest.mark.parametrize(
    ("template", "zone", "awaited"),
    [row[:3] for row in ENDS if row[2]],
    ids=[row[0] for row in ENDS if row[2]],
)
def test_what_a_regulation_awaits_keeps_the_post_however_long_it_takes(
    template: str, zone: str, awaited: str
) -> None:
    decision = decide(post(), adopted(template, zone), (), utc("2190-01-01T00:00"))

    assert decision.state is State.AWAITING_EVENT
    assert decision.until is None
    assert awaited.replace("_", " ") in decision.reasons[0].text.lower().replace("_", " ")
