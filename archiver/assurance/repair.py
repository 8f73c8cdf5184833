"""Repairing objects: lost or altered bytes are replaced by true ones from the other copy.

For each object: read the other copy, have it vouched for by the log (`vouching.py`), restore it
with the lock and hold it must have, then, in one transaction, let the database's rows follow to the
new version and put a `repair` entry into the log; last an event into the audit trail. Every step
may be done again: a crash between two of them is made good by the next repair of that object.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

from archiver.assurance.report import Report
from archiver.assurance.vouching import Vouching
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, from_millis, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db import segments as segment_rows
from archiver.db.transaction import Database
from archiver.errors import IntegrityError, NotFound, StorageUnavailable
from archiver.model.actor import SYSTEM, Actor
from archiver.model.lock import Lock, LockMode, longest
from archiver.preserve.ledger.entry import repair_entry
from archiver.preserve.ledger.tiles import TILE_WIDTH, TileName, parse_tile_path
from archiver.preserve.object_keys import (
    epoch_object,
    keys_for_segment,
    log_prefix,
    segment_id_of,
    segment_object,
)
from archiver.preserve.store import ObjectStore

_KINDS = ("log/", "keys/", "seg/", "blob/")
"""What can be repaired, in the order in which it is: each is vouched for by those before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """An object that is as promised again."""

    object_key: str
    sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrepaired:
    """An object that could not be repaired, and why."""

    object_key: str
    why: str


Outcome = Repaired | Unrepaired
Progress = Callable[[int, int], None]


class Repairs:
    """Puts true bytes in their place, and says so in log and trail."""

    def __init__(
        self,
        *,
        archive_id: str,
        vouching: Vouching,
        database: Database,
        trail: Trail,
        clock: Clock,
        notify: Callable[[], None],
    ) -> None:
        self._archive_id = archive_id
        self._vouching = vouching
        self._database = database
        self._trail = trail
        self._clock = clock
        self._notify = notify

    async def repair(
        self,
        keys: Iterable[str],
        *,
        damaged: ObjectStore,
        good: ObjectStore,
        actor: Actor,
        progress: Progress = lambda _done, _total: None,
    ) -> list[Outcome]:
        """Repair objects of the first store, `damaged`, from the second copy, `good`.

        Those that turn out to be as promised are left alone and not in what is returned: a
        verification names a segment, too, when it is its keys that do not open it.

        Raises:
            OperatorError: a store or the database did not answer; do it again.
        """
        ordered = in_order(keys)
        if ordered:  # before anything is touched: a crash leaves at least this behind
            await self._trail.record(
                Action.REPAIR_STARTED,
                actor=actor,
                object_type="archive",
                object_id=self._archive_id,
                details={"objects": len(ordered), "first": ordered[0]},
            )
        held = await held_keys(self._database, self._archive_id)
        outcomes: list[Outcome] = []
        for number, key in enumerate(ordered, 1):
            outcome = await self._repair(key, damaged, good, actor, held)
            outcomes += [outcome] if outcome else []
            progress(number, len(ordered))
        return outcomes

    async def _repair(
        self,
        key: str,
        damaged: ObjectStore,
        good: ObjectStore,
        actor: Actor,
        held: Collection[str],
    ) -> Outcome | None:
        if key == f"{log_prefix(self._archive_id)}checkpoint":
            return await self._publish_again(key, damaged, actor)
        try:
            name, body = await asyncio.to_thread(read_either, good, key)
            await self._vouching.require(name, body)
        except (NotFound, IntegrityError) as error:
            return Unrepaired(object_key=key, why=f"the second copy is no better: {error}")
        lock = await self.lock_of(name, (await asyncio.to_thread(good.head, name)).lock)
        async with self._database.reading() as tx:
            versions = await segment_rows.versions_named(tx, name)
        promised = partial(_is_sound, damaged, name, body, lock, versions, held=name in held)
        if await asyncio.to_thread(promised):
            return None
        restored = await asyncio.to_thread(
            damaged.restore, name, body, lock=lock, legal_hold=name in held
        )
        return await self._note(name, body, actor, version_id=restored.version_id)

    async def repair_copy(
        self, key: str, body: bytes, *, copy: ObjectStore, lock: Lock | None, held: bool
    ) -> None:
        """Put the first store's bytes over those of the second copy.

        Raises:
            IntegrityError: nothing vouches for `body`, so nothing was replaced.
            OperatorError: a store or the database did not answer.
        """
        await self._vouching.require(key, body)
        lock = await self.lock_of(key, lock)
        await asyncio.to_thread(copy.restore, key, body, lock=lock, legal_hold=held)
        await self._log(key, sha256(body).digest(), version_id="")
        await self._trail.record(
            Action.COPY_REPAIRED, actor=SYSTEM, object_type="object", object_id=key
        )

    async def _publish_again(self, key: str, damaged: ObjectStore, actor: Actor) -> Outcome | None:
        """The published checkpoint is the one the database holds, which the log has signed."""
        await self._vouching.tree()
        async with self._database.reading() as tx:
            signed = (await ledger_rows.state(tx)).checkpoint
        if await asyncio.to_thread(_gives, damaged, key, signed):
            return None
        await asyncio.to_thread(damaged.replace, key, signed)
        return await self._note(key, signed, actor, version_id="")

    async def lock_of(self, key: str, lock: Lock | None) -> Lock | None:
        """Return the lock an object must have: `lock`, or what its segment's row says beyond it."""
        if not key.endswith((".seg", ".keys")):
            return lock
        segment_id = segment_id_of(key).removesuffix(".keys")
        async with self._database.reading() as tx:
            row = (await segment_rows.get_many(tx, [segment_id])).get(segment_id)
        if row is None:
            return lock
        written = Lock(mode=LockMode(row.lock_mode), until=from_millis(row.lock_until))
        return longest(lock, written)

    async def _note(self, key: str, body: bytes, actor: Actor, *, version_id: str) -> Outcome:
        digest = sha256(body).digest()
        await self._log(key, digest, version_id=version_id)
        await self._trail.record(
            Action.OBJECT_REPAIRED, actor=actor, object_type="object", object_id=key
        )
        return Repaired(object_key=key, sha256=digest)

    async def _log(self, key: str, digest: bytes, *, version_id: str) -> None:
        """Log that `key` holds these bytes since a repair; rows follow to `version_id`, if any."""
        async with self._database.transaction() as tx:
            if version_id:
                await segment_rows.set_version(tx, key, version_id)
            await ledger_rows.add(tx, [repair_entry(key, digest, to_millis(self._clock()))])
        self._notify()


