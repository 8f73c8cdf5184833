"""Official exports, built here as the platforms build them: X, Mastodon, Slack, and feeds."""

import json
import pickle
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture import importers
from archiver.capture.fields import parse_zone
from archiver.capture.importers import Chunk, ImportOptions
from archiver.capture.importers.chunks import RawItem
from archiver.capture.importers.xml_feed import cut_items
from archiver.capture.streams import Limits
from archiver.errors import InvalidInput
from archiver.model.post import Arrival, Change, PartRole, Post, Refusal

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
# The first is an id of X whose time is documented: Wed Oct 10 20:19:24 +0000 2018.
FIRST, SECOND = "1050118621198921728", "1050119999999999999"


def run(format_name: str, path: Path, **options: Any) -> list[Arrival | Refusal]:
    given = ImportOptions(**options)
    found: list[Arrival | Refusal] = []
    for chunk in importers.chunks(format_name, [path], given):
        found.extend(importers.arrivals(pickle.loads(pickle.dumps(chunk))))
    return found


def arrived(items: list[Arrival | Refusal]) -> list[Arrival]:
    assert [item for item in items if isinstance(item, Refusal)] == []
    return [item for item in items if isinstance(item, Arrival)]


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def unzipped(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def ytd(name: str, items: list[Any]) -> str:
    return f"window.YTD.{name}.part0 = {json.dumps(items, indent=2)}"


def tweet(post_id: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "tweet": {
            "id_str": post_id,
            "created_at": "Tue Jan 21 00:21:51 +0000 2025",
            "full_text": text,
            "lang": "en",
            **more,
        }
    }


def x_archive(folder: Path) -> Path:
    chain = [FIRST, SECOND]
    account = {"accountId": "7", "username": "acme", "accountDisplayName": "Acme &amp; Co"}
    return zipped(
        folder / "twitter-2025.zip",
        {
            "Your archive.html": "<html></html>",
            "data/manifest.js": "window.__THAR_CONFIG = {}",
            "data/account.js": ytd("account", [{"account": account}]),
            "data/tweets.js": ytd(
                "tweets",
                [
                    tweet(
                        SECOND,
                        "corrected https://t.co/a",
                        created_at="Tue Jan 21 00:30:00 +0000 2025",
                        edit_info={
                            "edit": {
                                "initialTweetId": FIRST,
                                "editControlInitial": {"editTweetIds": chain},
                            }
                        },
                        entities={"urls": [{"expanded_url": "https://acme.example/report"}]},
                    ),
                    tweet(FIRST, "Tom &amp; Jerry", edit_info={"initial": {"editTweetIds": chain}}),
                    tweet("9", "RT @bob: hi"),
                    tweet("10", "@bob no", in_reply_to_status_id_str="9"),
                ],
            ),
            "data/tweets-part1.js": ytd("tweets", [tweet("11", "second file")]),
            "data/deleted-tweets.js": ytd(
                "deleted_tweets",
                [tweet("12", "gone", deleted_at="Wed Jan 22 00:00:00 +0000 2025")],
            ),
            "data/note-tweet.js": ytd(
                "note_tweet",
                [
                    {
                        "noteTweet": {
                            "noteTweetId": "13",
                            "createdAt": "2025-01-21T00:21:51.000Z",
                            "updatedAt": "2025-01-21T00:21:51.000Z",
                            "core": {"text": "a long text"},
                        }
                    }
                ],
            ),
            "data/like.js": ytd("like", [{"like": {"tweetId": "1"}}]),
            f"data/tweets_media/{FIRST}-AbC.png": PNG,
            f"data/tweets_media/{FIRST}-AbD.mp4": b"video",
            "data/tweets_media/99-other.png": b"of another post",
        },
    )


@pytest.mark.parametrize("unpacked", [False, True])
def test_an_archive_of_x_gives_posts_edits_deletions_notes_and_media(
    tmp_path: Path,
    unpacked: bool,  # noqa: FBT001
) -> None:
    path = x_archive(tmp_path)
    path = unzipped(path, tmp_path / "folder") if unpacked else path
    assert importers.detect(path) == "x-archive"
    posts = {item.post.text.split("\n")[0]: item for item in arrived(run("x-archive", path))}
    assert len(posts) == 7
    original, edited = posts["Tom & Jerry"], posts["corrected https://t.co/a"]
    assert (original.post.post_id, original.post.change) == (FIRST, Change.CREATED)
    assert (edited.post.post_id, edited.post.change) == (FIRST, Change.EDITED)
    assert edited.post.posted_at == datetime(2018, 10, 10, 20, 19, 24, 211_000, tzinfo=UTC)
    assert edited.post.edited_at == datetime(2025, 1, 21, 0, 30, tzinfo=UTC)
    assert edited.post.text.endswith("\nhttps://acme.example/report")
    assert original.post.account == original.post.author.handle == "acme"
    assert original.post.author.name == "Acme & Co"
    assert [
        (part.name, part.role, part.media_type, part.content) for part in original.parts[1:]
    ] == [
        (f"{FIRST}-AbC.png", PartRole.MEDIA, "image/png", PNG),
        (f"{FIRST}-AbD.mp4", PartRole.MEDIA, "video/mp4", b"video"),
    ]
    assert json.loads(original.parts[0].content)["tweet"]["id_str"] == FIRST
    assert posts["RT @bob: hi"].post.kind == "repost"
    assert (posts["@bob no"].post.kind, posts["@bob no"].post.in_reply_to) == ("reply", "9")
    gone = posts["gone"].post
    assert (gone.change, gone.edited_at) == (Change.DELETED, datetime(2025, 1, 22, tzinfo=UTC))
    assert (posts["a long text"].post.kind, posts["a long text"].post.post_id) == ("note", "13")
    assert "second file" in posts


def test_media_over_the_limit_are_told_and_the_post_is_kept(tmp_path: Path) -> None:
    found = run("x-archive", x_archive(tmp_path), limits=Limits(media=100))
    refused = [item for item in found if isinstance(item, Refusal)]
    assert len(refused) == 1
    assert f"{FIRST}-AbC.png: the post is kept without this file" in refused[0].reason
    kept = next(i for i in found if isinstance(i, Arrival) and i.post.text == "Tom & Jerry")
    assert [part.name for part in kept.parts[1:]] == [f"{FIRST}-AbD.mp4"]


def test_odd_files_of_x_are_refused_one_by_one(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "x.zip",
        {
            "data/tweets.js": 'window.YTD.tweets.part0 = [{"tweet":{}}, {"a":1}, 7, {"tweet":',
            "data/tweets-part1.js": "[]",
            "data/tweets-part2.js": "window.YTD.tweets.part2 = [] ",
        },
    )
    found = run("x-archive", path, account="a")
    reasons = [item.reason for item in found if isinstance(item, Refusal)]
    assert len(reasons) == len(found) == 5
    assert "window.YTD" in reasons[0]
    assert "not a post as X exports it" in reasons[1]
    assert "ends inside the value" in reasons[4]
    assert "no account.js" in str(run("x-archive", path)[1])


def mastodon_members() -> dict[str, str | bytes]:
    actor = "https://m.example/users/acme"
    note = {
        "id": f"{actor}/statuses/1",
        "type": "Note",
        "summary": "markets",
        "inReplyTo": None,
        "published": "2024-05-01T10:00:00Z",
        "updated": "2024-05-01T11:00:00Z",
        "url": "https://m.example/@acme/1",
        "content": "<p>Hello <a href='https://a.example/x'>world</a></p><p>two &amp; three</p>",
        "contentMap": {"en": "…"},
        "conversation": "tag:m.example,2024:1",
        "tag": [{"type": "Hashtag", "name": "#bonds"}, {"type": "Mention", "name": "@x"}],
        "attachment": [
            {"mediaType": "image/png", "url": "/media_attachments/files/1/a.png", "name": "alt"},
            {"mediaType": "image/png", "url": "/media_attachments/files/2/lost.png", "name": None},
        ],
    }
    items = [
        {
            "id": f"{actor}/statuses/1/activity",
            "type": "Create",
            "actor": actor,
            "published": "2024-05-01T10:00:00Z",
            "object": note,
        },
        {
            "id": f"{actor}/statuses/2/activity",
            "type": "Announce",
            "actor": actor,
            "published": "2024-05-02T10:00:00Z",
            "object": "https://other.example/users/b/statuses/5",
        },
        {"id": "3", "type": "Move", "actor": actor, "object": "x"},
        {"type": "Create", "object": 7},
    ]
    outbox = {
        "@context": "https://www.w3.org/ns/activitystreams",
        "type": "OrderedCollection",
        "totalItems": 4,
        "orderedItems": items,
    }
    return {
        "actor.json": json.dumps({"id": actor, "preferredUsername": "acme", "name": "Acme"}),
        "outbox.json": json.dumps(outbox),
        "likes.json": "{}",
        "media_attachments/files/1/a.png": PNG,
    }


def mastodon_tar(folder: Path) -> Path:
    unzipped(zipped(folder / "m.zip", mastodon_members()), folder / "plain")
    path = folder / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / "plain", arcname=".")
    return path


