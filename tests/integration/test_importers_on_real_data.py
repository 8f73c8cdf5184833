"""Importers on real posts: counts known from elsewhere, and exact bytes by an independent cut.

The data is not part of the repository; `MUNIMENT_TEST_DATA` says where it lies.
"""

import csv
import gzip
import hashlib
import io
import json
import os
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.capture import importers
from archiver.capture.fields import parse_field_map, parse_zone
from archiver.capture.importers import Chunk, ImportOptions
from archiver.capture.importers.chunks import RawItem
from archiver.model.post import Arrival, Refusal

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", ROOT / ".." / "shared" / "data")).resolve()

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="real data is not here: set MUNIMENT_TEST_DATA"
)

CONGRESS = ImportOptions(
    platform="x",
    fields=parse_field_map(
        [
            "post_id=id",
            "author.handle=screen_name",
            "author.id=user_id",
            "posted_at=time",
            "text=text",
            "permalink=link",
        ]
    ),
)
OBAMA = parse_field_map(
    ["post_id=url", "posted_at=created_at", "text=text", "permalink=url", "author.handle=user"]
)


def run(format_name: str, paths: Iterable[Path], options: ImportOptions) -> Iterator[Any]:
    for chunk in importers.chunks(format_name, paths, options):
        yield from importers.arrivals(chunk)


def days() -> list[Path]:
    return sorted((DATA / "x" / "congresstweets").glob("2020-*.json.gz"))


def test_two_days_of_congress_keep_every_byte_of_every_post() -> None:
    for path in days()[:2]:
        found = list(run("json", [path], CONGRESS))
        text = gzip.decompress(path.read_bytes()).decode()
        decoder, at, expected = json.JSONDecoder(), 1, []
        while text[at - 1] != "]":
            _, end = decoder.raw_decode(text, at)
            expected.append(hashlib.sha256(text[at:end].encode()).hexdigest())
            at = end + 1
        assert [hashlib.sha256(item.parts[0].content).hexdigest() for item in found] == expected


def test_posts_of_congress_are_normalised_as_the_file_says() -> None:
    path = next(path for path in days() if path.name.startswith("2020-10-22"))
    found = list(run("auto", [path], CONGRESS))
    original = json.loads(gzip.decompress(path.read_bytes()))
    assert len(found) == len(original) == 5098
    for item, post in zip(found, original, strict=True):
        assert item.post.post_id == post["id"]
        assert item.post.account == item.post.author.handle == post["screen_name"]
        assert item.post.posted_at == datetime.fromisoformat(post["time"])
    encoded = sum("&amp;" in post["text"] for post in original)
    assert encoded == 589
    assert not any("&amp;" in item.post.text for item in found)


def test_all_33_days_of_congress_hold_103252_posts() -> None:
    assert len(days()) == 33
    kinds: Counter[str] = Counter()
    ids = set()
    for item in run("json", days(), CONGRESS):
        kinds[type(item).__name__] += 1
        ids.add(item.post.post_id)
    assert kinds == {"Arrival": 103_252}
    assert len(ids) == 103_252


def test_a_slack_export_gives_every_message_with_its_bytes() -> None:
    path = DATA / "slack" / "export_zip" / "testarchive.zip"
    found = list(run("auto", [path], ImportOptions()))
    expected = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.count("/") == 1 and name.endswith(".json"):
                expected += [message["ts"] for message in json.loads(archive.read(name))]
    assert [json.loads(item.parts[0].content)["ts"] for item in found] == expected
    assert len(found) == 158
    assert {item.post.platform for item in found} == {"slack"}
    assert all(item.post.post_id.startswith(("C0JGLMMNX:", "C0JL6CGQ2:")) for item in found)


REFUSED_FEEDS = {"Subs.opml": 1, "SubsNoTitleAttributes.opml": 1, "allthis-partial.json": 1}


def test_every_real_feed_is_read_or_refused_with_a_reason() -> None:
    total = 0
    for path in sorted((DATA / "feeds" / "rsparser").iterdir()):
        found = list(run("auto", [path], ImportOptions()))
        refused = [item for item in found if isinstance(item, Refusal)]
        assert len(refused) == REFUSED_FEEDS.get(path.name, 0), path.name
        assert all(item.reason.startswith(f"{path.name}:") for item in refused)
        content = path.read_bytes()
        for item in found:
            if isinstance(item, Arrival):
                total += 1
                assert item.parts[0].content in content
                assert len(item.parts[0].content) < len(content)
    assert total == 691 + 2, "691 items in whole feeds, and two before the cut in the partial one"


def test_a_feed_cut_in_the_middle_of_a_string_keeps_its_whole_items() -> None:
    path = DATA / "feeds" / "rsparser" / "allthis-partial.json"
    first, second, refused = run("feed", [path], ImportOptions())
    assert [first.post.text.split("\n")[0], second.post.text.split("\n")[0]] == [
        "Last thoughts on modifier keys",
        "My next Mac",
    ]
    assert "ends inside the value" in refused.reason


def test_a_feed_in_gb2312_is_decoded_before_it_is_parsed() -> None:
    path = DATA / "feeds" / "rsparser" / "kc0011.rss"
    found = list(run("feed", [path], ImportOptions()))
    assert len(found) == 20
    assert found[0].post.text.startswith("建国35周年纪念")
    assert found[0].parts[0].media_type == "application/xml; charset=gb18030"
    assert found[0].post.posted_at is None, "its dates name no zone"


def test_the_feedparser_corpus_raises_nothing() -> None:
    kinds: Counter[str] = Counter()
    path = DATA / "feeds" / "feedparser" / "feedparser_tests.tar.gz"
    with tarfile.open(path) as corpus:
        for member in corpus:
            stream = corpus.extractfile(member)
            if stream is None:
                continue
            items = (RawItem(1, stream.read()),)
            options = ImportOptions(account="corpus")
            chunk = Chunk(format="feed", source=member.name, items=items, options=options)
            kinds.update(type(item).__name__ for item in importers.arrivals(chunk))
    assert kinds["Arrival"] > 1000


def test_a_csv_without_zones_is_refused_and_read_with_one() -> None:
    path = DATA / "x" / "fivethirtyeight" / "BarackObama.csv"
    without = ImportOptions(platform="x", fields=OBAMA)
    refused = list(run("csv", [path], without))
    assert len(refused) == 3207
    assert all(isinstance(item, Refusal) and "--zone" in item.reason for item in refused)
    assert [item.line for item in refused[:2]] == [2, 3]

    zone = parse_zone("America/New_York")
    found = list(run("csv", [path], ImportOptions(platform="x", fields=OBAMA, zone=zone)))
    content = path.read_bytes()
    assert len(found) == 3207
    assert b"".join(
        [content.splitlines(keepends=True)[0], *(i.parts[0].content for i in found)]
    ) == (content), "the records and the header together are the file"
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8", "replace"), newline="")))
    assert [item.post.post_id for item in found] == [row["url"] for row in rows]
    assert found[0].post.posted_at.isoformat() == "2017-10-17T02:59:00+00:00"
