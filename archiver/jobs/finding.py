"""How a part of an installation was found by `muniment doctor`."""

from enum import StrEnum


class State(StrEnum):
    """How a part is: `PROBLEM` needs somebody now, `WARNING` somebody's look."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


Found = tuple[State, str, str]
"""State, what is said, and the next step or nothing."""
