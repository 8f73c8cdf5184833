"""The witnesses' loop: the newest checkpoint is cosigned, and what witnesses remember is heeded.

A witness that is away never stops anything: it is asked again after growing pauses, and each asking
is about the newest checkpoint only. A witness that *shows*, signed by the log's own key, a tree
that this archive does not continue, stops signing and capture at once (ADR 0011).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db.transaction import Database
from archiver.errors import (
    ConfigurationError,
    Conflict,
    IntegrityError,
    NotFound,
    OperatorError,
    PeerUnavailable,
)
from archiver.jobs.loops import Chore
from archiver.model.actor import SYSTEM
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.checkpoint import Checkpoint, parse_checkpoint
from archiver.preserve.ledger.cosigning import Cosigning, Reply, SignedTree, Standing
from archiver.preserve.ledger.exchange import HttpExchange
from archiver.preserve.ledger.integrator import Integrator
from archiver.preserve.ledger.merkle import EMPTY_ROOT
from archiver.preserve.ledger.note import encode_base64, parse_note
from archiver.preserve.ledger.policy import Policy, WitnessKey, archive_policy, parse_policy
from archiver.preserve.object_keys import checkpoint_object, trust_object
from archiver.preserve.store.threads import AsyncStore
from archiver.preserve.writer import Writer

POLICY_OBJECT = "policy.txt"

_ANSWER_WITHIN_S = 5.0
_EVERY_S = 2.0
_SHORTEST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)
_MOST_DOUBLINGS = 9

_STOPPED = (
    "Nothing is signed and no post is taken any more; keep everything as it is, find the newer "
    "copy of database and store, and tell the auditor"
)
_UNPROVED = (
    "Signing goes on, because a word alone stops no archive; ask the witness's operator for the "
    "checkpoint, compare it with `muniment log audit`, and look for a newer copy of the archive"
)

_log = structlog.get_logger("muniment.witnesses")


@dataclass(slots=True)
class WitnessStanding:
    """How one witness stands: the size it last cosigned, and what keeps it from the newest."""

    last: Standing | None = None
    size: int = 0
    cosigned_at: datetime | None = None
    problem: str = ""
    failures: int = 0
    ask_after: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Witnessing:
    """The witnesses of one archive, as its background loop asks them.

    `policy` is the archive's public trust policy, own keys included. `halt` and `refuse` stop
    signing and capture for good, in words. `contradictions` counts witnesses that showed or claimed
    another tree; `quorum_size` is the newest size that a quorum cosigned while this process ran.
    """

    archive_id: str
    origin: str
    policy: Policy
    cosigning: Cosigning
    database: Database
    store: AsyncStore
    trail: Trail
    clock: Clock
    halt: Callable[[str], None]
    refuse: Callable[[str], None]
    standings: dict[str, WitnessStanding] = field(default_factory=dict)
    contradictions: int = 0
    quorum_size: int = 0
    _has_published: bool = False
    _compared: bool = False

    @property
    def chore(self) -> Chore:
        """The loop: at most every few seconds, and only about the newest checkpoint."""
        return Chore(name="witnesses", act=self.ask, every_s=_EVERY_S)

    async def before_signing(self) -> None:
        """Compare the archive with what its witnesses remember, before anything new is signed.

        A restored old copy is found out here, by every witness that answers, before it can sign.

        Raises:
            IntegrityError: a witness proves that this archive was rolled back or forked.
        """
        replies = await asyncio.gather(
            *(self.cosigning.compare(each, self._tree) for each in self.cosigning.witnesses)
        )
        await self._heed([reply for reply in replies if reply])
        self._compared = True

    async def ask(self) -> str:
        """Ask each witness whose pause is over for the newest checkpoint; say who is away.

        Raises:
            IntegrityError: a witness proves that this archive was rolled back or forked.
            PeerUnavailable: a witness claims so without proof.
            StorageUnavailable, DatabaseUnavailable: not done; call again.
        """
        if not self._compared:
            await self.before_signing()
        await self._publish_policy()
        tree = await self._published_tree()
        if tree is not None:
            now = self.clock()
            due = [each for each in self.cosigning.witnesses if self._is_due(each, tree, now)]
            replies = await asyncio.gather(
                *(self.cosigning.ask(each, tree, self._tree) for each in due)
            )
            await self._heed([reply for reply in replies if self._note(reply, tree, now)])
        claims = [each for each in self.standings.values() if each.last is Standing.CLAIMS]
        if claims:
            raise PeerUnavailable(f"{claims[0].problem}. {_UNPROVED}")
        return ". ".join(each.problem for each in self.standings.values() if each.problem)

    def _is_due(self, witness: WitnessKey, tree: SignedTree, now: datetime) -> bool:
        standing = self.standings.setdefault(witness.name, WitnessStanding())
        paused = standing.ask_after is not None and now < standing.ask_after
        return standing.size != tree.checkpoint.size and not paused

    def _note(self, reply: Reply, tree: SignedTree, now: datetime) -> bool:
        """Remember how a witness stands; return whether that is new."""
        standing = self.standings[reply.witness]
        is_new, standing.last = standing.last is not reply.standing, reply.standing
        standing.problem = reply.words
        if reply.standing is Standing.COSIGNED:
            standing.size, standing.cosigned_at = tree.checkpoint.size, now
            standing.failures, standing.ask_after = 0, None
            cosigners = {name for name, one in self.standings.items() if one.size == standing.size}
            if self.policy.is_met(cosigners):
                self.quorum_size = standing.size
        else:
            pause = _SHORTEST_PAUSE * 2 ** min(standing.failures, _MOST_DOUBLINGS)
            standing.failures += 1
            standing.ask_after = now + min(pause, _LONGEST_PAUSE)
            _log.warning("witness.not_cosigned", witness=reply.witness, why=reply.words)
        return is_new

    async def _heed(self, replies: Sequence[Reply]) -> None:
        """Stop what must stop, and leave an event of each reply that contradicts the archive."""
        proofs = [reply for reply in replies if reply.standing is Standing.PROVES]
        for reply in proofs:
            self.halt(f"{reply.words}. {_STOPPED}")
            self.refuse(f"{reply.words}. {_STOPPED}")
        for reply in replies:
            if reply.standing in {Standing.PROVES, Standing.CLAIMS}:
                self.contradictions += 1
                await self._record(reply)
        if proofs:
            raise IntegrityError(f"{proofs[0].words}. {_STOPPED}")

    async def _record(self, reply: Reply) -> None:
        _log.critical("log.contradicted", witness=reply.witness, words=reply.words)
        try:
            await self.trail.record(
                Action.LOG_CONTRADICTED,
                actor=SYSTEM,
                object_type="log",
                object_id=reply.witness,
                result=reply.standing.value,
                details={"words": reply.words, "note": encode_base64(reply.evidence)},
            )
        except OperatorError as error:  # what was found out stands, with or without its event
            _log.critical("log.contradicted.unrecorded", error=str(error))

    async def _tree(self) -> SignedTree:
        async with self.database.reading() as tx:
            state = await ledger_rows.state(tx)
        if not state.checkpoint:
            empty = Checkpoint(origin=self.origin, size=0, root=EMPTY_ROOT)
            return SignedTree(checkpoint=empty, note=b"")
        return SignedTree(
            checkpoint=parse_checkpoint(parse_note(state.checkpoint).text), note=state.checkpoint
        )

    async def _published_tree(self) -> SignedTree | None:
        """Return the newest signed tree once its checkpoint is public; witnesses see no other."""
        async with self.database.reading() as tx:
            size = (await ledger_rows.state(tx)).size
        if not size:
            return None
        try:
            note = await self.store.get(checkpoint_object(self.archive_id, size))
        except NotFound:
            return None
        return SignedTree(checkpoint=parse_checkpoint(parse_note(note).text), note=note)

    async def _publish_policy(self) -> None:
        """Put the public trust file beside the log where it differs: a convenience, no anchor."""
        if self._has_published:
            return
        key, text = trust_object(self.archive_id, POLICY_OBJECT), self.policy.to_text().encode()
        try:
            known = await self.store.get(key)
        except NotFound:
            known = b""
        if known != text:
            try:
                await self.store.replace(key, text)
            except Conflict as error:  # a copy that an older release wrote once for all
                _log.warning("policy.not_published", error=str(error))
        self._has_published = True


def open_witnessing(
    *,
    settings: Settings,
    keyring: Keyring,
    integrator: Integrator,
    writer: Writer,
    database: Database,
    store: AsyncStore,
    trail: Trail,
    clock: Clock,
) -> Witnessing:
    """Return the witnessing of an archive as its settings ask for it; without witnesses it idles.

    Raises:
        ConfigurationError: the policy file cannot be read, is no policy, or names a URL that is
            none.
    """
    asked = read_policy(settings.witness_policy_file)
    policy = archive_policy([key.vkey for key in keyring.log_keys], asked)
    return Witnessing(
        archive_id=keyring.archive_id,
        origin=keyring.origin,
        policy=policy,
        cosigning=Cosigning(
            archive_id=keyring.archive_id,
            origin=keyring.origin,
            verifiers=keyring.verifiers,
            policy=policy,
            store=store.blocking,
            peer=HttpExchange(timeout_s=_ANSWER_WITHIN_S),
            lock=integrator.lasting_lock,
        ),
        database=database,
        store=store,
        trail=trail,
        clock=clock,
        halt=integrator.halt,
        refuse=writer.stop,
    )


def read_policy(path: Path | None) -> Policy | None:
    """Return the policy in a file; None for no file. Raises ConfigurationError."""
    if path is None:
        return None
    try:
        policy = parse_policy(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the witness policy {path} cannot be read: {error}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error
    for witness in policy.witnesses:
        if witness.url and not witness.url.startswith(("https://", "http://")):
            raise ConfigurationError(
                f"{path}: expected an http(s) URL for witness {witness.name}, found {witness.url!r}"
            )
    return policy
