"""The tokens that a word which stands for many finds, looked up in the words of an index.

tantivy lists words by their beginning. Where that is given (`earn*`, stems) only those are read;
where it is not (`*tion`, similar words) all of them are, once for each state of the index: at
420,000 words 0.7 s the first time and a few ms after that.
"""

from collections.abc import Callable, Iterable

import tantivy

from search.errors import QueryTooBroad
from search.index import Expandable
from search.positions import fits
from search.vocabulary import Vocabulary, beginnings, pieces


def expansion(
    searcher: tantivy.Searcher, word: Expandable, limit: int, whole: Callable[[], Vocabulary]
) -> tuple[str, ...]:
    """Return every token that `word` finds, ascending; see `search.index.Snapshot.expansion`.

    Raises:
        QueryTooBroad: there are more than `limit`.
    """
    starts = beginnings(word)
    if starts and all(starts):
        tokens: Iterable[str] = {
            token for start in starts for token, _ in searcher.terms_with_prefix("text", start)
        }
    else:
        tokens = whole().holding(pieces(word))
    fit = fits(word)
    found = sorted(token for token in tokens if fit(token))
    if len(found) > limit:
        raise QueryTooBroad(
            f"One word of the query stands for {len(found):,} different words, more than "
            f"{limit:,}. Give more of its letters."
        )
    return tuple(found)


def vocabulary(searcher: tantivy.Searcher) -> Vocabulary:
    """Return all words of one state of an index."""
    return Vocabulary(word for word, _ in searcher.terms_with_prefix("text", ""))
