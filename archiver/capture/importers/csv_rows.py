"""CSV (RFC 4180): a header line, then one post a record, mapped by column name.

The delimiter is a comma; a semicolon or a tab where the header has those and no comma. The
verbatim part is the exact bytes of the record's lines, line ending included. CSV names no encoding:
bytes that are not UTF-8 stay as they are in the verbatim part and show as U+FFFD in the text; an
id that holds such bytes is refused.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from archiver.capture.containers import Source, sources
from archiver.capture.importers.chunks import (
    Chunk,
    Cut,
    ImportOptions,
    RawItem,
    converted,
    gathered,
    provenance,
    raw_part,
    refusal,
)
from archiver.capture.importers.records import require_platform
from archiver.capture.streams import readable
from archiver.errors import InvalidInput, TooLarge
from archiver.model.post import Arrival, Refusal

NAME = "csv"
_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS = ",;\t"


def chunks(paths: Iterable[Path], options: ImportOptions) -> Iterator[Chunk]:
    """Cut files into records.

    Raises:
        InvalidInput: no field map, or no platform.
    """
    if not options.fields.pairs:
        raise InvalidInput("csv needs a field map: say which column is which field", pointer="map")
    require_platform(options)
    for source in sources(paths, options.limits):
        yield from _chunks_of(source, options)


def arrivals(chunk: Chunk) -> list[Arrival | Refusal]:
    """Decode the records of `chunk`, whose context is the delimiter and the columns."""
    return converted(chunk, lambda item: [_arrival(item, chunk)])


def _chunks_of(source: Source, options: ImportOptions) -> Iterator[Chunk]:
    try:
        with readable(source.name), source.open() as stream:
            lines = _Lines(stream, options.limits.item)
            context = _header(lines, options)
            cuts = _records(lines, context[0], source.name)
            yield from gathered(NAME, source.name, cuts, options, context)
    except (InvalidInput, TooLarge) as error:
        yield from gathered(NAME, source.name, iter([refusal(source.name, 1, error)]), options)


class _Lines:
    """The lines of a stream as the csv module asks for them; the bytes of each are kept."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self.number = 0
        self._most = most
        self._taken: list[bytes] = []
        self._weight = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline(self._most + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._taken.append(line)
        self._weight += len(line)
        if self._weight > self._most:
            raise TooLarge(f"a record is longer than {self._most:,} bytes: is a quote missing?")
        return line.decode("utf-8", "replace")

    def taken(self) -> bytes:
        """Return the bytes handed out since the last call."""
        content = b"".join(self._taken)
        self._taken.clear()
        self._weight = 0
        return content


def _header(lines: _Lines, options: ImportOptions) -> tuple[str, tuple[str, ...]]:
    """Return the delimiter and the column names.

    Raises:
        InvalidInput: no header, UTF-16, or a mapped column is missing or repeated.
    """
    text = next(lines, "")
    if lines.taken().startswith(_UTF_16):
        raise InvalidInput("expected UTF-8, found UTF-16: save the file as CSV UTF-8")
    text = text.removeprefix(_BOM.decode())
    delimiter = next((mark for mark in _DELIMITERS if mark in text), ",")
    columns = columns_of(text, delimiter)
    missing = [path for path in options.fields.paths() if path not in columns]
    if missing:
        raise InvalidInput(
            f"no column {', '.join(missing)}: the header has {', '.join(columns) or 'none'}"
        )
    repeated = [path for path in options.fields.paths() if columns.count(path) > 1]
    if repeated:
        raise InvalidInput(f"the header names the column {repeated[0]} more than once")
    return delimiter, columns


def columns_of(text: str, delimiter: str) -> tuple[str, ...]:
    """Return the names in a first line. Raises InvalidInput: it is not CSV."""
    try:
        return tuple(next(csv.reader([text], delimiter=delimiter), []))
    except csv.Error as error:
        raise InvalidInput(f"expected a first line of CSV with column names: {error}") from error


def _records(lines: _Lines, delimiter: str, source: str) -> Iterator[Cut]:
    """Let the csv module find where each record ends, so that cutting and reading agree."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        first = lines.number + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            lines.taken()
            yield Refusal(line=first, reason=f"{source}:{first}: {error}")
            continue
        content = lines.taken()
        if row:
            yield RawItem(first, content)
        elif row is None:
            return


def _arrival(item: RawItem, chunk: Chunk) -> Arrival:
    delimiter, columns = chunk.context
    text = item.content.decode("utf-8", "replace")
    row = next(csv.reader([text], delimiter=delimiter))
    if len(row) != len(columns):
        raise InvalidInput(
            f"expected {len(columns)} fields as in the header, found {len(row)}: {row!r:.80}"
        )
    options = chunk.options
    return Arrival(
        post=options.fields.post(
            dict(zip(columns, row, strict=True)),
            platform=options.platform,
            account=options.account,
            zone=options.zone,
        ),
        parts=(raw_part("record.csv", "text/csv", item.content),),
        provenance=provenance(chunk, item.line),
    )
