"""Which patterns Lucene is asked as they are, and what it is asked instead of the others.

It makes an automaton of each pattern. After a `*`, a `?` that follows a letter doubles it, since
every place where that letter stands may be the one: `*a??????????????b` has tens of thousands of
states, and is refused. Such a pattern is asked as a wider one, and what that finds is compared with
the pattern itself (`vocabulary`).
"""

import re

from search.patterns import Pattern

MOST_STATES = 4_096
"""States that an automaton may have, about; Lucene gives up at some ten times as many."""

_RUN_WITH_STAR = re.compile(r"[*?]*\*[*?]*")
_DOUBLING = re.compile(r"(?<=[^*?])\?+")


def signs_in_order(pattern: Pattern) -> str:
    """Return a text that means the same, in which a `*` stands before the `?` beside it.

    `*???`, at least three, is an automaton of four states wherever it stands; `???*` is not.
    """
    return _RUN_WITH_STAR.sub(lambda run: "*" + "?" * run.group().count("?"), pattern.text)


def is_small(pattern: Pattern) -> bool:
    """Return whether the automaton of a pattern is small enough to be asked for."""
    _, _, after = _parted(pattern)
    doublings = sum(len(run) for run in _DOUBLING.findall(after))
    return len(pattern.text) << doublings <= MOST_STATES


def widened(pattern: Pattern) -> str:
    """Return a text whose automaton is small, and which fits all that the pattern fits."""
    before, star, after = _parted(pattern)
    if is_small(pattern):
        return before + star + after
    return before + star + _DOUBLING.sub("*", after)


def _parted(pattern: Pattern) -> tuple[str, str, str]:
    return signs_in_order(pattern).partition("*")
