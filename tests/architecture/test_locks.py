"""What is installed is pinned by hash, and the service runs on what was tested."""

import re
import tomllib
from pathlib import Path

from tests.architecture.repository import text_of

_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[A-Za-z0-9._-]+")


def _pins(path: str) -> dict[str, str]:
    return dict(_PIN.findall(text_of(Path(path))))


def test_the_service_runs_on_the_versions_that_were_tested() -> None:
    tested, runs = _pins("requirements.lock"), _pins("deploy/requirements.lock")

    assert runs
    assert runs.items() <= tested.items()


def test_every_dependency_is_locked_for_the_service() -> None:
    project = tomllib.loads(text_of(Path("pyproject.toml")))["project"]
    named = [
        match.group().lower() for each in project["dependencies"] if (match := _NAME.match(each))
    ]

    assert set(named) <= set(_pins("deploy/requirements.lock"))


def test_no_tool_of_development_comes_into_the_service() -> None:
    assert not {"pytest", "mypy", "ruff", "hatchling"} & set(_pins("deploy/requirements.lock"))


def test_every_pin_has_a_hash() -> None:
    for path in ("requirements.lock", "deploy/requirements.lock"):
        blocks = re.split(r"\n(?=[a-z0-9])", text_of(Path(path)))
        assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []
