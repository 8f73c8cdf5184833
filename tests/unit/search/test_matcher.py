# ruff: noqa: RUF001 - the curly apostrophe is tested
import pickle

import pytest

from search.document import Document, document
from search.errors import QueryError
from search.grammar import parse
from search.matcher import matches
from search.query import And, DateName, DateRange, Field, FieldName, Or, Phrase, Term

POST = document(
    number=7,
    text="Our quarterly #earnings: Boeing’s 737 is up 3.5%! 東京 #大阪 https://t.co/a a b a b a",
    platform="Mastodon",
    account="Acme Corp",
    author_handle="@RepJacobs",
    kind="Post",
    change="edited",
    lang="en",
    class_code="GEN-01",
    tags=["#Earnings", "Q3 Report"],
    has_media=True,
    posted_at=1_772_323_200_000,  # 2026-03-01T00:00:00Z
    captured_at=1_772_409_600_000,  # a day later
)

FOUND = [
    "quarterly",
    "earnings",
    "#Earnings",
    "boeing",
    "Boeing's",
    "3.5",
    "東京",
    "大阪",
    "東",
    "https://T.co/a",
    '"quarterly #earnings"',
    '"b a b a"',
    '"737"',
    "quarterly AND boeing",
    "absent OR boeing",
    "NOT absent",
    "boeing AND NOT absent",
    "NOT (absent AND boeing)",
    "from:repjacobs",
    "from:@REPJACOBS",
    'account:"acme corp"',
    "platform:mastodon",
    "kind:post",
    "lang:EN",
    "class:gen-01",
    "tag:earnings",
    'tag:"q3 report"',
    "is:edited",
    "has:media",
    "has:text",
    "after:2026-03-01",
    "before:2026-03-02",
    "posted:2026-03-01",
    "captured:2026-03-02",
    "captured:2026-03-01..2026-03-02",
]
NOT_FOUND = [
    "quarter",
    "boeings",
    "earning",
    '"earnings"',
    '"boeing"',
    '"quarterly earnings"',
    "@earnings",
    "35",
    "京東",
    '"b b"',
    '"a b a b a b"',
    "boeing AND absent",
    "NOT boeing",
    "from:jacobs",
    "account:acme",
    "tag:q3",
    "is:created",
    "NOT has:text",
    "after:2026-03-02",
    "before:2026-03-01",
    "posted:2026-02-28",
    "captured:2026-03-01",
]


@pytest.mark.parametrize("text", FOUND)
def test_the_post_is_found(text: str) -> None:
    assert matches(parse(text), POST)


@pytest.mark.parametrize("text", NOT_FOUND)
def test_the_post_is_not_found(text: str) -> None:
    assert not matches(parse(text), POST)


@pytest.mark.parametrize("text", FOUND + NOT_FOUND)
def test_not_finds_exactly_what_is_not_found(text: str) -> None:
    assert matches(parse(f"NOT ({text})"), POST) is not matches(parse(text), POST)


def test_a_post_without_a_time_is_outside_every_posted_range_and_inside_its_negation() -> None:
    undated = document(number=0, text="x", captured_at=5)
    assert undated.time == 5
    for text in ("after:0001-01-02", "before:9999-01-01"):
        assert not matches(parse(text), undated)
        assert matches(parse(f"NOT {text}"), undated)


def test_an_empty_document_has_no_words_and_no_fields() -> None:
    empty = document(number=0, text="", captured_at=0)
    assert not matches(parse("a OR platform:x OR has:media OR has:text OR tag:x"), empty)


@pytest.mark.parametrize("text", ["a", "7", "🎉", "https://t.co/a", "@acme", "東", "C++", "— a —"])
def test_a_post_has_text_where_a_word_of_the_language_can_find_it(text: str) -> None:
    assert matches(parse("has:text"), document(number=0, text=text, captured_at=0))


@pytest.mark.parametrize(
    "text", ["", "   ", "…", "— — —", "?!", "\u200b", "\ufe0f", "&", "++", "_"]
)
def test_signs_that_no_word_finds_are_no_text(text: str) -> None:
    post = document(number=0, text=text, tags=["q3"], has_media=True, captured_at=0)
    assert matches(parse("NOT has:text AND has:media AND tag:q3"), post)


def test_a_document_survives_pickling_and_is_folded_once() -> None:
    assert pickle.loads(pickle.dumps(POST)) == POST
    assert isinstance(POST, Document)
    assert (POST.author, POST.account, POST.tags) == (
        "repjacobs",
        "acme corp",
        ("earnings", "q3 report"),
    )


def test_an_error_survives_pickling() -> None:
    with pytest.raises(QueryError) as caught:
        parse("a b")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)


def test_a_tree_that_says_nothing_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="two parts"):
        And((Term("a"),))
    with pytest.raises(ValueError, match="two parts"):
        Or(())
    with pytest.raises(ValueError, match="at least one token"):
        Phrase(())
    with pytest.raises(ValueError, match="start or an end"):
        DateRange(DateName.POSTED, None, None)
    with pytest.raises(ValueError, match="compared with a value"):
        Field(FieldName.FROM, "")
