"""`ndjson`, `json`, `csv` and `auto`: items in order, exact bytes, refusals that say where."""

import gzip
import hashlib
import json
import pickle
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from archiver.capture import importers
from archiver.capture.fields import FieldMap, parse_field_map
from archiver.capture.importers import ImportOptions
from archiver.capture.importers.chunks import ITEMS_PER_CHUNK
from archiver.capture.streams import Limits
from archiver.errors import InvalidInput, NotFound
from archiver.model.post import Arrival, Refusal

MAP = parse_field_map(["post_id=id", "text=t", "posted_at=at", "author.handle=user.name"])
IDS_ARE_STRINGS = "send ids as JSON strings, since JSON tools round numbers of 64 bits"
COLUMNS = parse_field_map(["post_id=id", "text=t"])


def run(
    format_name: str, *paths: Path, fields: FieldMap | None = None, **options: Any
) -> list[Arrival | Refusal]:
    """Import as two processes would: every chunk and every result is pickled on its way."""
    given = ImportOptions(fields=fields or FieldMap(), **options)
    found: list[Arrival | Refusal] = []
    for chunk in importers.chunks(format_name, paths, given):
        sent = pickle.loads(pickle.dumps(chunk))
        found.extend(pickle.loads(pickle.dumps(importers.arrivals(sent))))
    return found


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def shown(items: list[Arrival | Refusal]) -> list[str | tuple[int, str]]:
    return [
        (item.line, item.reason) if isinstance(item, Refusal) else item.post.post_id
        for item in items
    ]


def wire(post_id: str) -> str:
    return json.dumps({"platform": "x", "account": "a", "post_id": post_id})


def test_ndjson_without_a_map_is_the_wire_shape(tmp_path: Path) -> None:
    lines = [wire("1"), "", "{", wire("2") + "\r", '{"post_id":3}', wire("4")]
    path = written(tmp_path, "posts.ndjson", "\ufeff" + "\n".join(lines))
    found = run("ndjson", path)
    assert shown(found) == [
        "1",
        (3, "posts.ndjson:3: expected one JSON object (RFC 8259): Input data was truncated"),
        "2",
        (5, f"posts.ndjson:5: /post_id: Expected str, got int: {IDS_ARE_STRINGS}"),
        "4",
    ]
    first = found[0]
    assert isinstance(first, Arrival)
    assert first.parts[0].content == wire("1").encode()
    assert (first.provenance.method, first.provenance.source) == ("import", "posts.ndjson:1")
    assert first.provenance.connector == "import/ndjson"


def test_a_line_over_the_limit_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "p.ndjson", f"{wire('1')}\n{'x' * 5000}\n{wire('2')}\n")
    assert shown(run("ndjson", path, limits=Limits(item=100))) == [
        "1",
        (2, "p.ndjson:2: longer than 100 bytes"),
        "2",
    ]


def test_mapped_elements_keep_their_exact_bytes(tmp_path: Path) -> None:
    elements = [
        b'{"id": 9007199254740993, "t":"a &amp; b", "at":"2020-10-22T19:34:04Z", "user":{}}',
        b'{"id":"2","t":"\\ud800","at":1603409644,"user":{"name":"u"},"id":"2"}',
        b'{ "id":"3" , "user":{"name":"\xc3\xa9"} }',
    ]
    path = written(tmp_path, "p.json", b"[ " + b" ,\n ".join(elements) + b" ]")
    found = run("json", path, fields=MAP, platform="x", account="a")
    posts = [item for item in found if isinstance(item, Arrival)]
    assert [post.parts[0].content for post in posts] == elements
    assert [post.post.post_id for post in posts] == ["9007199254740993", "2", "3"]
    assert [post.post.text for post in posts] == ["a & b", "\ufffd", ""]
    assert posts[0].post.posted_at == datetime(2020, 10, 22, 19, 34, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('[{"id":"1"},{"id":"2"}]', ["1", "2"]),
        ('{"id":"1"}', ["1"]),
        ('{"meta":{"n":2},"data":[{"id":"1"},{"id":"2"}],"next":null}', ["1", "2"]),
        ('{"id":"1","data":{"a":[]}}', ["1"]),
        ("[]", []),
        ('{"data":[]}', []),
    ],
)
def test_json_is_an_array_an_object_or_an_object_with_data(
    tmp_path: Path, text: str, ids: list[str]
) -> None:
    path = written(tmp_path, "p.json", text)
    assert shown(run("json", path, fields=MAP, platform="x", account="a")) == ids


