"""Proving one record: its bytes against its log entry, and the entry against the signed log.

Calls block: asynchronous callers use a thread. Nothing here asks who may.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from archiver.access.record_views import AccessedRecord, Json
from archiver.db.archive import ArchiveRow
from archiver.db.records import RecordRow
from archiver.errors import Conflict, IntegrityError, NotFound
from archiver.model.post import Part
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.note import Verifier
from archiver.preserve.ledger.proof import TlogProof
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.reader import OpenedRecord, RecordReader
from archiver.preserve.store import ObjectStore

T = TypeVar("T")


class RecordProof:
    """Proves records of one archive."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        verifiers: Sequence[Verifier],
        store: ObjectStore,
        reader: RecordReader,
    ) -> None:
        self._log = log_prefix(archive.id)
        self._origin = archive.origin
        self._verifiers = verifiers
        self._store = store
        self._reader = reader

    def prove(self, found: AccessedRecord) -> TlogProof:
        """Return the verified proof of a record against the newest published checkpoint.

        Raises:
            Conflict: no checkpoint covers the record yet.
            IntegrityError: the stored log does not prove it.
        """
        place = found.row.log_index
        try:
            note = self._read_log("checkpoint")
        except NotFound as error:
            raise _not_yet(found.row, 0) from error
        size = open_checkpoint(note, self._origin, self._verifiers).size
        if place >= size:
            raise _not_yet(found.row, size)
        path = TileTree(size, self._read_log).inclusion_proof(place)
        proof = TlogProof(index=place, path=path, checkpoint=note)
        proof.verify(found.entry, self._origin, self._verifiers)
        return proof

    def check(self, found: AccessedRecord) -> list[Json]:
        """Return each check as `{"what", "ok", "detail"}`; a failed one is an answer.

        Raises:
            Conflict: no checkpoint covers the record yet.
            StorageUnavailable: the store did not answer.
        """
        checks = []
        opened, check = _checked("stored bytes", partial(self._check_bytes, found))
        checks.append(check)
        if opened is not None:
            for number, part in enumerate(opened.manifest.parts):
                ask = partial(self._check_part, opened, number)
                checks.append(_checked(f"part {part.name}", ask)[1])
        checks.append(_checked("place in the log", partial(self._check_place, found))[1])
        return checks

    def _read_log(self, path: str) -> bytes:
        return self._store.get(self._log + path)

    def _check_bytes(self, found: AccessedRecord) -> tuple[OpenedRecord, str]:
        opened = self._reader.open(found.segment, found.row, found.entry)
        return opened, "frame and manifest have the hashes that the log entry commits to"

    def _check_part(self, opened: OpenedRecord, number: int) -> tuple[Part, str]:
        part = self._reader.part(opened, number)
        return part, f"{len(part.content)} bytes have the SHA-256 that the manifest names"

    def _check_place(self, found: AccessedRecord) -> tuple[TlogProof, str]:
        proof = self.prove(found)
        size = open_checkpoint(proof.checkpoint, self._origin, self._verifiers).size
        return proof, (
            f"entry {proof.index} is in the tree of the checkpoint of {size} entries that "
            f"{self._origin} signed"
        )


def _checked(what: str, ask: Callable[[], tuple[T, str]]) -> tuple[T | None, Json]:
    """Return what was checked, None if it failed, and the check in words."""
    try:
        checked, detail = ask()
    except (IntegrityError, NotFound) as error:
        return None, {"what": what, "ok": False, "detail": str(error)}
    return checked, {"what": what, "ok": True, "detail": detail}


def _not_yet(row: RecordRow, size: int) -> Conflict:
    return Conflict(
        f"record {row.id} is not yet under a checkpoint: it stands at log index {row.log_index}, "
        f"the newest checkpoint covers {size} entries; try again in a second"
    )
