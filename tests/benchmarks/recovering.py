"""Counting only what was acknowledged and recovered: a kill -9 under load, and a reopening."""

import asyncio
import hashlib
import itertools
from collections.abc import Iterable

import aiohttp
import msgspec

from archiver.app import open_services
from archiver.config import load_settings
from archiver.db import records as record_rows
from archiver.db.transaction import Transaction
from archiver.errors import NotFound
from tests.benchmarks.archive import Archive
from tests.benchmarks.posts import PostSource
from tests.benchmarks.serving import Server

_SENDERS = 64
_LOAD_S = 2.0


class _Sent(msgspec.Struct):
    payload: msgspec.Raw


class _Answer(msgspec.Struct):
    id: str


def kill_under_load(server: Server, token: str) -> dict[str, bytes]:
    """Send posts, kill the server amid them; return the SHA-256 of each acknowledged one by id."""
    return asyncio.run(_send_until_killed(server, token))


def all_recovered(archive: Archive, acknowledged: dict[str, bytes]) -> bool:
    """Open the archive again; whether each acknowledged post is there with the bytes sent."""
    return asyncio.run(_all_recovered(archive, acknowledged))


async def _send_until_killed(server: Server, token: str) -> dict[str, bytes]:
    acknowledged: dict[str, bytes] = {}
    source, numbers = PostSource(11), itertools.count()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def send(session: aiohttp.ClientSession) -> None:
        while True:
            body = source.post(f"killed-{next(numbers)}")
            try:
                async with session.post(f"{server.url}/api/v1/captures", data=body) as answer:
                    told = await answer.read()
            except aiohttp.ClientError:
                return
            if answer.ok:
                raw = bytes(msgspec.json.decode(body, type=_Sent).payload)
                made = msgspec.json.decode(told, type=_Answer).id
                acknowledged[made] = hashlib.sha256(raw).digest()

    connector = aiohttp.TCPConnector(limit=_SENDERS)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        senders = [asyncio.create_task(send(session)) for _ in range(_SENDERS)]
        await asyncio.sleep(_LOAD_S)
        server.kill()
        await asyncio.gather(*senders)
    return acknowledged


async def _all_recovered(archive: Archive, acknowledged: dict[str, bytes]) -> bool:
    settings = load_settings({"MUNIMENT_HOME": str(archive.home)})
    async with open_services(settings) as services, services.database.reading() as tx:
        found = {each: await _raw(tx, each) for each in _required(acknowledged)}
    return found == acknowledged


async def _raw(tx: Transaction, record_id: str) -> bytes:
    try:
        return (await record_rows.get(tx, record_id)).raw_sha256
    except NotFound:
        return b""


def _required(acknowledged: dict[str, bytes]) -> Iterable[str]:
    if not acknowledged:
        raise RuntimeError("no post was acknowledged before the kill: nothing to check")
    return acknowledged
