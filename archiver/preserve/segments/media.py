"""Large parts as blobs of their own, encrypted in chunks.

Source: https://c2sp.org/chunked-encryption, Cobblestone-256; `salt(24) || commitment(32) ||
16 KiB chunks under AES-256-GCM`. The context is `archive id || record id || part number as u32`.
The blob's key lives only inside the encrypted manifest that names it, so erasing the record erases
the media.
"""

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from archiver.errors import IntegrityError


def media_context(archive_id: bytes, record_id: bytes, part: int) -> bytes:
    """Return the context that ties a blob to its place: another record's blob does not open."""
    return archive_id + record_id + part.to_bytes(4, "big")


def seal_media(key: bytes, context: bytes, content: bytes) -> bytes:
    """Return the encrypted blob of `content` under a 32-byte key used for nothing else."""
    encryptor = Cobblestone256Encryptor(key, context=context)
    return encryptor.update(content) + encryptor.finalize()


def open_media(key: bytes, context: bytes, blob: bytes) -> bytes:
    """Return the content of an encrypted blob.

    Raises:
        IntegrityError: any byte was altered, cut or added, or the key or context is another's.
    """
    try:
        decryptor = Cobblestone256Decryptor(key, context=context)
        return decryptor.update(blob) + decryptor.finalize()
    except InvalidTag as error:
        raise IntegrityError(
            "media: the blob does not open under its key; it was altered or is another record's"
        ) from error
