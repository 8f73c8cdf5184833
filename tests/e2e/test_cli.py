"""The life of an archive at the command line, each command a process of its own."""

import json
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.e2e

POSTS = [
    {"post_id": "1", "posted_at": "2025-03-01T10:00:00Z", "text": "Earnings call on Friday"},
    {"post_id": "2", "posted_at": "2025-03-02T10:00:00Z", "text": "Thanks for all #earnings mail"},
    {"post_id": "3", "posted_at": "2025-03-03T10:00:00Z", "text": "We are hiring in Zürich ☕"},
]


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three posts."""
    path = tmp_path_factory.mktemp("posts") / "posts.ndjson"
    lines = [json.dumps({"platform": "x", "account": "@acme", **post}) for post in POSTS]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def muniment(tmp_path_factory: pytest.TempPathFactory, posts: Path) -> CommandLine:
    """The command line on an archive of the three posts, for tests that leave it as it was."""
    command_line = CommandLine(tmp_path_factory.mktemp("archive") / "home")
    command_line("init")
    command_line("import", str(posts), "--format", "ndjson")
    return command_line


@pytest.fixture
def fresh(tmp_path: Path) -> CommandLine:
    """The command line on a new archive."""
    command_line = CommandLine(tmp_path / "home")
    command_line("init")
    return command_line


def test_an_archive_is_founded_once_and_its_administrator_is_told_once(tmp_path: Path) -> None:
    muniment = CommandLine(tmp_path / "home")

    first = muniment("init", "--json").json()
    second = muniment("init", "--json").json()

    token_file = Path(first["token_file"])
    assert (first["new"], second["new"], second["token"]) == (True, False, None)
    assert token_file.read_text() == first["token"] + "\n"
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    assert first["worm"] is False
    assert "not WORM" in first["promise"]
    tokens = muniment("token", "list", "--json").json()["items"]
    assert [token["roles"] for token in tokens] == [["administrator"]]
    assert muniment("search", "anything", "--count", "--json").json()["count"] == 0
    assert muniment("log", "checkpoint").out.startswith(first["origin"] + "\n")


def test_the_log_and_its_verification_tell_one_root_in_one_form(muniment: CommandLine) -> None:
    signed = muniment("log", "checkpoint", "--json").json()
    verified = muniment("verify", "--full", "--json").json()["checkpoint"]

    assert (signed["size"], signed["root_hex"]) == (verified["size"], verified["root"])
    assert signed["root"] == signed["note"].split("\n")[2]


def test_an_import_names_refused_lines_and_stores_nothing_twice(
    muniment: CommandLine, posts: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more.ndjson"
    more.write_bytes(
        posts.read_bytes() + b'{"platform":"x","post_id":"4","posted_at":"yesterday"}\n'
    )

    report = muniment("import", str(more), "--json", expect=1).json()

    assert {**report, "refused": []} == {"read": 4, "captured": 0, "unchanged": 3, "refused": []}
    assert [refused["line"] for refused in report["refused"]] == [4]
    assert "posted_at" in report["refused"][0]["reason"]


def test_a_search_counts_lists_and_explains(muniment: CommandLine) -> None:
    found = muniment("search", "earnings", "--ids", "--json").json()
    answer = {"query", "normalised", "count", "covered", "engine", "analyzer"}
    assert found.keys() == answer | {"ids"}
    assert found["covered"]["exact"] is True
    assert found["covered"]["records"] == 3
    assert len(found["ids"]) == found["count"] == 2
    assert muniment("search", "earnings", "--ids").out.split("\n")[:2] == found["ids"]

    hits = muniment("search", "Zürich", "--limit", "1", "--json").json()
    assert hits.keys() >= answer | {"hits"}
    assert [hit["text"] for hit in hits["hits"]] == ["We are hiring in Zürich ☕"]

    explained = muniment("search", "earnings AND hiring", "--explain", "--json").json()
    assert (explained["count"], [part["count"] for part in explained["explain"]]) == (0, [2, 1])

    asked = ("search", "earn* and hire", "--syntax", "dtsearch", "--stem", "--explain", "--json")
    stemmed = muniment(*asked).json()
    assert stemmed["normalised"] == "earn* AND stem:hire"
    assert [each["word"] for each in stemmed["expansions"]] == ["earn*", "stem:hire"]
    assert stemmed["expansions"][1]["told"] == [{"token": "hiring", "records": 1}]
    refused = muniment("search", "#earnings", "--syntax", "dtsearch", expect=2)
    assert "sound alike" in refused.err


def test_a_record_is_shown_proved_verified_and_given_back_byte_for_byte(
    muniment: CommandLine, posts: Path
) -> None:
    record_id = muniment("search", "call", "--ids", "--json").json()["ids"][0]

    assert muniment("record", "raw", record_id).out.encode() == posts.read_bytes().split(b"\n")[0]
    shown = muniment("record", "show", record_id, "--json").json()
    assert (shown["id"], shown["text"]) == (record_id, "Earnings call on Friday")
    assert muniment("record", "proof", record_id).out.startswith("c2sp.org/tlog-proof@v1\n")
    assert muniment("record", "verify", record_id, "--json").json()["ok"] is True


def test_a_hold_is_previewed_placed_told_as_a_reason_and_released(muniment: CommandLine) -> None:
    record_id = muniment("search", "call", "--ids", "--json").json()["ids"][0]
    before = muniment("record", "why", record_id, "--json").json()
    assert before.keys() == {"id", "state", "until", "reasons"}
    assert all(reason.keys() == {"text", "citation"} for reason in before["reasons"])

    scope = ("hold", "place", "--name", "Acme", "--reason", "suit", "--query", "earnings")
    assert muniment(*scope, "--dry-run", "--json").json()["records"] == 2
    assert muniment("hold", "list", "--json").json() == {"items": []}
    misspelt = muniment(*scope[:-1], "earnigns", "--dry-run")
    assert "NOTHING IS HELD" in misspelt.out
    hold = muniment(*scope, "--json").json()
    assert (hold["records"], hold["state"]) == (2, "active")
    assert muniment("record", "why", record_id, "--json").json()["state"] == "held"

    released = muniment("hold", "release", hold["id"], "--reason", "settled", "--json").json()
    assert released["state"] == "released"
    assert muniment("record", "why", record_id, "--json").json()["state"] == before["state"]


def test_verification_passes_until_a_byte_is_changed_and_then_names_the_object(
    fresh: CommandLine, posts: Path
) -> None:
    fresh("import", str(posts))
    verified = fresh("verify", "--full", "--content", "--json").json()
    assert (verified["ok"], verified["problems"]) == (True, [])
    assert verified["checkpoint"].keys() == {"size", "root"}
    assert fresh("verify", "--sample", "100", "--json").json()["ok"] is True

    record_id = fresh("search", "hiring", "--ids", "--json").json()["ids"][0]
    segment = fresh("record", "show", record_id, "--json").json()["segment"]
    file = flip_a_byte(fresh.home / "store", segment)

    broken = fresh("verify", "--full", "--json", expect=1).json()
    assert broken["ok"] is False
    assert segment in {problem["object"] for problem in broken["problems"]}
    assert all(problem.keys() == {"object", "record", "what"} for problem in broken["problems"])
    assert segment in fresh("verify", "--full", expect=1).out, file


def test_a_search_answers_while_another_process_serves_and_indexes(
    fresh: CommandLine, posts: Path
) -> None:
    for served in serving(fresh):
        fresh("import", str(posts))
        assert fresh("search", "earnings", "--count", "--json").json()["count"] == 2
        rebuilt = fresh("reindex", "--json").json()
        assert (rebuilt["set_aside"], rebuilt["old_differed_by"]) == (0, 0)
        assert fresh("search", "earnings", "--count", "--json").json()["count"] == 2
        assert served.is_open()


def test_the_index_is_built_anew_with_the_same_answers(muniment: CommandLine) -> None:
    before = muniment("search", "x OR earnings OR hiring", "--ids", "--json").json()

    rebuilt = muniment("reindex", "--json").json()

    after = muniment("search", "x OR earnings OR hiring", "--ids", "--json").json()
    assert rebuilt["log_size"] >= before["covered"]["log_size"]
    assert after["ids"] == before["ids"] != []


def test_a_large_import_runs_in_worker_processes(fresh: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "statuses.json"
    path.write_text(json.dumps([{"id": str(n), "body": f"Post {n}"} for n in range(600)]))
    mapped = ("--format", "json", "--platform", "x", "--account", "@acme")
    fields = ("--map", "post_id=id", "--map", "text=body")

    report = fresh("import", str(path), *mapped, *fields, "--workers", "2", "--json").json()

    assert report == {"read": 600, "captured": 600, "unchanged": 0, "refused": []}
    assert fresh("search", "post", "--count", "--json").json()["count"] == 600


class Served:
    """A service on a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def serving(muniment: CommandLine) -> Iterator[Served]:
    """Serve in another process meanwhile; it must end with 0 when told to stop."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        served = Served(free.getsockname()[1])
    process = muniment.start("serve", "--port", str(served.port))
    try:
        give_up = time.monotonic() + 60
        while not served.is_open():
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < give_up, "the server did not listen within a minute"
            time.sleep(0.05)
        yield served
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def flip_a_byte(store: Path, key: str) -> Path:
    """Flip one bit in the middle of the file that holds the object."""
    (file,) = [path for path in store.rglob("*") if path.is_file() and holds(path, store, key)]
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return file


def holds(path: Path, store: Path, key: str) -> bool:
    return str(path.relative_to(store)).endswith(key)


def test_accounts_are_registered_and_those_of_captures_are_listed(
    fresh: CommandLine, posts: Path
) -> None:
    fresh("import", str(posts), "--format", "ndjson")
    before = fresh("account", "list", "--json").json()
    made = fresh("account", "add", "x", "@acme", "--unit", "Treasury", "--json").json()
    fresh("account", "change", made["id"], "--custodian", "P. Ray")
    fresh("account", "close", made["id"], "--reason", "left the platform")
    shown = fresh("account", "show", made["id"], "--json").json()
    after = fresh("account", "list", "--json").json()

    assert (before["total"], before["not_registered"]["total"]) == (0, 1)
    assert before["not_registered"]["items"][0]["records"] == len(POSTS)
    assert (after["total"], after["not_registered"]["total"]) == (1, 0)
    assert (shown["unit"], shown["custodian"], shown["state"]) == ("Treasury", "P. Ray", "closed")
    assert shown["months"] == [{"month": "2025-03", "records": len(POSTS)}]
    assert len(shown["history"]) == 3
    assert "@acme" in fresh("account", "list").out


def test_gaps_that_nobody_recorded_are_not_taken_for_none(muniment: CommandLine) -> None:
    answer = muniment("account", "gaps", "--json", expect=4).json()

    assert (answer["recorded"], answer["items"]) == (False, [])
    assert "not recorded yet" in answer["why"]
