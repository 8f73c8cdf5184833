"""What one question may cost: more is refused with a clear error, and never half answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from search.errors import QueryTooBroad


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one question may cost.

    `candidates` are documents whose text is read to see whether words are near each other: they
    bound the time, and the memory their numbers take (some 60 bytes each). `expansion` is the
    different tokens that one pattern, similar or stemmed word may stand for, `seconds` what all of
    it may take where it is done by us; an engine's own query is not interrupted, and takes a
    fraction of a second at a million documents. How many parts a query has is bounded where it is
    read (`search.grammar`).
    """

    candidates: int = 500_000
    expansion: int = 50_000
    seconds: float = 30.0


LIMITS = Limits()


@dataclass(slots=True)
class Allowance:
    """What is left of the limits while one question is answered."""

    limits: Limits = LIMITS
    monotonic: Callable[[], float] = time.monotonic
    _candidates: int = 0
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.monotonic() + self.limits.seconds

    def spend(self, candidates: int) -> None:
        """Take the reading of so many documents off what is left, before they are read.

        Raises:
            QueryTooBroad: there is less left.
        """
        self._candidates += candidates
        if self._candidates > self.limits.candidates:
            raise QueryTooBroad(
                f"{self._candidates:,} posts hold words of the query and would have to be read to "
                f"see how they stand to each other, more than {self.limits.candidates:,}. Add a "
                "rarer word, an account or dates with AND."
            )
        self.check()

    def check(self) -> None:
        """Pass while there is time.

        Raises:
            QueryTooBroad: there is none left.
        """
        if self.monotonic() > self._end:
            raise QueryTooBroad(
                f"The query took longer than {self.limits.seconds:g} seconds. Use longer "
                "beginnings before *, or add a rarer word, an account or dates with AND."
            )
