"""Real posts through the command line, searched again in the raw files without our code.

Three of the days in the ordinary run; all 103,252 posts of 33 days with the long sweeps.

The files are not part of the repository; `MUNIMENT_TEST_DATA` says where they lie.
"""

from pathlib import Path

import pytest

from archiver.app import open_services
from archiver.model.actor import Actor, Role
from tests.e2e.command_line import CommandLine
from tests.e2e.counsel_queries import QUERIES
from tests.e2e.raw_tweets import FILES, tweets
from tests.fakes.archive import settings_for

MAP = [
    "post_id=id",
    "author.handle=screen_name",
    "author.id=user_id",
    "posted_at=time",
    "text=text",
    "permalink=link",
]
COUNSEL = Actor(name="counsel", roles=frozenset({Role.COUNSEL}), via="test")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(len(FILES) != 33, reason="the real posts (MUNIMENT_TEST_DATA) are absent"),
]


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(FILES[::11], id="three days"),
        pytest.param(FILES, id="all", marks=pytest.mark.faults),
    ],
)
async def test_every_real_post_is_kept_once_found_as_counted_by_hand_and_verified(
    tmp_path: Path, files: list[Path]
) -> None:
    everything = list(tweets(files))
    muniment = CommandLine(tmp_path / "home")
    muniment("init")
    options = ["--format", "json", "--platform", "x", "--map", *MAP, "--json"]
    command = ["import", *map(str, files), *options]

    first = muniment(*command).json()
    again = muniment(*command).json()

    many = len(everything)
    assert many == 103_252 or files != FILES
    assert (first["read"], first["captured"], first["refused"]) == (many, many, [])
    assert (again["captured"], again["unchanged"]) == (0, many)
    by_hand = {query: sum(map(means, everything)) for query, means in QUERIES}
    async with open_services(settings_for(tmp_path / "home")) as services:
        found = {
            query: (await services.searching.count(query, actor=COUNSEL)).count
            for query, _ in QUERIES
        }
    assert found == by_hand
    assert all(count < many for count in by_hand.values())
    assert sum(map(bool, by_hand.values())) > len(by_hand) // 2
    assert all(by_hand.values()) or files != FILES
    told = muniment("search", QUERIES[0][0], "--count", "--json").json()
    assert told["count"] == by_hand[QUERIES[0][0]]
    report = muniment("verify", "--full", "--json").json()
    assert report["ok"], report["problems"][:5]
    assert report["checked"] >= many
