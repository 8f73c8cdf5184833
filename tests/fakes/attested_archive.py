"""A sealed archive with all that makes a log believable to others: timestamps, a witness, old keys.

Its log is signed by a first key, then by two, then by the second alone; its newest checkpoints are
stamped by a real `openssl ts` and cosigned by a witness. What the archive's own loops do over time
is done here at once, by the same formats.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from archiver.clock import system_clock, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import open_database
from archiver.model.lock import Lock, LockMode
from archiver.preserve.ledger.cosignature import Ed25519Cosigner
from archiver.preserve.ledger.entry import key_entry, timestamp_entry
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.ledger.note import Ed25519Signer, Ed25519Verifier, parse_note
from archiver.preserve.ledger.policy import Policy, parse_policy
from archiver.preserve.ledger.timestamps import verify_response
from archiver.preserve.object_keys import (
    checkpoint_object,
    cosignature_object,
    timestamp_object,
    trust_object,
)
from archiver.preserve.store.opening import open_store
from tests.fakes.sealed_archive import ORIGIN, SealedArchive, build_archive
from tests.fakes.timestamp_authority import Tsa

AUTHORITY = "openssl"
_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedArchive:
    """The archive, and what an auditor was given of it over another channel."""

    sealed: SealedArchive
    signing: tuple[Ed25519Signer, ...]
    second: Ed25519Signer
    witness: Ed25519Cosigner
    tsa: Tsa

    @property
    def archive_id(self) -> str:
        return self.sealed.archive_id

    @property
    def first(self) -> Ed25519Signer:
        return self.sealed.keyring.signers[0]

    @property
    def policy_text(self) -> str:
        """The policy of one who knows the first key only, and asks for the witness."""
        return f"log {self.first.vkey}\nwitness compliance {self.witness.vkey}\nquorum compliance\n"

    @property
    def policy(self) -> Policy:
        return parse_policy(self.policy_text)

    async def log(self, *entries: bytes) -> int:
        """Add entries to the log and have it signed; return its size."""
        store = open_store(self.sealed.store_url, clock=system_clock, create=False)
        database = open_database(self.sealed.database_url)
        integrator = Integrator(
            archive_id=self.archive_id,
            signers=self.signing,
            verifiers=(Ed25519Verifier(self.first.vkey), Ed25519Verifier(self.second.vkey)),
            store=store,
            database=database,
            clock=system_clock,
            lock_mode=LockMode.GOVERNANCE,
        )
        try:
            async with database.transaction() as tx:
                await ledger_rows.add(tx, list(entries))
            state = await integrator.integrate()
            assert state is not None
            return state.size
        finally:
            integrator.close()
            await database.close()
            store.close()

    async def stamp(self, size: int) -> int:
        """Have the checkpoint of `size` stamped, and log that; return the new size."""
        with self.sealed.opened_store() as store:
            message = store.get(checkpoint_object(self.archive_id, size))
            response = self.tsa.stamp(message)
            key = timestamp_object(self.archive_id, size, AUTHORITY)
            store.put(key, response, lock=_lock())
        token = verify_response(response, message, [self.tsa.root])
        return await self.log(
            timestamp_entry(
                size=size,
                authority=AUTHORITY,
                token_sha256=sha256(response).digest(),
                time_ms=to_millis(token.time),
                ts_ms=to_millis(system_clock()),
            )
        )

    def cosign(self, size: int) -> None:
        """Keep the witness's line under the checkpoint of `size`."""
        with self.sealed.opened_store() as store:
            note = parse_note(store.get(checkpoint_object(self.archive_id, size)))
            line = str(self.witness.cosign(note.text.encode(), at=system_clock()))
            key = cosignature_object(self.archive_id, size, self.witness.vkey.key_id)
            store.put(key, line.encode(), lock=_lock())


async def build_attested(
    store_url: str, database_url: str, folder: Path, *, batches: tuple[int, ...]
) -> AttestedArchive:
    """Write an archive, change its log key, have it stamped twice and cosigned."""
    archive = attest(await build_archive(store_url, database_url, batches=batches), folder)
    now = to_millis(system_clock())
    new, old = str(archive.second.vkey), str(archive.first.vkey)
    await archive.log(key_entry(new, on=True, ts_ms=now))
    archive = replace(archive, signing=(archive.second, archive.first))
    await archive.log(key_entry(old, on=False, ts_ms=now))
    archive = replace(archive, signing=(archive.second,))
    size = await archive.stamp(await archive.log(key_entry(new, on=True, ts_ms=now)))
    await archive.stamp(size)
    archive.cosign(size)
    with archive.sealed.opened_store() as store:
        policy = archive.policy_text.encode()
        store.replace(trust_object(archive.archive_id, "policy.txt"), policy)
    return archive


def attest(sealed: SealedArchive, folder: Path) -> AttestedArchive:
    """Return an archive that can be stamped and cosigned, signed by its first key alone."""
    return AttestedArchive(
        sealed=sealed,
        signing=(sealed.keyring.signers[0],),
        second=Ed25519Signer.from_seed(ORIGIN, bytes(range(32))),
        witness=Ed25519Cosigner.from_seed("witness.example.com/w", bytes(range(1, 33))),
        tsa=Tsa(folder),
    )


def _lock() -> Lock:
    return Lock(mode=LockMode.GOVERNANCE, until=system_clock() + _YEAR)