@pytest.mark.parametrize("packed", ["zip", "tar"])
def test_an_outbox_of_mastodon_gives_posts_boosts_and_media(tmp_path: Path, packed: str) -> None:
    zip_path = zipped(tmp_path / "archive.zip", mastodon_members())
    path = zip_path if packed == "zip" else mastodon_tar(tmp_path)
    assert importers.detect(path) == "mastodon-outbox"
    note, boost, moved, broken = run("mastodon-outbox", path)
    assert isinstance(note, Arrival)
    assert isinstance(boost, Arrival)
    assert note.post.text == ("markets\nHello world (https://a.example/x)\n\ntwo & three\nalt")
    assert (note.post.change, note.post.lang, note.post.tags) == (Change.EDITED, "en", ("#bonds",))
    assert note.post.edited_at == datetime(2024, 5, 1, 11, tzinfo=UTC)
    assert (note.post.account, note.post.author.name) == ("acme", "Acme")
    assert [part.content for part in note.parts[1:]] == [PNG]
    assert json.loads(note.parts[0].content)["object"]["id"] == note.post.post_id
    assert (boost.post.kind, boost.post.account) == ("repost", "acme")
    assert isinstance(moved, Refusal)
    assert "found 'Move'" in moved.reason
    assert isinstance(broken, Refusal)
    assert "outbox.json:4: not an activity" in broken.reason


