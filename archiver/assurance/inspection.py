"""One verification under way: what is verified, with what, and what was found so far."""

from dataclasses import dataclass

from archiver.assurance.report import Findings
from archiver.assurance.target import VerificationTarget
from archiver.assurance.workers import Workers
from archiver.preserve.store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What every check is handed. It began at `now_ms`, in milliseconds since 1970.

    What the store received after `recent_ms` may be a write under way. What it received before
    `settled_ms` is under the checkpoint that is verified, or never will be in the log.
    """

    target: VerificationTarget
    workers: Workers
    findings: Findings
    now_ms: int
    recent_ms: int
    settled_ms: int

    @property
    def archive_id(self) -> str:
        """The archive that is verified."""
        return self.target.archive_id

    @property
    def store(self) -> ObjectStore:
        """The store, for reading in this process."""
        return self.workers.store
