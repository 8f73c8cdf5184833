"""The demonstration's company: the same every time, and rich enough to show everything."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from archiver.capture.decoding import decode_capture
from archiver.capture.sample_company import ACCOUNTS, posts
from archiver.model.post import Arrival, Change, PartRole, Provenance

UNTIL = datetime(2026, 11, 21, tzinfo=UTC)
DEMO = Provenance(method="demo")


def arrivals(count: int = 1500) -> list[Arrival]:
    return [decode_capture(body, provenance=DEMO) for body in posts(7, UNTIL, count)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert list(posts(7, UNTIL, 200)) == list(posts(7, UNTIL, 200))
    assert list(posts(7, UNTIL, 200)) != list(posts(8, UNTIL, 200))


def test_every_body_is_a_capture_in_order_of_time() -> None:
    found = arrivals()
    assert len(found) == 1500
    times = [item.post.edited_at or item.post.posted_at for item in found]
    known = [time for time in times if time]
    assert known == sorted(known)
    assert len(known) == len(times)
    assert known[-1] < UNTIL
    assert known[0] >= UNTIL - timedelta(days=730)


def test_platforms_accounts_and_languages_are_all_there() -> None:
    found = arrivals()
    accounts = {(item.post.platform, item.post.account) for item in found}
    assert accounts == {(account.platform, account.handle) for account in ACCOUNTS}
    assert {item.post.platform for item in found} == {
        "x",
        "linkedin",
        "mastodon",
        "bluesky",
        "facebook",
        "slack",
    }
    languages = Counter(item.post.lang for item in found if item.post.lang)
    assert languages["en"] > 1000
    assert {"de", "fr", "ja", "ar", "el", "hi"} <= languages.keys()


def test_edits_replies_and_deletions_follow_a_post_that_was_made() -> None:
    seen: set[tuple[str, str]] = set()
    changes: Counter[Change] = Counter()
    for item in arrivals():
        post = item.post
        key = (post.platform, post.post_id)
        changes[post.change] += 1
        if post.change is Change.CREATED:
            assert key not in seen
            seen.add(key)
        assert key in seen
        assert not post.in_reply_to or (post.platform, post.in_reply_to) in seen
        if post.change is Change.DELETED:
            seen.remove(key)
    assert changes[Change.EDITED] > 50
    assert changes[Change.DELETED] > 30


def test_there_are_pictures_one_of_them_large() -> None:
    media = [part for item in arrivals() for part in item.parts if part.role is PartRole.MEDIA]
    assert len(media) > 50
    assert all(part.content.startswith(b"\x89PNG\r\n\x1a\n") for part in media)
    assert max(len(part.content) for part in media) > 256 * 1024


def test_supervision_has_something_to_find() -> None:
    texts = [item.post.text.lower() for item in arrivals()]
    assert sum("guaranteed returns" in text for text in texts) >= 1
    assert sum("delete this after" in text or "whatsapp" in text for text in texts) >= 1
