"""What is left of given words in the files of folders: as they are, in other spellings, packed."""

import base64
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import zstandard

_ZLIB = re.compile(rb"[\x08\x18\x28\x38\x48\x58\x68\x78][\x01\x5e\x9c\xda\x5b\x9b]")
_GZIP = re.compile(rb"\x1f\x8b\x08")
_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd")
_ZIP = re.compile(rb"PK\x03\x04.{22}(..)(..)", re.DOTALL)
_MOST = 1 << 24


def remnants(folder: Path, words: Sequence[bytes], *, plain: bool = False) -> list[str]:
    """Return where any of the words is found in a file under a folder, and in which spelling.

    `plain`: as they are only, neither in other spellings nor in what can be taken for packed.
    """
    spelt = words if plain else list(_spelt(words))
    sought = re.compile(b"|".join(map(re.escape, spelt)))
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            data = path.read_bytes()
            for how, text in (("", data), *(() if plain else _unpacked(data))):
                found += [
                    f"{each!r} in {path.relative_to(folder)}{how}"
                    for each in sorted(set(sought.findall(text)))
                ]
    return found


def _spelt(words: Sequence[bytes]) -> Iterator[bytes]:
    for word in words:
        yield word
        yield word.hex().encode()
        text = word.decode("utf-8", errors="ignore")
        if text.encode() == word:
            yield text.encode("utf-16-le")
            yield text.encode("utf-16-be")
        for skipped in range(3):  # where it begins within the three bytes of four letters
            spelt = base64.b64encode(bytes(skipped) + word)
            yield spelt[4 if skipped else 0 : len(spelt) - 4]


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _GZIP.finditer(data):
        yield from _inflated(data[match.start() :], 31, "gzip", match.start())
    for match in _ZLIB.finditer(data):
        if int.from_bytes(match[0]) % 31 == 0:
            yield from _inflated(data[match.start() :], 15, "zlib", match.start())
    for match in _ZIP.finditer(data):
        start = (
            match.end() + int.from_bytes(match[1], "little") + int.from_bytes(match[2], "little")
        )
        yield from _inflated(data[start:], -15, "zip", match.start())
    for match in _ZSTD.finditer(data):
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        try:
            yield f" (zstd at {match.start()})", unpacker.decompress(data[match.start() :])
        except zstandard.ZstdError:
            continue


def _inflated(data: bytes, bits: int, how: str, at: int) -> Iterator[tuple[str, bytes]]:
    try:
        yield f" ({how} at {at})", zlib.decompressobj(bits).decompress(data, _MOST)
    except zlib.error:
        return
