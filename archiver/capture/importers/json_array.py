"""JSON files: an array of posts, one post, or an object with the posts in its `data` array.

The file is read as a stream, whatever its size. The verbatim part is the element's exact bytes.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from archiver.capture.containers import Source, sources
from archiver.capture.importers.chunks import Chunk, Cut, ImportOptions, RawItem, gathered
from archiver.capture.importers.json_cutter import JsonCutter
from archiver.capture.importers.records import record_arrivals, require_platform
from archiver.capture.streams import Limits
from archiver.model.post import Arrival, Refusal

NAME = "json"


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut files into elements."""
    require_platform(options)
    for source in sources(paths, options.limits):
        yield from gathered(NAME, source.name, _elements_of(source, options.limits), options)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode the elements of `chunk`."""
    return record_arrivals(chunk)


def _elements_of(source: Source, limits: Limits) -> Iterator[Cut]:
    with source.open() as stream:
        cutter = JsonCutter(stream, most=limits.item)
        if cutter.peek() == b"[":
            yield from _numbered(cutter.elements())
            cutter.end()
            return
        wrapped = False
        for key in cutter.members():
            if key == b'"data"' and cutter.peek() == b"[":
                wrapped = True
                yield from _numbered(cutter.elements())
            else:
                cutter.value()
        cutter.end()
    if not wrapped:
        with source.open() as stream:
            yield RawItem(1, JsonCutter(stream, most=limits.item).value())


def _numbered(elements: Iterator[bytes]) -> Iterator[Cut]:
    for number, content in enumerate(elements, 1):
        yield RawItem(number, content)
