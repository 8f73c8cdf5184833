"""What is in the store: every object by kind, and the versions that should not be there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from archiver.assurance.report import Findings, Problem
from archiver.clock import to_millis
from archiver.errors import IntegrityError, InvalidInput, NotFound
from archiver.ids import ulid_bytes
from archiver.model.lock import Lock
from archiver.preserve.ledger.tiles import TILE_WIDTH, TileName, parse_tile_path
from archiver.preserve.object_keys import (
    first_keys_of,
    generation_of,
    keys_for_segment,
    log_prefix,
    probe_prefix,
    segment_prefix,
)
from archiver.preserve.store import ObjectStore, StoredObject

TRUST_MATERIAL = ("policy.txt", "keys.vkey", "tsa-roots.pem")
"""Public copies of what verifiers bring themselves; replaced by new versions, and never trusted."""

_CHECKPOINT = "checkpoint"
_KEPT = ("checkpoints/", "tsr/", "cosignatures/")
_LEFT = "left by a crash: nothing refers to it, and it expires under its own lock"
_UNFINISHED = (
    "keys in whose place others stand: a destruction was interrupted here, and goes on as soon as "
    "the archive is served"
)
_FOLDERS = frozenset({"seg", "keys", "blob", "log", "probe"})


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as it was listed. `lock` is None where there is none or the listing told none."""

    key: str
    version_id: str
    modified_ms: int
    lock: Lock | None


