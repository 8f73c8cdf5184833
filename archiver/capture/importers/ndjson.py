"""NDJSON: one post a line. The verbatim part is the line without its line ending."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from archiver.capture.containers import Source, sources
from archiver.capture.importers.chunks import Chunk, Cut, ImportOptions, RawItem, gathered
from archiver.capture.importers.records import record_arrivals, require_platform
from archiver.capture.streams import Limits
from archiver.model.post import Arrival, Refusal

NAME = "ndjson"
_BOM = b"\xef\xbb\xbf"


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut files into lines; blank lines are passed over, too long ones refused."""
    require_platform(options)
    for source in sources(paths, options.limits):
        yield from gathered(NAME, source.name, _lines_of(source, options.limits), options)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode the lines of `chunk`."""
    return record_arrivals(chunk)


def _lines_of(source: Source, limits: Limits) -> Iterator[Cut]:
    with source.open() as stream:
        number = 0
        while line := stream.readline(limits.item + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(_BOM)
            if len(line) > limits.item:
                yield Refusal(
                    line=number,
                    reason=f"{source.name}:{number}: longer than {limits.item:,} bytes",
                )
                while line and not line.endswith(b"\n"):
                    line = stream.readline(limits.item)
            elif content := line.rstrip(b"\r\n"):
                yield RawItem(number, content)
