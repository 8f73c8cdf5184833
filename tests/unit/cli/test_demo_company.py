"""What the demonstration expects is counted from the generated posts alone."""

import json
from datetime import UTC, datetime

from archiver.cli.demo_company import generate

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_expected_counts_are_those_of_the_generated_posts() -> None:
    company = generate(400, UNTIL)
    sent = [json.loads(capture) for capture in company.captures]
    deleted = sum(capture["change"] == "deleted" for capture in sent)

    assert company.expected("is:deleted") == company.changes["deleted"] == deleted > 0
    assert company.expected("platform:slack") == company.platforms["slack"] > 0
    assert company.expected("NOT is:deleted") == 400 - deleted
    assert company.expected("has:media") == company.media == sum("media" in c for c in sent) > 0
    assert len(company.platforms) == 6


def test_the_batches_are_all_captures_in_order() -> None:
    company = generate(250, UNTIL)

    batches = company.batches()

    assert [len(batch) for batch in batches] == [100, 100, 50]
    assert tuple(capture for batch in batches for capture in batch) == company.captures


def test_the_same_moment_gives_the_same_company() -> None:
    assert generate(50, UNTIL).captures == generate(50, UNTIL).captures
