"""The catalogue of an index: which segments it is made of, and how far it has read the log.

It is one small file, and replacing it is what commits: whatever a crash leaves beside it counts for
nothing. Whoosh checks no sums of its own, so the catalogue keeps the digest of each segment, and of
itself in its first line.
"""

from hashlib import sha256
from pathlib import Path

import msgspec

from search.engines.whoosh.schema import LAYOUT
from search.errors import IndexDamaged, IndexOutdated

NAME = "catalogue.json"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A segment: its file's `name`, its `size` in documents, and the positions deleted in it."""

    name: str
    size: int
    digest: str
    deleted: tuple[int, ...] = ()

    @property
    def live(self) -> int:
        """How many of its documents are not deleted."""
        return self.size - len(self.deleted)

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.segment"


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What one commit says; the empty one is that of a new index."""

    layout: str = LAYOUT
    watermark: int = 0
    segments: tuple[Entry, ...] = ()

    def encoded(self) -> bytes:
        """Return the content of its file."""
        body = msgspec.json.encode(self)
        return digest(body).encode() + b"\n" + body


def decoded(content: bytes, path: Path) -> Catalogue:
    """Return the catalogue of the index `path`.

    Raises:
        IndexDamaged: `content` is not what was written.
        IndexOutdated: another analyzer version, layout or version of Whoosh wrote it.
    """
    told, _, body = content.partition(b"\n")
    if told != digest(body).encode():
        raise IndexDamaged(f"Expected the digest of its content in {path / NAME}, found another.")
    try:
        layout = msgspec.json.decode(body, type=_Layout).layout
        if layout != LAYOUT:
            raise IndexOutdated(
                f"Expected {LAYOUT} in the index {path}, found {layout}.", layout=layout
            )
        return msgspec.json.decode(body, type=Catalogue)
    except msgspec.MsgspecError as error:
        raise IndexDamaged(f"Expected a catalogue in {path / NAME}: {error}.") from error


class _Layout(msgspec.Struct):
    """What every catalogue says, also one of a layout that is not known here."""

    layout: str


def digest(content: bytes) -> str:
    """Return the digest by which a file is known again: SHA-256, in hex."""
    return sha256(content).hexdigest()
