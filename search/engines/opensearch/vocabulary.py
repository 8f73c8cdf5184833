"""The tokens that a word which stands for many finds in an index.

A text field cannot tell its own words without holding them all in memory. So each document has its
different tokens in a column as well, and the words of the hits are counted there, restricted by an
expression to those that may fit. Expressions run as automata, in linear time; each finds all that
fit and mostly nothing else, and `search.positions.fits` decides.
"""

import re
from typing import Any

from search.engines.opensearch.automata import widened
from search.engines.opensearch.compiler import Compiled
from search.errors import QueryTooBroad
from search.index import Expandable
from search.patterns import Pattern
from search.positions import fits
from search.query import Fuzzy, Stemmed, Wildcard
from search.stemming import stem

MOST = 50_000
"""Words that one look may bring; the server's own limit on buckets is 65,535."""

_STEM_END = "[a-z']*"
_STEM_CHANGES = 2  # possibility, possibl(e): letters at the end of a stem that are not the word's


def holding(word: Expandable) -> Compiled:
    """Return the query of documents that may hold a word which `word` finds."""
    return {"regexp": {"text": {"value": expression(word), "rewrite": "constant_score"}}}


def question(word: Expandable, limit: int) -> dict[str, Any]:
    """Return the request for the words that `word` may find in the hits, with room for `limit`."""
    words = {"field": "words", "include": expression(word), "order": {"_key": "asc"}}
    return {"aggs": {"words": {"terms": {**words, "size": max(limit, MOST) + 1}}}}


def found(word: Expandable, told: dict[str, Any], limit: int) -> tuple[str, ...]:
    """Return the words that `word` finds, ascending, from the answer to `question`.

    Raises:
        QueryTooBroad: there are more than `limit`, or too many to look through.
    """
    buckets = told["aggregations"]["words"]["buckets"]
    fit = fits(word)
    tokens = tuple(bucket["key"] for bucket in buckets if fit(bucket["key"]))
    if len(buckets) > max(limit, MOST):
        raise QueryTooBroad(
            f"One word of the query may stand for more than {max(limit, MOST):,} different words. "
            "Give more of its letters."
        )
    if len(tokens) > limit:
        raise QueryTooBroad(
            f"One word of the query stands for {len(tokens):,} different words, more than "
            f"{limit:,}. Give more of its letters."
        )
    return tokens


def expression(word: Expandable) -> str:
    """Return an expression of Lucene's that fits every token `word` finds, and few others."""
    match word:
        case Pattern():
            return _of_pattern(word)
        case Wildcard():
            return "|".join(map(_of_pattern, word.forms))
        case Fuzzy():
            return "|".join(map(_of_similar, word.forms))
        case Stemmed(token):
            return f"\\#?\\'?{_of_stem(stem(token))}"


def _of_pattern(pattern: Pattern) -> str:
    signs = {"*": ".*", "?": "."}
    return "".join(signs.get(char) or _given(char) for char in widened(pattern))


def _of_similar(token: str) -> str:
    """One edit leaves one half of a word as it is, or swaps the letters where they meet."""
    half = len(token) // 2
    left, right = token[:half], token[half:]
    swapped = left[:-1] + right[:1] + left[-1:] + right[1:]
    return (
        f"{_given(left)}.{{{max(len(right) - 1, 0)},{len(right) + 1}}}"
        f"|.{{{max(len(left) - 1, 0)},{len(left) + 1}}}{_given(right)}|{_given(swapped)}"
    )


def _of_stem(wanted: str) -> str:
    """A stemmer of English takes from the end of a word, and only letters and apostrophes."""
    others = max((at + 1 for at, char in enumerate(wanted) if not "a" <= char <= "z"), default=0)
    kept = wanted[: max(1, others, len(wanted) - _STEM_CHANGES)]
    return _given(kept) + _STEM_END


def _given(text: str) -> str:
    """Return `text` literally: signs mean something to Lucene, letters and digits do not."""
    return re.sub(r"([\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e])", r"\\\1", text)