def test_a_cut_or_odd_file_keeps_what_came_before_and_the_other_files(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "a.json", '[{"id":"1"},{"id":'),
        written(tmp_path, "b.json", "<html>"),
        written(tmp_path, "c.json", gzip.compress(b'[{"id":"2"}]' * 9000)[:60]),
        written(tmp_path, "d.json", '[1,{"id":"3"},{"id":{}},{"id":"\\u0000"},' + "[" * 10**5
                + "]" * 10**5 + ',{"id":"4"}]'),
        written(tmp_path, "e.json", '[{"id":"5"}] junk'),
    ]  # fmt: skip
    found = run("json", *paths, fields=MAP, platform="x", account="a")
    ids = [item.post.post_id for item in found if isinstance(item, Arrival)]
    assert ids == ["1", "3", "4", "5"]
    reasons = [item.reason for item in found if isinstance(item, Refusal)]
    expected = [
        "a.json:2: the text ends inside the value",
        r"b.json:1: expected { at byte 0",
        "c.json:1: c.json cannot be read",
        "d.json:1: post_id",
        "d.json:3: post_id (from id) must be a string",
        "d.json:4: /post_id: '\\x00' holds",
        "d.json:5: the JSON is nested too deep",
        "e.json:2: expected the end of the text",
    ]
    assert len(reasons) == len(expected)
    for reason, start in zip(reasons, expected, strict=True):
        assert reason.startswith(start)


def test_items_are_chunked_in_order_and_within_bounds(tmp_path: Path) -> None:
    count = 2 * ITEMS_PER_CHUNK + 3
    path = written(tmp_path, "p.ndjson", "\n".join(wire(str(n)) for n in range(count)))
    chunks = list(importers.chunks("ndjson", [path], ImportOptions()))
    assert [len(chunk.items) for chunk in chunks] == [ITEMS_PER_CHUNK, ITEMS_PER_CHUNK, 3]
    assert shown(run("ndjson", path)) == [str(n) for n in range(count)]


def test_large_items_make_short_chunks(tmp_path: Path) -> None:
    big = json.dumps({"platform": "x", "account": "a", "post_id": "1", "text": "x" * 900_000})
    path = written(tmp_path, "p.ndjson", "\n".join([big] * 12))
    chunks = list(importers.chunks("ndjson", [path], ImportOptions()))
    assert [len(chunk.items) for chunk in chunks] == [5, 5, 2]


def test_an_import_with_a_map_needs_a_platform_and_a_known_format(tmp_path: Path) -> None:
    path = written(tmp_path, "p.json", "[]")
    for format_name in ("json", "ndjson", "csv"):
        with pytest.raises(InvalidInput, match="--platform"):
            run(format_name, path, fields=COLUMNS)
    with pytest.raises(InvalidInput, match="field map"):
        run("csv", path, platform="x")
    with pytest.raises(InvalidInput, match="expected a format of auto, ndjson"):
        run("docx", path)
    with pytest.raises(NotFound):
        run("json", tmp_path / "none.json")


