"""Families of posts: which records belong together, for counts "including family".

The family of a record is its thread: every version of its post, the posts of the same conversation
of the platform, and whatever replies lead to, upwards and downwards, however far. That is what
`archiver.db.threads` shows around one record, for all of them at once and without its limits. Posts
of different platforms are never one family. Links are followed through every post of the archive,
also where the post between two others is in no set.
"""

from array import array
from collections.abc import Iterable
from typing import NamedTuple


class Linked(NamedTuple):
    """One record, with what the platform says it belongs to; empty: it says nothing."""

    log_index: int
    platform: str
    post_id: str
    conversation_id: str
    in_reply_to: str


class Families:
    """Finds the families of the records below `log_size`: a forest of disjoint sets (Tarjan 1975).

    A million records take some seconds, and memory for one key a post and one a conversation.
    """

    def __init__(self, log_size: int) -> None:
        self._family = array("I", bytes(array("I").itemsize * log_size))
        self._trees: dict[str, int] = {}
        self._parents = array("I", [0])

    def add(self, records: Iterable[Linked]) -> None:
        """Take records in, in any order."""
        for record in records:
            post = self._tree(f"p{record.platform}\0{record.post_id}")
            if record.conversation_id:
                self._join(post, self._tree(f"c{record.platform}\0{record.conversation_id}"))
            if record.in_reply_to:
                self._join(post, self._tree(f"p{record.platform}\0{record.in_reply_to}"))
            self._family[record.log_index] = post

    def numbers(self) -> "array[int]":
        """Return the family of each log index as a number; 0 where no record was taken in."""
        return array("I", map(self._root, self._family))

    def _tree(self, key: str) -> int:
        known = self._trees.setdefault(key, len(self._parents))
        if known == len(self._parents):
            self._parents.append(known)
        return known

    def _join(self, one: int, other: int) -> None:
        first, second = self._root(one), self._root(other)
        self._parents[max(first, second)] = min(first, second)

    def _root(self, tree: int) -> int:
        parents = self._parents
        while parents[tree] != tree:
            parents[tree] = parents[parents[tree]]  # halves the path for the next time
            tree = parents[tree]
        return tree
