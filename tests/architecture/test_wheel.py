"""What is built and installed is whole: it carries its data and runs without the repository."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.repository import PRODUCT, ROOT

pytestmark = pytest.mark.e2e

DATA = (
    "archiver/web/templates",
    "archiver/web/static",
    "archiver/assurance/evidence/templates",
    "retention/templates",
)
"""Folders whose every file is read at run time."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the working tree as a release builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Muniment in it; what it depends on comes from this environment."""
    folder = tmp_path_factory.mktemp("installed")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--target", str(folder), str(wheel)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, *install], check=True, capture_output=True)
    return folder


def _run(installed: Path, cwd: Path, *command: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT")}
    environ |= {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("folder", DATA)
def test_the_wheel_carries_every_file_that_is_read_at_run_time(wheel: Path, folder: str) -> None:
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert expected
    assert expected <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_carries_the_migrations(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    versions = {path.name for path in (ROOT / "migrations/versions").glob("*.py")}

    assert versions
    assert {f"archiver/_migrations/versions/{name}" for name in versions} <= names
    assert "archiver/_migrations/env.py" in names


def test_the_wheel_tells_type_checkers_that_it_is_typed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"{package}/py.typed" for package in PRODUCT} <= names


def test_the_wheel_carries_nothing_but_the_product(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == set(PRODUCT)


def test_the_installed_wheel_tells_its_commands(installed: Path, tmp_path: Path) -> None:
    where = "import archiver; print(archiver.__file__)"
    assert Path(_run(installed, tmp_path, "-c", where).strip()).is_relative_to(installed)

    assert "muniment COMMAND --help" in _run(installed, tmp_path, "-m", "archiver", "--help")


def test_the_installed_wheel_founds_an_archive_with_all_templates(
    installed: Path, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    made = json.loads(_run(installed, tmp_path, "-m", "archiver", "init", "--json", "--home", home))

    assert made["new"]
    assert "default" in made["classes"]
    assert len(made["classes"]) > 10
