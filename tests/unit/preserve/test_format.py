"""FORMAT.md holds: a reader written from it alone opens what the product writes."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import zstandard
from cryptography.exceptions import InvalidTag

from archiver.preserve.keyring import create_keyring, open_keyring, write_keyring
from archiver.preserve.object_keys import epoch_object, keys_for_segment, segment_prefix
from archiver.preserve.segments.media import media_context, open_media
from tests.fakes.archive import AGENT, an_arrival, found, serving, settings_for
from tests.unit.preserve import reader_from_format as reader
from tests.vectors.segments import generate

VECTOR: dict[str, Any] = json.loads(generate.FILE.read_text(encoding="utf-8"))


async def test_a_reader_that_knows_only_the_format_opens_what_the_product_wrote(
    tmp_path: Path,
) -> None:
    settings = await found(settings_for(tmp_path / "home"))
    large = bytes(range(256)) * 3000
    posts = [b'{"n": 1}', b"", b"\xff\x00 not text", b'{"n": 2}']
    async with serving(settings) as services:
        arrivals = [an_arrival(content) for content in posts]
        arrivals.append(an_arrival(b'{"n": 3}', media=(large, b"small", b"")))
        await services.ingest.submit(arrivals, actor=AGENT)
        store = services.store.blocking

    keyring = settings.effective_keyring_file.read_bytes()
    opened = reader.open_keyring(keyring, settings.keyring_secret_file.read_bytes())
    archive = opened["archive"]
    found_parts = []
    for key in store.list_keys(segment_prefix(archive)):
        _, _, class_code, period, _ = key.split("/")
        epoch = store.get(epoch_object(archive, class_code, period))
        keys = store.get(keys_for_segment(key))
        records = reader.read_segment(store.get(key), keys, epoch, opened["root_key"], store.get)
        found_parts += [parts for _, parts in records]
        assert all(manifest["archive"] == archive for manifest, _ in records)
    wanted = [[content] for content in posts] + [[b'{"n": 3}', large, b"small", b""]]
    assert sorted(found_parts) == sorted(wanted)


def test_the_vector_is_what_the_generator_writes() -> None:
    now = generate.vector()
    if VECTOR["zstd"] != list(zstandard.ZSTD_VERSION):
        for content in (now, VECTOR):  # these depend on the compressed bytes
            for name in ("zstd", "segment", "entries"):
                content.pop(name)

    assert now == VECTOR, "run the generator if intended"


def test_the_vector_opens_by_the_format_alone() -> None:
    keyring = reader.open_keyring(VECTOR["keyring"].encode(), b64decode(VECTOR["key_file"]))
    root_key = b64decode(VECTOR["root_key"])
    segment, keys = b64decode(VECTOR["segment"]), b64decode(VECTOR["keys_object"])
    blob = b64decode(VECTOR["blob"])

    records = reader.read_segment(segment, keys, VECTOR["epoch"].encode(), root_key, lambda _: blob)

    assert keyring["root_key"] == root_key
    assert keyring["log_key"] == b64decode(VECTOR["log_key"])
    assert reader.open_epoch(VECTOR["epoch"].encode(), root_key) == b64decode(VECTOR["epoch_key"])
    assert [parts for _, parts in records] == [
        [b64decode(part) for part in parts] for parts in VECTOR["parts"]
    ]
    assert [entry.decode() for entry in reader.cut_segment(segment)[2]] == VECTOR["entries"]


def test_the_product_opens_the_blob_of_the_vector() -> None:
    manifest = _manifests()[1]
    blob = manifest["parts"][1]["blob"]
    archive, record = reader.id_bytes(manifest["archive"]), reader.id_bytes(manifest["id"])

    content = open_media(
        b64decode(blob["dek"]), media_context(archive, record, 1), b64decode(VECTOR["blob"])
    )

    assert content == generate.PICTURE


@pytest.mark.parametrize("seal", ["key-file", "scrypt"])
def test_the_format_alone_opens_either_kind_of_keyring(seal: str, tmp_path: Path) -> None:
    take = generate.counting()
    keyring = create_keyring(generate.ARCHIVE, "log.example", take)
    path, secret = tmp_path / "keyring.json", tmp_path / "secret"
    secret.write_bytes(b"correct horse\n")
    sealing = b"correct horse" if seal == "scrypt" else b"correct horse\n"
    write_keyring(path, keyring, seal=seal, secret=sealing, randomness=take)

    opened = reader.open_keyring(path.read_bytes(), secret.read_bytes())

    assert opened["root_key"] == keyring.root_keys[0]
    assert open_keyring(path, secret, passphrase=seal == "scrypt") == keyring
    with pytest.raises(InvalidTag):
        reader.open_keyring(path.read_bytes(), b"another")


def _manifests() -> list[dict[str, Any]]:
    segment, keys = b64decode(VECTOR["segment"]), b64decode(VECTOR["keys_object"])
    root_key = b64decode(VECTOR["root_key"])
    records = reader.read_segment(
        segment, keys, VECTOR["epoch"].encode(), root_key, lambda _: b64decode(VECTOR["blob"])
    )
    return [manifest for manifest, _ in records]