SLACK_DAY = [
    {"type": "message", "user": "U0000001", "text": "hi <@U0000002|bob> &amp; <!here>",
     "ts": "1700000000.000100"},
    {"type": "message", "user": "U0000001", "text": "fixed", "ts": "1700000001.000100",
     "edited": {"user": "U0000001", "ts": "1700000050.000000"}, "thread_ts": "1700000000.000100"},
    {"type": "message", "subtype": "message_changed", "hidden": True, "ts": "1700000060.000000",
     "message": {"user": "U0000001", "text": "hi all", "ts": "1700000000.000100",
                 "edited": {"user": "U0000001", "ts": "1700000060.000000"}},
     "previous_message": {"text": "hi"}},
    {"type": "message", "subtype": "message_deleted", "hidden": True, "ts": "1700000070.000000",
     "deleted_ts": "1700000002.000100", "previous_message": {"user": "U0000002", "text": "secret"}},
    {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "hidden": True,
     "text": "This message was deleted.", "ts": "1700000003.000100"},
    {"type": "message", "subtype": "channel_join", "user": "U0000002", "text": "joined",
     "ts": "1700000004.000100"},
    {"type": "message", "user": "U0000002", "text": "see", "ts": "1700000005.000100", "files": [
        {"id": "F1", "name": "plan.pdf", "title": "Plan", "permalink": "https://s.example/F1"}]},
    {"type": "message", "user": "U0000002", "text": "a number", "ts": 1700000006.0001},
    {"type": "message", "text": "nobody", "ts": "1700000007.000100"},
]  # fmt: skip


def slack_export(folder: Path, day: str) -> Path:
    return zipped(
        folder / "slack.zip",
        {
            "users.json": json.dumps(
                [
                    {"id": "U0000001", "name": "amira", "profile": {"real_name": "Amira &amp; S"}},
                    {"id": "U0000002", "name": "bob", "real_name": "Bob"},
                ]
            ),
            "channels.json": json.dumps([{"id": "C001", "name": "general"}]),
            "general/2023-11-14.json": day,
            "D042/2023-11-15.json": '[{"user":"U0000002","text":"dm","ts":"1700000008.000100"}]',
            "integration_logs.json": "[]",
        },
    )


