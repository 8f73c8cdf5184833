"""Killing capture under load, again and again on one archive, and checking what was promised.

A client posts from several connections and notes every acknowledgement. After each kill the process
is restarted and the invariants are checked: what was acknowledged is there once, byte for byte,
under the newest checkpoint; that checkpoint extends every earlier one; what was not acknowledged is
there wholly or not at all, and sending it again makes exactly one record.
"""

import asyncio
import base64
import random
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Any, Self

import msgspec

from archiver.assurance.target import VerificationTarget
from archiver.assurance.verification import verify_full
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import ledger as ledger_rows
from archiver.db import records as record_rows
from archiver.db import segments as segment_rows
from archiver.db.records import RecordRow
from archiver.db.transaction import open_database
from archiver.errors import NotFound
from archiver.preserve.epochs import Epochs
from archiver.preserve.keyring import open_keyring
from archiver.preserve.ledger.checkpoint import Checkpoint, open_checkpoint
from archiver.preserve.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.ledger.receipt import Receipt, verify_receipt
from archiver.preserve.ledger.tiles import TileTree
from archiver.preserve.object_keys import log_prefix, segment_id_of, segment_prefix
from archiver.preserve.reader import RecordReader
from archiver.preserve.store.opening import open_store
from tests.faults.capture_process import CaptureProcess

CONNECTIONS = 12
_PUBLISHED_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One post as it was sent."""

    content: bytes
    key: str

    def line(self) -> bytes:
        content = base64.b64encode(self.content).decode("ascii")
        return msgspec.json.encode({"content": content, "key": self.key}) + b"\n"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the client keeps of an answer."""

    sent: Sent
    record_id: str
    log_index: int
    receipt: Receipt


@dataclass(slots=True)
class Tally:
    """What a series of trials met."""

    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    unanswered_stored: int = 0
    adopted_segments: int = 0
    adopted_records: int = 0
    slowest_restart_s: float = 0.0
    checkpoints: int = 0


