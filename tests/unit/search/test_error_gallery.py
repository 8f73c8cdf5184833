# ruff: noqa: RUF001 - look-alikes are what is shown
"""The gallery: broken queries and what their author sees. A person judges it; this keeps it true.

To write it anew after a message has changed: `MUNIMENT_WRITE_GALLERY=1 pytest <this file>`, then
read the difference as somebody would who typed that query.
"""

import os
from pathlib import Path

import pytest

from search.errors import QueryError
from search.grammar import parse

GALLERY = Path(__file__).with_name("error_gallery.txt")

TYPED = {
    "Operators": (
        "breach OR leak AND customer",
        "merger w/5 price AND confidential",
        "merger w/5 price w/5 leak",
        "fraud and embezzlement",
        "data breach OR leak",
        "fraud NOT (drill OR test)",
        "(refund AND late) w/5 angry",
        "from:@acme w/5 refund",
        "refund AND",
        "(refund OR (fee AND late)",
        "refund)",
        "refund w/0 late",
    ),
    "From other systems": (
        "fraud NEAR(5) payment",
        "fraud AROUND(3) payment",
        "fraud NOT w/5 payment",
        "fraud w/s payment",
        '"fraud payment"~3',
        "fraud && payment",
        "fraud -drill",
        "+fraud +payment",
        "terminat!",
        "fraud%",
        "19== AND tax",
        "refund, fee, charge",
        "'insider trading'",
        "/insider.*/",
        '"refund w/5 fee"',
    ),
    "Words that stand for many": (
        "a*",
        "*",
        "cat~1",
        "fraud~",
        "東京*",
        "東京 AND wom？n",
        "https://acme.com/offer?id=7",
        '"insider * trading"',
    ),
    "Fields and dates": (
        "from: bob",
        "from:(bob OR ann)",
        "author:bob",
        "subject:merger",
        "is:edit",
        "from:bob*",
        "has:video",
        "date:[2026-01-01 TO 2026-02-01]",
        "posted>=2026-01-01",
        "after:03/04/2026",
        "posted:2026-02",
        "captured:2026-03-05..2026-03-01",
        "hash:9f86d081",
    ),
    "Signs": (
        "café\N{COMBINING ACUTE ACCENT}\N{COMBINING CEDILLA} AND 東京 AND from:",
        "👩\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧 👍🏽 party",
        "“insider trading",
        "إلغاء الاشتراك",
    ),
}


def test_what_the_author_of_a_broken_query_sees_is_as_in_the_gallery() -> None:
    shown = _gallery()
    if "MUNIMENT_WRITE_GALLERY" in os.environ:
        GALLERY.write_text(shown, encoding="utf-8")
    assert GALLERY.read_text(encoding="utf-8") == shown
    assert sum(map(len, TYPED.values())) >= 30


@pytest.mark.parametrize("typed", [each for group in TYPED.values() for each in group])
def test_whatever_an_error_suggests_can_be_searched(typed: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(typed)
    for suggestion in caught.value.suggestions:
        parse(suggestion)


def _gallery() -> str:
    parts = ["Broken queries, and what somebody who types them sees.\n"]
    for title, queries in TYPED.items():
        parts.append(f"\n{title}\n{'=' * len(title)}\n")
        for query in queries:
            with pytest.raises(QueryError) as caught:
                parse(query)
            parts.append(f"\n{caught.value}\n")
    return "".join(parts)