async def held_keys(database: Database, archive_id: str) -> set[str]:
    """Return the keys of all objects that a hold in force covers, by its rows alone."""
    async with database.reading() as tx:
        segments, blobs = await segment_rows.held_objects(tx)
    return {
        *(row.object_key for row in segments),
        *(row.object_key for row in blobs),
        *(row.keys_object_key for row in segments),
        *(epoch_object(archive_id, row.class_code, row.period) for row in segments),
    }


def damaged_objects(report: Report, archive_id: str) -> list[str]:
    """Return the keys of the objects that a verification found wrong.

    With a segment come those that it is read by: of a lost one nobody could tell that they are
    lost, too.
    """
    own = tuple(f"{kind}{archive_id}/" for kind in _KINDS)
    keys = [one.object_key for one in report.problems if one.object_key.startswith(own)]
    for key in [key for key in keys if _is_segment(key)]:
        _, _, class_code, period, _ = key.split("/")
        keys += [keys_for_segment(key), epoch_object(archive_id, class_code, period)]
    return in_order(keys)


def _is_segment(key: str) -> bool:
    return key.endswith(".seg") and key.count("/") == segment_object("", "", "", "").count("/")


def lost_from_log(first: ObjectStore, second: ObjectStore, archive_id: str) -> list[str]:
    """Return the objects of the log that only the second copy has.

    The log is never pruned, so what is missing was lost, whether or not verification could tell:
    a kept checkpoint leaves no trace. A partial tile may go once its full one is there.
    """
    prefix = log_prefix(archive_id)
    present = set(first.list_keys(prefix))
    return [
        key
        for key in second.list_keys(prefix)
        if key not in present and not _is_superseded(key.removeprefix(prefix), prefix, present)
    ]


def in_order(keys: Iterable[str]) -> list[str]:
    """Return distinct keys in the order in which they can be repaired."""

    def place(key: str) -> tuple[int, bool, str]:
        kind = next(number for number, kind in enumerate(_KINDS) if key.startswith(kind))
        return kind, not key.endswith("/epoch.json"), key

    return sorted(set(keys), key=place)


def _gives(store: ObjectStore, key: str, body: bytes) -> bool:
    try:
        return store.get(key) == body
    except NotFound:
        return False


def _is_sound(
    store: ObjectStore,
    key: str,
    body: bytes,
    lock: Lock | None,
    named: Collection[str],
    *,
    held: bool,
) -> bool:
    """Whether an object is as promised, and nothing stands beneath it that the log must explain."""
    try:
        found = store.head(key)
        versions = [one for one in store.list_versions(key) if one.key == key]
        return (
            store.get(key) == body
            and len(versions) == 1
            and set(named) <= {found.version_id}
            and longest(found.lock, lock) == found.lock
            and found.legal_hold >= held
        )
    except (NotFound, IntegrityError, StorageUnavailable):
        return False


def read_either(store: ObjectStore, key: str) -> tuple[str, bytes]:
    """Return an object with its key; of a partial tile that is superseded, the full one.

    Raises:
        NotFound: there is neither.
    """
    names = list(_names(key))
    for name in names[:-1]:
        try:
            return name, store.get(name)
        except NotFound:
            continue
    return names[-1], store.get(names[-1])


def _names(key: str) -> Iterator[str]:
    yield key
    before, found, path = key.partition("/tile/")
    if found and ".p/" in path:
        name = parse_tile_path(f"tile/{path}")
        yield f"{before}/{TileName(level=name.level, n=name.n).path}"


def _is_superseded(path: str, prefix: str, present: set[str]) -> bool:
    if not path.startswith("tile/"):
        return False
    try:
        name = parse_tile_path(path)
    except IntegrityError:  # a stranger's: the comparison of the copies names it
        return True
    return name.width < TILE_WIDTH and (
        prefix + TileName(level=name.level, n=name.n).path in present
    )
