"""Every error Muniment raises, in families by who must act.

```
ArchiverError
├── CallerError                the request is wrong; the caller changes it
│   ├── InvalidInput           malformed or out of limits            -> 400, exit 2
│   ├── TooLarge               over a stated size limit              -> 413, exit 2
│   ├── NotFound               no such object, or not yours to see   -> 404, exit 2
│   ├── Denied                 not signed in, or not permitted       -> 401/403, exit 3
│   ├── Conflict               the object's state forbids it         -> 409, exit 2
│   └── TooMany                tried too often; wait                 -> 429 + Retry-After, exit 3
├── OperatorError              the installation is wrong or down; an operator acts
│   ├── ConfigurationError     settings, keyring or schema           -> 500, exit 2
│   ├── StorageUnavailable     object store did not do it            -> 503, exit 4
│   ├── DatabaseUnavailable    database did not do it                -> 503, exit 4
│   ├── SearchUnavailable      search index did not answer           -> 503, exit 4
│   ├── PeerUnavailable        timestamp authority or witness did not -> 503, exit 4
│   ├── Overloaded             queues are full; try again later      -> 503 + Retry-After, exit 4
│   └── Stopping               shutting down, or stopped by a fault or a wrong clock -> 503, exit 4
└── EvidenceError              what is stored is not what was promised; never retried
    └── IntegrityError         hash, signature, lock or log mismatch -> 500, exit 1
```

A message says what was expected, what was found, on which object, and what to do next.
`archiver.web.errors` and `archiver.cli.exits` map leaves to statuses and exit codes; an
architecture test checks that each leaf is in both tables.
"""


class ArchiverError(Exception):
    """Root of every error of the application."""


class CallerError(ArchiverError):
    """The request is wrong; the caller must change it."""


class InvalidInput(CallerError):
    """Input is malformed or outside stated limits. `pointer` names the field or line."""

    def __init__(self, message: str, *, pointer: str | None = None) -> None:
        super().__init__(message)
        self.pointer = pointer


class TooLarge(CallerError):
    """Input is over a stated size limit (bytes, records, unpacked size)."""


class NotFound(CallerError):
    """No such object, or not visible to this actor: the two are not distinguished."""


class Denied(CallerError):
    """Not signed in (`authenticated` false) or not permitted."""

    def __init__(self, message: str, *, authenticated: bool = True) -> None:
        super().__init__(message)
        self.authenticated = authenticated


class Conflict(CallerError):
    """The object's present state forbids the act (locked, held, key reused for other bytes)."""


class TooMany(CallerError):
    """Tried too often, as a guesser does; try again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OperatorError(ArchiverError):
    """The installation is misconfigured or a component is down; an operator must act."""


class ConfigurationError(OperatorError):
    """Settings, keyring, schema or archive identity are wrong or missing."""


class StorageUnavailable(OperatorError):
    """The object store did not do what was asked.

    `ambiguous` is true when the object may have been stored nevertheless.
    """

    def __init__(self, message: str, *, ambiguous: bool = False) -> None:
        super().__init__(message)
        self.ambiguous = ambiguous


class DatabaseUnavailable(OperatorError):
    """The database did not answer, or the outcome of a commit could not be learned."""


class SearchUnavailable(OperatorError):
    """The search index could not be opened or did not answer."""


class PeerUnavailable(OperatorError):
    """A party outside (timestamp authority, witness) did not answer, or not in its protocol."""


class Overloaded(OperatorError):
    """Bounded queues are full. Nothing was stored; send it again after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Stopping(OperatorError):
    """The process shuts down, or takes no posts: fatal write error, or a clock in doubt."""


class EvidenceError(ArchiverError):
    """What is stored is not what was promised. Never caught below the job loop, never retried."""


class IntegrityError(EvidenceError):
    """Bytes, hash, signature, lock or log position differ from what was promised.

    `object_key` names the stored object, `record_id` the record, where known.
    """

    def __init__(
        self, message: str, *, object_key: str | None = None, record_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.object_key = object_key
        self.record_id = record_id
