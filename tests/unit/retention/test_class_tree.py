"""Classes above and below each other: a tree of bounded depth, whatever order it is given in."""

from hypothesis import given
from hypothesis import strategies as st

from retention.class_tree import DEEPEST, in_tree_order, line_above, tree_problems

CODES = st.sampled_from("abcdef")


def test_classes_stand_below_their_parents_by_code() -> None:
    parents = {"posts": "", "ads": "posts", "replies": "posts", "memos": "", "static": "ads"}

    assert tree_problems(parents) == []
    assert in_tree_order(parents) == (
        ("memos", 0),
        ("posts", 0),
        ("ads", 1),
        ("static", 2),
        ("replies", 1),
    )
    assert list(line_above("static", parents)) == ["ads", "posts"]


def test_a_class_is_never_above_itself() -> None:
    (first, second) = tree_problems({"a": "b", "b": "a", "c": ""})

    assert first == "class a is above itself: a < b < a"
    assert second == "class b is above itself: b < a < b"


def test_the_class_above_is_in_the_file_plan() -> None:
    (problem,) = tree_problems({"a": "gone"})

    assert problem == "expected the class above a in the file plan, found 'gone'"


def test_the_tree_is_not_deeper_than_people_read() -> None:
    deepest = {"c0": ""} | {f"c{n}": f"c{n - 1}" for n in range(1, DEEPEST)}

    assert tree_problems(deepest) == []
    (problem,) = tree_problems({**deepest, "too-deep": f"c{DEEPEST - 1}"})
    assert problem == (
        f"expected at most {DEEPEST} classes one below the other, found {DEEPEST + 1} down to "
        "too-deep"
    )


@given(st.dictionaries(CODES, st.just("") | CODES))
def test_every_class_is_shown_once_and_below_what_is_above_it(parents: dict[str, str]) -> None:
    order = in_tree_order(parents)

    assert sorted(code for code, _ in order) == sorted(parents)
    places = [code for code, _ in order]
    if not tree_problems(parents):
        depths = dict(order)
        for code, parent in parents.items():
            assert depths[code] == len(list(line_above(code, parents)))
            assert not parent or places.index(parent) < places.index(code)
