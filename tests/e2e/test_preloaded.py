"""A command forked from a preloaded process ends as one that has an interpreter of its own."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e import preloaded
from tests.e2e.command_line import CommandLine, Ended


def of_interpreter(muniment: CommandLine, words: tuple[str, ...], out: Path) -> Ended:
    """Run `python -m archiver` with stdout to a file."""
    environment = {**muniment.environment(), "PYTHONFAULTHANDLER": "1"}
    with out.open("w") as stdout:
        ended = subprocess.run(
            muniment.words(*words),
            stdout=stdout,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            env=environment,
        )
    return Ended(ended.returncode, out.read_text() if out.is_file() else "", ended.stderr)


def of_fork(muniment: CommandLine, words: tuple[str, ...], out: Path, err: Path) -> Ended:
    """Run the same in a fork."""
    environment = {**muniment.environment(), "PYTHONFAULTHANDLER": "1"}
    with out.open("w") as stdout, err.open("w") as stderr:
        running = preloaded.run(words, environment, out=stdout.fileno(), err=stderr.fileno())
        code = running.wait()
    return Ended(code, out.read_text() if out.is_file() else "", err.read_text())


@pytest.fixture
def muniment(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home")


@pytest.mark.parametrize(
    "words", [("--version",), ("search",), ("class", "list", "--json")], ids=" ".join
)
def test_its_code_and_streams_are_the_same(
    muniment: CommandLine, words: tuple[str, ...], tmp_path: Path
) -> None:
    forked = of_fork(muniment, words, tmp_path / "out", tmp_path / "err")

    assert forked == of_interpreter(muniment, words, tmp_path / "out")
    assert forked.out or forked.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_what_nobody_catches_is_the_same_traceback_and_code(
    muniment: CommandLine, tmp_path: Path
) -> None:
    muniment("init")
    words, full = ("class", "list", "--json"), Path("/dev/full")

    forked = of_fork(muniment, words, full, tmp_path / "err")
    interpreted = of_interpreter(muniment, words, full)

    assert forked.code == interpreted.code != 0
    assert forked.err.startswith("Traceback (most recent call last)")
    assert forked.err.splitlines()[-1] == interpreted.err.splitlines()[-1]


def test_environment_and_folder_are_those_of_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUNIMENT_HOME", "/nowhere")

    CommandLine(Path("here"))("init")

    assert (tmp_path / "here" / "admin.token").is_file()


def test_one_that_hangs_says_where_when_it_is_aborted(
    muniment: CommandLine, tmp_path: Path
) -> None:
    pipe, err = tmp_path / "muniment.toml", tmp_path / "err"
    os.mkfifo(pipe)
    environment = {
        **muniment.environment(),
        "MUNIMENT_CONFIG_FILE": str(pipe),
        "PYTHONFAULTHANDLER": "1",
    }
    with err.open("w") as stderr:
        running = preloaded.run(
            ("class", "list"), environment, out=stderr.fileno(), err=stderr.fileno()
        )
        with pipe.open("w"):  # which it then reads without end
            with pytest.raises(TimeoutError):
                running.wait(0.1)
            os.kill(running.pid, signal.SIGABRT)
            code = running.wait()

    assert code == -signal.SIGABRT
    assert "Current thread" in err.read_text()
    assert "archiver/config.py" in err.read_text()
