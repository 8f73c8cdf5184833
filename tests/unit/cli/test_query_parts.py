"""The parts `search --explain` counts one by one."""

import pytest

from archiver.cli.query_parts import parts_of
from archiver.errors import InvalidInput


def test_each_different_part_is_given_once_in_reading_order() -> None:
    parts = list(parts_of('(fees OR "no fees") AND NOT platform:X AND fees', "UTC"))

    assert [part.text for part in parts] == ["fees", '"no fees"', "platform:x"]
    assert parts[0].finds == ("fees", "fees's", "#fees")
    assert parts[1].finds == ()


def test_days_are_days_in_the_archives_zone() -> None:
    (part,) = parts_of("after:2026-01-01", "America/New_York")

    assert part.text == "after:2026-01-01T05:00:00Z"


def test_what_is_not_a_query_is_refused() -> None:
    with pytest.raises(InvalidInput):
        list(parts_of("a b", "UTC"))
