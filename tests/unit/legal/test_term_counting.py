"""Counting hits of terms: families, unique hits and totals, against counting by hand."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from archiver.legal.families import Families, Linked
from archiver.legal.term_counting import Documents, TermCounting, bits_of, numbers_of
from archiver.model.number_list import pack, unpack

SIZE = 40

numbers = st.sets(st.integers(0, SIZE - 1)).map(sorted)


@given(st.sets(st.integers(0, 10**6)).map(sorted))
def test_a_set_of_bits_has_the_numbers_it_was_made_of(wanted: list[int]) -> None:
    assert list(numbers_of(bits_of(wanted, 10**6 + 1))) == wanted


@given(
    members=numbers,
    found=st.lists(numbers, max_size=6),
    codes=st.lists(st.integers(0, 5), min_size=SIZE, max_size=SIZE),
)
def test_every_count_is_that_of_counting_by_hand(
    members: list[int], found: list[list[int]], codes: list[int]
) -> None:
    counting = TermCounting(
        Documents(numbers=members, accounts=codes, months=codes[::-1], families=codes)
    )
    counted = [counting.add(each) for each in found]

    hits = [set(each) & set(members) for each in found]
    for mine, theirs, place in zip(counted, hits, range(len(hits)), strict=True):
        assert mine.hits == len(theirs)
        families = {codes[n] for n in theirs}
        assert mine.family == sum(codes[n] in families for n in members)
        assert mine.accounts == tuple(sorted(Counter(codes[n] for n in theirs).items()))
        assert mine.months == tuple(sorted(Counter(codes[::-1][n] for n in theirs).items()))
        assert counting.hits(place) == sorted(theirs)
    others = [set().union(*hits[:n], *hits[n + 1 :]) for n in range(len(hits))]
    assert counting.unique() == [len(a - b) for a, b in zip(hits, others, strict=True)]
    assert counting.total().hits == len(set().union(*hits))
    for each, theirs in zip(found, hits, strict=True):
        assert counting.documents_among(each) == len(theirs)
    assert counting.total().hits == len(set().union(*hits)), "what is asked beside is no term"


def test_a_number_beyond_the_log_of_the_set_is_no_hit() -> None:
    codes = [0, 0, 0]
    counting = TermCounting(Documents(numbers=[0, 2], accounts=codes, months=codes, families=codes))

    assert counting.add([0, 1, 2, 3, 1000]).hits == 2


posts = st.sampled_from("abcdefgh")
records = st.lists(
    st.tuples(
        st.sampled_from("xy"), posts, st.sampled_from(["", "", "k", "l"]), posts | st.just("")
    ),
    max_size=14,
)


@given(records)
def test_a_family_is_whatever_links_lead_to(found: list[tuple[str, str, str, str]]) -> None:
    linked = [Linked(n, *each) for n, each in enumerate(found)]
    families = Families(len(linked))
    families.add(linked[: len(linked) // 2])
    families.add(linked[len(linked) // 2 :])

    numbered = families.numbers()
    reached = [by_walking(linked, n) for n in range(len(linked))]
    for one in range(len(linked)):
        for other in range(len(linked)):
            assert (numbered[one] == numbered[other]) == (other in reached[one])


def by_walking(linked: list[Linked], start: int) -> set[int]:
    """The records reached from one by following keys, as a reader would; slow."""

    def keys(each: Linked) -> set[tuple[str, str, str]]:
        named = {("post", each.platform, each.post_id)}
        if each.conversation_id:
            named.add(("conversation", each.platform, each.conversation_id))
        if each.in_reply_to:
            named.add(("post", each.platform, each.in_reply_to))
        return named

    known, seen = keys(linked[start]), {start}
    while True:
        more = {n for n, each in enumerate(linked) if keys(each) & known} - seen
        if not more:
            return seen
        seen |= more
        known = known.union(*(keys(linked[n]) for n in more))


class TestNumberLists:
    @given(st.sets(st.integers(0, 2**62)).map(sorted))
    def test_a_list_comes_back(self, wanted: list[int]) -> None:
        assert list(unpack(pack(wanted), len(wanted))) == wanted

    @given(st.binary(max_size=64), st.integers(0, 9))
    def test_garbage_raises_nothing_but_value_errors(self, content: bytes, count: int) -> None:
        try:
            found = unpack(content, count)
        except ValueError:
            return
        assert len(found) == count

    @given(st.sets(st.integers(0, 2**40), min_size=1).map(sorted), st.integers(-1, 1))
    def test_another_count_is_refused(self, wanted: list[int], off: int) -> None:
        try:
            assert len(unpack(pack(wanted), len(wanted) + off)) == len(wanted)
        except ValueError:
            assert off
        else:
            assert not off

    def test_numbers_that_do_not_ascend_are_refused(self) -> None:
        for wrong in ([3, 3], [3, 2], [-1]):
            try:
                pack(wrong)
            except ValueError:
                continue
            raise AssertionError(wrong)
