"""Words that stand for many, in tantivy: every token is found, or the query is refused."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.document import document
from search.engines.tantivy import TantivyIndex, open_writer
from search.engines.tantivy.kept import MOST_ANSWERS, MOST_WEIGHT, Kept
from search.engines.tantivy.snapshot import TantivySnapshot
from search.errors import QueryTooBroad
from search.index import Expandable
from search.patterns import Pattern
from search.positions import fits
from search.query import Fuzzy, Near, Or, Phrase, Query, Stemmed, Term, Wildcard
from search.stemming import stem

TEXTS = [
    "earn earned earning earnings #earnings earner learn yearn earn's",
    "die died dies dying dyed lie lying tie tying sky skies",
    "sensible sensibility sensibilities sensibly rational rationalise ration",
    "abcd abdc acbd abcx xabcd bcd abc acd abcde zbcd #abcd #abxd",
    "東京 大阪 がん かん café cafe 🎉 #q3 @acme https://t.co/abcd a.b",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyIndex]:
    opened = open_writer(tmp_path_factory.mktemp("words") / "index")
    opened.add(
        [document(number=number, text=text, captured_at=0) for number, text in enumerate(TEXTS)]
    )
    opened.commit(len(TEXTS))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "word",
    [
        *map(Pattern, ("earn*", "*s", "*arn*", "a?cd", "?bcd", "#*", "*🎉", "か*", "*.b")),
        Pattern("h*/t.co/*"),
        *(Wildcard(Pattern(text)) for text in ("earn*", "*ing", "ab?d", "sk*s")),
        *map(Fuzzy, ("abcd", "earn", "dye", "ab", "cafe", "東")),
        *map(Stemmed, ("earn", "dying", "sky", "lies", "sensibility", "rational", "東")),
    ],
)
def test_an_expansion_is_every_token_that_fits_and_no_other(
    index: TantivyIndex, word: Expandable
) -> None:
    fit = fits(word)
    every = {form.token for text in TEXTS for form in map(Term, _tokens(text)) if fit(form.token)}
    with index.snapshot() as snapshot:
        assert snapshot.expansion(word, limit=1_000) == tuple(sorted(every))


def _tokens(text: str) -> list[str]:
    return document(number=0, text=text, captured_at=0).text.split()


def test_more_words_than_are_wanted_are_refused_and_not_cut_short(index: TantivyIndex) -> None:
    with index.snapshot() as snapshot, pytest.raises(QueryTooBroad, match="more than 3"):
        snapshot.expansion(Pattern("*e*"), limit=3)


@given(st.text("abcdefghijklmnopqrstuvwxyz'éß", min_size=1).filter(lambda text: text[0] != "'"))
@example("dying")
@example("sensibilities")
@example("skis")
@example("vying")
@example("hoping")
@example("analogies")
def test_a_word_begins_as_its_stem_does_but_for_two_letters(word: str) -> None:
    root = stem(word)
    assert word.startswith(root[: max(1, len(root) - 2)])


@pytest.mark.parametrize("pattern", ["*a*a*a*a*a*a*a*a*b", "*a" * 500 + "*", "*a????????????????"])
def test_no_pattern_runs_long_or_is_taken_for_damage(index: TantivyIndex, pattern: str) -> None:
    """tantivy builds no automaton of a thousand states: those words are looked up instead."""
    long = "a" * 17
    index.add([document(number=99, text=f"{long} {'a' * 25}b", captured_at=0)])
    index.commit(100)
    fit = Pattern(pattern).fits
    with index.snapshot() as snapshot:
        expected = any(fit(token) for token in (long, "a" * 25 + "b"))
        assert snapshot.count(Wildcard(Pattern(pattern))) == expected
        assert snapshot.count(Phrase((Pattern(pattern),))) == expected


def test_what_one_page_asks_of_a_tree_is_settled_once(
    index: TantivyIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Query] = []
    texts = TantivySnapshot.texts

    def counted(self: TantivySnapshot, query: Query) -> Iterator[list[tuple[int, str]]]:
        read.append(query)
        return texts(self, query)

    monkeypatch.setattr(TantivySnapshot, "texts", counted)
    tree = Near(Term("earn"), Near(Term("earned"), Term("earning"), 1), 2, ordered=True)
    for _ in range(2):
        with index.snapshot() as snapshot:
            assert snapshot.count(tree) == 1
            assert [hit.number for hit in snapshot.page(tree, limit=5)] == [0]
            assert list(snapshot.numbers(tree)) == [[0]]
    assert len(read) == 1

    index.commit(101)  # another state may answer otherwise
    with index.snapshot() as snapshot:
        assert snapshot.count(tree) == 1
    assert len(read) == 2


def test_many_words_near_many_are_verified_where_phrases_would_be_too_many(
    index: TantivyIndex,
) -> None:
    left = Or((*(Term(f"word{number}") for number in range(60)), Term("earn")))
    with index.snapshot() as snapshot:
        assert snapshot.count(Near(left, Term("earned"), 1)) == 1
        assert snapshot.count(Near(left, Term("learn"), 1)) == 0


def test_fifty_thousand_words_are_searched_as_one_set(index: TantivyIndex) -> None:
    words = tuple(Term(f"word{number}") for number in range(50_000))
    with index.snapshot() as snapshot:
        assert snapshot.count(Or((*words, Term("dying"), Near(Term("abcd"), Term("abdc"), 1)))) == 2


def test_answers_kept_are_forgotten_by_number_and_by_weight() -> None:
    kept, worked = Kept("stamp"), list[object]()

    def once(key: object, weight: int = 1) -> object:
        def work() -> object:
            worked.append(key)
            return key

        return kept.once(key, work, lambda _: weight)

    for number in range(MOST_ANSWERS + 1):
        assert once(number) == number
    worked.clear()
    assert [once(number) for number in (0, MOST_ANSWERS, 5)] == [0, MOST_ANSWERS, 5]
    assert worked == [0]

    for _ in range(2):
        assert once("heavy", MOST_WEIGHT + 1) == "heavy"
    once(MOST_ANSWERS)
    assert worked == [0, "heavy", MOST_ANSWERS]
