"""Asking witnesses: the archive's side of the witness protocol (https://c2sp.org/tlog-witness).

Each witness of the policy is asked to cosign the newest checkpoint. Its lines are kept beside the
checkpoint, immutable and locked like it. A witness that remembers another tree than the archive
has is the one outside sign of a roll-back or fork; the checkpoint it shows, signed by the log's own
key, is the proof.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

from archiver.errors import IntegrityError, NotFound, PeerUnavailable
from archiver.model.lock import Lock
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.exchange import Answer, Exchange, Source
from archiver.preserve.ledger.merkle import verify_consistency
from archiver.preserve.ledger.note import Verifier, open_note
from archiver.preserve.ledger.policy import Policy, WitnessKey, witness_verifier
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.ledger.witness import (
    ADD_CHECKPOINT,
    NOTE_TYPE,
    AddCheckpoint,
    monitoring_path,
    parse_size,
)
from archiver.preserve.object_keys import (
    checkpoint_object,
    cosignature_object,
    cosignature_prefix,
    log_prefix,
)
from archiver.preserve.store import ObjectStore

_ATTEMPTS = 3
"""The first tells the witness's size, the second succeeds; one more if it moved meanwhile."""


class Peer(Exchange, Source, Protocol):
    """Sends to witnesses and reads from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTree:
    """A checkpoint of ours and the signed note it stands in."""

    checkpoint: Checkpoint
    note: bytes


Current = Callable[[], Awaitable[SignedTree]]
"""Returns the newest tree that the archive has signed, as the database has it now."""


class Standing(StrEnum):
    """How a witness stands to the archive."""

    COSIGNED = "cosigned"
    AWAY = "away"
    CLAIMS = "claims"
    PROVES = "proves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of asking one witness.

    `COSIGNED`: its cosignature is kept. `AWAY`: it did not answer as it should; `words` say how.
    `CLAIMS`: it says that it knows another tree of this log. `PROVES`: it showed that tree's
    checkpoint, `evidence`, signed by this log's own key.
    """

    witness: str
    standing: Standing
    words: str = ""
    evidence: bytes = b""


