# ruff: noqa: RUF001 - curly apostrophes and dashes are in the posts
"""Real posts read and searched by hand: a second opinion that uses none of our code.

What counsel's queries mean is written here a second time, over the raw files, in another way: texts
are cut by splitting at what separates and then taking the pieces apart, and queries are functions.
"""

import gzip
import html
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import product
from pathlib import Path

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILES = sorted((DATA / "x" / "congresstweets").glob("2020-*.json.gz"))

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s\"<>()\[\]{}|\\^`\u0080-\U0010ffff]+")
_MAIL = re.compile(r"[a-z0-9][a-z0-9._%+-]*@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}")
_NAME = re.compile(r"(?<![a-z0-9_@])@[a-z0-9_]+(?:\.[a-z0-9_]+)*")
_TAG = re.compile(r"(?<![a-z0-9_&])#(?=\w*[^\W\d_])[\w\u200d]+")
_MONEY = re.compile(r"(?<![a-z0-9_$])\$[a-z]{1,6}(?![a-z0-9_])")
_INITIALS = re.compile(r"(?<!\w)[a-z](?:\.[a-z])+(?![\w])")
_SAID = re.compile(r"[^\W_]+(?:'[^\W_]+|(?<=\d)\.(?=\d)[^\W_]+)*")
_PICTURE = "[\u203c-\u3299\U0001f000-\U0001f3fa\U0001f400-\U0001faff][\U0001f3fb-\U0001f3ff]?"
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*")
_PIECE = re.compile(
    "|".join(
        each.pattern for each in (_ADDRESS, _MAIL, _NAME, _TAG, _MONEY, _INITIALS, _SAID, _EMOJI)
    )
)
_GLUE = re.compile(
    "[\ufe0e\ufe0f\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
    "|(?<![\u203c-\u3299\U0001f000-\U0001faff])\u200d"
)


@dataclass(frozen=True)
class Tweet:
    """One post of the raw files."""

    handle: str
    time: str
    text: str

    @cached_property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.time)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What a reader would count as words, in lower case and without accents."""
        text = html.unescape(self.text)
        text = unicodedata.normalize("NFKC", re.sub("[’‘ʼ´]", "'", text.replace("™", " ")))
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        bare = "".join(char for char in decomposed if not unicodedata.combining(char))
        found = (_cut(match.group()) for match in _PIECE.finditer(_GLUE.sub("", bare)))
        return tuple(piece for piece in found if piece)


def _cut(piece: str) -> str:
    return piece.rstrip(".,;:!?'") if piece.startswith(("http://", "https://", "www.")) else piece


def tweets(files: Sequence[Path] = FILES) -> Iterator[Tweet]:
    for path in files:
        for each in json.loads(gzip.decompress(path.read_bytes())):
            yield Tweet(each["screen_name"], each["time"], each["text"])


Rule = Callable[[Tweet], bool]
Spots = Callable[[tuple[str, ...]], list[tuple[int, ...]]]


def word(*alternatives: str) -> Spots:
    """Each word, its possessive and its tag."""
    forms = {form for each in alternatives for form in (each, f"{each}'s", f"#{each}")}
    return lambda words: [(at,) for at, each in enumerate(words) if each in forms]


def just(*alternatives: str) -> Spots:
    """Each token to the letter."""
    forms = set(alternatives)
    return lambda words: [(at,) for at, each in enumerate(words) if each in forms]


def like(expression: str) -> Spots:
    """Tokens, and tags, that are wholly as a regular expression says."""
    whole = re.compile(rf"#?(?:{expression})")
    return lambda words: [(at,) for at, each in enumerate(words) if whole.fullmatch(each)]


def phrase(*tokens: str) -> Spots:
    """Tokens in a row, each a regular expression."""
    wanted = [re.compile(each) for each in tokens]
    row = re.compile(" (?:" + ") (?:".join(tokens).replace(".*", r"\S*") + ") ")

    def spots(words: tuple[str, ...]) -> list[tuple[int, ...]]:
        if not row.search(f" {' '.join(words)} "):
            return []
        return [
            tuple(range(at, at + len(wanted)))
            for at in range(len(words) - len(wanted) + 1)
            if all(one.fullmatch(words[at + step]) for step, one in enumerate(wanted))
        ]

    return spots


def near(one: Spots, other: Spots, most: int, *, ordered: bool = False) -> Spots:
    """Both, sharing no word, the nearest of them at most so far apart."""

    def spots(words: tuple[str, ...]) -> list[tuple[int, ...]]:
        return [
            (*left, *right)
            for left, right in product(one(words), other(words))
            if not set(left) & set(right)
            and (
                0 < min(right) - max(left) <= most
                if ordered
                else min(abs(a - b) for a in left for b in right) <= most
            )
        ]

    return spots


def any_of(*spots: Spots) -> Spots:
    return lambda words: [spot for each in spots for spot in each(words)]


def says(spots: Spots) -> Rule:
    return lambda tweet: bool(spots(tweet.words))


def by(*handles: str) -> Rule:
    return lambda tweet: tweet.handle.lower() in handles


def posted(start: str, end: str) -> Rule:
    first, last = (datetime.fromisoformat(each) for each in (start, end))
    return lambda tweet: first <= tweet.at < last


def both(*rules: Rule) -> Rule:
    return lambda tweet: all(rule(tweet) for rule in rules)


def either(*rules: Rule) -> Rule:
    return lambda tweet: any(rule(tweet) for rule in rules)


def without(one: Rule, two: Rule) -> Rule:
    return lambda tweet: one(tweet) and not two(tweet)


def one_slip(wanted: str) -> Spots:
    """The word with at most one letter added, dropped, changed, or two neighbours swapped."""
    dots = {wanted[:at] + "." + wanted[at + 1 :] for at in range(len(wanted))}
    added = {wanted[:at] + "." + wanted[at:] for at in range(len(wanted) + 1)}
    swapped = {
        wanted[:at] + wanted[at + 1] + wanted[at] + wanted[at + 2 :]
        for at in range(len(wanted) - 1)
    }
    dropped = {wanted[:at] + wanted[at + 1 :] for at in range(len(wanted))}
    whole = re.compile("#?(?:" + "|".join(sorted(dots | added | swapped | dropped)) + ")")
    marked = re.compile("#" + wanted)
    return lambda words: [
        (at,) for at, each in enumerate(words) if whole.fullmatch(each) or marked.fullmatch(each)
    ]
