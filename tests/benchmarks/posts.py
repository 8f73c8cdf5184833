"""The test post: about 2 KB of JSON with 14 top-level fields, seeded, in the push API's wire shape.

Words are drawn from a vocabulary of 50,000 after Zipf's law; the payload repeats the text, as
platforms' objects do, beside random hex (media hashes, cursors), which no compressor shrinks.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import msgspec

VOCABULARY = 50_000
WORDS_PER_POST = 56
ID_MARK = "@ID@"
"""Stands for the post's id in a template; the load generator puts a new one in for each request."""

_LETTERS = "etaoinshrdlcumwfgypbvk"
_POOL_WORDS = 1 << 19
_NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


class PostSource:
    """Makes the posts of one seed: the same calls give the same bytes."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        words = sorted(
            {
                "".join(self._random.choices(_LETTERS, k=self._random.randint(2, 9)))
                for _ in range(VOCABULARY * 2)
            }
        )
        self._random.shuffle(words)
        words = words[:VOCABULARY]
        weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
        # Drawing costs more than all the rest of a post: posts take stretches of one long draw.
        self._pool = self._random.choices(words, cum_weights=weights, k=_POOL_WORDS)

    def posts(self, count: int, *, prefix: str = "p", days: int = 1) -> Iterator[bytes]:
        """Yield `count` posts with ids of their own, spread evenly over `days` before a date."""
        for number in range(count):
            age = timedelta(days=days * (count - number) / count)
            yield self.post(f"{prefix}-{number}", posted_at=_NEWEST - age)

    def templates(self, count: int) -> list[bytes]:
        """Return posts in which `ID_MARK` stands for the id."""
        return [self.post(ID_MARK) for _ in range(count)]

    def post(self, post_id: str, *, posted_at: datetime = _NEWEST, extra_word: str = "") -> bytes:
        """Return one post; `extra_word` is a word no other post has."""
        draw = self._random
        length = draw.randint(WORDS_PER_POST // 2, WORDS_PER_POST * 3 // 2)
        start = draw.randrange(_POOL_WORDS - length)
        text = " ".join(self._pool[start : start + length]) + (extra_word and f" {extra_word}")
        number = draw.randrange(500)
        handle, moment = f"@branch{number}", posted_at.isoformat().replace("+00:00", "Z")
        link = f"https://social.example/{handle}/{post_id}"
        return _encode(
            {
                "platform": "mastodon",
                "post_id": post_id,
                "account": handle,
                "kind": "post",
                "change": "created",
                "posted_at": moment,
                "text": text,
                "lang": "en",
                "permalink": link,
                "in_reply_to": f"r-{draw.randrange(10**12)}" if number % 3 == 0 else "",
                "conversation_id": f"c-{draw.randrange(10**12)}",
                "author": {"id": str(10**9 + number), "handle": handle, "name": f"Branch {number}"},
                "tags": self._pool[start : start + 3],
                "payload": {
                    "id": post_id,
                    "created_at": moment,
                    "url": link,
                    "content": f"<p>{text}</p>",
                    "visibility": "public",
                    "favourites_count": draw.randrange(10_000),
                    "media_attachments": [
                        {"type": "image", "sha256": draw.randbytes(32).hex()} for _ in range(4)
                    ],
                    "cursor": draw.randbytes(48).hex(),
                    "etag": draw.randbytes(32).hex(),
                },
            }
        )


def write_ndjson(path: Path, count: int, *, seed: int = 1, days: int = 730) -> Path:
    """Write posts one a line, spread over two years of history unless told otherwise."""
    with path.open("wb") as file:
        for post in PostSource(seed).posts(count, days=days):
            file.write(post + b"\n")
    return path


def write_files(folder: Path, count: int, *, seed: int = 1, days: int = 730) -> Path:
    """Write the same posts as `write_ndjson` does, each as a file, 1,000 to a folder."""
    for number, post in enumerate(PostSource(seed).posts(count, days=days)):
        part = folder / f"{number // 1000:05d}"
        if number % 1000 == 0:
            part.mkdir(parents=True)
        (part / f"{number:09d}.json").write_bytes(post + b"\n")
    return folder