def test_csv_records_keep_their_exact_bytes(tmp_path: Path) -> None:
    header = b"\xef\xbb\xbfid,t,note\r\n"
    records = [
        b"1,plain,\r\n",
        b'2,"two ""quoted""\r\nlines, &amp; more","a\n\nb"\r\n',
        b'3,caf\xe9 \xe2\x82\xac 5" pipe,"x"\n',
        "4,line\u2028separator,z\n".encode(),
        b"5,last,no newline",
    ]
    path = written(tmp_path, "p.csv", header + records[0] + b"\r\n" + b"".join(records[1:]))
    found = run("csv", path, fields=COLUMNS, platform="x", account="a")
    posts = [item for item in found if isinstance(item, Arrival)]
    assert len(posts) == len(found) == 5
    assert [hashlib.sha256(post.parts[0].content).digest() for post in posts] == [
        hashlib.sha256(record).digest() for record in records
    ]
    assert [post.post.text for post in posts] == [
        "plain",
        'two "quoted"\r\nlines, & more',
        'caf\ufffd € 5" pipe',
        "line\u2028separator",
        "last",
    ]
    assert [post.provenance.source for post in posts] == [
        "p.csv:2", "p.csv:4", "p.csv:8", "p.csv:9", "p.csv:10",
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    text = f"id{delimiter}t\n1{delimiter}a,b;c\n".replace("a,b;c", "a b")
    path = written(tmp_path, "p.csv", text)
    (found,) = run("csv", path, fields=COLUMNS, platform="x", account="a")
    assert isinstance(found, Arrival)
    assert (found.post.post_id, found.post.text) == ("1", "a b")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"id,text\n1,a\n", "no column t: the header has id, text"),
        (b"id,t,t\n1,a,b\n", "the column t more than once"),
        (b"", "no column id, t: the header has none"),
        ("id,t\n1,a\n".encode("utf-16"), "UTF-16"),
        (b"\x8b\r\x00,t\n1,a\n", "expected a first line of CSV with column names: new-line"),
        (b"id,t\n1,a,b\n", "expected 2 fields as in the header, found 3"),
        (b"id,t\n\xff,a\n", "cannot be part of it"),
        (b'id,t\n1,"never closed\n' + b"2,x\n" * 3000, "is a quote missing"),
        (b'id,t\n1,"' + b"x" * 140_000 + b'"\n', "field larger than field limit"),
    ],
)
def test_csv_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = written(tmp_path, "p.csv", content)
    limits = Limits() if b"x" * 10 in content else Limits(item=5000)
    (found,) = run("csv", path, fields=COLUMNS, platform="x", account="a", limits=limits)
    assert isinstance(found, Refusal)
    assert reason in found.reason


def zipped(folder: Path, name: str, members: dict[str, str]) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def test_formats_are_told_by_content(tmp_path: Path) -> None:
    files = {
        "json": '\ufeff [{"id":1}]',
        "ndjson": wire("1") + "\n" + wire("2"),
        "csv": "id;text\n1;a",
        "feed": '\n<?xml version="1.0"?><rss/>',
    }
    for format_name, content in files.items():
        assert importers.detect(written(tmp_path, "file", content)) == format_name
        assert importers.detect(zipped(tmp_path, "f.zip", {"file": content})) == format_name
    assert importers.detect(written(tmp_path, "one", json.dumps({"id": 1}, indent=1))) == "json"
    assert importers.detect(written(tmp_path, "one", wire("1"))) == "json"
    feed = '{"version":"https:\\/\\/jsonfeed.org\\/version\\/1","items":[]}'
    assert importers.detect(written(tmp_path, "f.json", feed)) == "feed"
    exports = {
        "x-archive": {"data/tweets.js": "", "data/account.js": ""},
        "mastodon-outbox": {"outbox.json": "{}", "actor.json": "{}"},
        "slack-export": {"users.json": "[]", "channels.json": "[]"},
    }
    for format_name, members in exports.items():
        assert importers.detect(zipped(tmp_path, "e.zip", members)) == format_name
    for content in ("", "just words", "\x00\x01", "a\rb,c\n"):
        with pytest.raises(InvalidInput):
            importers.detect(written(tmp_path, "what", content))


def test_auto_reads_each_path_as_what_it_is(tmp_path: Path) -> None:
    one = written(tmp_path, "one", f"[{wire('1')}]")
    two = written(tmp_path, "two", wire("2") + "\n" + wire("3"))
    assert shown(run("auto", one, two)) == ["1", "2", "3"]
