"""Keys change without a break: what was signed or sealed before stays verifiable and readable."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from archiver.app import Services, open_services
from archiver.assurance.verification import verify_full
from archiver.config import Settings
from archiver.db import ledger as ledger_rows
from archiver.db import segments as segment_rows
from archiver.errors import Conflict, IntegrityError, InvalidInput
from archiver.model.actor import SYSTEM
from archiver.preserve.epochs import Epochs
from archiver.preserve.escrow import open_escrow
from archiver.preserve.keyring import KeyringFile, KeyState, root_key_id
from archiver.preserve.ledger.checkpoint import open_checkpoint
from archiver.preserve.ledger.entry import KeyEntry, decode_entry
from archiver.preserve.ledger.note import Ed25519Verifier
from archiver.preserve.reader import RecordReader
from tests.fakes.archive import AGENT, an_arrival, read_back, row_and_entry
from tests.fakes.database_fixtures import *  # noqa: F403


async def capture(services: Services, content: bytes) -> str:
    (outcome,) = await services.ingest.submit([an_arrival(content)], actor=AGENT)
    await services.loops.catch_up()
    return outcome.record_id


async def newest_note(services: Services) -> bytes:
    return await services.log.checkpoint(actor=SYSTEM)


def signed_by(note: bytes, services: Services, vkey: str) -> bool:
    try:
        open_checkpoint(note, services.archive.origin, [Ed25519Verifier.from_vkey(vkey)])
    except IntegrityError:
        return False
    return True


async def test_a_log_key_is_changed_and_who_trusted_the_old_one_can_follow(
    settings: Settings,
) -> None:
    async with open_services(settings) as services:
        before = await capture(services, b"before")
        first = services.archive.vkey
        second = await services.keys.rotate_log(actor=SYSTEM)
        announcement = await newest_note(services)
        assert signed_by(announcement, services, first)
        assert not signed_by(announcement, services, second)

    async with open_services(settings) as services:
        await capture(services, b"overlap")
        overlap = await newest_note(services)
        assert signed_by(overlap, services, first)
        assert signed_by(overlap, services, second)
        await services.keys.retire_log(first, actor=SYSTEM)
        farewell = await newest_note(services)
        assert signed_by(farewell, services, first)

    async with open_services(settings) as services:
        await capture(services, b"after")
        after = await newest_note(services)
        assert not signed_by(after, services, first)
        assert signed_by(after, services, second)
        assert (await read_back(services, before)).manifest.id == before
        assert (await services.records.verify(before, actor=SYSTEM))["ok"]
        assert await key_entries(services) == [(second, True), (first, False)]
        keyring = KeyringFile.of(settings).open()
        states = {key.vkey: (key.state, len(key.seed)) for key in keyring.log_keys}
        assert states == {second: (KeyState.ACTIVE, 32), first: (KeyState.RETIRED, 0)}


async def test_a_key_that_is_retired_at_once_leaves_a_log_that_verifies(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        first = services.archive.vkey
        await capture(services, b"before")
        await services.keys.rotate_log(actor=SYSTEM)
    async with open_services(local_settings) as services:
        await services.keys.retire_log(first, actor=SYSTEM)

    async with open_services(local_settings) as services:
        report = await verify_full(services.verifying.target(), workers=1, content=False)

    assert report.problems == ()


async def key_entries(services: Services) -> list[tuple[str, bool]]:
    async with services.database.reading() as tx:
        state = await ledger_rows.state(tx)
        entries = [decode_entry(each) for each in await ledger_rows.entries(tx, 0, state.size)]
    return [(entry.vkey, entry.on) for entry in entries if isinstance(entry, KeyEntry)]


async def test_keys_do_not_change_while_another_process_has_the_archive_open(
    settings: Settings,
) -> None:
    async with open_services(settings), open_services(settings) as services:
        with pytest.raises(Conflict, match="stop `muniment serve`"):
            await services.keys.rotate_log(actor=SYSTEM)
    async with open_services(settings) as services:
        assert await services.keys.rotate_root(actor=SYSTEM)


async def test_a_change_that_was_cut_off_goes_on_with_the_key_that_was_made(
    local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCutError(Exception):
        pass

    async with open_services(local_settings) as services:
        kept = KeyringFile.replace
        done: list[str] = []

        def cut(self: KeyringFile, *args: object) -> None:
            if done:
                raise PowerCutError
            done.append("announced")
            kept(self, *args)  # type: ignore[arg-type] # handed on as they came

        with monkeypatch.context() as patch:
            patch.setattr(KeyringFile, "replace", cut)
            with pytest.raises(PowerCutError):
                await services.keys.rotate_log(actor=SYSTEM)
        made = KeyringFile.of(local_settings).open().log_keys[0]
        assert made.state is KeyState.ANNOUNCED

    async with open_services(local_settings) as services:
        await capture(services, b"between")
        assert not signed_by(await newest_note(services), services, made.vkey)
        assert await services.keys.rotate_log(actor=SYSTEM) == made.vkey
    assert KeyringFile.of(local_settings).open().log_keys[0].state is KeyState.ACTIVE


async def test_the_only_log_key_and_an_unknown_one_are_not_retired(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        with pytest.raises(Conflict, match="only active log key"):
            await services.keys.retire_log(services.archive.vkey, actor=SYSTEM)
        with pytest.raises(InvalidInput, match="expected an active log key"):
            await services.keys.retire_log("log.example+00000000+AAAA", actor=SYSTEM)


async def test_what_was_sealed_under_the_old_root_key_is_read_and_new_months_use_the_new(
    local_settings: Settings,
) -> None:
    async with open_services(local_settings) as services:
        before = await capture(services, b"before")
        made = await services.keys.rotate_root(actor=SYSTEM)
    async with open_services(local_settings) as services:
        assert (await read_back(services, before)).manifest.id == before
        epoch = services.epochs.for_writing("default", "2093-01", None)
        keyring = KeyringFile.of(local_settings).open()
        assert root_key_id(keyring.root_keys[0]) == made
        fresh = Epochs(keyring, services.store.blocking, os.urandom)
        assert fresh.for_reading("default", "2093-01") == epoch


async def test_the_third_party_reads_the_archive_with_its_copy_and_the_bucket_alone(
    local_settings: Settings,
) -> None:
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    async with open_services(local_settings) as services:
        record_id = await capture(services, b"to be furnished")
        name, body = await services.keys.escrow(public, actor=SYSTEM)
        assert await services.keys.escrow(public, actor=SYSTEM) == (name, body)
        stored = services.store.blocking.get(name)

        copy = open_escrow(
            stored, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        epochs = Epochs(copy, services.store.blocking, os.urandom)
        reader = RecordReader(services.archive.id, services.store.blocking, epochs)
        row, entry = await row_and_entry(services, record_id)
        async with services.database.reading() as tx:
            segment = await segment_rows.get(tx, row.segment_id)
        found = reader.open(segment, row, entry)
        assert reader.part(found, 0).content == b"to be furnished"
