"""`muniment doctor` as scripts use it: its exit code and its one JSON document."""

import asyncio
import json
from pathlib import Path

import pytest

from archiver.cli.main import main
from tests.fakes.archive import found, settings_for


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a founded archive on files."""
    monkeypatch.setenv("MUNIMENT_ORIGIN", "archive.example.com/acme")
    asyncio.run(found(settings_for(tmp_path / "home")))
    return tmp_path / "home"


def test_a_sound_installation_ends_with_0_and_names_every_part(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--json", "--home", str(home)])

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert told["ok"] is True
    assert {"database", "keyring", "store", "locks", "log", "search index"} <= {
        part["part"] for part in told["parts"]
    }
    assert all(part["next"] for part in told["parts"] if part["state"] == "warning")


def test_a_problem_ends_with_1_and_says_what_is_wrong(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "keyring.key").write_bytes(b"another secret\n")

    code = main(["doctor", "--home", str(home)])

    said = capsys.readouterr().out
    assert code == 1
    assert "problem  keyring" in said
    assert "does not open" in said
    assert "1 problem, " in said.splitlines()[-1]


def test_a_home_without_an_archive_is_a_problem_and_stays_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "--home", str(tmp_path / "none")])

    assert code == 1
    assert "muniment init" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_locks_are_compared_now_and_said_in_words_and_as_json(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "locks", "--json", "--home", str(home)])

    told = json.loads(capsys.readouterr().out)
    assert (code, told["ok"], told["whole"], told["drift"]) == (0, True, True, 0)
    next(iter((home / "store" / "seg").rglob("*.seg"))).unlink()
    assert main(["doctor", "locks", "--home", str(home)]) == 1
    said = capsys.readouterr().out
    assert "1 difference found, 0 of them put right" in said
    assert "lost: seg/" in said
    assert "next: " in said


def test_the_locks_of_files_are_tried_and_not_called_worm(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["doctor", "worm", "--json", "--home", str(home)])

    told = json.loads(capsys.readouterr().out)
    failed = [check["tried"] for check in told["checks"] if not check["ok"]]
    assert code == 0
    assert told["worm"] is False
    assert "not WORM" in told["promise"]
    assert failed == ["delete behind the store's back"]
