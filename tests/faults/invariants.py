"""What must hold of an archive after any fault, checked by one function.

I1 every acknowledged post is there, byte for byte, and proven under the newest checkpoint;
I2 that checkpoint extends every one ever signed; I3 what is held is there and held; I4 the log has
an entry for every change of state; I5 the index finds what is stored, no more and no less; I6 what
was not acknowledged is there wholly or not at all, and sending it again makes exactly one record;
I7 nothing printed holds a secret or a stack trace; I8 what was destroyed is explained by an entry
under the newest checkpoint and by one certificate, and no byte of it is left.
"""

import asyncio
import base64
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from archiver.app import Services, open_services
from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.config import Settings
from archiver.db import holds as hold_rows
from archiver.db import ledger as ledger_rows
from archiver.db import searchable
from archiver.db import segments as segment_rows
from archiver.db.holds import HoldRow
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.entry import HoldEntry, decode_entry
from archiver.preserve.ledger.merkle import verify_consistency
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.receipt import Receipt, verify_receipt
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix
from tests.fakes.archive import (
    AGENT,
    publish,
    read_back,
    reader_of,
    require_included,
    row_and_entry,
    stored_posts,
    unsequenced,
)
from tests.faults.destroyed import require_destroyed
from tests.faults.operations import arrival_of


