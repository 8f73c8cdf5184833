"""Media files that lie in an export beside the posts they belong to."""

import mimetypes
from collections.abc import Iterable
from pathlib import PurePosixPath

from archiver.capture.archives import Archive
from archiver.capture.importers.chunks import Cut, RawItem
from archiver.errors import InvalidInput
from archiver.model.post import Part, PartRole, Refusal


def with_media(
    archive: Archive, line: int, content: bytes, names: Iterable[str], most: int
) -> list[Cut]:
    """Return the item with the members `names` as its media, then a refusal for each one lost.

    A file is lost when it is longer than `most` bytes or cannot be read: the post is kept without
    it, and the import says so.
    """
    parts: list[Part] = []
    refused: list[Cut] = []
    for name in names:
        try:
            parts.append(_media_part(archive, name, most))
        except InvalidInput as error:
            reason = f"{archive.path.name}!{name}: the post is kept without this file: {error}"
            refused.append(Refusal(line=line, reason=reason))
    return [RawItem(line, content, tuple(parts)), *refused]


def _media_part(archive: Archive, name: str, most: int) -> Part:
    if archive.size(name) > most:
        raise InvalidInput(f"its {archive.size(name):,} bytes are more than {most:,}")
    with archive.open(name) as stream:
        content = stream.read()
    return Part(
        name=PurePosixPath(name).name,
        role=PartRole.MEDIA,
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        content=content,
    )
