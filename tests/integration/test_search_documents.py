"""What search knows of a record is the same at capture and when it is read back from the store."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from archiver.capture import importers
from archiver.capture.fields import parse_field_map
from archiver.capture.importers import ImportOptions
from archiver.jobs.documents import Documents
from archiver.model.post import Arrival
from archiver.preserve.sealing import Sealed
from search.document import Document
from search.matcher import matches
from search.query import Field, FieldName
from tests.fakes.database_fixtures import *  # noqa: F403 - pytest finds fixtures by name
from tests.fakes.small_archive import INLINE_LIMIT, SmallArchive, arrival, small_archive

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
TWEETS = ImportOptions(
    platform="x",
    fields=parse_field_map(
        ["post_id=id", "author.handle=screen_name", "posted_at=time", "text=text"]
    ),
)
REAL = [
    (DATA / "x" / "congresstweets" / "2020-10-01.json.gz", "json", TWEETS),
    (DATA / "slack" / "export_zip" / "testarchive.zip", "auto", ImportOptions()),
    (DATA / "feeds" / "rsparser" / "kc0011.rss", "auto", ImportOptions()),  # Chinese, no dates
]


def real_posts() -> Iterator[Arrival]:
    for path, format_name, options in REAL:
        chunks = importers.chunks(format_name, [path], options)
        found = (item for chunk in chunks for item in importers.arrivals(chunk))
        yield from islice((each for each in found if isinstance(each, Arrival)), 200)


async def capture_and_read_back(
    archive: SmallArchive, arrivals: Sequence[Arrival]
) -> tuple[dict[int, Document], list[Document]]:
    """Return the documents made at capture, by log index, and those read from the store."""
    at_capture: dict[int, Document] = {}

    def listen(first: int, records: Sequence[Sealed]) -> None:
        for number, record in enumerate(records, first):
            if isinstance(record.follow, Document):
                at_capture[number] = record.follow.numbered(number)

    archive.sequencer.listen(listen)
    await archive.capture(*arrivals)
    end = (await archive.log_state()).next_index
    read = await Documents(archive.database, archive.reader).read_each(0, end)
    assert not read.unread
    return at_capture, list(read.documents)


async def test_a_record_read_back_is_the_document_that_was_made_at_capture(
    tmp_path: Path, database_url: str
) -> None:
    film = b"x" * (INLINE_LIMIT + 1)
    answer = arrival("2", "an answer", in_reply_to="1", media=film)
    async with small_archive(tmp_path / "home", database_url) as archive:
        at_capture, read_back = await capture_and_read_back(archive, [arrival("1", "a"), answer])

    assert read_back == list(at_capture.values())
    hashes = [hashlib.sha256(part.content).hexdigest() for part in answer.parts]
    (reply,) = [each for each in read_back if each.is_reply]
    assert list(reply.hashes) == hashes, "of the film too, which stands apart in a blob"
    for each in hashes:
        assert [matches(Field(FieldName.HASH, each), d) for d in read_back] == [False, True]
    assert matches(Field(FieldName.CHANGE, "reply"), reply)


@pytest.mark.skipif(not DATA.is_dir(), reason="real data is not here: set MUNIMENT_TEST_DATA")
async def test_real_posts_read_back_are_the_documents_made_at_capture(
    tmp_path: Path, database_url: str
) -> None:
    arrivals = list(real_posts())
    async with small_archive(tmp_path / "home", database_url) as archive:
        at_capture, read_back = await capture_and_read_back(archive, arrivals)

    assert len(read_back) > 300
    assert read_back == [at_capture[each.number] for each in read_back]
    assert all(each.hashes for each in read_back)
    assert any(each.has_link for each in read_back)