@dataclass(kw_only=True)
class Promises:
    """What a client was told, as it was told: posts by name, checkpoints, holds by id."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    holds: dict[str, dict[str, Any]] = field(default_factory=dict)
    destroyed: dict[str, dict[str, Any]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def hear(self, said: dict[str, Any]) -> None:
        """Note one thing that was said."""
        if "post" in said:
            self.posts[said["post"]] = said
        elif "head" in said:
            self.heads.append(said["head"])
        elif "hold" in said:
            self.holds[said["hold"]] = said
        elif "destroyed" in said:
            self.destroyed |= {name: self.posts.pop(name) for name in said["destroyed"]}
        else:
            self.errors.append(said["error"])


async def require_invariants(
    settings: Settings, promises: Promises, sent: Sequence[str] = (), printed: str = ""
) -> float:
    """Check all of them; return how many seconds the archive took to open."""
    began = time.perf_counter()
    async with open_services(settings) as services:
        opened_s = time.perf_counter() - began
        await _require_no_orphan(services)
        await _require_one_record_each(services, promises, sent)
        head = await publish(services)
        for said in promises.posts.values():
            await _require_kept(services, said, head)
        await _require_extended(services, promises, head)
        await _require_held(services, promises)
        await _require_indexed(services)
        await require_destroyed(services, promises.destroyed, head)
        report = await verify_full(
            VerificationTarget(
                archive_id=services.archive.id,
                origin=services.archive.origin,
                vkeys=(services.archive.vkey,),
                store_url=settings.effective_store_url,
                database=services.database,
                keyring=services.epochs._keyring,
            ),
            workers=1,
            content=True,
        )
        assert report.ok, report.problems
    require_discreet(settings, printed)
    return opened_s


def require_discreet(settings: Settings, printed: str) -> None:
    """I7."""
    assert "Traceback" not in printed, printed
    secret = settings.keyring_secret_file.read_bytes().strip()
    for spelling in (secret.decode(), base64.b64encode(secret).decode()):
        assert spelling not in printed


async def _require_no_orphan(services: Services) -> None:
    async with services.database.reading() as tx:
        named = await ledger_rows.orphans(tx)
    left = await unsequenced(services) - named
    assert not left, f"I6: stored segments that nobody adopted: {left}"


async def _require_one_record_each(
    services: Services, promises: Promises, sent: Sequence[str]
) -> None:
    """I1 and I6: send everything twice more; each post has one record, the one acknowledged."""
    for name in dict.fromkeys([*promises.posts, *sent]):
        for _ in range(2):
            (outcome,) = await services.ingest.submit([arrival_of(name)], actor=AGENT)
            said = promises.posts.setdefault(
                name, {"id": outcome.record_id, "index": outcome.log_index}
            )
            assert (outcome.record_id, outcome.log_index) == (said["id"], said["index"]), (
                f"I1: {name} was acknowledged as {said}, and is {outcome}"
            )
    rows = await stored_posts(services)
    times = Counter(row.raw_sha256 for row in rows if row.duplicate_of is None)
    assert set(times.values()) <= {1}, "I6: one record answers for each post"
    assert len(times) == len(promises.posts), "I6: nothing is there that nobody sent"


async def _require_kept(services: Services, said: dict[str, Any], head: Checkpoint) -> None:
    """I1."""
    _, entry = await row_and_entry(services, said["id"])
    require_included(services, head, said["index"], entry)
    if said.get("receipt"):
        verifier = Ed25519Verifier.from_vkey(services.archive.vkey)
        verify_receipt(Receipt.from_dict(said["receipt"]), entry, [verifier])
    opened = await read_back(services, said["id"])
    if "post" in said:
        parts = arrival_of(said["post"]).parts
        reader = reader_of(services)
        for number, part in enumerate(parts):
            assert reader.part(opened, number).content == part.content, f"I1: {said['post']}"


async def _require_extended(services: Services, promises: Promises, head: Checkpoint) -> None:
    """I2."""
    prefix = log_prefix(services.archive.id)
    store = services.store.blocking
    verifier = Ed25519Verifier.from_vkey(services.archive.vkey)
    kept = [store.get(key) for key in store.list_keys(prefix + "checkpoints/")]
    for note in [*kept, *(text.encode() for text in promises.heads)]:
        old = open_checkpoint(note, services.archive.origin, [verifier])
        verify_consistency(
            old_size=old.size,
            new_size=head.size,
            old_root=old.root,
            new_root=head.root,
            proof=TileTree(head.size, lambda path: store.get(prefix + path)).consistency_proof(
                old.size
            ),
        )


async def _require_held(services: Services, promises: Promises) -> None:
    """I3 and I4, for holds."""
    await services.holds.mirror()
    async with services.database.reading() as tx:
        rows = {row.id: row for row in await hold_rows.list_all(tx)}
        members = {key: await hold_rows.member_ids(tx, key) for key in rows}
        end = (await ledger_rows.state(tx)).next_index
        entries = [decode_entry(entry) for entry in await ledger_rows.entries(tx, 0, end)]
    changes = {(entry.id, entry.on) for entry in entries if isinstance(entry, HoldEntry)}
    for key, row in rows.items():
        assert (key, True) in changes, f"I4: hold {key} is not in the log"
        assert ((key, False) in changes) == (row.state != hold_rows.ACTIVE), "I4: its release"
        assert len(members[key]) == row.records, "I6: a hold is whole"
    for key, said in promises.holds.items():
        assert rows[key].records == said["records"], "I3"
        assert said["state"] in (rows[key].state, hold_rows.ACTIVE), "I3: a release is for good"
    await _require_objects_held(services, list(rows.values()), members)


async def _require_objects_held(
    services: Services, holds: list[HoldRow], members: dict[str, list[str]]
) -> None:
    held = {one for row in holds if row.state == hold_rows.ACTIVE for one in members[row.id]}
    rows = await stored_posts(services)
    async with services.database.reading() as tx:
        segments = await segment_rows.get_many(tx, {row.segment_id for row in rows})
    expected: dict[str, bool] = {}
    for row in rows:
        key = segments[row.segment_id].object_key
        expected[key] = expected.get(key, False) or row.id in held or row.duplicate_of in held
    for key, on in expected.items():
        assert (await services.store.head(key)).legal_hold is on, f"I3: the hold on {key}"


async def _require_indexed(services: Services) -> None:
    """I5."""
    while await services.loops.index_once():
        pass
    async with services.database.reading() as tx:
        end = (await ledger_rows.state(tx)).next_index
        expected = await searchable.between(tx, 0, end)
    found = await asyncio.to_thread(_indexed, services)
    assert found == expected, "I5: index and records differ"


def _indexed(services: Services) -> list[int]:
    with services.index.reader().snapshot() as snapshot:
        return sorted(number for chunk in snapshot.all_numbers() for number in chunk)
