"""What every engine promises (`search.index`), run against each of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from search.document import Document, document
from search.engines import opensearch, tantivy, whoosh
from search.errors import IndexBusy, IndexUnavailable
from search.grammar import parse
from search.index import MOST_ACCOUNTS, Facet, Hit, Index, Order, Reader, Snapshot, Summary
from search.query import DateName, Everything, FieldName, LogRange, Numbers, Places, Query, place
from tests.fakes.memory_index import MemoryDirectory, MemoryIndex, MemoryReader


@dataclass(frozen=True)
class Engine:
    """How to open one index of an engine, again and again."""

    writer: Callable[[], Index]
    reader: Callable[[], Reader]


def _memory() -> Engine:
    directory = MemoryDirectory()
    return Engine(writer=lambda: MemoryIndex(directory), reader=lambda: MemoryReader(directory))


@pytest.fixture(
    params=[
        "tantivy",
        "whoosh",
        "memory",
        pytest.param("opensearch", marks=pytest.mark.faults),  # every question is a request
    ]
)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    if request.param == "memory":
        return _memory()
    if request.param == "opensearch":
        url: str = request.getfixturevalue("opensearch_url")
        return Engine(
            writer=lambda: opensearch.open_writer(url), reader=lambda: opensearch.open_reader(url)
        )
    path = tmp_path / "index"
    if request.param == "whoosh":
        return Engine(
            writer=lambda: whoosh.open_writer(path), reader=lambda: whoosh.open_reader(path)
        )
    return Engine(
        writer=lambda: tantivy.open_writer(path), reader=lambda: tantivy.open_reader(path)
    )


@pytest.fixture
def index(engine: Engine) -> Iterator[Index]:
    with closing(engine.writer()) as opened:
        yield opened


def _post(number: int, text: str = "quarterly earnings", *, at: int | None = None) -> Document:
    return document(number=number, text=text, posted_at=at, captured_at=1_000 + number)


def _count(reader: Reader, text: str) -> int:
    with reader.snapshot() as snapshot:
        return snapshot.count(parse(text))


def _summary(
    snapshot: Snapshot, query: Query | None = None, clock: DateName = DateName.POSTED
) -> Summary:
    return snapshot.summary(query or Everything(), (), limit=1, clock=clock)


def test_a_new_index_is_empty_and_has_read_nothing(index: Index) -> None:
    assert index.watermark == 0
    with index.snapshot() as snapshot:
        assert (snapshot.known(), snapshot.watermark) == (0, 0)
        assert snapshot.count(parse("NOT earnings")) == 0
        assert snapshot.page(parse("NOT earnings"), limit=10) == []
        assert list(snapshot.all_numbers()) == []


def test_documents_are_found_once_committed_and_not_before(index: Index) -> None:
    index.add([_post(3), _post(4, "something else")])
    assert _count(index, "earnings") == 0
    index.commit(5)
    assert _count(index, "earnings") == 1
    assert _count(index, "NOT earnings") == 1
    with index.snapshot() as snapshot:
        assert (snapshot.known(), snapshot.watermark, index.watermark) == (2, 5, 5)


def test_a_snapshot_does_not_see_a_later_commit(index: Index) -> None:
    index.add([_post(0)])
    index.commit(1)
    with index.snapshot() as snapshot:
        index.add([_post(1)])
        index.commit(2)
        assert (snapshot.count(parse("earnings")), snapshot.watermark) == (1, 1)
        assert snapshot.page(parse("earnings"), limit=9) == [Hit(0, 1_000)]
    assert _count(index, "earnings") == 2


def test_replaying_documents_changes_nothing(index: Index) -> None:
    posts = [_post(number) for number in range(20)]
    index.add(posts)
    index.add(posts[10:])
    index.commit(20)
    index.add(posts)
    index.commit(20)
    with index.snapshot() as snapshot:
        assert (snapshot.known(), snapshot.count(parse("earnings"))) == (20, 20)
        assert list(snapshot.all_numbers()) == [list(range(20))]


def test_a_document_added_again_replaces_the_earlier_one(index: Index) -> None:
    index.add([_post(7, "the old words")])
    index.commit(8)
    index.add([_post(7, "the new words")])
    index.commit(8)
    assert (_count(index, "old"), _count(index, "new")) == (0, 1)


def test_numbers_are_told_by_range_and_what_is_stored_is_as_it_was_written(index: Index) -> None:
    index.add([_post(number) for number in (0, 3, 4, 9, 10)])
    index.commit(11)
    index.delete([4])
    index.commit(11)
    with index.snapshot() as snapshot:
        told = [snapshot.between(*each) for each in ((0, 1), (0, 11), (3, 10), (4, 9), (5, 5))]
    assert told == [[0], [0, 3, 9, 10], [3, 9], [], []]
    index.check()


def test_a_deleted_document_is_found_no_more_and_unknown_numbers_are_ignored(index: Index) -> None:
    index.add([_post(1), _post(2)])
    index.commit(3)
    index.delete([2, 99])
    assert _count(index, "earnings") == 2
    index.commit(3)
    with index.snapshot() as snapshot:
        assert (snapshot.known(), list(snapshot.all_numbers())) == (1, [[1]])
        assert snapshot.count(parse("NOT absent")) == 1


def test_words_of_the_deleted_go_when_what_is_beside_them_is_written_again(
    engine: Engine, tmp_path: Path
) -> None:
    posts = [_post(n, "xyzzycanary" if n in {3, 4} else "earnings") for n in range(12)]
    with closing(engine.writer()) as first:
        for start in range(0, 12, 6):
            first.add(posts[start : start + 6])
            first.commit(start + 6)
    with closing(engine.writer()) as index:
        beside = index.beside([3, 4, 99])
        if beside is None:
            return  # it is built anew
        assert beside.found == 2
        assert set(beside.numbers) <= set(range(12)) - {3, 4}
        index.add([posts[n] for n in beside.numbers])
        index.delete([3, 4])
        index.commit(12)
        assert (_count(index, "earnings"), _count(index, "xyzzycanary")) == (10, 0)
        left = index.beside([3, 4])
        assert left is not None
        assert (left.found, list(left.numbers)) == (0, [])
    assert [path for path in tmp_path.rglob("*") if path.is_file() and _canary_in(path)] == []


def _canary_in(path: Path) -> bool:
    return b"xyzzycanary" in path.read_bytes()


def test_a_document_deleted_before_its_commit_never_appears(index: Index) -> None:
    index.add([_post(1)])
    index.delete([1])
    index.commit(2)
    assert _count(index, "earnings") == 0


def test_reset_forgets_everything_even_what_was_not_committed(index: Index) -> None:
    index.add([_post(1)])
    index.commit(2)
    index.add([_post(2)])
    index.reset()
    with index.snapshot() as snapshot:
        assert (snapshot.known(), snapshot.watermark, index.watermark) == (0, 0, 0)
    index.add([_post(1)])
    index.commit(2)
    assert _count(index, "earnings") == 1


def test_reopening_gives_the_last_commit(engine: Engine) -> None:
    with closing(engine.writer()) as first:
        first.add([_post(1)])
        first.commit(2)
        first.add([_post(2)])
    with closing(engine.writer()) as second:
        assert second.watermark == 2
        assert _count(second, "earnings") == 1
        second.add([_post(1), _post(2)])  # the follower replays from its watermark
        second.commit(3)
        assert _count(second, "earnings") == 2


def test_only_one_writer_at_a_time(engine: Engine) -> None:
    with closing(engine.writer()), pytest.raises(IndexBusy):
        engine.writer()
    engine.writer().close()


def test_a_reader_follows_the_commits_of_the_writer(engine: Engine) -> None:
    with closing(engine.writer()) as writer, closing(engine.reader()) as reader:
        assert _count(reader, "earnings") == 0
        writer.add([_post(1)])
        writer.commit(2)
        assert _count(reader, "earnings") == 1


def test_there_is_nothing_to_read_before_the_first_writer(engine: Engine) -> None:
    with pytest.raises(IndexUnavailable):
        engine.reader()


def test_a_closed_index_refuses_work_and_may_be_closed_again(engine: Engine) -> None:
    index = engine.writer()
    index.close()
    index.close()
    with pytest.raises(IndexUnavailable, match="closed"), index.snapshot():
        pass
    with pytest.raises(IndexUnavailable, match="closed"):
        index.add([_post(1)])
    with pytest.raises(IndexUnavailable, match="closed"):
        index.commit(1)


def test_pages_are_newest_first_and_ties_go_by_number(index: Index) -> None:
    index.add([_post(1, at=50), _post(2, at=70), _post(3, at=50), _post(4, at=-5), _post(5, at=70)])
    index.commit(6)
    index.add([_post(6, at=50)])
    index.commit(7)
    with index.snapshot() as snapshot:
        hits = snapshot.page(parse("earnings"), limit=10)
    assert hits == [Hit(5, 70), Hit(2, 70), Hit(6, 50), Hit(3, 50), Hit(1, 50), Hit(4, -5)]


def test_a_post_without_a_time_is_ordered_by_its_capture_but_in_no_posted_range(
    index: Index,
) -> None:
    index.add([_post(1, at=500), _post(2), _post(3, at=5_000)])
    index.commit(4)
    with index.snapshot() as snapshot:
        assert [hit.number for hit in snapshot.page(parse("earnings"), limit=5)] == [3, 2, 1]
        assert snapshot.count(parse("after:1970-01-01")) == 2
        assert snapshot.count(parse("captured:1970-01-01")) == 3


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_neither_repeat_nor_leave_out_a_hit(index: Index, order: Order, limit: int) -> None:
    posts = [_post(number, at=number * 7 % 5) for number in range(30)]
    for start in range(0, 30, 6):  # several segments
        index.add(posts[start : start + 6])
        index.commit(start + 6)
    expected = [Hit(post.number, post.time) for post in posts]
    if order is not Order.LOG:
        expected.sort(key=lambda hit: (hit.time, hit.number), reverse=order is Order.NEWEST)
    seen: list[Hit] = []
    with index.snapshot() as snapshot:
        query = parse("earnings")
        while page := snapshot.page(
            query, limit=limit, order=order, after=seen[-1] if seen else None
        ):
            seen += page
    assert seen == expected


def test_paging_goes_on_after_a_hit_that_was_destroyed_meanwhile(index: Index) -> None:
    index.add([_post(number, at=9) for number in range(4)])
    index.commit(4)
    with index.snapshot() as snapshot:
        first = snapshot.page(parse("earnings"), limit=2)
    index.delete([first[-1].number])
    index.commit(4)
    with index.snapshot() as snapshot:
        rest = snapshot.page(parse("earnings"), limit=9, after=first[-1])
    assert [hit.number for hit in first + rest] == [3, 2, 1, 0]


def test_a_page_of_nothing_is_a_mistake_of_the_caller(index: Index) -> None:
    with index.snapshot() as snapshot, pytest.raises(ValueError, match="one hit or more"):
        snapshot.page(parse("a"), limit=0)


def test_numbers_come_sorted_in_chunks_and_agree_with_the_count(index: Index) -> None:
    numbers = [0, 5, 2**32, 2**63 + 1, 2**64 - 1]
    for number in reversed(numbers):
        index.add([document(number=number, text="found", captured_at=0)])
        index.commit(1)
    index.add([document(number=number, text="found", captured_at=0) for number in numbers])
    index.commit(1)
    with index.snapshot() as snapshot:
        assert list(snapshot.numbers(parse("found"), chunk=2)) == [
            numbers[:2],
            numbers[2:4],
            numbers[4:],
        ]
        assert list(snapshot.numbers(parse("found"), chunk=5)) == [numbers]
        assert list(snapshot.numbers(parse("absent"))) == []
        assert snapshot.count(parse("found")) == 5


def test_an_empty_text_is_known_and_found_by_its_fields(index: Index) -> None:
    index.add([document(number=0, text="", platform="x", captured_at=0)])
    index.commit(1)
    assert (_count(index, "platform:X"), _count(index, "anything")) == (1, 0)


def test_posts_without_a_word_are_told_from_all_others(index: Index) -> None:
    texts = ["", "a", "… —", "🎉", "\u200b", "https://t.co/a"]
    index.add(
        [
            document(number=number, text=text, platform="x", has_media=True, captured_at=0)
            for number, text in enumerate(texts)
        ]
    )
    index.commit(6)
    with index.snapshot() as snapshot:
        found = {
            text: [number for chunk in snapshot.numbers(parse(text)) for number in chunk]
            for text in ("has:text", "NOT has:text", "platform:x AND NOT has:text", "NOT has:link")
        }
        told = snapshot.facets(Everything(), [FieldName.HAS], limit=3)[FieldName.HAS]
    assert found == {
        "has:text": [1, 3, 5],
        "NOT has:text": [0, 2, 4],
        "platform:x AND NOT has:text": [0, 2, 4],
        "NOT has:link": [0, 1, 2, 3, 4],
    }
    assert told == Facet((("media", 6), ("text", 3), ("link", 1)), 0)
    index.add([document(number=0, text="a word now", captured_at=0), _post(1, "")])
    index.commit(6)
    assert (_count(index, "has:text"), _count(index, "NOT has:text")) == (3, 3)


def test_values_no_engine_expects_are_kept_apart(index: Index) -> None:
    odd = ["a\x00b", "A  B", "\ud83d", "état", "x" * 70_000, "state"]
    index.add(
        [
            document(number=number, text=f"odd {value}", account=value, captured_at=0)
            for number, value in enumerate(odd)
        ]
    )
    index.commit(6)
    assert _count(index, "odd") == 6
    assert _count(index, 'account:"a b"') == 1
    assert _count(index, "account:ÉTAT") == 1
    assert _count(index, f"account:{'x' * 15_000}") == 0
    assert _count(index, "state AND NOT etat") == 1


def test_everything_finds_every_document_and_the_empty_index_has_none(index: Index) -> None:
    with index.snapshot() as snapshot:
        assert snapshot.count(Everything()) == 0
        assert snapshot.page(Everything(), limit=5) == []
    index.add([_post(3, ""), _post(5)])
    index.commit(6)
    with index.snapshot() as snapshot:
        assert snapshot.count(Everything()) == 2
        assert snapshot.page(Everything(), limit=5) == [Hit(5, 1_005), Hit(3, 1_003)]


def test_a_stretch_of_the_log_has_its_first_number_and_not_its_end(index: Index) -> None:
    index.add([document(number=n, text="a", captured_at=0) for n in range(6)])
    index.commit(6)
    with index.snapshot() as snapshot:
        for start, end in [(0, 6), (0, 0), (2, 2), (2, 5), (5, 6), (5, 2), (6, 9), (0, 2**62)]:
            found = [n for chunk in snapshot.numbers(LogRange(start, end)) for n in chunk]
            assert found == [n for n in range(6) if start <= n < end]


def test_accounts_of_a_reach_are_told_apart_to_the_letter(index: Index) -> None:
    accounts = [("x", "Acme"), ("x", "acme"), ("y", "Acme"), ("1", "1x"), ("11", "x")]
    index.add(
        [
            document(number=number, text="a", platform=platform, account=account, captured_at=0)
            for number, (platform, account) in enumerate(accounts)
        ]
    )
    index.commit(5)
    with index.snapshot() as snapshot:
        for number, named in enumerate(accounts):
            assert list(snapshot.numbers(Places(frozenset({place(*named)})))) == [[number]]
        assert snapshot.count(Places(frozenset())) == 0
        assert snapshot.count(parse("account:acme AND platform:x")) == 2
        assert _summary(snapshot).accounts == 5
        assert _summary(snapshot, parse("platform:x")).accounts == 2
        assert _summary(snapshot, parse("absent")).accounts == 0


def test_numbers_of_a_reach_are_found_where_they_are_there(index: Index) -> None:
    index.add([_post(number) for number in (1, 5, 9)])
    index.commit(10)
    with index.snapshot() as snapshot:
        assert list(snapshot.numbers(Numbers(frozenset({0, 5, 9, 77})))) == [[5, 9]]
        assert snapshot.count(Numbers(frozenset())) == 0


def _coloured(number: int, author: str, *tags: str) -> Document:
    return document(
        number=number, text="a", author_handle=author, tags=tags, lang="", captured_at=number
    )


def test_facets_count_every_value_once_a_hit_and_ties_go_by_value(index: Index) -> None:
    authors = ["carol", "bob", "bob", "dora", "alice", "carol"]
    for number, author in enumerate(authors):  # a segment each, so that counts are added up
        index.add([_coloured(number, author, "q3", "Q3", *(["q4"] if number else []))])
        index.commit(number + 1)
    with index.snapshot() as snapshot:
        fields = (FieldName.FROM, FieldName.TAG, FieldName.LANG)
        found = snapshot.facets(Everything(), fields, limit=3)
        assert found == {
            FieldName.FROM: Facet((("bob", 2), ("carol", 2), ("alice", 1)), other=1),
            FieldName.TAG: Facet((("q3", 6), ("q4", 5)), other=0),
            FieldName.LANG: Facet((), other=0),
        }
        assert snapshot.facets(parse("from:dora"), [FieldName.FROM], limit=1) == {
            FieldName.FROM: Facet((("dora", 1),), other=0)
        }
        assert snapshot.facets(Everything(), [FieldName.FROM], limit=1)[FieldName.FROM] == Facet(
            (("bob", 2),), other=4
        )
        assert snapshot.facets(Everything(), [], limit=1) == {}
        told = snapshot.summary(Everything(), fields, limit=3, clock=DateName.CAPTURED)
        assert told == Summary(total=6, accounts=1, span=(0, 5), facets=found)
        with pytest.raises(ValueError, match="one value or more"):
            snapshot.facets(Everything(), [FieldName.FROM], limit=0)


def test_facets_are_exact_over_more_values_than_an_engine_likes_to_tell(index: Index) -> None:
    # Whoosh's are counted by us, without any limit; to index as many takes it long.
    different = 3_000 if isinstance(index, whoosh.WhooshIndex) else 66_000
    for half in (0, 1):
        index.add(
            [
                _coloured(half * different + n, f"author{n:05}")
                for n in range(0, different, half + 1)
            ]
        )
        index.commit((half + 1) * different)
    with index.snapshot() as snapshot:
        facet = snapshot.facets(Everything(), [FieldName.FROM], limit=3)[FieldName.FROM]
        summary = snapshot.summary(Everything(), [FieldName.FROM], limit=3, clock=DateName.CAPTURED)
    assert facet.values == (("author00000", 2), ("author00002", 2), ("author00004", 2))
    assert facet.other == different + different // 2 - 6
    assert summary.facets[FieldName.FROM] == facet
    assert summary.total == different + different // 2


def test_a_histogram_counts_from_each_edge_up_to_the_next(index: Index) -> None:
    times = [-5, 0, 9, 10, 10, 19, 20, 1_000, None]
    index.add([_post(number, at=at) for number, at in enumerate(times)])
    index.commit(9)
    with index.snapshot() as snapshot:
        count = snapshot.histogram
        assert count(Everything(), DateName.POSTED, [0, 10, 20, 30]) == [2, 3, 1]
        assert count(Everything(), DateName.CAPTURED, [1_000, 1_004, 1_009]) == [4, 5]
        assert count(parse("absent"), DateName.POSTED, [0, 10, 20]) == [0, 0]
        captured, undated = DateName.CAPTURED, Numbers(frozenset({8}))
        assert _summary(snapshot).span == (-5, 1_000)
        assert _summary(snapshot, clock=captured).span == (1_000, 1_008)
        assert _summary(snapshot, parse("absent")).span is None
        assert _summary(snapshot, undated).span is None
        assert _summary(snapshot, undated, captured).span == (1_008, 1_008)


def test_facets_and_histogram_are_of_the_snapshot_and_not_of_a_later_commit(index: Index) -> None:
    index.add([_coloured(1, "bob")])
    index.commit(2)
    with index.snapshot() as snapshot:
        index.add([_coloured(2, "bob")])
        index.commit(3)
        facet = snapshot.facets(Everything(), [FieldName.FROM], limit=1)[FieldName.FROM]
        assert facet.values == (("bob", 1),)
        assert snapshot.histogram(Everything(), DateName.CAPTURED, [0, 100]) == [1]
        assert _summary(snapshot).accounts == 1


def test_of_very_many_accounts_it_is_only_said_that_they_are_more(index: Index) -> None:
    posts = [
        document(number=number, text="a", account=f"account {number}", captured_at=number)
        for number in range(MOST_ACCOUNTS + 1)
    ]
    index.add(posts[:-1])
    index.commit(1)
    with index.snapshot() as snapshot:
        assert _summary(snapshot).accounts == MOST_ACCOUNTS
    index.add(posts[-1:])
    index.commit(2)
    with index.snapshot() as snapshot:
        assert _summary(snapshot).accounts is None
        assert _summary(snapshot).total == MOST_ACCOUNTS + 1
