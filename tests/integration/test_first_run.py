"""Trying a store on the set-up pages: whatever it says is an answer in words, never a failure."""

import tomllib
from pathlib import Path

import pytest

from archiver.clock import system_clock
from archiver.first_run import Choices, try_store


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://host/path",
        "file:",
        "file:/proc/nothing",
        "file:///dev/null/x",
        "file:/tmp/\0",
        "s3:",
        "s3://",
        "s3://UPPER_case bucket?endpoint_url=http://127.0.0.1:9",
        "s3://bucket?endpoint_url=http://127.0.0.1:9&region=x",
        "s3://bucket?endpoint_url=no-url",
        "s3://[broken",
    ],
)
def test_a_store_that_cannot_be_used_says_so_in_words(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")

    assert try_store(url, clock=system_clock).problem


def test_a_folder_answers_and_claims_no_locks(tmp_path: Path) -> None:
    answer = try_store(f"file:{tmp_path / 'store'}", clock=system_clock)

    assert (answer.problem, answer.locks) == ("", False)


def test_choices_stand_in_the_file_as_they_were_made() -> None:
    choices = Choices(store_url='s3://b/"quoted"\\x', zone="Europe/Berlin", alone=True)

    assert tomllib.loads(choices.to_toml()) == {
        "store_url": 's3://b/"quoted"\\x',
        "zone": "Europe/Berlin",
        "default_class": "default",
        "allow_conflicting_roles": True,
    }
