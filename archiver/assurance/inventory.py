"""What is in the store: every object by kind, and the versions that should not be there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from archiver.assurance.report import Findings, Problem
from archiver.errors import IntegrityError
from archiver.preserve.ledger.tiles import TILE_WIDTH, TileName, parse_tile_path
from archiver.preserve.object_keys import log_prefix, segment_prefix
from archiver.preserve.store import ObjectStore, StoredObject

_TRUST_MATERIAL = ("policy.txt", "keys.vkey", "tsa-roots.pem")
_LEFT = "left by a crash: nothing refers to it, and it expires under its own lock"


@dataclass(slots=True)
class Inventory:
    """Object keys with the version to read, in ascending order; partial tiles by name."""

    segments: list[tuple[str, str]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    epochs: list[tuple[str, str]] = field(default_factory=list)
    blobs: list[tuple[str, str]] = field(default_factory=list)
    partials: list[TileName] = field(default_factory=list)


def list_archive(store: ObjectStore, archive_id: str, findings: Findings) -> Inventory:
    """List everything the archive has in the store; memory is a few hundred bytes per object."""
    found = Inventory()
    log = log_prefix(archive_id)
    sorts: dict[str, Callable[[str, str], bool]] = {
        segment_prefix(archive_id): lambda key, version: _sort_segment(found, key, version),
        f"keys/{archive_id}/": lambda key, version: _sort_keys(found, key, version),
        f"blob/{archive_id}/": lambda key, version: _add(found.blobs, key, version),
        log: lambda key, _: _sort_log(found, key.removeprefix(log)),
    }
    for prefix, sort in sorts.items():
        for key, version in _current(store, prefix, log + "checkpoint", findings):
            if not sort(key, version):
                findings.problem(
                    "no part of an archive is named like this; find out who put it here",
                    object_key=key,
                )
    return found


def note_leftovers(found: Inventory, used_keys: set[str], findings: Findings) -> None:
    """Warn of `.keys` objects without a segment; `used_keys` are those beside one."""
    for key in sorted(found.keys - used_keys):
        findings.warn(f"keys without their segment, {_LEFT}", object_key=key)


def note_unused_blobs(found: Inventory, used: set[str], findings: Findings) -> None:
    """Warn of blobs that no record refers to."""
    for key, _ in found.blobs:
        if key not in used:
            findings.warn(f"a blob, {_LEFT}", object_key=key)


def _current(
    store: ObjectStore, prefix: str, mutable: str, findings: Findings
) -> Iterator[tuple[str, str]]:
    """Yield each key with its newest real version, and note what else is there."""
    shown = ""
    try:
        for one in store.list_versions(prefix):
            if one.is_delete_marker:
                _note_marker(one, findings)
            elif one.key != shown:
                shown = one.key
                yield one.key, one.version_id
            elif one.key != mutable:
                findings.problem(
                    f"it has a further version {one.version_id}: something was put over it. Read "
                    "both, and delete the one that is not the log's",
                    object_key=one.key,
                )
    except IntegrityError as error:
        # A filesystem store tells versions from a file beside each object, and one is damaged.
        # There a key has one version at most, so that plain names lose nothing.
        findings.extend([Problem.of(error)])
        yield from ((key, "") for key in store.list_keys(prefix, after=shown))


def _note_marker(marker: StoredObject, findings: Findings) -> None:
    findings.problem(
        f"a delete marker (version {marker.version_id}) hides or hid it: somebody deleted it "
        "without the disposal gate. Delete the marker by its version, and find out who set it",
        object_key=marker.key,
    )


def _sort_segment(found: Inventory, key: str, version: str) -> bool:
    return key.endswith(".seg") and _add(found.segments, key, version)


def _sort_keys(found: Inventory, key: str, version: str) -> bool:
    if key.endswith("/epoch.json"):
        return _add(found.epochs, key, version)
    found.keys.add(key)
    return key.endswith(".keys")


def _sort_log(found: Inventory, path: str) -> bool:
    if path.startswith("tile/"):
        try:
            name = parse_tile_path(path)
        except IntegrityError:
            return False
        if name.width < TILE_WIDTH:
            found.partials.append(name)
        return True
    return path.startswith(("checkpoints/", "tsr/")) or path in ("checkpoint", *_TRUST_MATERIAL)


def _add(place: list[tuple[str, str]], key: str, version: str) -> bool:
    place.append((key, version))
    return True
