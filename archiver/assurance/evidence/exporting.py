"""Making an evidence bundle: who may, of what, in which order, and that it verifies.

A bundle is written beside its name, verified as a stranger would verify it, noted in the audit
trail, and only then given its name: no bundle leaves that does not hold, and none without a trace.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from archiver.access.record_access import RecordAccess
from archiver.access.rules import Permission, allowed, reach
from archiver.assurance.evidence.assembly import Assembly
from archiver.assurance.evidence.choosing import Wanted, choose
from archiver.assurance.evidence.container import Progress
from archiver.assurance.evidence.documents import About
from archiver.assurance.evidence.ledger_files import LedgerFiles
from archiver.assurance.evidence.record_files import Gathered, RecordFiles, Stored
from archiver.assurance.evidence.retention_state import RetentionStates
from archiver.assurance.evidence.selection import Selection
from archiver.assurance.evidence_verifier import verify_bundle
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import from_millis
from archiver.db import evidence as evidence_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database, Transaction
from archiver.errors import Conflict, IntegrityError, TooLarge
from archiver.model.actor import Actor
from archiver.preserve.ledger.entry import members_digest
from archiver.preserve.ledger.note import Signer, parse_vkey
from archiver.preserve.ledger.policy import Policy
from archiver.preserve.reader import RecordReader
from archiver.preserve.store.threads import AsyncStore

MOST_AT_ONCE = 64 << 20
"""Bytes of files of a record whose bundle is handed out at once."""

_CHUNK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A bundle that was made: its file, and what is in it."""

    path: Path
    sha256: str
    size: int
    records: int
    log_size: int
    timestamps: int
    conclusion: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "file": str(self.path),
            "sha256": self.sha256,
            "size": self.size,
            "records": self.records,
            "log_size": self.log_size,
            "timestamps": self.timestamps,
            "conclusion": self.conclusion,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A small bundle in memory: what was made, and its bytes."""

    made: Exported
    content: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.made.path.name


class Evidence:
    """The use case of evidence bundles on one archive.

    `signers` are the log's active keys, which seal; `policy` is the archive's public trust policy.
    """

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        database: Database,
        store: AsyncStore,
        reader: RecordReader,
        signers: Sequence[Signer],
        policy: Policy,
        trail: Trail,
        software: str,
    ) -> None:
        self._archive = archive
        self._database = database
        self._store = store.blocking
        self._reader = reader
        self._signers = signers
        self._policy = policy
        self._trail = trail
        self._software = software
        self._access = RecordAccess(database=database, trail=trail)

    async def one(self, record_id: str, *, actor: Actor) -> Bundle:
        """Return the bundle of one record, to be handed out at once.

        Raises:
            TooLarge: the record's files are over `MOST_AT_ONCE` bytes; make it as a job.
            Denied, NotFound, Conflict, IntegrityError: as `export`.
        """
        await self._access.find(record_id, Permission.EXPORT, actor=actor)
        row = await self._access.find(record_id, Permission.READ_CONTENT, actor=actor)
        async with self._database.reading() as tx:
            stored = row.frame_length + await evidence_rows.blob_bytes(tx, record_id)
        if stored > MOST_AT_ONCE:
            raise TooLarge(
                f"record {record_id} has {stored:,} bytes of files, more than the "
                f"{MOST_AT_ONCE:,} of a download at once; make its bundle as a job, or with "
                f"`muniment evidence {record_id} --out FILE`"
            )
        with TemporaryDirectory(prefix="muniment-evidence-") as folder:
            path = Path(folder) / f"evidence-{record_id}.zip"
            made = await self.export(Wanted(record_ids=(record_id,)), path, actor=actor)
            content = await asyncio.to_thread(path.read_bytes)
        return Bundle(made=made, content=content)

    async def export(
        self,
        wanted: Wanted,
        path: Path,
        *,
        actor: Actor,
        progress: Progress = lambda _done, _total: None,
    ) -> Exported:
        """Write a bundle to `path`, which must not exist yet, and return what is in it.

        Raises:
            Denied: the actor may not export, not read content, or not read what is asked for.
            InvalidInput: nothing is asked for, or a checkpoint that was not published.
            NotFound: no such record or hold.
            Conflict: a record is not under a checkpoint yet, or there is a file at `path`.
            IntegrityError: what is stored is not what the log commits to, or the bundle does not
                verify. No file is left then.
        """
        for needs in (Permission.EXPORT, Permission.READ_CONTENT):
            reach(actor, needs)  # raises; which records are in reach is asked of each below
        if await asyncio.to_thread(path.exists):
            raise Conflict(f"there is a file at {path}; give another name")
        ledger = await asyncio.to_thread(LedgerFiles, self._archive, self._store, self._policy)
        about = await self._describe(wanted, ledger, actor)
        partial = path.with_name(f".{path.name}.partial")
        try:
            partial.touch(mode=0o600, exist_ok=False)
            sha256, size = await self._write(partial, about, ledger, progress)
            report = await asyncio.to_thread(
                verify_bundle, partial, policy=self._policy.to_text(), roots=ledger.roots
            )
            _require_sound(report)
            exported = Exported(
                path=path,
                sha256=sha256,
                size=size,
                records=about.count,
                log_size=about.selection.head,
                timestamps=len(about.tokens),
                conclusion=str(report["conclusion"]),
            )
            await self._note(wanted, exported, list(report["records"]), actor)
            partial.rename(path)
        finally:
            with suppress(FileNotFoundError):
                partial.unlink()
        return exported

    async def _describe(self, wanted: Wanted, ledger: LedgerFiles, actor: Actor) -> About:
        async with self._database.reading() as tx:
            indexes, title = await choose(tx, wanted, self._access, actor=actor)
            signed = (await ledger_rows.state(tx)).size
        if indexes[-1] >= signed:
            raise Conflict(
                f"log index {indexes[-1]} is not under a checkpoint yet: the newest covers "
                f"{signed} entries; let `muniment serve` run, or try again in a second"
            )
        head = await asyncio.to_thread(ledger.head_over, indexes[-1], wanted.log_size)
        stamped = await asyncio.to_thread(ledger.stamped_sizes, indexes[0], head)
        async with self._database.reading() as tx:
            (last,) = await ledger_rows.entries(tx, head - 1, head)
        selection = Selection(
            indexes=indexes,
            head=head,
            as_of=from_millis(json.loads(last)["ts"]),
            stamped=stamped,
        )
        tokens = tuple(
            await asyncio.to_thread(lambda: list(ledger.tokens(selection.checkpoints())))
        )
        trail = wanted.with_events and allowed(actor, Permission.READ_AUDIT)
        return About(
            archive=self._archive,
            software=self._software,
            selection=selection,
            tokens=tokens,
            tokens_of={
                size: tuple(token for token in tokens if token.size == size)
                for size in {token.size for token in tokens}
            },
            keys=tuple(
                (log.vkey, hashlib.sha256(parse_vkey(log.vkey).public_key).hexdigest())
                for log in ledger.policy.logs
            ),
            locks_enforced=self._store.enforces_locks,
            trail=trail,
            gaps=tuple(self._gaps(selection, ledger, trail=trail)),
            title=title,
        )

    def _gaps(self, selection: Selection, ledger: LedgerFiles, *, trail: bool) -> list[str]:
        stamped = set(selection.stamped)
        sizes = [selection.checkpoint_for(index) for index in selection.indexes]
        bare = sum(size not in stamped for size in sizes)
        found = [
            "That what was posted is true, or that its author is who the platform says.",
            (
                "That every post was captured. Gaps in capture are declared in the archive's own "
                "log; this bundle does not list them."
            ),
        ]
        if bare:
            found.append(
                f"When {bare:,} of the {len(sizes):,} records existed, by any clock but the "
                "archive's own: no timestamp authority's time covers them."
            )
        if ledger.policy.quorum is None:
            found.append(
                "That the archive showed everybody the same log: its policy asks for no witness."
            )
        if not self._store.enforces_locks:
            found.append(
                "That nothing could be deleted: the store is a file system and enforces no lock."
            )
        if not trail:
            found.append("Who acted on the records: their audit trail was left out.")
        return found

    async def _write(
        self, partial: Path, about: About, ledger: LedgerFiles, progress: Progress
    ) -> tuple[str, int]:
        selection = about.selection
        records = RecordFiles(self._reader, self._store, ledger, selection.head)
        states = RetentionStates(selection.head, selection.as_of)
        with (
            partial.open("wb") as file,
            Assembly(file, about, ledger, records) as assembly,
        ):
            await asyncio.to_thread(assembly.begin)
            for start in range(0, about.count, _CHUNK):
                chunk = selection.indexes[start : start + _CHUNK]
                gathered = await self._gather(chunk, about, states)
                await asyncio.to_thread(assembly.add, gathered)
                progress(start + len(chunk), about.count)
            await asyncio.to_thread(assembly.finish, self._signers)
            return assembly.sha256, assembly.size

    async def _gather(
        self, indexes: Sequence[int], about: About, states: RetentionStates
    ) -> list[Gathered]:
        async with self._database.reading() as tx:
            stored = await _stored(tx, indexes)
            rows = [stored[index].row for index in indexes]
            why = await states.explain(tx, rows)
            trails: dict[str, tuple[Stored, ...]] = {}
            if about.trail:
                found = await evidence_rows.trails(
                    tx, [row.id for row in rows], about.selection.head
                )
                events = await _stored(
                    tx, sorted({each for some in found.values() for each in some})
                )
                trails = {
                    record_id: tuple(events[each] for each in some)
                    for record_id, some in found.items()
                }
        return [
            Gathered(
                stored=stored[row.log_index],
                why=why[row.log_index],
                events=trails.get(row.id, ()) if about.trail else None,
                checkpoint=about.selection.checkpoint_for(row.log_index),
            )
            for row in rows
        ]

    async def _note(
        self, wanted: Wanted, exported: Exported, record_ids: Sequence[str], actor: Actor
    ) -> None:
        object_type, object_id = "evidence", exported.sha256
        if wanted.hold_id is not None:
            object_type, object_id = "hold", wanted.hold_id
        elif len(record_ids) == 1:
            object_type, object_id = "record", record_ids[0]
        await self._trail.record(
            Action.EVIDENCE_EXPORTED,
            actor=actor,
            object_type=object_type,
            object_id=object_id,
            details={
                "records": exported.records,
                "records_sha256": members_digest(record_ids).hex(),
                "log_size": exported.log_size,
                "bundle_sha256": exported.sha256,
            },
        )


async def _stored(tx: Transaction, indexes: Sequence[int]) -> dict[int, Stored]:
    rows = await record_rows.list_by_index(tx, indexes)
    entries = await record_rows.entries_at(tx, indexes)
    segments = await segment_rows.get_many(tx, {row.segment_id for row in rows.values()})
    return {
        index: Stored(row=row, segment=segments[row.segment_id], entry=entries[index])
        for index, row in rows.items()
    }


def _require_sound(report: dict[str, object]) -> None:
    if not report["ok"]:
        checks = report["checks"]
        failures = [
            failure
            for check in (checks if isinstance(checks, list) else [])
            for failure in check["failures"]
        ]
        raise IntegrityError(
            f"the bundle does not verify, so it was not kept: {'; '.join(failures[:3])}; run "
            "`muniment verify --full`"
        )
