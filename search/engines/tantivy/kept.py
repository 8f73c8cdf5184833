"""What was worked out from one state of an index, kept until there is a newer state.

One page of hits asks the same tree eight questions, and the next page asks some of them again. A
state never changes, so an answer from it stays right for as long as it is the newest.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

_T = TypeVar("_T")

MOST_ANSWERS = 1_000
MOST_WEIGHT = 1_500_000
"""What all answers kept may weigh: an answer weighs 1, a query one for each number in it.

A number takes some 60 bytes in Python's set and tantivy's terms together: 90 MB.
"""


class Kept:
    """Answers of one state; those asked for longest ago are forgotten first. Safe for threads.

    `stamp` tells the state from every other.
    """

    def __init__(self, stamp: str) -> None:
        self.stamp = stamp
        self._lock = Lock()
        self._answers: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._weight = 0

    def once(
        self, key: Hashable, work: Callable[[], _T], weigh: Callable[[_T], int] = lambda _: 1
    ) -> _T:
        """Return what `work` returned for `key` before; let it work if it never did.

        Two threads that ask at once may both work. What `work` raises is not kept.
        """
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return cast("_T", self._answers[key][0])
        answer = work()
        with self._lock:
            if key not in self._answers:
                self._answers[key] = answer, weigh(answer)
                self._weight += self._answers[key][1]
            self._shrink()
        return answer

    def _shrink(self) -> None:
        # The newest stays, however heavy: the page that asked goes on to ask of it.
        while len(self._answers) > 1 and (
            len(self._answers) > MOST_ANSWERS or self._weight > MOST_WEIGHT
        ):
            _, (_, weight) = self._answers.popitem(last=False)
            self._weight -= weight
