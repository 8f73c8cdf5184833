"""A second copy at the command line: made, kept up, and used to repair."""

import json
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.e2e


@pytest.fixture
def muniment(tmp_path: Path) -> CommandLine:
    """An archive of three posts with a second store that does not exist yet."""
    muniment = CommandLine(tmp_path / "home")
    muniment("init")
    (tmp_path / "home" / "muniment.toml").write_text(
        f'second_store_url = "file:{tmp_path}/copy"\n', encoding="utf-8"
    )
    posts = tmp_path / "posts.ndjson"
    lines = [
        {"platform": "x", "account": "@acme", "post_id": str(number), "text": f"post {number}"}
        for number in range(3)
    ]
    posts.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    muniment("import", str(posts), "--format", "ndjson")
    return muniment


def segment(store: Path) -> Path:
    return min(path for path in store.glob("seg/*/default/*/*.seg"))


def alter(path: Path) -> bytes:
    before = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(before[:100] + bytes([before[100] ^ 1]) + before[101:])
    return before


def test_a_copy_is_made_repairs_the_archive_and_is_repaired(
    muniment: CommandLine, tmp_path: Path
) -> None:
    store, copy = muniment.home / "store", tmp_path / "copy"
    assert "no object store" in muniment("replicate", expect=2).err

    made = muniment("replicate", "--create", "--json").json()
    assert made["second_store"] == f"file:{copy}"
    assert made["log_size"] >= 3
    assert made["damaged"] == 0

    true = alter(segment(store))
    damaged = segment(store).read_bytes()
    key = str(segment(store).relative_to(store))
    named = muniment("verify", "--json", expect=1).json()
    assert key in {one["object"] for one in named["problems"]}

    repaired = muniment("verify", "--full", "--repair", "--json").json()
    assert [one["object"] for one in repaired["repaired"]] == [key]
    assert (repaired["not_repaired"], repaired["problems"]) == ([], [])
    assert segment(store).read_bytes() == true
    (kept,) = (store / ".damaged" / key).iterdir()
    assert kept.read_bytes() == damaged
    assert muniment("verify", "--full", "--content").code == 0

    alter(segment(copy))
    compared = muniment("replicate", "--full", "--json").json()
    assert compared["found"]["repaired"] == 1
    assert segment(copy).read_bytes() == true
    assert muniment("verify", "--full").code == 0

    alter(segment(store))
    alter(segment(copy))
    said = muniment("verify", "--full", "--repair", expect=1).out
    assert f"NOT REPAIRED  {key}" in said
    assert "no better" in said
    assert segment(store).read_bytes() != true


def test_repair_needs_a_second_store_and_a_full_verification(
    muniment: CommandLine,
) -> None:
    assert "--sample" in muniment("verify", "--sample", "5", "--repair", expect=2).err
    (muniment.home / "muniment.toml").unlink()
    assert "MUNIMENT_SECOND_STORE_URL" in muniment("verify", "--repair", expect=2).err
    assert "MUNIMENT_SECOND_STORE_URL" in muniment("replicate", expect=2).err
