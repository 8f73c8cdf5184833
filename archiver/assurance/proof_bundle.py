"""What an auditor takes away from the Integrity page: enough to check offline that nothing changed.

The checkpoint, the proof that it continues the one the auditor kept, timestamps, trust policy with
every key of the log, and how to check each with tools that are not ours. It holds no content.
"""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from archiver.assurance.evidence.ledger_files import LedgerFiles
from archiver.assurance.integrity_status import Timestamped
from archiver.assurance.integrity_view import IntegrityView
from archiver.assurance.log_view import LogView
from archiver.clock import Clock, rfc3339
from archiver.db.archive import ArchiveRow
from archiver.model.actor import Actor
from archiver.preserve.ledger.checkpoint import parse_checkpoint
from archiver.preserve.ledger.note import parse_note
from archiver.preserve.ledger.policy import Policy
from archiver.preserve.object_keys import timestamp_object
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.threads import AsyncStore

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the bundle's own files have no time; the log has

_WHAT = {
    "checkpoint": "the newest signed head of the log",
    "consistency.json": "that it continues the log of the size you named",
    "policy.txt": "whom the archive trusts: every key its log has had, its witnesses",
    "tsa-roots.pem": "roots of the timestamp authorities, as the archive names them",
    "checkpoints/<size>": "heads that were timestamped, byte for byte",
    "cosignatures/<size>": "what witnesses signed under those heads",
    "tsr/<size>/<authority>.tsr": "RFC 3161 timestamps over those heads",
}

README = """\
Proof of the log {origin}: {size} entries
made {made} for {actor}

{files}

policy.txt and tsa-roots.pem come from the archive itself: compare them with those you got over
another channel. They are here so that a difference can be seen.

How to check, without asking the archive:

1. The signature. `checkpoint` is a C2SP signed note; its last line is an Ed25519 signature by the
   key in your trust file over the lines before the blank one (https://c2sp.org/signed-note).
2. A timestamp:
     openssl ts -verify -in tsr/<size>/<authority>.tsr -data checkpoints/<size> -CAfile roots.pem
   It shows that the log of that size existed by the time the token names.
3. That the log continues the one you kept: consistency.json is an RFC 6962 consistency proof,
   hashes in base64, between the size you named and that of `checkpoint`.
4. Everything, from the bucket alone, with read access to it:
     muniment verify --full --from STORE --policy your.policy --tsa-roots roots.pem \\
         --checkpoint checkpoint

Keep `checkpoint`. Given on your next visit, it makes every rollback visible.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofBundle:
    """A zip file: its name for the download and its bytes."""

    name: str
    content: bytes


class ProofBundles:
    """Makes proof bundles of one archive. `policy` is its public trust policy."""

    def __init__(
        self,
        *,
        archive: ArchiveRow,
        store: AsyncStore,
        log: LogView,
        integrity: IntegrityView,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._archive = archive
        self._store = store.blocking
        self._log = log
        self._integrity = integrity
        self._policy = policy
        self._clock = clock

    async def make(self, *, since: int = 0, actor: Actor) -> ProofBundle:
        """Return the bundle of the newest checkpoint; `since` is the size an auditor kept, or 0.

        Raises:
            Denied: the actor may not read the log.
            Conflict: nothing has been signed yet.
            InvalidInput: `since` is over the size of the log.
            IntegrityError: what is stored of the log is not what was signed.
        """
        timestamps = (await self._integrity.status(actor)).facts.timestamps
        note = await self._log.checkpoint(actor=actor)
        head = parse_checkpoint(parse_note(note).text)
        files = {"checkpoint": note}
        if since:
            proof = await self._log.consistency(since, head.size, actor=actor)
            files["consistency.json"] = json.dumps(proof, indent=1).encode()
        files |= await asyncio.to_thread(
            lambda: dict(self._stored(self._store, head.size, timestamps))
        )
        files["README.txt"] = README.format(
            origin=self._archive.origin,
            made=rfc3339(self._clock()),
            actor=actor.name,
            size=head.size,
            files="\n".join(_listed(files)),
        ).encode()
        return ProofBundle(name=f"proof-{head.size}.zip", content=_zipped(files))

    def _stored(
        self, store: ObjectStore, size: int, timestamps: tuple[Timestamped, ...]
    ) -> Iterator[tuple[str, bytes]]:
        yield "policy.txt", self._policy.to_text().encode()
        ledger = LedgerFiles(self._archive, store, self._policy)
        if ledger.roots:
            yield "tsa-roots.pem", ledger.roots
        for stamp in timestamps:
            if stamp.size <= size:
                kept, cosignatures = ledger.note(stamp.size)
                yield f"checkpoints/{stamp.size}", kept
                if cosignatures:
                    yield f"cosignatures/{stamp.size}", cosignatures
                key = timestamp_object(self._archive.id, stamp.size, stamp.authority)
                yield f"tsr/{stamp.size}/{stamp.authority}.tsr", store.get(key)


def _listed(files: dict[str, bytes]) -> Iterator[str]:
    folders = {name.partition("/")[0] for name in files}
    for name, what in _WHAT.items():
        if name.partition("/")[0] in folders:
            yield f"{name:<28}{what}"


def _zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), files[name])
    return buffer.getvalue()
