"""Exit codes, and what each family of errors means to the person at the terminal. One table.

The codes are part of the interface (DESIGN section 11): 0 ok, 1 found problems, 2 usage, 3 not
allowed, 4 unavailable. A test checks that every leaf of `archiver.errors` stands here.
"""

from collections.abc import Mapping
from typing import NamedTuple

from archiver.errors import (
    ArchiverError,
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    Denied,
    IntegrityError,
    InvalidInput,
    NotFound,
    Overloaded,
    PeerUnavailable,
    SearchUnavailable,
    Stopping,
    StorageUnavailable,
    TooLarge,
    TooMany,
)

OK = 0
PROBLEMS = 1
USAGE = 2
NOT_ALLOWED = 3
UNAVAILABLE = 4
INTERRUPTED = 130
"""Ctrl-C, as shells report it: 128 and the number of SIGINT."""


class Exit(NamedTuple):
    """The exit code of an error, and why such an error is raised."""

    code: int
    why: str


EXITS: Mapping[type[ArchiverError], Exit] = {
    InvalidInput: Exit(USAGE, "what was given is malformed or out of limits"),
    TooLarge: Exit(USAGE, "what was given is over a stated size limit"),
    NotFound: Exit(USAGE, "nothing has that name or id"),
    Denied: Exit(NOT_ALLOWED, "the actor's roles do not allow it"),
    Conflict: Exit(USAGE, "the present state of the object forbids it"),
    TooMany: Exit(NOT_ALLOWED, "it was tried too often; wait"),
    ConfigurationError: Exit(USAGE, "settings, keyring or database are missing or do not fit"),
    StorageUnavailable: Exit(UNAVAILABLE, "the object store did not do it"),
    DatabaseUnavailable: Exit(UNAVAILABLE, "the database did not do it"),
    PeerUnavailable: Exit(UNAVAILABLE, "a party outside the archive did not answer"),
    SearchUnavailable: Exit(UNAVAILABLE, "the search index did not answer"),
    Overloaded: Exit(UNAVAILABLE, "the queues are full"),
    Stopping: Exit(UNAVAILABLE, "the process is stopping, or lost a part it needs"),
    IntegrityError: Exit(PROBLEMS, "what is stored is not what was promised"),
}
"""Leaf of `archiver.errors` → how the command ends."""


def exit_of(error: ArchiverError) -> Exit:
    """Return the exit of an error; a subclass ends as the leaf it is of."""
    return next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)