def slack_items(folder: Path) -> dict[str, Arrival | Refusal]:
    """Import the day above; items by a name for what each shows."""
    found = run("slack-export", slack_export(folder, json.dumps(SLACK_DAY)))
    names = (
        *("direct", "plain", "thread", "changed", "deleted"),
        *("tombstone", "joined", "file", "number", "nobody"),
    )
    return dict(zip(names, found, strict=True))


def post_of(item: Arrival | Refusal) -> Post:
    assert isinstance(item, Arrival), item
    return item.post


def test_a_slack_message_is_read_as_people_see_it(tmp_path: Path) -> None:
    items = slack_items(tmp_path)
    plain = post_of(items["plain"])
    assert plain.post_id == "C001:1700000000.000100"
    assert plain.text == "hi @bob & @here"
    assert (plain.account, plain.author.name) == ("amira", "Amira & S")
    assert plain.posted_at == datetime(2023, 11, 14, 22, 13, 20, 100, tzinfo=UTC)
    assert (plain.conversation_id, plain.tags) == ("C001", ("#general",))
    assert post_of(items["joined"]).kind == "channel_join"
    assert post_of(items["file"]).text == "see\nPlan\nplan.pdf\nhttps://s.example/F1"
    assert post_of(items["direct"]).post_id == "D042:1700000008.000100"


def test_slack_threads_edits_and_deletions_belong_to_their_message(tmp_path: Path) -> None:
    items = slack_items(tmp_path)
    parent = post_of(items["plain"]).post_id
    thread, changed = post_of(items["thread"]), post_of(items["changed"])
    assert (thread.change, thread.in_reply_to) == (Change.EDITED, parent)
    assert thread.conversation_id == parent
    assert (changed.post_id, changed.change, changed.text) == (parent, Change.EDITED, "hi all")
    assert changed.edited_at == datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC)
    deleted, tombstone = post_of(items["deleted"]), post_of(items["tombstone"])
    assert (deleted.post_id, deleted.change) == ("C001:1700000002.000100", Change.DELETED)
    assert deleted.text == "secret", "the text of a deleted message stands here or nowhere"
    assert (tombstone.change, tombstone.text) == (Change.DELETED, "")


def test_slack_messages_without_an_identity_are_refused(tmp_path: Path) -> None:
    items = slack_items(tmp_path)
    for name, reason in {"number": "ts must be a string", "nobody": "names no user"}.items():
        refused = items[name]
        assert isinstance(refused, Refusal)
        assert reason in refused.reason


def test_a_day_that_is_cut_short_keeps_its_messages_and_the_other_days(tmp_path: Path) -> None:
    found = run("slack-export", slack_export(tmp_path, json.dumps(SLACK_DAY)[:200]))
    assert [type(item) for item in found] == [Arrival, Arrival, Refusal]


@pytest.mark.parametrize("format_name", ["x-archive", "mastodon-outbox", "slack-export"])
def test_an_archive_of_another_kind_is_refused(tmp_path: Path, format_name: str) -> None:
    path = zipped(tmp_path / "other.zip", {"readme.txt": "hi"})
    with pytest.raises(InvalidInput, match=r"other\.zip holds no"):
        run(format_name, path)
    plain = tmp_path / "plain.txt"
    plain.write_text("hi")
    with pytest.raises(InvalidInput, match="expected a zip"):
        run(format_name, plain)


def feed(content: bytes, **options: Any) -> list[Arrival | Refusal]:
    options_given = ImportOptions(**options)
    items = (RawItem(1, content),)
    return importers.arrivals(Chunk(format="feed", source="f", items=items, options=options_given))


ITEM = b"""<item><title>A &amp; B</title><link>https://a.example/1</link><guid>g1</guid>
<description><![CDATA[<p>Text with </item> in it</p><!-- x -->]]></description>
<pubDate>Wed, 10 Oct 2018 20:19:24 GMT</pubDate><category>news</category></item>"""
RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>
<link>https://a.example/</link><!-- <item>no</item> -->"""


