"""What words stand for is told within the part of the archive its asker may see."""

from dataclasses import dataclass

from archiver.legal.expansions import expansions_of
from archiver.legal.reach import WHOLE, Part
from archiver.legal.understanding import Syntax, understand, zone_of
from search.document import Document, document
from search.errors import QueryTooBroad
from search.grammar import parse
from search.index import Expandable
from search.matcher import matches
from search.positions import fits
from search.query import Places, Query, place

POSTS = tuple(
    document(number=number, text=text, platform="x", account=account, captured_at=0)
    for number, (account, text) in enumerate(
        [("ours", "fees and feet"), ("ours", "the fees"), ("theirs", "feeble #fee")]
    )
)
OURS = Part(tree=Places(frozenset({place("x", "ours")})))


@dataclass(frozen=True)
class Posts:
    """The few posts, asked as a snapshot of an index is."""

    posts: tuple[Document, ...] = POSTS

    def count(self, query: Query) -> int:
        return sum(matches(query, post) for post in self.posts)

    def expansion(self, word: Expandable, *, limit: int) -> tuple[str, ...]:
        found = {token for post in self.posts for token in post.text.split() if fits(word)(token)}
        if len(found) > limit:
            raise QueryTooBroad(f"more than {limit}")
        return tuple(sorted(found))


Told = list[tuple[str, int | None, tuple[tuple[str, int], ...]]]


def told(part: Part, query: str = "fee* AND NOT stem:fee", posts: Posts = Posts()) -> Told:
    found = expansions_of(posts, parse(query), part)  # type: ignore[arg-type]  # what is asked here
    return [(each.word, each.tokens, each.told) for each in found]


def test_whoever_sees_everything_is_told_every_word_with_its_records() -> None:
    assert told(WHOLE) == [
        ("fee*", 4, (("fees", 2), ("#fee", 1), ("feeble", 1), ("feet", 1))),
        ("stem:fee", 2, (("fees", 2), ("#fee", 1))),
    ]


def test_words_of_posts_out_of_reach_are_neither_told_nor_counted() -> None:
    assert told(OURS) == [
        ("fee*", 2, (("fees", 2), ("feet", 1))),
        ("stem:fee", 1, (("fees", 2),)),
    ]


def test_words_that_are_too_many_to_be_looked_up_in_a_part_are_not_counted() -> None:
    text = " ".join(f"fee{number}" for number in range(2_001))
    posts = Posts((document(number=0, text=text, platform="x", account="theirs", captured_at=0),))

    assert told(OURS, "fee*", posts) == [("fee*", None, ())]
    assert told(WHOLE, "fee*", posts) == [("fee*", 2_001, ())]


def test_a_translated_query_is_stemmed_after_it_is_translated() -> None:
    paris = zone_of("Europe/Paris", zone_of("UTC", None))  # type: ignore[arg-type]  # both named
    found = understand("late fees or refund", paris, syntax=Syntax.DTSEARCH, stem=True)

    assert found.normalised == '"late fees" OR stem:refund'
    assert [note.message for note in found.notes] == [
        "Words side by side are a phrase in dtSearch."
    ]
