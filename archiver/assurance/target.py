"""Which archive is verified, and what is at hand to verify it with."""

from dataclasses import dataclass, field

from archiver.clock import Clock, system_clock
from archiver.db.transaction import Database
from archiver.preserve.keyring import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationTarget:
    """An archive to verify. Only the store is needed; the rest widens what can be checked.

    `vkey` is the log's public key in its C2SP form: take it from a place that the archive's
    operators cannot change. `database` is compared with the store and never believed. `keyring`
    opens epoch keys and content. `clock` must be a module's function where several worker
    processes are asked for.
    """

    archive_id: str
    origin: str
    vkey: str
    store_url: str
    database: Database | None = None
    keyring: Keyring | None = field(default=None, repr=False)
    clock: Clock = system_clock
