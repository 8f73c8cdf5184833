"""What a page marks of a search: in a text, and in the pieces of two versions of one."""

from archiver.access.comparison import compare_texts
from archiver.web.pages.hits import in_pieces, ranges_in
from archiver.web.pages.text import Kind, fragments


def test_words_of_both_versions_are_marked_where_each_was_found() -> None:
    before, after = "The old fee is waived today", "The new fees and the fee today"
    pieces, _ = compare_texts(before, after)
    marked = [
        (op, text[start:end])
        for op, text, found in in_pieces("old OR new OR fee OR fees OR waived", pieces)
        for start, end in found
    ]

    assert sorted(text for op, text in marked if op != "insert") == ["fee", "old", "waived"]
    assert sorted(text for op, text in marked if op != "delete") == ["fee", "fees", "new"]


def test_a_place_that_reaches_over_pieces_is_marked_in_each() -> None:
    pieces, _ = compare_texts("a street b", "a main street b")
    found = [(text, ranges) for _, text, ranges in in_pieces('"main street"', pieces) if ranges]

    assert len(found) > 1
    assert "".join(text[a:b] for text, ranges in found for a, b in ranges) == "main street"


def test_what_is_no_query_and_what_costs_too_much_marks_nothing() -> None:
    nine = "(" * 7 + "a w/2 a" + ") w/2 a" * 7
    assert ranges_in("a AND (", "a") == ranges_in("", "a") == ranges_in(nine, "a " * 20) == ()


def test_hits_are_counted_and_one_broken_by_a_control_counts_once() -> None:
    found = fragments("ab\u200fcd ab", [(0, 5), (6, 8)])

    assert [(each.text, each.number) for each in found if each.kind is Kind.HIT] == [
        ("ab", 1),
        ("cd", 0),
        ("ab", 2),
    ]
