"""Reading the log: its newest checkpoint, inclusion and consistency proofs.

Nothing here holds content, so reading it is permitted widely and makes no event.
"""

import asyncio
from functools import partial

from archiver.access.rules import Permission, require
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db.archive import ArchiveRow
from archiver.db.transaction import Database
from archiver.errors import Conflict, InvalidInput
from archiver.model.actor import Actor
from archiver.preserve.ledger.merkle import HASH_SIZE
from archiver.preserve.ledger.note import encode_base64
from archiver.preserve.ledger.proof import TlogProof
from archiver.preserve.ledger.tiles import TILE_WIDTH, TileTree, parse_tile_path, tile_path
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.store.threads import AsyncStore


class LogView:
    """The log of one archive, for reading."""

    def __init__(self, *, archive: ArchiveRow, database: Database, store: AsyncStore) -> None:
        self._prefix = log_prefix(archive.id)
        self._database = database
        self._store = store.blocking

    async def checkpoint(self, *, actor: Actor) -> bytes:
        """Return the newest signed checkpoint.

        Raises:
            Denied: the actor may not read the log.
            Conflict: nothing has been signed yet.
        """
        require(actor, Permission.READ_LOG)
        async with self._database.reading() as tx:
            state = await ledger_rows.state(tx)
        if not state.checkpoint:
            raise Conflict("the log has no checkpoint yet; it gets one with its first record")
        return state.checkpoint

    async def inclusion(self, record_id: str, *, actor: Actor) -> str:
        """Return a C2SP tlog-proof of a record under the newest checkpoint.

        Raises:
            NotFound: no such record.
            Conflict: it is not under a checkpoint yet.
        """
        require(actor, Permission.READ_LOG)
        async with self._database.reading() as tx:
            row = await record_rows.get(tx, record_id)
            state = await ledger_rows.state(tx)
        if row.log_index >= state.size:
            raise Conflict(
                f"record {record_id} is not under a checkpoint yet; try again in a second"
            )
        tree = TileTree(state.size, self._read)
        path = await asyncio.to_thread(tree.inclusion_proof, row.log_index)
        proof = TlogProof(index=row.log_index, path=path, checkpoint=state.checkpoint)
        return proof.to_bytes().decode()

    async def consistency(self, old: int, new: int, *, actor: Actor) -> dict[str, object]:
        """Return the proof that the tree of `old` entries is a prefix of that of `new`.

        Any sizes up to the signed one can be asked for, published or not.

        Raises:
            InvalidInput: the sizes are not those of trees of this log.
        """
        require(actor, Permission.READ_LOG)
        async with self._database.reading() as tx:
            signed = (await ledger_rows.state(tx)).size
        if not 0 <= old <= new <= signed:
            raise InvalidInput(
                f"expected sizes in order up to the signed size {signed}, found {old} and {new}"
            )
        tree = TileTree(new, partial(self._read_at, signed))
        path = await asyncio.to_thread(tree.consistency_proof, old)
        return {"old": old, "new": new, "proof": [encode_base64(each) for each in path]}

    def _read_at(self, signed: int, path: str) -> bytes:
        """Read a tile of a smaller tree: a partial tile is a prefix of every wider one."""
        asked = parse_tile_path(path)
        if asked.level is None:
            return self._read(path)
        width = min(TILE_WIDTH, (signed >> 8 * asked.level) - asked.n * TILE_WIDTH)
        wider = self._read(tile_path(asked.level, asked.n, width))
        return wider[: asked.width * HASH_SIZE]

    def _read(self, path: str) -> bytes:
        return self._store.get(self._prefix + path)
