"""The use cases of disposal batches over a small archive, for tests that destroy nothing."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from archiver.disposal.disposition import Disposition, Outside, open_disposition
from archiver.disposal.transfers import Packed
from archiver.ids import Ulids
from archiver.model.actor import Actor
from archiver.preserve.ledger.note import Ed25519Signer
from archiver.preserve.ledger.policy import archive_policy
from tests.fakes.small_archive import SmallArchive


class NoDestruction:
    """A destruction that must not be asked."""

    async def admit(self, batch_id: str, *, actor: Actor) -> None:
        """Let everything pass: who may is for the gate."""

    async def execute(self, batch_id: str, *, actor: Actor) -> object:
        raise AssertionError(f"{actor.name} would have destroyed batch {batch_id}")


async def pack(
    record_ids: Sequence[str],
    path: Path,
    *,
    actor: Actor,
    progress: Callable[[int, int], None],
) -> Packed:
    """A package whose bytes are the ids of its records."""
    del path, actor
    progress(len(record_ids), len(record_ids))
    return Packed(sha256="ab" * 32, size=26 * len(record_ids), records=len(record_ids))


async def _store() -> str:
    return "a folder"


def disposition_of(archive: SmallArchive, *, two_person: bool = True) -> Disposition:
    return open_disposition(
        archive=archive.archive,
        database=archive.database,
        trail=archive.trail,
        clock=archive.clock,
        ulids=Ulids(),
        randomness=os.urandom,
        outside=Outside(
            destruction=NoDestruction(),
            pack=pack,
            publish=archive.publish,
            describe_store=_store,
            signers=[Ed25519Signer.from_seed("archive.example/acme", bytes(32))],
            policy=archive_policy([archive.archive.vkey], None),
            store=archive.store.blocking,
            backup_days=35,
        ),
        two_person=two_person,
    )
