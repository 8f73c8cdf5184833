"""What changed between two versions of a post."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.access.comparison import Grain, Op, compare, compare_texts
from archiver.preserve.segments.manifest import (
    AuthorEntry,
    Manifest,
    PartEntry,
    PostEntry,
    Retention,
    Source,
)


def manifest(text: str, *, name: str = "Acme", files: tuple[tuple[str, str], ...] = ()) -> Manifest:
    parts = [("payload.json", "00"), *files]
    return Manifest(
        v=1,
        type="rec",
        id=f"id of {text}",
        archive="A",
        salt="",
        captured_at="2026-03-02T09:00:00.000Z",
        source=Source(method="push"),
        parts=[
            PartEntry(name=each, role="media", media_type="image/png", len=1, sha256=sha256)
            for each, sha256 in parts
        ],
        retention=Retention(class_code="default", rule="1/default", schedule_version=1),
        post=PostEntry(
            platform="x",
            account="a",
            post_id="p",
            kind="post",
            change="created",
            text=text,
            author=AuthorEntry(name=name),
        ),
    )


def test_words_that_changed_are_told_and_no_others() -> None:
    pieces, grain = compare_texts("It opens on Monday at nine.", "It opens on Tuesday at nine.")

    assert grain is Grain.WORDS
    assert pieces == (
        (Op.SAME, "It opens on "),
        (Op.REMOVED, "Monday"),
        (Op.ADDED, "Tuesday"),
        (Op.SAME, " at nine."),
    )


def test_the_same_text_has_no_change() -> None:
    assert compare_texts("same", "same") == (((Op.SAME, "same"),), Grain.WORDS)
    assert compare_texts("", "") == ((), Grain.WORDS)


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_spell_both_texts(before: str, after: str) -> None:
    pieces, _ = compare_texts(before, after)

    assert "".join(text for op, text in pieces if op is not Op.ADDED) == before
    assert "".join(text for op, text in pieces if op is not Op.REMOVED) == after
    assert all(text for _, text in pieces)


def test_a_long_text_with_one_edit_is_still_compared_word_by_word() -> None:
    words = [f"word{number}" for number in range(50_000)]
    before = " ".join(words)
    words[25_000] = "changed"

    pieces, grain = compare_texts(before, " ".join(words))

    assert grain is Grain.WORDS
    assert [text for op, text in pieces if op is not Op.SAME] == ["word25000", "changed"]


def test_texts_over_the_bound_are_compared_by_line_and_then_not_at_all() -> None:
    before = "\n".join(f"a b c {number}" for number in range(2_000))
    after = "\n".join(f"c b a {number}" for number in range(2_000))
    assert compare_texts(before, after)[1] is Grain.LINES

    pieces, grain = compare_texts("x a\n" * 5_000, "a x\n" * 2_500 + "x a\n" * 2_500 + "y")
    assert grain in {Grain.LINES, Grain.WHOLE}
    assert "".join(text for op, text in pieces if op is not Op.ADDED) == "x a\n" * 5_000


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a b " * 400 + "1", "b a " * 400 + "2"),
        ("a\n" * 300 + "x", "y" + "a\n" * 300),
        ("ab" * 500_000, "ba" * 500_000),
        (" " * 1_000_000, "\n" * 1_000_000),
        ("! " * 200_000, " !" * 200_000),
    ],
)
def test_no_pair_of_texts_keeps_a_server_busy(before: str, after: str) -> None:
    """The bound is on work; the generous time only tells an endless comparison from a slow box."""
    started = time.process_time()
    compare_texts(before, after)

    assert time.process_time() - started < 20


def test_fields_and_files_that_differ_are_listed() -> None:
    before = manifest("a", files=(("map.png", "11"), ("old.png", "22")))
    after = manifest("b", name="Acme Ltd", files=(("map.png", "33"), ("new.png", "44")))

    found = compare(before, after)

    assert (found.before, found.after, found.text_changed) == ("id of a", "id of b", True)
    assert [(each.field, each.before, each.after) for each in found.fields] == [
        ("Author name", "Acme", "Acme Ltd"),
        ("File map.png", "11", "33"),
        ("File new.png", "", "44"),
        ("File old.png", "22", ""),
    ]
