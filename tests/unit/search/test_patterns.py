"""Words that are nearly another: which those are is the definition, however it is looked for."""

from hypothesis import given
from hypothesis import strategies as st

from search.patterns import is_one_edit, near_to

ALPHABET = "ab#"
words = st.text(ALPHABET, min_size=1, max_size=9)


def one_edit_from(word: str) -> set[str]:
    """Every token that one edit makes of a word, and the word itself."""
    splits = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    removed = {left + right[1:] for left, right in splits if right}
    swapped = {left + right[1] + right[0] + right[2:] for left, right in splits if len(right) > 1}
    changed = {left + each + right[1:] for left, right in splits if right for each in ALPHABET}
    added = {left + each + right for left, right in splits for each in ALPHABET}
    return {word} | removed | swapped | changed | added


@given(words)
def test_every_token_that_one_edit_makes_is_near(word: str) -> None:
    near = near_to(word)

    assert {token for token in one_edit_from(word) if not near(token)} == set()


@given(words, words)
def test_no_other_token_is_near(word: str, token: str) -> None:
    assert near_to(word)(token) == is_one_edit(word, token) == (token in one_edit_from(word))
