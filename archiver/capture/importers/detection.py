"""Telling formats apart by what is inside, never by the file's name alone."""

from contextlib import suppress
from pathlib import Path

from archiver.capture.archives import is_archive, open_archive
from archiver.capture.containers import sources
from archiver.capture.importers import (
    csv_rows,
    feed,
    json_array,
    mastodon_outbox,
    ndjson,
    slack_export,
    x_archive,
)
from archiver.capture.json_text import parse_json
from archiver.errors import InvalidInput

_EXPORTS = (
    (x_archive.NAME, x_archive.recognises),
    (mastodon_outbox.NAME, mastodon_outbox.recognises),
    (slack_export.NAME, slack_export.recognises),
)
_JSON_FEED = (b"jsonfeed.org", b'"home_page_url"', b'"feed_url"')
_LOOK = 1 << 16
_BOM = b"\xef\xbb\xbf"


def detect(path: Path) -> str:
    """Return the name of the format that `path` holds: an official export, or posts in files.

    A folder or archive of plain files has the format of its first file.

    Raises:
        NotFound: there is no such path.
        InvalidInput: no known format, or the container cannot be read.
    """
    if path.exists() and is_archive(path):
        with open_archive(path) as archive:
            names = archive.names()
        for format_name, recognises in _EXPORTS:
            if recognises(names):
                return format_name
    for source in sources([path]):
        with source.open() as stream:
            return _format_of(stream.read(_LOOK).removeprefix(_BOM), path.name)
    raise InvalidInput(f"{path.name} holds no files")


def _format_of(start: bytes, name: str) -> str:
    first = start.lstrip()[:1]
    if first == b"<":
        return feed.NAME
    if first == b"[":
        return json_array.NAME
    if first == b"{":
        return _json_format(start)
    header = start.partition(b"\n")[0].decode("utf-8", "replace")
    with suppress(InvalidInput):  # what is not CSV either is refused below, in words of all formats
        if len(csv_rows.columns_of(header.replace(";", ",").replace("\t", ","), ",")) > 1:
            return csv_rows.NAME
    found = "content of no known format" if start else "no content"
    raise InvalidInput(f"{name} has {found}; say with --format which it is")


def _json_format(start: bytes) -> str:
    """Tell apart what begins with an object: a JSON Feed, lines of objects, or one object."""
    if any(mark in start for mark in _JSON_FEED):
        return feed.NAME
    line, newline, rest = start.lstrip().partition(b"\n")
    try:
        parse_json(line)
    except InvalidInput:
        return json_array.NAME
    return ndjson.NAME if newline and rest.strip() else json_array.NAME
