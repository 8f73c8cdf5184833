"""Which archive is verified, and what is at hand to verify it with."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.clock import Clock, system_clock
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.policy import Policy

if TYPE_CHECKING:  # an audit from outside has no database and starts without SQLAlchemy
    from archiver.db.transaction import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file that the verifier brings along, with its name for the report."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationTarget:
    """An archive to verify. Only the store is needed; the rest widens what can be checked.

    `vkeys` are the log's public keys in their C2SP form, one or more: take them from a place that
    the archive's operators cannot change. Keys that the log announces under one of these follow by
    themselves. `policy` names the witnesses that count, `tsa_roots` (PEM) the certificates that a
    timestamp must lead to, `checkpoints` what the verifier kept of earlier visits, `receipts` what
    the log promised to somebody.

    `database` is compared with the store and never believed. `keyring` opens epoch keys and
    content. `clock` must be a module's function where several worker processes are asked for.
    """

    archive_id: str
    origin: str
    vkeys: tuple[str, ...]
    store_url: str
    policy: Policy | None = None
    tsa_roots: tuple[bytes, ...] = ()
    checkpoints: tuple[Held, ...] = ()
    receipts: tuple[Held, ...] = ()
    database: "Database | None" = None
    keyring: Keyring | None = field(default=None, repr=False)
    clock: Clock = system_clock