class Cosigning:
    """The witnesses of one archive. Several processes may ask: the first cosignature is kept.

    `lock` gives the lock of what is kept as long as the log itself.
    """

    def __init__(
        self,
        *,
        archive_id: str,
        origin: str,
        verifiers: Sequence[Verifier],
        policy: Policy,
        store: ObjectStore,
        peer: Peer,
        lock: Callable[[], Lock | None],
    ) -> None:
        self._archive_id = archive_id
        self._origin = origin
        self._verifiers = verifiers
        self._store = store
        self._peer = peer
        self._lock = lock
        self._sizes: dict[str, int] = {}
        self.witnesses = tuple(witness for witness in policy.witnesses if witness.url)

    async def ask(self, witness: WitnessKey, tree: SignedTree, current: Current) -> Reply:
        """Get and keep the witness's cosignature of a published tree, unless it is kept already.

        Raises:
            IntegrityError: the archive's own tiles are not what it signed.
            StorageUnavailable, DatabaseUnavailable: not done; call again.
        """
        try:
            return await self._ask(witness, tree, current)
        except PeerUnavailable as error:
            return Reply(witness=witness.name, standing=Standing.AWAY, words=str(error))

    async def compare(self, witness: WitnessKey, current: Current) -> Reply | None:
        """Compare what a witness remembers with what the archive has, before anything is signed.

        Returns None where there is nothing to compare: the witness is away, has cosigned nothing,
        or does not show it. Raises as `ask`.
        """
        try:
            evidence, held = await self._held(witness)
        except PeerUnavailable:
            return None
        return await self._judge(witness, evidence, held, await current())

    async def _ask(self, witness: WitnessKey, tree: SignedTree, current: Current) -> Reply:
        size = tree.checkpoint.size
        if await asyncio.to_thread(self._kept, witness, tree):
            return Reply(witness=witness.name, standing=Standing.COSIGNED)
        old = min(self._sizes.get(witness.name, 0), size)
        for _ in range(_ATTEMPTS):
            answer = await self._add_checkpoint(witness, tree, old)
            if answer.status == HTTPStatus.OK:
                await asyncio.to_thread(self._keep, witness, tree, answer.body)
                self._sizes[witness.name] = size
                return Reply(witness=witness.name, standing=Standing.COSIGNED)
            if answer.status == HTTPStatus.CONFLICT:
                known = _size_in(witness, answer)
                self._sizes[witness.name] = known
                if known > (await current()).checkpoint.size:
                    return await self._disagreement(witness, current, known)
                if known > size:  # cosigned meanwhile for another process of ours
                    break
                old = known
            elif answer.status == HTTPStatus.UNPROCESSABLE_ENTITY:
                return await self._disagreement(witness, current, old)
            else:
                raise PeerUnavailable(_refusal(witness, self._origin, answer))
        raise PeerUnavailable(
            f"witness {witness.name} knew another size each time it was asked; it is tried again"
        )

    async def _add_checkpoint(self, witness: WitnessKey, tree: SignedTree, old: int) -> Answer:
        proof = await asyncio.to_thread(self._prove, old, tree.checkpoint)
        request = AddCheckpoint(old=old, proof=proof, note=tree.note)
        url = witness.url.rstrip("/") + ADD_CHECKPOINT
        return await self._peer.post(url, request.to_bytes(), content_type=NOTE_TYPE)

    async def _disagreement(self, witness: WitnessKey, current: Current, known: int) -> Reply:
        """Find out what stands behind a refusal: nothing, a claim, or a proof."""
        try:
            evidence, held = await self._held(witness)
        except PeerUnavailable as error:
            ours = (await current()).checkpoint
            words = (
                _too_short(witness.name, known, ours.size)
                if known > ours.size
                else _other_tree(witness.name, known)
            )
            words = f"{words}. It shows no proof of that ({error})"
            return Reply(witness=witness.name, standing=Standing.CLAIMS, words=words)
        reply = await self._judge(witness, evidence, held, await current())
        if reply is None:
            raise PeerUnavailable(
                f"witness {witness.name} refused the proof that this log continues the tree it "
                "knows, which is right; it is tried again"
            )
        return reply

    async def _held(self, witness: WitnessKey) -> tuple[bytes, Checkpoint]:
        """Return the newest checkpoint a witness shows of this log, which this log's key signed.

        Raises:
            PeerUnavailable: it shows none, or one that this log did not sign.
        """
        answer = await self._peer.get(witness.url.rstrip("/") + monitoring_path(self._origin))
        if answer.status != HTTPStatus.OK:
            raise PeerUnavailable(f"witness {witness.name} answered {answer.status}")
        try:
            return answer.body, open_checkpoint(answer.body, self._origin, self._verifiers)
        except IntegrityError as error:
            raise PeerUnavailable(f"witness {witness.name} shows another thing: {error}") from error

    async def _judge(
        self, witness: WitnessKey, evidence: bytes, held: Checkpoint, tree: SignedTree
    ) -> Reply | None:
        """Return the proof that the archive's tree does not continue the witness's, or None."""
        ours = tree.checkpoint
        if held.size > ours.size:
            words = _too_short(witness.name, held.size, ours.size)
        else:
            proof = await asyncio.to_thread(self._prove, held.size, ours)
            try:
                verify_consistency(
                    old_size=held.size,
                    new_size=ours.size,
                    old_root=held.root,
                    new_root=ours.root,
                    proof=proof,
                )
            except IntegrityError:
                words = _other_tree(witness.name, held.size)
            else:
                return None
        return Reply(witness=witness.name, standing=Standing.PROVES, words=words, evidence=evidence)

    def _prove(self, old: int, ours: Checkpoint) -> tuple[bytes, ...]:
        tree = TileTree(ours.size, self._read)
        if tree.root() != ours.root:
            raise IntegrityError(
                f"log: the stored tiles of size {ours.size} do not have the signed root; run verify"
            )
        return tree.consistency_proof(old)

    def _read(self, path: str) -> bytes:
        return self._store.get(log_prefix(self._archive_id) + path)

    def _kept(self, witness: WitnessKey, tree: SignedTree) -> bool:
        verifier = witness_verifier(witness.vkey)
        key = cosignature_object(self._archive_id, tree.checkpoint.size, verifier.key_id)
        try:
            lines = self._store.get(key)
        except NotFound:
            return False
        try:
            open_note(tree.note + lines, [verifier])
        except IntegrityError as error:
            raise IntegrityError(
                f"{key}: expected cosignatures of {witness.name}; {error}", object_key=key
            ) from error
        return True

    def _keep(self, witness: WitnessKey, tree: SignedTree, lines: bytes) -> None:
        verifier = witness_verifier(witness.vkey)
        try:
            cosigned = open_note(tree.note + lines, [verifier])
        except IntegrityError as error:
            raise PeerUnavailable(
                f"witness {witness.name} answered without a cosignature of the key in the policy "
                f"({error}); compare that key with `muniment witness show`"
            ) from error
        if cosigned.text != tree.checkpoint.to_text():
            raise PeerUnavailable(
                f"witness {witness.name} answered with lines that change the text they sign; check "
                "its software"
            )
        body = "".join(map(str, cosigned.signatures)).encode()
        key = cosignature_object(self._archive_id, tree.checkpoint.size, verifier.key_id)
        try:
            self._store.put(key, body, lock=self._lock())
        except IntegrityError:
            # A cosignature holds its time: asked twice (two processes, or a crash between answer
            # and put), a witness gives two good ones. The first stays.
            if not self._kept(witness, tree):
                raise


def cosigned_note(store: ObjectStore, archive_id: str, size: int) -> bytes:
    """Return the kept checkpoint of `size` with every cosignature that is kept of it.

    Unverified: `archiver.preserve.ledger.policy.open_cosigned` opens it. Raises NotFound,
    StorageUnavailable.
    """
    note = store.get(checkpoint_object(archive_id, size))
    prefix = f"{cosignature_prefix(archive_id)}{size:012d}/"
    return note + b"".join(store.get(key) for key in store.list_keys(prefix))


def _too_short(witness: str, known: int, ours: int) -> str:
    return (
        f"witness {witness} has already cosigned this log at {known:,} entries; this archive "
        f"claims only {ours:,}: it was rolled back to an old copy, or the log was forked"
    )


def _other_tree(witness: str, known: int) -> str:
    return (
        f"witness {witness} has already cosigned this log at {known:,} entries; this archive's "
        f"first {known:,} entries are others: it was rolled back to an old copy and went on, or "
        "the log was forked"
    )


def _size_in(witness: WitnessKey, answer: Answer) -> int:
    try:
        return parse_size(answer.body)
    except IntegrityError as error:
        raise PeerUnavailable(f"witness {witness.name} answered 409 without a size") from error


def _refusal(witness: WitnessKey, origin: str, answer: Answer) -> str:
    advice: str = {
        int(HTTPStatus.NOT_FOUND): (
            f"it does not watch the log {origin}, or the URL in the policy is wrong; let its "
            "operator run `muniment witness add` with the key that `muniment log policy` prints"
        ),
        int(HTTPStatus.FORBIDDEN): (
            f"it does not know the key that signs {origin}; let its operator run `muniment witness "
            "add` with the key that `muniment log policy` prints"
        ),
    }.get(answer.status, "it is tried again")
    return f"witness {witness.name} answered {answer.status}: {advice}"
