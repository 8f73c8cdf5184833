"""The shape of every import: cut cheaply in one process, decode in as many as there are.

`chunks` of an importer reads containers and cuts them into raw items; `arrivals` turns one chunk
into posts without reading anything. A chunk pickles, so `arrivals` can run in a worker process.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import archiver
from archiver.capture.fields import FieldMap, refuse_unreadable
from archiver.capture.streams import LIMITS, Limits, readable
from archiver.errors import InvalidInput, TooLarge
from archiver.model.post import Arrival, Part, PartRole, Provenance, Refusal

ITEMS_PER_CHUNK = 256
BYTES_PER_CHUNK = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What the person importing says about the files.

    `fields` empty means that items have the wire shape of `archiver.capture.decoding`; with it,
    `platform` is required. `account` is the business account the posts belong to where the files
    do not say. `zone` is the time zone of times that name none.
    """

    platform: str = ""
    account: str = ""
    fields: FieldMap = field(default_factory=FieldMap)
    zone: tzinfo | None = None
    limits: Limits = LIMITS


class RawItem(NamedTuple):
    """The exact bytes of one item, the line or element number it stood at, and its media."""

    line: int
    content: bytes
    media: tuple[Part, ...] = ()

    def weight(self) -> int:
        """Return the bytes it holds."""
        return len(self.content) + sum(len(part.content) for part in self.media)


Cut = RawItem | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Raw items of one source, in order, with all that decoding them needs.

    `context` is what an item cannot know by itself: the columns of a CSV, the users of a workspace.
    """

    format: str
    source: str
    items: tuple[Cut, ...]
    options: ImportOptions
    context: Any = None


class Importer(Protocol):
    """One format. Importers are modules with these two functions."""

    def chunks(self, paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
        """Cut what is at `paths` into chunks; nothing is decoded.

        Raises:
            NotFound, InvalidInput: a container cannot be opened at all.
        """
        ...

    def arrivals(self, chunk: Chunk) -> list[Arrival | Refusal]:
        """Decode one chunk, in order. Pure; what cannot be decoded becomes a `Refusal`."""
        ...


def gathered(
    format_name: str,
    source: str,
    cuts: Iterator[Cut],
    options: ImportOptions,
    context: Any = None,
) -> Iterator[Chunk]:
    """Group `cuts` of one source into chunks of bounded length.

    An error while cutting ends the source with a `Refusal` that says where: what came before it is
    kept, and other sources go on.
    """

    def chunk() -> Chunk:
        return Chunk(
            format=format_name,
            source=source,
            items=tuple(items),
            options=options,
            context=context,
        )

    items: list[Cut] = []
    weight = 0
    for cut in _ended_by_errors(source, cuts):
        items.append(cut)
        weight += cut.weight() if isinstance(cut, RawItem) else 0
        if len(items) >= ITEMS_PER_CHUNK or weight >= BYTES_PER_CHUNK:
            yield chunk()
            items.clear()
            weight = 0
    if items:
        yield chunk()


def converted(
    chunk: Chunk, convert: Callable[[RawItem], Iterable[Arrival | Refusal]]
) -> list[Arrival | Refusal]:
    """Return what `convert` makes of each item of `chunk`; errors become refusals."""
    found: list[Arrival | Refusal] = []
    for item in chunk.items:
        if isinstance(item, Refusal):
            found.append(item)
            continue
        try:
            found.extend(_checked(chunk.source, item.line, convert(item)))
        except (InvalidInput, TooLarge) as error:
            found.append(refusal(chunk.source, item.line, error))
    return found


def refusal(source: str, line: int, error: Exception) -> Refusal:
    """Return the refusal of the item at `line` of `source`, naming both and the field if known."""
    pointer = getattr(error, "pointer", None)
    message = str(error)
    if pointer and not message.startswith(pointer):
        message = f"{pointer}: {message}"
    return Refusal(line=line, reason=f"{source}:{line}: {message}")


def provenance(chunk: Chunk, line: int, *details: tuple[str, str]) -> Provenance:
    """Return the provenance of the item at `line` of the chunk's source."""
    return Provenance(
        method="import",
        source=f"{chunk.source}:{line}",
        connector=f"import/{chunk.format}",
        version=archiver.__version__,
        details=details,
    )


def raw_part(name: str, media_type: str, content: bytes) -> Part:
    """Return the verbatim part of an item."""
    return Part(name=name, role=PartRole.RAW, media_type=media_type, content=content)


def _ended_by_errors(source: str, cuts: Iterator[Cut]) -> Iterator[Cut]:
    line = 0
    try:
        with readable(source):
            for cut in cuts:
                line = cut.line
                yield cut
    except (InvalidInput, TooLarge) as error:
        yield refusal(source, line + 1, error)


def _checked(
    source: str, line: int, found: Iterable[Arrival | Refusal]
) -> Iterator[Arrival | Refusal]:
    """Refuse posts whose ids no database can hold; the others of the same item are kept."""
    for one in found:
        try:
            if isinstance(one, Arrival):
                refuse_unreadable(one.post)
            yield one
        except InvalidInput as error:
            yield refusal(source, line, error)
