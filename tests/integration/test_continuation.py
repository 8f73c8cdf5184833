"""What was given out earlier is compared with the log; what nobody signed convicts nobody."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from archiver.app import Services, open_services
from archiver.assurance.continuation import MAX_BYTES, Continuation, compare_with_held
from archiver.config import Settings
from archiver.errors import InvalidInput
from archiver.model.actor import Actor, Role
from archiver.preserve.ledger.note import Ed25519Verifier
from tests.fakes.archive import AGENT, an_arrival, found, settings_for, stored_posts

AUDITOR = Actor(name="auditor", roles=frozenset({Role.AUDITOR}))


async def compare(services: Services, data: bytes) -> Continuation:
    return await compare_with_held(
        data,
        origin=services.archive.origin,
        verifiers=(Ed25519Verifier.from_vkey(services.archive.vkey),),
        database=services.database,
        log=services.log,
        actor=AUDITOR,
    )


@asynccontextmanager
async def archive_of(settings: Settings, label: str) -> AsyncIterator[tuple[Services, list[bytes]]]:
    """An archive of some posts, and all it gave out: receipt, answer, checkpoint, proof."""
    async with open_services(settings) as services:
        posts = [an_arrival(f"{label} {number}".encode()) for number in range(5)]
        outcomes = await services.ingest.submit(posts, actor=AGENT)
        await services.loops.catch_up()
        receipt = outcomes[2].receipt
        assert receipt is not None
        answer = {"status": "captured", "receipt": receipt.to_dict()}
        record_id = (await stored_posts(services))[0].id
        given = [
            json.dumps(receipt.to_dict()).encode(),
            json.dumps(answer).encode(),
            await services.log.checkpoint(actor=AUDITOR),
            (await services.log.inclusion(record_id, actor=AUDITOR)).encode(),
        ]
        yield services, given


async def test_a_log_that_has_grown_keeps_its_word(local_settings: Settings) -> None:
    async with archive_of(local_settings, "post") as (services, given):
        await services.ingest.submit([an_arrival(b"later")], actor=AGENT)
        await services.loops.catch_up()

        compared = [await compare(services, data) for data in given]

        assert [one.ok for one in compared] == [True] * 4
        assert [one.kind for one in compared] == ["receipt", "receipt", "checkpoint", "checkpoint"]
        assert compared[0].words == "The log holds entries 0 to 4 as the receipt promises them"
        assert compared[2].words == "The log of 6 entries continues the one you hold, of 5"
        assert compared[2].to_dict()["log_size"] == 6


async def test_what_another_log_gave_out_is_refused(
    local_settings: Settings, tmp_path: Path
) -> None:
    other = await found(settings_for(tmp_path / "other"))
    async with archive_of(other, "post") as (_, theirs):
        pass
    async with archive_of(local_settings, "post") as (services, _):
        for data in theirs:
            with pytest.raises(InvalidInput, match="signed by a key of"):
                await compare(services, data)


def damaged(data: bytes) -> Iterator[bytes]:
    for place in range(0, len(data), 7):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        yield data[:place]


async def test_a_damaged_file_convicts_no_log(local_settings: Settings) -> None:
    async with archive_of(local_settings, "post") as (services, given):
        for data in given:
            for changed in damaged(data):
                try:
                    compared = await compare(services, changed)
                except InvalidInput:
                    continue
                assert compared.ok, changed


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"{", b"[]", b'{"receipt":1}', b"\xff", b"{" * 100_000, b"x" * MAX_BYTES]
)
async def test_garbage_is_refused(data: bytes, local_settings: Settings) -> None:
    async with archive_of(local_settings, "post") as (services, _):
        with pytest.raises(InvalidInput):
            await compare(services, data)