def test_an_item_of_rss_keeps_its_exact_bytes() -> None:
    later = b"<item><guid>g2</guid><pubDate>2018-10-10 20:19</pubDate></item>"
    one, two = arrived(feed(RSS + ITEM + b"\n" + later + b"</channel></rss>"))
    assert [one.parts[0].content, two.parts[0].content] == [ITEM, later]
    assert one.parts[0].media_type == "application/xml; charset=utf-8"
    assert (one.post.post_id, one.post.account) == ("g1", "https://a.example/")
    assert (one.post.platform, one.post.kind, one.post.tags) == ("feed", "article", ("news",))
    assert one.post.text == "A & B\nText with  in it"
    assert one.post.posted_at == datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)
    assert two.post.posted_at is None, "no zone, and none given"
    assert two.provenance.details[0][0] == "published_unread"


def test_a_zone_given_reads_the_dates_of_a_careless_feed() -> None:
    content = (
        RSS + b"<item><guid>1</guid><pubDate>2018-10-10 20:19</pubDate></item></channel></rss>"
    )
    (one,) = arrived(feed(content, zone=parse_zone("+02:00")))
    assert one.post.posted_at == datetime(2018, 10, 10, 18, 19, tzinfo=UTC)


def test_an_item_without_id_or_link_is_known_by_its_bytes() -> None:
    (one,) = arrived(feed(RSS + b"<item><title>x</title></item></channel></rss>"))
    assert one.post.post_id.startswith("sha256:")


def test_atom_entries_that_were_updated_are_edits() -> None:
    entry = b"""<entry><id>e1</id><title type="html">a &amp;amp; b</title>
    <published>2020-01-01T00:00:00Z</published><updated>2020-01-02T00:00:00Z</updated>
    <author><name>Ann</name></author><content type="html">&lt;p&gt;c&lt;/p&gt;</content></entry>"""
    (one,) = arrived(
        feed(b'<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>' + entry + b"</feed>")
    )
    assert (one.post.text, one.post.author.name, one.post.account) == ("a & b\nc", "Ann", "T")
    assert (one.post.change, one.post.edited_at) == (
        Change.EDITED,
        datetime(2020, 1, 2, tzinfo=UTC),
    )
    assert one.parts[0].content == entry


def test_an_item_that_cannot_be_cut_keeps_the_whole_feed() -> None:
    declared = RSS.replace(b'"1.0"', b'"1.0" encoding="utf-16"')
    content = (declared + ITEM + b"</channel></rss>").decode().encode("utf-16")
    (one,) = arrived(feed(content))
    assert one.parts[0].content == content
    assert one.post.post_id == "g1"


def test_an_external_entity_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    document = f"""<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>
    <rss version="2.0"><channel><link>a</link><item><title>&x;</title></item></channel></rss>"""
    found = feed(document.encode())
    assert "s3cret" not in repr(found)
    (refused,) = feed(str(secret).encode())
    assert isinstance(refused, Refusal), "a feed that is a path is not opened"


def test_json_feeds_are_read_and_odd_items_refused() -> None:
    items = [
        '{"id": "1", "content_html":"<p>a</p>","authors":[{"name":"A"},{"name":"B"}],"tags":["t"]}',
        '{"id": 2, "content_text":"b &amp; c", "date_modified":"2020-01-01T00:00:00Z"}',
        '{"id": "\\ud800"}',
        "[]",
        '{"id":{}}',
    ]
    head = '"version":"https://jsonfeed.org/version/1.1","title":"T","author":{"name":"Feed"}'
    found = feed(f'{{{head},"items":[{", ".join(items)}]}}'.encode())
    one, two = (item for item in found if isinstance(item, Arrival))
    assert one.parts[0].content == items[0].encode()
    assert (one.post.text, one.post.author.name, one.post.tags) == ("a", "A, B", ("t",))
    assert (two.post.post_id, two.post.text, two.post.author.name) == ("2", "b & c", "Feed")
    assert [item.line for item in found if isinstance(item, Refusal)] == [1, 4, 5]
    (refused,) = feed(b'{"version":"1","items":[]}')
    assert isinstance(refused, Refusal)


@given(st.binary(max_size=300))
def test_a_feed_of_garbage_is_refused_and_raises_nothing(content: bytes) -> None:
    for text in (content, RSS + content, b"{" + content, RSS + b"<item>" + content):
        feed(text, account="a")
        cut_items(text)
