"""Foreign fields: the map, and times read strictly."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.fields import (
    FieldMap,
    parse_field_map,
    parse_time,
    parse_zone,
    refuse_unreadable,
    search_text,
)
from archiver.errors import InvalidInput
from archiver.model.post import Author, Post


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2020-10-22T19:34:04-04:00", at(2020, 10, 22, 23, 34, 4)),
        ("2020-10-22T19:34:04Z", at(2020, 10, 22, 19, 34, 4)),
        ("2020-10-22t19:34:04.25z", at(2020, 10, 22, 19, 34, 4, 250_000)),
        ("2020-10-22 19:34:04+00:00", at(2020, 10, 22, 19, 34, 4)),
        ("2020-10-22 19:34:04 UTC", at(2020, 10, 22, 19, 34, 4)),
        ("2019-08-12T03:45:11+0000", at(2019, 8, 12, 3, 45, 11)),
        (" 2020-10-22T19:34Z ", at(2020, 10, 22, 19, 34)),
        ("Wed Oct 10 20:19:24 +0000 2018", at(2018, 10, 10, 20, 19, 24)),
        ("Tue Jan 21 00:21:51 +0130 2025", at(2025, 1, 20, 22, 51, 51)),
        ("Wed, 10 Oct 2018 20:19:24 GMT", at(2018, 10, 10, 20, 19, 24)),
        ("Sun, 17 Jan 2021 19:27:00 +0100", at(2021, 1, 17, 18, 27)),
        ("10 Oct 18 20:19 EST", at(2018, 10, 11, 1, 19)),
        ("10 Oct 2018 20:19:24 -0000", at(2018, 10, 10, 20, 19, 24)),
        ("1603409644", at(2020, 10, 22, 23, 34, 4)),
        (1603409644, at(2020, 10, 22, 23, 34, 4)),
        (1417208878.0, at(2014, 11, 28, 21, 7, 58)),
        ("1603409644123", at(2020, 10, 22, 23, 34, 4, 123_000)),
        ("1603409644123.5", at(2020, 10, 22, 23, 34, 4, 123_500)),
        (1603409644123456, at(2020, 10, 22, 23, 34, 4, 123_456)),
        ("1452837352.000006", at(2016, 1, 15, 5, 55, 52, 6)),
    ],
)
def test_times_with_a_zone_are_read(written: object, moment: datetime) -> None:
    read = parse_time(written)
    assert read == moment
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "written",
    [
        "2020-10-22T19:34:04",
        "2020-10-22 19:34",
        "10/16/17 22:59",
        "10 Oct 2018 20:19:24",
    ],
)
def test_a_time_without_a_zone_is_refused_unless_one_is_given(written: str) -> None:
    with pytest.raises(InvalidInput, match="--zone"):
        parse_time(written)
    hours = parse_zone("UTC")
    offset = parse_time(written, zone=parse_zone("-04:00")) - parse_time(written, zone=hours)
    assert offset == timedelta(hours=4)


def test_slashes_are_month_first_with_two_or_four_digits_of_year() -> None:
    assert parse_time("10/2/17 9:05", zone=UTC) == at(2017, 10, 2, 9, 5)
    assert parse_time("10/02/2017 09:05", zone=UTC) == at(2017, 10, 2, 9, 5)
    with pytest.raises(InvalidInput, match="no such time"):
        parse_time("16/10/17 22:59", zone=UTC)


def test_a_zone_in_the_value_wins_over_the_zone_given() -> None:
    assert parse_time("2020-10-22T19:34:04Z", zone=parse_zone("Asia/Tokyo")) == at(
        2020, 10, 22, 19, 34, 4
    )


def test_a_local_time_that_comes_twice_is_the_first_one() -> None:
    zone = parse_zone("Europe/Zurich")
    assert parse_time("2020-10-25 02:30", zone=zone) == at(2020, 10, 25, 0, 30)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2020-13-01T00:00:00Z",
        "2020-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "20201022",
        "2020-W43-4",
        "20201022T193404Z",
        "12345",
        "99999999999",
        "Wed Foo 10 20:19:24 +0000 2018",
        "Wed, 10 Foo 2018 20:19:24 GMT",
        "Wed, 10 Oct 2018 20:19:24 MARS",
        "0001-01-01T00:00:00+14:00",
        "2020-10-22T19:34:04+99:99",
        "٢٠٢٠-10-22T19:34:04Z",
        True,
        None,
        [],
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(InvalidInput):
        parse_time(written)


@given(st.text() | st.integers() | st.floats())
def test_times_of_garbage_raise_nothing_but_invalid_input(written: object) -> None:
    with suppress(InvalidInput):
        assert parse_time(written).tzinfo is UTC


@given(st.datetimes(timezones=st.timezones(), allow_imaginary=False))
def test_any_rfc_3339_time_is_read_exactly(moment: datetime) -> None:
    fixed = moment.replace(tzinfo=timezone(timedelta(hours=5, minutes=30)), year=2020, day=1)
    assert parse_time(fixed.isoformat()) == fixed


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "+99:00", "", "/etc/passwd"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        parse_zone(name)


def mapped(item: Any, *assignments: str, account: str = "") -> Post:
    return parse_field_map(assignments).post(item, platform="x", account=account, zone=None)


def test_paths_reach_into_objects_and_lists() -> None:
    item = {
        "id": 1319421795007631361,
        "user": {"screen_name": "acme", "ids": [{"n": "7"}]},
        "body": {"text": "Tom &amp; J&#233;r\u0000"},
        "a.b": "dotted",
    }
    post = mapped(
        item,
        "post_id=id",
        "author.handle=user.screen_name",
        "author.id=user.ids[0].n",
        "text=body.text",
        "lang=user.ids.1.n",
        "permalink=a.b",
        "kind=body.kind",
    )
    assert post.post_id == "1319421795007631361"
    assert post.author == Author(id="7", handle="acme")
    assert post.text == "Tom & Jér\ufffd"
    assert (post.lang, post.permalink, post.kind) == ("", "dotted", "post")


def test_the_account_is_mapped_given_or_the_author() -> None:
    item = {"id": "1", "acc": "mapped", "h": "handle", "n": 7}
    assert mapped(item, "post_id=id", "account=acc", account="given").account == "mapped"
    assert mapped(item, "post_id=id", "author.handle=h", account="given").account == "given"
    assert mapped(item, "post_id=id", "author.handle=h", "author.id=n").account == "handle"
    assert mapped(item, "post_id=id", "author.id=n").account == "7"
    with pytest.raises(InvalidInput, match="no account"):
        mapped(item, "post_id=id")


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"a": "x"}, "post_id"),
        ({"id": ""}, "post_id"),
        ({"id": None}, "post_id"),
        ({"id": 1.5e18}, "post_id"),
        ({"id": True}, "post_id"),
        ({"id": ["1"]}, "post_id"),
        ({"id": "1", "t": {"text": 1}}, "text"),
        ({"id": "1", "at": "soon"}, "posted_at"),
        ("not an object", "post_id"),
        (None, "post_id"),
    ],
)
def test_a_refused_value_names_its_field(item: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        mapped(item, "post_id=id", "text=t", "posted_at=at", account="a")
    assert refused.value.pointer == field


@pytest.mark.parametrize(
    "assignments",
    [[], ["post_id"], ["post_id="], ["=a"], ["nick=a"], ["post_id=a", "post_id=b"], ["text=a"]],
)
def test_a_map_with_errors_is_refused(assignments: list[str]) -> None:
    with pytest.raises(InvalidInput):
        parse_field_map(assignments)


def test_a_map_remembers_its_paths() -> None:
    assert parse_field_map(["post_id = id", "text=t"]) == FieldMap(
        (("post_id", "id"), ("text", "t"))
    )


def test_search_text_leaves_unicode_as_it_is() -> None:
    decomposed = "e\u0301 \u202e \u200b 👩\u200d🚀"
    assert search_text(decomposed) == decomposed
    assert search_text("&lt;b&gt; &amp;amp; a\ud800\0") == "<b> &amp; a\ufffd\ufffd"
    assert search_text("&#" + "9" * 5000 + ";") == "\ufffd"


@pytest.mark.parametrize("value", ["\0", "a\ud800", "\ufffd"])
def test_ids_that_cannot_be_stored_are_refused(value: str) -> None:
    refuse_unreadable(Post(platform="x", account="a", post_id="1", text=value))
    for field in ("post_id", "account", "permalink", "conversation_id", "lang", "kind"):
        post = replace(Post(platform="x", account="a", post_id="1"), **{field: value})  # type: ignore[arg-type]
        with pytest.raises(InvalidInput) as refused:
            refuse_unreadable(post)
        assert refused.value.pointer == f"/{field}"
