# ruff: noqa: RUF001 - curly apostrophes and dashes are in the posts
"""103,252 real posts through the command line, counted again from the raw files without our code.

The files are not part of the repository; `MUNIMENT_TEST_DATA` says where they lie.
"""

import gzip
import html
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
FILES = sorted((DATA / "x" / "congresstweets").glob("2020-*.json.gz"))
MAP = [
    "post_id=id",
    "author.handle=screen_name",
    "author.id=user_id",
    "posted_at=time",
    "text=text",
    "permalink=link",
]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(len(FILES) != 33, reason="the real posts (MUNIMENT_TEST_DATA) are absent"),
]

Tweet = dict[str, str]
Rule = Callable[[Tweet], bool]


def tweets() -> Iterator[Tweet]:
    for path in FILES:
        yield from json.loads(gzip.decompress(path.read_bytes()))


def plain(tweet: Tweet) -> str:
    """The text as a reader hears it: entities decoded, one apostrophe, no accents, lower case."""
    text = re.sub("[’‘ʼ´]", "'", html.unescape(tweet["text"]))
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def spoken(tweet: Tweet) -> str:
    """The same without web addresses, e-mail addresses, handles and tags: the words only."""
    text = re.sub(r"(https?://|www\.)[^\s\"<>()\[\]{}|\\^`]+", " ‖ ", plain(tweet))
    text = re.sub(r"[a-z0-9._%+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+", " ‖ ", text)
    return re.sub(r"(?<![a-z0-9_&])[@#$][\w.]*\w", " ‖ ", text)


def word(*alternatives: str) -> Rule:
    said = re.compile(rf"(?<!\w)(?<!\w')({'|'.join(alternatives)})('s)?(?![\w]|'\w)")
    tagged = re.compile(rf"(?<![a-z0-9_&])#({'|'.join(alternatives)})(?!\w)")
    return lambda tweet: bool(said.search(spoken(tweet)) or tagged.search(plain(tweet)))


def phrase(*words: str) -> Rule:
    # Between two words anything may stand that is no word, address, handle, tag or emoji.
    gap = r"[\s\-–—_,.;:!?\"“”()/&|*+…•·'%\[\]]+"
    found = re.compile(rf"(?<![\w'])(?<!\w[._]){gap.join(words)}(?!\w|'\w)")
    return lambda tweet: bool(found.search(spoken(tweet)))


def tag(name: str) -> Rule:
    found = re.compile(rf"(?<![a-z0-9_&])#{name}(?!\w)")
    return lambda tweet: bool(found.search(plain(tweet)))


def by(*handles: str) -> Rule:
    return lambda tweet: tweet["screen_name"].lower() in handles


def posted(start: str, end: str) -> Rule:
    first, last = (datetime.fromisoformat(f"{day}T00:00:00+00:00") for day in (start, end))
    return lambda tweet: first <= datetime.fromisoformat(tweet["time"]) < last


def both(one: Rule, two: Rule) -> Rule:
    return lambda tweet: one(tweet) and two(tweet)


def without(one: Rule, two: Rule) -> Rule:
    return lambda tweet: one(tweet) and not two(tweet)


COUNTS: list[tuple[str, Rule]] = [
    (
        '"climate change" AND NOT from:RepJacobs',
        without(phrase("climate", "change"), by("repjacobs")),
    ),
    ("vaccine", word("vaccine")),
    ("#COVID19", tag("covid19")),
    (
        '"supreme court" AND (barrett OR ginsburg)',
        both(phrase("supreme", "court"), word("barrett", "ginsburg")),
    ),
    ("vote AND from:SenatorLoeffler", both(word("vote"), by("senatorloeffler"))),
    (
        "healthcare AND after:2020-10-15 AND before:2020-10-20",
        both(word("healthcare"), posted("2020-10-15", "2020-10-20")),
    ),
    ('"health care" AND NOT trump', without(phrase("health", "care"), word("trump"))),
    ("from:RepAdamSchiff OR from:SpeakerPelosi", by("repadamschiff", "speakerpelosi")),
    ("election AND posted:2020-10-22", both(word("election"), posted("2020-10-22", "2020-10-23"))),
    ("mañana OR jóvenes", word("manana", "jovenes")),
    (
        '"affordable care act" AND NOT (#ACA OR repeal)',
        without(
            phrase("affordable", "care", "act"),
            lambda tweet: tag("aca")(tweet) or word("repeal")(tweet),
        ),
    ),
    ("wildfires OR wildfire", word("wildfires", "wildfire")),
]


def counted(muniment: CommandLine, query: str) -> int:
    return int(muniment("search", query, "--count", "--json").json()["count"])


def test_every_real_post_is_kept_once_found_as_counted_by_hand_and_verified(
    tmp_path: Path,
) -> None:
    muniment = CommandLine(tmp_path / "home")
    muniment("init")
    options = ["--format", "json", "--platform", "x", "--map", *MAP, "--json"]
    command = ["import", *map(str, FILES), *options]

    first = muniment(*command).json()
    again = muniment(*command).json()

    assert (first["read"], first["captured"], first["refused"]) == (103_252, 103_252, [])
    assert (again["captured"], again["unchanged"]) == (0, 103_252)
    everything = list(tweets())
    by_hand = {query: sum(map(rule, everything)) for query, rule in COUNTS}
    found = {query: counted(muniment, query) for query, _ in COUNTS}
    assert found == by_hand
    assert all(0 < count < len(everything) for count in by_hand.values())
    report = muniment("verify", "--full", "--json").json()
    assert report["ok"], report["problems"][:5]
    assert report["checked"] >= 103_252
