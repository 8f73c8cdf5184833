"""What a bundle takes from the log: checkpoints, cosignatures, timestamps, proofs. Calls block."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from archiver.assurance.evidence_verifier import Refused, read_timestamp
from archiver.db.archive import ArchiveRow
from archiver.errors import Conflict, IntegrityError, InvalidInput, NotFound
from archiver.preserve.ledger.policy import Policy, open_cosigned
from archiver.preserve.ledger.proof import ConsistencyProof, InclusionProof, TlogProof
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import (
    checkpoint_object,
    checkpoint_prefix,
    cosignature_prefix,
    log_prefix,
    timestamp_prefix,
    trust_object,
)
from archiver.preserve.store import ObjectStore

_TREES_KEPT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One authority's answer over the checkpoint of `size`, and the time it states."""

    size: int
    authority: str
    response: bytes
    time: datetime


class LedgerFiles:
    """The log of one archive, as its object store holds it.

    `policy` is the archive's public trust policy; `roots` the published roots of its timestamp
    authorities, empty where there are none.
    """

    def __init__(self, archive: ArchiveRow, store: ObjectStore, policy: Policy) -> None:
        self._archive = archive
        self._store = store
        self._trees: dict[int, TileTree] = {}
        self._notes: dict[int, tuple[bytes, bytes]] = {}
        self._roots: dict[int, bytes] = {}
        self.policy = policy
        self.roots = self._published_roots()

    def head_over(self, index: int, asked: int | None) -> int:
        """Return the size of the newest checkpoint over `index` that satisfies the policy.

        `asked` names one instead, so that a bundle can be made again.

        Raises:
            InvalidInput: no checkpoint of the size asked for was published.
            Conflict: no checkpoint covers the index, or none has the quorum of the policy.
        """
        start = checkpoint_object(self._archive.id, index)
        keys = self._store.list_keys(checkpoint_prefix(self._archive.id), after=start)
        sizes = [int(key.rpartition("/")[2]) for key in keys]
        newest = self._published()
        sizes = sorted({size for size in sizes if size <= newest} | {newest})
        if asked is not None:
            if asked not in sizes or asked <= index:
                raise InvalidInput(
                    f"no checkpoint of {asked} entries was published that covers log index {index};"
                    " leave out --checkpoint for the newest"
                )
            sizes = [asked]
        for size in reversed([size for size in sizes if size > index]):
            if open_cosigned(b"".join(self.note(size)), self.policy).quorum_met:
                return size
        raise Conflict(
            f"log index {index} is not under a checkpoint that satisfies the trust policy: the "
            f"newest covers {newest} entries, and the policy asks for the quorum "
            f"{self.policy.quorum or 'none'}; try again in a moment"
        )

    def stamped_sizes(self, first: int, head: int) -> tuple[int, ...]:
        """Return the sizes over `first` and up to `head` whose checkpoint has a timestamp."""
        if not self.roots:
            return ()
        prefix = timestamp_prefix(self._archive.id)
        found = {
            int(key.removeprefix(prefix).partition("/")[0])
            for key in self._store.list_keys(prefix, after=f"{prefix}{first + 1:012d}")
        }
        return tuple(sorted(size for size in found if first < size <= head))

    def tokens(self, sizes: Iterable[int]) -> Iterator[Token]:
        """Yield the timestamps over the checkpoints of these sizes, by size and authority.

        Raises:
            IntegrityError: a stored answer is no timestamp.
        """
        for size in sizes:
            prefix = f"{timestamp_prefix(self._archive.id)}{size:012d}/"
            for key in self._store.list_keys(prefix):
                response = self._store.get(key)
                try:
                    stamp, _, _ = read_timestamp(response)
                except (Refused, ValueError, LookupError) as error:
                    raise IntegrityError(
                        f"{key}: expected a granted RFC 3161 timestamp, found {error}",
                        object_key=key,
                    ) from error
                authority = key.removeprefix(prefix).removesuffix(".tsr")
                yield Token(size=size, authority=authority, response=response, time=stamp.time)

    def note(self, size: int) -> tuple[bytes, bytes]:
        """Return the kept checkpoint of `size`, and the cosignature lines to stand under it.

        Raises:
            IntegrityError: it is missing, or not signed by the log.
        """
        if size not in self._notes:
            key = checkpoint_object(self._archive.id, size)
            try:
                kept = self._store.get(key)
            except NotFound as error:
                raise IntegrityError(
                    f"{key} is missing; restore it from a copy of the log", object_key=key
                ) from error
            prefix = f"{cosignature_prefix(self._archive.id)}{size:012d}/"
            lines = b"".join(self._store.get(each) for each in self._store.list_keys(prefix))
            found = open_cosigned(kept, self.policy).checkpoint
            if (found.origin, found.size) != (self._archive.origin, size):
                raise IntegrityError(
                    f"{key}: expected the checkpoint of {size} entries of {self._archive.origin}, "
                    f"found that of {found.size} of {found.origin}; run `muniment verify --full`",
                    object_key=key,
                )
            self._notes[size], self._roots[size] = (kept, lines), found.root
        return self._notes[size]

    def proof(self, index: int, entry: bytes, size: int) -> bytes:
        """Return the checked tlog-proof of an entry in the tree of `size`.

        Raises:
            IntegrityError: the stored log does not prove it.
        """
        path = self._tree(size).inclusion_proof(index)
        InclusionProof(index=index, size=size, path=path).verify(entry, self._root(size))
        return TlogProof(index=index, path=path, checkpoint=b"".join(self.note(size))).to_bytes()

    def consistency(self, old: int, new: int) -> ConsistencyProof:
        """Return the checked proof that the tree of `new` extends that of `old`.

        Raises:
            IntegrityError: the stored log does not prove it.
        """
        proof = ConsistencyProof(
            old_size=old, new_size=new, path=self._tree(new).consistency_proof(old)
        )
        proof.verify(self._root(old), self._root(new))
        return proof

    def _published(self) -> int:
        try:
            note = self._store.get(log_prefix(self._archive.id) + "checkpoint")
        except NotFound:
            return 0
        return open_cosigned(note, self.policy).checkpoint.size

    def _root(self, size: int) -> bytes:
        self.note(size)
        return self._roots[size]

    def _tree(self, size: int) -> TileTree:
        if size not in self._trees:
            prefix = log_prefix(self._archive.id)
            tree = TileTree(size, lambda path: self._store.get(prefix + path))
            # Records come in log order, so their checkpoints do; the head's tree proves the trail.
            self._trees = {size: tree, **dict(list(self._trees.items())[: _TREES_KEPT - 1])}
        return self._trees[size]

    def _published_roots(self) -> bytes:
        try:
            return self._store.get(trust_object(self._archive.id, "tsa-roots.pem"))
        except NotFound:
            return b""
