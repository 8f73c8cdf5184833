"""What the engine is told of stored records: versions, copies, units and events, by set."""

from datetime import UTC, datetime, timedelta

import pytest

from archiver.db.facts import facts_of
from archiver.db.transaction import Connection, Database
from retention.facts import Facts
from tests.fakes.filed_rows import FiledRows

DAY = timedelta(days=1)
CAPTURED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HAPPENED = datetime(2025, 6, 1, tzinfo=UTC)


class Written:
    """The log indexes of one archive's rows, by what they are."""

    def __init__(self, connection: Connection) -> None:
        rows = FiledRows(connection)
        place = rows.a_segment()

        def version(days: int, **given: object) -> int:
            return rows.a_post(place, captured_at=CAPTURED + days * DAY, post_id="p", **given)

        rows.an_account("acme", unit="trading")
        rows.an_account("acme", unit="elsewhere", platform="other")
        self.first = version(0, id="first".rjust(26, "0"), posted_at=CAPTURED - 9 * DAY)
        self.late = version(5, change="edited", edited_at=CAPTURED - 1 * DAY)
        self.second = version(1, change="edited", edited_at=CAPTURED)
        self.copy = version(7, duplicate_of="first".rjust(26, "0"), content_key=None)
        self.alone = rows.a_post(place, captured_at=CAPTURED, account="other", tags=" a b ")
        self.same_id_elsewhere = rows.a_post(
            place, captured_at=CAPTURED, post_id="p", platform="other"
        )
        self.audit = rows.a_post(
            place, captured_at=CAPTURED, entry_type="aud", platform="", account="", post_id=""
        )
        rows.a_post(
            place, captured_at=CAPTURED, entry_type="aud", platform="", account="", post_id=""
        )
        acme = {"platform": "example", "account": "acme"}
        rows.an_event("account_closed", HAPPENED, **acme)
        rows.an_event("account_closed", HAPPENED + DAY, in_force=False, **acme)
        rows.an_event("account_closed", HAPPENED + DAY, platform="else", account="acme")
        rows.an_event("case_closed", HAPPENED + DAY, record_id="first".rjust(26, "0"))
        rows.an_event("case_closed", HAPPENED, record_id="nobody")


@pytest.fixture
async def written(database: Database) -> Written:
    async with database.transaction() as tx:
        return await tx.run_sync(Written)


@pytest.fixture
async def facts(database: Database, written: Written) -> dict[int, Facts]:
    async with database.reading() as tx:
        return await facts_of(tx, [*range(100), written.first])


def test_facts_are_those_of_the_row_and_of_its_account(
    written: Written, facts: dict[int, Facts]
) -> None:
    assert len(facts) == 8
    assert facts[written.alone] == Facts(
        platform="example", account="other", captured_at=CAPTURED, tags=("a", "b")
    )
    assert facts[written.first].posted_at == CAPTURED - 9 * DAY
    assert facts[written.first].unit == "trading"
    assert facts[written.same_id_elsewhere].unit == "elsewhere"


def test_a_version_is_superseded_by_the_next_one_once_both_are_captured(
    written: Written, facts: dict[int, Facts]
) -> None:
    """In order of the versions' own moments: first, late, second."""
    assert facts[written.first].superseded_at == CAPTURED + 5 * DAY
    assert facts[written.late].superseded_at == CAPTURED + 5 * DAY  # not before it was here itself
    assert facts[written.second].superseded_at is None
    assert facts[written.copy].superseded_at == CAPTURED + 7 * DAY
    assert facts[written.same_id_elsewhere].superseded_at is None


def test_events_in_force_are_those_of_the_account_and_of_the_post_with_its_copies(
    written: Written, facts: dict[int, Facts]
) -> None:
    closed, case = ("account_closed", HAPPENED), ("case_closed", HAPPENED + DAY)
    assert facts[written.first].events == (closed, case)
    assert facts[written.copy].events == (closed, case)
    assert facts[written.second].events == (closed,)
    assert facts[written.alone].events == ()
    assert facts[written.same_id_elsewhere].events == ()


def test_the_archives_own_events_have_neither_versions_nor_events(
    written: Written, facts: dict[int, Facts]
) -> None:
    audit = facts[written.audit]
    assert (audit.superseded_at, audit.events, audit.unit) == (None, (), "")
