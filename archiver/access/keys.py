"""Changing keys: the log's signing key, the root key, and the escrow copy for a third party.

Every change is made alone on the archive, with its servers stopped: a process that still held the
old keys would go on signing with them. `deploy/KEYS.md` is the ceremony.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from archiver.access.rules import Permission, require
from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.db import ledger as ledger_rows
from archiver.db.lease import Lease
from archiver.db.transaction import Database
from archiver.errors import Conflict, InvalidInput, NotFound
from archiver.ids import Randomness
from archiver.model.actor import Actor
from archiver.model.lock import Lock
from archiver.preserve.escrow import recipient_id, recipient_key, seal_escrow
from archiver.preserve.keyring import Keyring, KeyringFile, KeyState, new_log_key, root_key_id
from archiver.preserve.ledger.entry import key_entry
from archiver.preserve.object_keys import escrow_object
from archiver.preserve.store.threads import AsyncStore


class Keys:
    """The keys of one archive. `publish` brings the log under a checkpoint of the present keys."""

    def __init__(
        self,
        *,
        file: KeyringFile,
        database: Database,
        store: AsyncStore,
        trail: Trail,
        clock: Clock,
        randomness: Randomness,
        lease: Lease,
        publish: Callable[[], Awaitable[None]],
        lock: Callable[[], Lock | None],
    ) -> None:
        self._file = file
        self._database = database
        self._store = store
        self._trail = trail
        self._clock = clock
        self._randomness = randomness
        self._lease = lease
        self._publish = publish
        self._lock = lock

    async def show(self, *, actor: Actor) -> dict[str, object]:
        """Return what is public of the keys: log keys with their states, ids of root keys."""
        require(actor, Permission.READ_LOG)
        keyring = await asyncio.to_thread(self._file.open)
        return {
            "log_keys": [{"vkey": key.vkey, "state": key.state} for key in keyring.log_keys],
            "root_keys": [root_key_id(key) for key in keyring.root_keys],
        }

    async def rotate_log(self, *, actor: Actor) -> str:
        """Bring a new log key into service beside the old ones; return its vkey.

        The old keys sign the checkpoint over the new key's entry, and only then does it sign
        anything: who trusts an old key can follow to the new one. A crash on the way is repaired by
        calling it again; the key that was made already is then used.

        Raises:
            Denied: the actor may not change keys.
            Conflict: another process has the archive open.
        """
        keyring = await self._open_alone(actor)
        announced = [key for key in keyring.log_keys if key.state is KeyState.ANNOUNCED]
        if not announced:
            seed = self._randomness(32)
            announced = [new_log_key(keyring.origin, seed, KeyState.ANNOUNCED)]
            keyring = keyring.with_log_key(announced[0])
            await self._replace(keyring)
        key = announced[0]
        await self._enter(key.vkey, on=True)
        await self._note(Action.LOG_KEY_ADDED, actor, key.vkey)
        await self._publish()
        await self._replace(keyring.with_log_key(replace(key, state=KeyState.ACTIVE)))
        return key.vkey

    async def retire_log(self, vkey: str, *, actor: Actor) -> None:
        """Take a log key out of service and destroy its seed; the last it signs is that it goes.

        Raises:
            Denied, Conflict: as `rotate_log`; or it is the only active key.
            InvalidInput: it is not an active key of this log.
        """
        keyring = await self._open_alone(actor)
        key = next((key for key in keyring.log_keys if key.vkey == vkey), None)
        if key is None or key.state is not KeyState.ACTIVE:
            raise InvalidInput(
                f"expected an active log key, found {vkey!r}; `muniment key show` lists them"
            )
        if not any(
            each.state is KeyState.ACTIVE and each.vkey != vkey for each in keyring.log_keys
        ):
            raise Conflict(
                "this is the only active log key; `muniment key rotate log` makes another first"
            )
        await self._enter(vkey, on=False)
        await self._note(Action.LOG_KEY_RETIRED, actor, vkey)
        await self._publish()
        retired = replace(key, seed=b"", state=KeyState.RETIRED)
        await self._replace(keyring.with_log_key(retired))

    async def rotate_root(self, *, actor: Actor) -> str:
        """Put a new root key before the others; return its id.

        Epoch keys made from now on are wrapped under it. Those in the store stay as they are: their
        locks forbid replacing them, and the old root keys go on opening them.

        Raises:
            Denied, Conflict: as `rotate_log`.
        """
        keyring = await self._open_alone(actor)
        key = self._randomness(32)
        await self._note(Action.ROOT_KEY_ADDED, actor, root_key_id(key))
        await self._replace(replace(keyring, root_keys=(key, *keyring.root_keys)))
        return root_key_id(key)

    async def escrow(self, public_pem: bytes, *, actor: Actor) -> tuple[str, bytes]:
        """Seal the root keys to a third party's X25519 key; return the object's key and bytes.

        The same recipient and root keys give the object that is there already.

        Raises:
            Denied: the actor may not change keys.
            InvalidInput: not an X25519 public key in PEM.
            StorageUnavailable: it was not stored.
        """
        require(actor, Permission.CHANGE_KEYS)
        recipient = recipient_key(public_pem)
        keyring = await asyncio.to_thread(self._file.open)
        newest = root_key_id(keyring.root_keys[0])
        name = escrow_object(keyring.archive_id, recipient_id(recipient), newest)
        try:
            return name, await self._store.get(name)
        except NotFound:
            body = seal_escrow(keyring, recipient)
        await self._note(Action.ROOT_KEY_ESCROWED, actor, recipient_id(recipient))
        await self._store.put(name, body, lock=self._lock())
        return name, body

    async def _open_alone(self, actor: Actor) -> Keyring:
        require(actor, Permission.CHANGE_KEYS)
        if not await self._lease.alone():
            raise Conflict(
                "another process has the archive open and would go on with the old keys; stop "
                "`muniment serve` everywhere, then run this again"
            )
        return await asyncio.to_thread(self._file.open)

    async def _enter(self, vkey: str, *, on: bool) -> None:
        entry = key_entry(vkey, on=on, ts_ms=to_millis(self._clock()))
        async with self._database.transaction() as tx:
            await ledger_rows.add(tx, [entry])

    async def _note(self, action: Action, actor: Actor, key: str) -> None:
        await self._trail.record(action, actor=actor, object_type="key", object_id=key)

    async def _replace(self, keyring: Keyring) -> None:
        await asyncio.to_thread(self._file.replace, keyring, self._randomness)
