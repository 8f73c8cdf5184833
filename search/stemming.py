"""English stems: `stem:` finds the other forms of a word.

Snowball's English stemmer ("Porter 2"), as published; a word of another language or script mostly
stays as it is. Nothing is stemmed unasked, and no stem is ever stored: an index holds the words.
"""

import threading
from functools import lru_cache

import Stemmer  # PyStemmer, the Snowball project's own binding

_OF_THREAD = threading.local()  # a stemmer keeps the word it is at


@lru_cache(maxsize=65_536)
def stem(token: str) -> str:
    """Return the stem of a token; equal for all forms of a word that a `stem:` finds together."""
    stemmer = getattr(_OF_THREAD, "stemmer", None)
    if stemmer is None:
        stemmer = _OF_THREAD.stemmer = Stemmer.Stemmer("english", 0)  # the cache is ours
    return str(stemmer.stemWord(token))
