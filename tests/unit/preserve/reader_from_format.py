"""A reader of stored records written from FORMAT.md alone; it imports nothing of the product.

`read_segment` takes the bytes of the four kinds of object and gives back every record's manifest
and parts, or raises `ValueError`.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHUNK = 16_384

Json = dict[str, Any]
ReadBlob = Callable[[str], bytes]


def open_keyring(keyring: bytes, secret: bytes) -> Json:
    """Section 3: the keyring's public fields, the newest root key, the newest active log key."""
    file: Json = json.loads(keyring)
    salt, sealed = base64.b64decode(file["salt"]), base64.b64decode(file["sealed"])
    if file["seal"] == "scrypt":
        passphrase = secret.rstrip(b"\r\n")
        key = hashlib.scrypt(passphrase, salt=salt, n=2**17, r=8, p=1, maxmem=2**28, dklen=32)
    else:
        key = hashlib.sha256(b"muniment keyring key-file\x00" + salt + secret).digest()
    secrets = json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], file["archive"].encode()))
    active = [key for key in secrets["log_keys"] if key["state"] == "active"]
    return file | {
        "root_key": base64.b64decode(secrets["root_keys"][0]),
        "log_key": base64.b64decode(active[0]["seed"]),
    }


def open_epoch(epoch: bytes, root_key: bytes) -> bytes:
    """Section 4: the epoch key."""
    file = json.loads(epoch)
    names = ("epoch/v1", file["archive"], file["class_code"], file["period"])
    kek = base64.b64decode(file["kek"])
    named = hashlib.sha256(b"muniment root key id\x00" + root_key).hexdigest()[:16]
    check(file["root"] == named, "epoch: wrapped under another root key")
    return AESGCM(root_key).decrypt(kek[:12], kek[12:], "\x00".join(names).encode())


def record_keys(keys: bytes, segment_id: bytes) -> dict[int, bytes]:
    """Section 5: wrapped keys by frame number."""
    check(hashlib.sha256(keys[:-32]).digest() == keys[-32:], "keys: checksum")
    magic, found, _generation, count = struct.unpack_from(">8s16sII", keys)
    check(magic == b"MUNKEY\x00\x01" and found == segment_id, "keys: header")
    check(len(keys) == 32 + 52 * count + 32, "keys: length")
    return dict(struct.unpack_from(">I48s", keys, 32 + 52 * n) for n in range(count))


def cut_segment(segment: bytes) -> tuple[Json, list[bytes], list[bytes]]:
    """Section 6: footer, frames, and the entries exactly as they stand in the footer."""
    length, seal, end = struct.unpack(">I32s8s", segment[-44:])
    check(segment[:8] == b"MUNSEG\x00\x01" and end == b"MUNEND\x00\x01", "segment: magic")
    footer_at = len(segment) - 44 - length
    sealed = segment[:24] + segment[footer_at:-40]
    check(hashlib.sha256(sealed).digest() == seal, "segment: seal")
    text = segment[footer_at:-44].decode()
    footer: Json = json.loads(text)
    check(footer["v"] == 1 and id_bytes(footer["segment"]) == segment[8:24], "segment: footer")
    frames, position = [], 24
    while position < footer_at:
        (size,) = struct.unpack_from(">I", segment, position + 22)
        frames.append(segment[position : position + 26 + size])
        position += 26 + size
    check(position == footer_at and len(frames) == len(footer["entries"]), "segment: frames")
    return footer, frames, _entries(text)


def _entries(footer: str) -> list[bytes]:
    decoder, entries = json.JSONDecoder(), []
    position = footer.index('"entries":[') + len('"entries":[')
    while footer[position] != "]":
        _, end = decoder.raw_decode(footer, position)
        entries.append(footer[position:end].encode())
        position = end + (footer[end] == ",")
    return entries


def open_frame(archive: bytes, key: bytes, frame: bytes) -> tuple[bytes, bytes]:
    """Section 7: manifest and inline parts."""
    magic, record, algorithm, flags, length = struct.unpack_from(">4s16sBBI", frame)
    check((magic, algorithm, length) == (b"SMF1", 1, len(frame) - 26), "frame: header")
    body = AESGCM(key).decrypt(bytes(12), frame[26:], archive + record)
    if flags & 1:
        body = zstandard.ZstdDecompressor().decompress(body)
    (size,) = struct.unpack_from(">I", body)
    return body[4 : 4 + size], body[4 + size :]


def open_blob(dek: bytes, context: bytes, blob: bytes) -> bytes:
    """Section 9: content of a blob."""
    salt, commitment, rest = blob[:24], blob[24:56], blob[56:]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    derived = HKDFExpand(SHA512(), 76, info).derive(dek)
    check(derived[44:] == commitment, "blob: commitment")
    base, content = int.from_bytes(derived[32:44], "big"), b""
    for number in range(len(rest) // (CHUNK + 16) + 1):
        chunk = rest[number * (CHUNK + 16) : (number + 1) * (CHUNK + 16)]
        nonce = (base ^ number).to_bytes(12, "big")
        content += AESGCM(derived[:32]).decrypt(nonce, chunk, None)
    return content


def read_segment(
    segment: bytes, keys: bytes, epoch: bytes, root_key: bytes, read_blob: ReadBlob
) -> list[tuple[Json, list[bytes]]]:
    """Section 11: manifest and parts of every record."""
    footer, frames, entries = cut_segment(segment)
    archive, segment_id = id_bytes(footer["archive"]), id_bytes(footer["segment"])
    wrapped = record_keys(keys, segment_id)
    wrapping = HKDF(SHA256(), 32, None, b"seg-wrap/v1" + segment_id).derive(
        open_epoch(epoch, root_key)
    )
    records = []
    for number, (frame, entry) in enumerate(zip(frames, entries, strict=True)):
        promised = json.loads(entry)
        record = id_bytes(promised["id"])
        check(
            sha256_text(frame) == promised["c"] and frame[4:20] == record, "frame: not the entry's"
        )
        key = AESGCM(wrapping).decrypt(number.to_bytes(12, "big"), wrapped[number], record)
        manifest, inline = open_frame(archive, key, frame)
        check(sha256_text(manifest) == promised["m"], "manifest: not the entry's")
        found = json.loads(manifest)
        records.append((found, _parts(found, archive, record, inline, read_blob)))
    return records


def _parts(
    manifest: Json, archive: bytes, record: bytes, inline: bytes, read_blob: ReadBlob
) -> list[bytes]:
    parts = []
    for number, part in enumerate(manifest["parts"]):
        if "blob" in part:
            context = archive + record + struct.pack(">I", number)
            dek = base64.b64decode(part["blob"]["dek"])
            content = open_blob(dek, context, read_blob(part["blob"]["key"]))
        else:
            content, inline = inline[: part["len"]], inline[part["len"] :]
        check(hashlib.sha256(content).hexdigest() == part["sha256"], f"part {number}: its hash")
        parts.append(content)
    check(not inline, "frame: more than its parts")
    return parts


def id_bytes(text: str) -> bytes:
    """The 16 bytes of a ULID."""
    value = 0
    for letter in text:
        value = value * 32 + CROCKFORD.index(letter)
    return value.to_bytes(16, "big")


def sha256_text(data: bytes) -> str:
    """SHA-256 as log entries write it."""
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def check(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Refuse what is not as the format says."""
    if not holds:
        raise ValueError(what)
