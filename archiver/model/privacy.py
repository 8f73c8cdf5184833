"""Requests of people about data on them: their kinds, their states, what is decided on a record."""

from enum import StrEnum

PRIVACY = "privacy"
"""The action of a disposal batch of records that privacy requests erase before their time."""

DECIDED = "privacy:decided"
"""The action of the event by which it is decided on records of a request."""


class RequestKind(StrEnum):
    """What the person asks for."""

    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    CLOSED = "closed"


class PrivacyDecision(StrEnum):
    """What was decided on one record of a request."""

    UNDECIDED = ""
    ERASE = "erase"
    REFUSE = "refuse"
    RESTRICT = "restrict"
    LIFTED = "lifted"
    """It was restricted, and is no more."""
