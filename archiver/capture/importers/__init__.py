"""Importers: official exports and files of posts, one module per format.

`FORMATS` names them all. Importing has two phases, so that the heavy one can run in worker
processes: `chunks` reads and cuts, `arrivals` decodes one chunk and is pure and picklable.

    for chunk in chunks("auto", paths, options):
        for item in arrivals(chunk):          # Arrival or Refusal, in the order of the source
            ...

To add a format, write a module with `NAME`, `chunks` and `arrivals` (`importers.chunks` says what
each promises) and list it here; `detection` is where `auto` learns to recognise it.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from archiver.capture.importers import (
    csv_rows,
    feed,
    json_array,
    mastodon_outbox,
    ndjson,
    slack_export,
    x_archive,
)
from archiver.capture.importers.chunks import Chunk, Importer, ImportOptions
from archiver.capture.importers.detection import detect
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, Refusal

__all__ = ["AUTO", "FORMATS", "Chunk", "ImportOptions", "Importer", "arrivals", "chunks", "detect"]

AUTO = "auto"
FORMATS: Mapping[str, Importer] = {
    ndjson.NAME: ndjson,
    json_array.NAME: json_array,
    csv_rows.NAME: csv_rows,
    x_archive.NAME: x_archive,
    mastodon_outbox.NAME: mastodon_outbox,
    slack_export.NAME: slack_export,
    feed.NAME: feed,
}


def chunks(format_name: str, paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut what is at `paths` into chunks. With `auto`, each path has the format it turns out to be.

    Raises:
        NotFound: a path does not exist.
        InvalidInput: no such format, or a container that cannot be opened at all. What is wrong
            inside a container becomes refusals instead.
    """
    if format_name != AUTO and format_name not in FORMATS:
        raise InvalidInput(
            f"expected a format of {', '.join([AUTO, *FORMATS])}; found {format_name!r}",
            pointer="format",
        )
    for path in paths:
        importer = FORMATS[detect(path) if format_name == AUTO else format_name]
        yield from importer.chunks([path], options)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode one chunk: what it holds, in order. Pure, and picklable with its argument."""
    return FORMATS[chunk.format].arrivals(chunk)
