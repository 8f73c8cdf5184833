"""Leases between processes on one archive: who may sign, and who is writing.

On PostgreSQL a lease is an advisory lock of one session; on SQLite it is an `flock` on a file
beside the database. `flock`, not `fcntl`: fcntl locks vanish when *any* descriptor of the file
closes in the process (Tessera #973). A process that dies gives its leases back by itself. A lease
is advice for liveness only; what makes a fork impossible is the compare-and-swap on the log state.
"""

import asyncio
import fcntl
import hashlib
import os
from pathlib import Path
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from archiver.db.transaction import Database
from archiver.errors import DatabaseUnavailable


class Lease(Protocol):
    """A lease held by this process."""

    async def share(self) -> None:
        """Let others share it too; waits while another process holds it alone."""

    async def alone(self) -> bool:
        """Stop sharing it where nobody else holds it; False, and shared as before, otherwise."""

    async def alive(self) -> bool:
        """Whether it is still held. False after the database dropped the session."""

    async def release(self) -> None:
        """Give it back."""


async def try_alone(database: Database, name: str) -> Lease | None:
    """Return the lease `name`, held alone, or None while any other process holds it."""
    if database.path is not None:
        return _FileLease.take(_lease_file(database.path, name))
    return await _SessionLease.take(database, name)


async def shared(database: Database, name: str) -> Lease:
    """Return the lease `name`, shared with others; waits while one process holds it alone."""
    if database.path is not None:
        lease: Lease = _FileLease(_open(_lease_file(database.path, name)))
    else:
        lease = _SessionLease(await database.session(), _key(name), alone=False)
    await lease.share()
    return lease


class _FileLease:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> "_FileLease | None":
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    async def share(self) -> None:
        await asyncio.to_thread(fcntl.flock, self._descriptor, fcntl.LOCK_SH)

    async def alone(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await self.share()  # a conversion that fails gives the old lock up: flock(2)
            return False
        return True

    async def alive(self) -> bool:
        return self._descriptor >= 0

    async def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _SessionLease:
    def __init__(self, connection: AsyncConnection, key: int, *, alone: bool) -> None:
        self._connection = connection
        self._key = key
        self._alone = alone

    @classmethod
    async def take(cls, database: Database, name: str) -> "_SessionLease | None":
        lease = cls(await database.session(), _key(name), alone=True)
        if await lease._ask("SELECT pg_try_advisory_lock(:key)"):
            return lease
        await lease.release()
        return None

    async def share(self) -> None:
        await self._ask("SELECT pg_advisory_lock_shared(:key)")
        if self._alone:
            await self._ask("SELECT pg_advisory_unlock(:key)")
            self._alone = False

    async def alone(self) -> bool:
        if not self._alone:
            self._alone = bool(await self._ask("SELECT pg_try_advisory_lock(:key)"))
        return self._alone

    async def _ask(self, sql: str) -> object:
        try:
            return (await self._connection.execute(text(sql), {"key": self._key})).scalar()
        except (SQLAlchemyError, OSError) as error:
            await self.release()
            raise DatabaseUnavailable(
                "the database did not answer about a lease; check that it runs, then start again"
            ) from error

    async def alive(self) -> bool:
        try:
            await self._connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def release(self) -> None:
        try:
            # The session ends with the connection, and its locks with the session.
            await self._connection.invalidate()
        finally:
            await self._connection.close()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseUnavailable(
            f"the lease file {path} cannot be opened: {error.strerror}; check that the disk of the "
            "database has room and is writable"
        ) from error


def _lease_file(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}.lease")


def _key(name: str) -> int:
    digest = hashlib.sha256(f"muniment {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