class CrashTrials:
    """A series of kills on one archive; a context manager."""

    def __init__(self, settings: Settings, *, seed: int, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._random = random.Random(seed)
        self._acknowledged: dict[str, Acknowledged] = {}
        self._heads: dict[int, Checkpoint] = {}
        self._number = 0
        self._answered = asyncio.Event()
        self.tally = Tally()

    async def __aenter__(self) -> Self:
        """Open the archive beside the process, with code that only reads."""
        self._stack = AsyncExitStack()
        self._database = open_database(self._settings.effective_database_url)
        self._stack.push_async_callback(self._database.close)
        async with self._database.reading() as tx:
            self._archive = await archive_rows.get(tx)
        self._store = open_store(
            self._settings.effective_store_url, clock=system_clock, create=False
        )
        self._stack.callback(self._store.close)
        self._keyring = open_keyring(
            self._settings.effective_keyring_file,
            self._settings.keyring_secret_file,
            passphrase=False,
        )
        self._epochs = Epochs(self._keyring, self._store, self._random.randbytes)
        self._verifier = Ed25519Verifier.from_vkey(self._archive.vkey)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def kill_once(self) -> None:
        """Start, post until a random moment, kill, start again and check."""
        process = await asyncio.to_thread(CaptureProcess, self._settings, self._environ)
        with process:
            fresh, unanswered = await self._post_until_killed(process)
        self.tally.kills += 1
        self.tally.acknowledged += len(fresh)
        self.tally.unanswered += len(unanswered)
        with await asyncio.to_thread(CaptureProcess, self._settings, self._environ) as restarted:
            self.tally.adopted_segments += restarted.ready.segments
            self.tally.adopted_records += restarted.ready.records
            self.tally.slowest_restart_s = max(self.tally.slowest_restart_s, restarted.start_s)
            await self._require_no_orphan()
            earlier = list(self._acknowledged.values())
            old = self._random.sample(earlier, min(10, len(earlier)))
            await self._send_again(restarted, unanswered, old)
            head = await self._published()
            await self._check(fresh + old, head)
            await self._check_heads(head)
        self._acknowledged |= {each.record_id: each for each in fresh}

    async def check_everything(self) -> None:
        """Check every acknowledged post, every kept checkpoint, then the archive as a whole."""
        with await asyncio.to_thread(CaptureProcess, self._settings, self._environ):
            head = await self._published()
        await self._require_no_orphan()
        await self._check(list(self._acknowledged.values()), head)
        self.tally.checkpoints = len(self._heads)
        for old in self._heads.values():
            self._require_extends(old, head)
        report = await verify_full(
            VerificationTarget(
                archive_id=self._archive.id,
                origin=self._archive.origin,
                vkeys=(self._archive.vkey,),
                store_url=self._settings.effective_store_url,
                database=self._database,
                keyring=self._keyring,
            ),
            workers=1,
            content=True,
        )
        assert report.ok, report.problems

    async def _post_until_killed(
        self, process: CaptureProcess
    ) -> tuple[list[Acknowledged], list[Sent]]:
        answers: list[Acknowledged] = []
        open_sends: set[Sent] = set()
        self._answered.clear()
        clients = [
            asyncio.create_task(self._client(process.ready.port, answers, open_sends))
            for _ in range(CONNECTIONS)
        ]
        # Every other kill comes some time after the first answer, however slow the machine is.
        if self.tally.kills % 2:
            await self._answered.wait()
        await asyncio.sleep(self._random.uniform(0.05, 0.8))
        await asyncio.to_thread(process.kill)
        await asyncio.gather(*clients)
        return answers, sorted(open_sends, key=lambda sent: sent.key)

    async def _client(self, port: int, answers: list[Acknowledged], open_sends: set[Sent]) -> None:
        """Post, one after another, until the connection breaks."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        try:
            while True:
                sent = self._next_post()
                open_sends.add(sent)
                writer.write(sent.line())
                answer = _answer(await reader.readuntil(b"\n"))
                answers.append(_acknowledged(sent, answer))
                self._answered.set()
                open_sends.discard(sent)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._answered.set()  # there will be none
            writer.close()

    def _next_post(self) -> Sent:
        self._number += 1
        # Now and then one larger than the inline limit, so that blobs are caught in flight too.
        size = 300_000 if self._random.random() < 0.02 else self._random.randrange(10, 3000)
        content = b'{"n": %d, "text": "%s"}' % (
            self._number,
            base64.b64encode(self._random.randbytes(size)),
        )
        return Sent(content, f"key-{self._number}")

    async def _send_again(
        self, process: CaptureProcess, unanswered: list[Sent], old: list[Acknowledged]
    ) -> None:
        """Send what got no answer, twice, and some that did: each has one record, one id."""
        found = {sha256(s.content).digest() for s in unanswered} & await self._stored_hashes()
        self.tally.unanswered_stored += len(found)
        reader, writer = await asyncio.open_connection("127.0.0.1", process.ready.port, limit=2**24)
        for sent in unanswered:
            writer.write(sent.line() * 2)
            first = _answer(await reader.readuntil(b"\n"))
            second = _answer(await reader.readuntil(b"\n"))
            adopted = sha256(sent.content).digest() in found
            assert first["status"] == ("unchanged" if adopted else "captured"), first
            assert second["status"] == "unchanged"
            assert first["id"] == second["id"]
            self._acknowledged[first["id"]] = _acknowledged(sent, first)
        for known in old:
            writer.write(known.sent.line())
            answer = _answer(await reader.readuntil(b"\n"))
            assert (answer["id"], answer["index"]) == (known.record_id, known.log_index)
        writer.close()

    async def _stored_hashes(self) -> set[bytes]:
        return {row.raw_sha256 for row in await self._rows() if row.entry_type == "rec"}

    async def _rows(self) -> list[RecordRow]:
        async with self._database.reading() as tx:
            end = (await ledger_rows.state(tx)).next_index
            return await record_rows.list_range(tx, 0, end)

    async def _published(self) -> Checkpoint:
        """The newest checkpoint, once it covers all that is sequenced."""
        async with self._database.reading() as tx:
            goal = (await ledger_rows.state(tx)).next_index
        async with asyncio.timeout(_PUBLISHED_WITHIN_S):
            while True:
                try:
                    head = self._open(await asyncio.to_thread(self._get, "checkpoint"))
                except NotFound:  # the first one is still being made
                    head = None
                if head is not None and head.size >= goal:
                    return head
                await asyncio.sleep(0.02)

    async def _check(self, posts: list[Acknowledged], head: Checkpoint) -> None:
        rows = await self._rows()
        times = Counter(row.raw_sha256 for row in rows if row.entry_type == "rec")
        by_id = {row.id: row for row in rows}
        async with self._database.reading() as tx:
            entries = await ledger_rows.entries(tx, 0, head.size)
            segments = await segment_rows.get_many(
                tx, {by_id[post.record_id].segment_id for post in posts}
            )
        tree = TileTree(head.size, self._get)
        reader = RecordReader(self._archive.id, self._store, self._epochs)
        for post in posts:
            row = by_id[post.record_id]
            assert times[sha256(post.sent.content).digest()] == 1, "there exactly once"
            assert row.log_index == post.log_index
            entry = entries[row.log_index]
            verify_receipt(post.receipt, entry, [self._verifier])
            verify_inclusion(
                leaf=leaf_hash(entry),
                index=row.log_index,
                size=head.size,
                proof=tree.inclusion_proof(row.log_index),
                root=head.root,
            )
            opened = reader.open(segments[row.segment_id], row, entry)
            assert reader.part(opened, 0).content == post.sent.content

    async def _check_heads(self, head: Checkpoint) -> None:
        """Each kept checkpoint stays as it was first seen, and the newest extends all of them."""
        prefix = log_prefix(self._archive.id)
        for key in self._store.list_keys(prefix + "checkpoints/"):
            kept = self._open(self._store.get(key))
            if kept.size > head.size:
                continue
            assert self._heads.setdefault(kept.size, kept).root == kept.root
        for old in self._random.sample(list(self._heads.values()), min(20, len(self._heads))):
            self._require_extends(old, head)

    def _require_extends(self, old: Checkpoint, head: Checkpoint) -> None:
        verify_consistency(
            old_size=old.size,
            new_size=head.size,
            old_root=old.root,
            new_root=head.root,
            proof=TileTree(head.size, self._get).consistency_proof(old.size),
        )

    async def _require_no_orphan(self) -> None:
        keys = list(self._store.list_keys(segment_prefix(self._archive.id)))
        async with self._database.reading() as tx:
            known = await segment_rows.known(tx, [segment_id_of(key) for key in keys])
            named = await ledger_rows.orphans(tx)
        left = {key for key in keys if segment_id_of(key) not in known} - named
        assert not left, "stored segments that nobody adopted"

    def _open(self, note: bytes) -> Checkpoint:
        return open_checkpoint(note, self._archive.origin, [self._verifier])

    def _get(self, path: str) -> bytes:
        return self._store.get(log_prefix(self._archive.id) + path)


def _answer(line: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = msgspec.json.decode(line)
    assert "error" not in answer, answer
    return answer


def _acknowledged(sent: Sent, answer: dict[str, Any]) -> Acknowledged:
    receipt = Receipt.from_dict(answer["receipt"])
    return Acknowledged(sent, answer["id"], answer["index"], receipt)