@dataclass(slots=True)
class Inventory:
    """Objects by kind in ascending order of their keys, with the version to read.

    `partials` are partial tiles and bundles by name; `log` are the objects of the log that are kept
    for good. `extra` are versions and delete markers beneath or above those, and `times` when keys,
    epoch keys and blobs were stored, in milliseconds.
    """

    segments: list[tuple[str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    epochs: list[tuple[str, str]] = field(default_factory=list)
    blobs: list[tuple[str, str]] = field(default_factory=list)
    partials: list[TileName] = field(default_factory=list)
    log: list[Listed] = field(default_factory=list)
    extra: list[StoredObject] = field(default_factory=list)
    times: dict[str, int] = field(default_factory=dict)

    @property
    def later_keys(self) -> dict[str, str]:
        """The newest generation of keys by segment object, where it is a later one."""
        newest: dict[str, str] = {}
        for key in self.keys:
            number = generation_of(key) or 0
            first = first_keys_of(key)
            if number > (generation_of(newest.get(first, first)) or 0):
                newest[first] = key
        return {
            key: newest[keys_for_segment(key)]
            for key, _ in self.segments
            if keys_for_segment(key) in newest
        }


def list_archive(store: ObjectStore, archive_id: str, findings: Findings) -> Inventory:
    """List everything the archive has in the store; memory is a few hundred bytes per object."""
    found = Inventory()
    log = log_prefix(archive_id)
    mutable = {log + name for name in (_CHECKPOINT, *TRUST_MATERIAL)}
    sorts: dict[str, Callable[[StoredObject], bool]] = {
        segment_prefix(archive_id): lambda one: _sort_segment(found, one),
        f"keys/{archive_id}/": lambda one: _sort_keys(found, archive_id, one),
        f"blob/{archive_id}/": lambda one: _add(found, found.blobs, one),
        log: lambda one: one.key in mutable or _sort_log(found, one, one.key.removeprefix(log)),
    }
    for prefix, sort in sorts.items():
        for one in _current(store, prefix, mutable, found.extra, findings):
            if not sort(one):
                findings.problem(
                    "no part of an archive is named like this; find out who put it here",
                    object_key=one.key,
                )
    _note_strangers(store, archive_id, findings)
    return found


def note_extra_versions(
    store: ObjectStore, found: Inventory, repairs: Mapping[str, bytes], findings: Findings
) -> None:
    """Note versions and delete markers, but for those that the log says were put right again.

    `repairs` are object keys with the SHA-256 of what was put there.
    """
    for one in found.extra:
        if one.key in repairs and _is_repaired(store, one, repairs[one.key]):
            findings.count("versions replaced by repairs")
        elif one.is_delete_marker:
            findings.problem(
                f"a delete marker (version {one.version_id}) hides or hid it: somebody deleted it "
                "without the disposal gate. Delete the marker by its version, and find out who set "
                "it",
                object_key=one.key,
            )
        else:
            findings.problem(
                f"it has a further version {one.version_id}: something was put over it. Read "
                "both, and delete the one that is not the log's",
                object_key=one.key,
            )


def _is_repaired(store: ObjectStore, one: StoredObject, digest: bytes) -> bool:
    if one.is_latest or one.key.endswith(f"/{_CHECKPOINT}"):
        return not one.is_latest  # the published checkpoint, being signed, moves on after a repair
    try:
        return sha256(store.get(one.key)).digest() == digest
    except (NotFound, IntegrityError):
        return False


def note_leftovers(
    found: Inventory, used_keys: set[str], recent_ms: int, findings: Findings
) -> None:
    """Warn of `.keys` objects without a segment; `used_keys` are those beside one.

    Those stored after `recent_ms` may still get their segment.
    """
    for key in sorted(found.keys - used_keys):
        if found.times.get(key, 0) < recent_ms:
            what = f"keys without their segment, {_LEFT}"
            if first_keys_of(key) in {first_keys_of(each) for each in used_keys}:
                what = _UNFINISHED
            findings.warn(what, object_key=key)


def note_unused_blobs(found: Inventory, used: set[str], recent_ms: int, findings: Findings) -> None:
    """Warn of blobs that no record refers to, but for those stored after `recent_ms`."""
    for key, _ in found.blobs:
        if key not in used and found.times.get(key, 0) < recent_ms:
            findings.warn(f"a blob, {_LEFT}", object_key=key)


def note_unused_epochs(
    found: Inventory, used: set[str], recent_ms: int, findings: Findings
) -> None:
    """Warn of epoch keys of lanes without a segment, but for those stored after `recent_ms`."""
    for key, _ in found.epochs:
        if key not in used and found.times.get(key, 0) < recent_ms:
            findings.warn(f"the epoch key of a lane without segments, {_LEFT}", object_key=key)


def _current(
    store: ObjectStore,
    prefix: str,
    mutable: set[str],
    extra: list[StoredObject],
    findings: Findings,
) -> Iterator[StoredObject]:
    """Yield the newest real version of each key, and put what else is there into `extra`."""
    shown = ""
    try:
        for one in store.list_versions(prefix):
            if one.is_delete_marker:
                extra.append(one)
            elif one.key != shown:
                shown = one.key
                yield one
            elif one.key not in mutable:
                extra.append(one)
    except IntegrityError as error:
        # A filesystem store tells versions from a file beside each object, and one is damaged.
        # There a key has one version at most, so that plain names lose nothing.
        findings.extend([Problem.of(error)])
        yield from (
            StoredObject(key=key, version_id="", size=0)
            for key in store.list_keys(prefix, after=shown)
        )


def _sort_segment(found: Inventory, one: StoredObject) -> bool:
    if not one.key.endswith(".seg"):
        return False
    found.segments.append((one.key, one.version_id))
    return True


def _sort_keys(found: Inventory, archive_id: str, one: StoredObject) -> bool:
    if one.key.endswith("/epoch.json"):
        return _add(found, found.epochs, one)
    if one.key.startswith(f"keys/{archive_id}/escrow/"):
        return one.key.endswith(".json")
    found.keys.add(one.key)
    found.times[one.key] = _millis(one)
    return generation_of(one.key) is not None


def _sort_log(found: Inventory, one: StoredObject, path: str) -> bool:
    if path.startswith("tile/"):
        try:
            name = parse_tile_path(path)
        except IntegrityError:
            return False
        if name.width < TILE_WIDTH:
            found.partials.append(name)
            return True
    elif not path.startswith(_KEPT):
        return False
    found.log.append(Listed(one.key, one.version_id, _millis(one), one.lock))
    return True


def _add(found: Inventory, place: list[tuple[str, str]], one: StoredObject) -> bool:
    place.append((one.key, one.version_id))
    found.times[one.key] = _millis(one)
    return True


def _millis(one: StoredObject) -> int:
    return to_millis(one.modified_at) if one.modified_at else 0


def archives_in(store: ObjectStore) -> list[str]:
    """Return the ids of the archives whose logs are in the store."""
    found = []
    after = ""
    while (key := next(store.list_keys("log/", after=after), None)) is not None:
        name = key.split("/")[1]
        if _is_ulid(name):
            found.append(name)
        after = _behind(key)
    return found


def _is_ulid(text: str) -> bool:
    try:
        return bool(ulid_bytes(text))
    except InvalidInput:
        return False


def _note_strangers(store: ObjectStore, archive_id: str, findings: Findings) -> None:
    """Name what lies beside the archive and is no archive's, and say which others there are."""
    others = {one for one in archives_in(store) if one != archive_id}
    after = ""
    while (key := next(store.list_keys("", after=after), None)) is not None:
        folder, *path = key.split("/")
        is_known = folder in _FOLDERS and len(path) > 1 and path[0] in {archive_id, *others}
        if key.startswith(probe_prefix(archive_id)):
            findings.count("canaries of the lock probe")
        if is_known:
            after = _behind(key)
            continue
        findings.problem(
            "it lies beside the archive and belongs to none in this store; find out who put it "
            "here",
            object_key=key,
        )
        after = key
    if others:
        findings.not_checked.append(
            f"{len(others)} other archives in this store: {', '.join(sorted(others))}"
        )


def _behind(key: str) -> str:
    """Return what sorts right behind all keys of the same two folders: `0` follows `/`."""
    folder, name = key.split("/")[:2]
    return f"{folder}/{name}0"
