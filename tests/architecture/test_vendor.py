"""What others wrote and we ship is what they published, and says under which licence."""

import re
import tomllib

import pytest

from tests.architecture.repository import ROOT
from tests.architecture.vendored import NOTICES, VENDOR, Package, notices, packages

PACKAGES = packages()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.folder)
def test_every_vendored_file_is_as_it_was_published(package: Package) -> None:
    assert {file.place.name: file.found() for file in package.files} == {
        file.place.name: file.sha384 for file in package.files
    }


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.folder)
def test_a_package_tells_its_version_source_and_hash(package: Package) -> None:
    assert package.folder.endswith(f"-{package.version}")
    assert package.tarball.startswith("https://registry.npmjs.org/")
    assert package.tarball.endswith(f"-{package.version}.tgz")
    assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", package.integrity)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.folder)
def test_a_package_comes_with_its_licence(package: Package) -> None:
    assert "LICENSE" in {file.place.name for file in package.files}


def test_nothing_is_vendored_that_is_not_locked() -> None:
    locked = {file.place for package in PACKAGES for file in package.files}

    found = {path for path in VENDOR.rglob("*") if path.is_file()}

    assert found - locked == {VENDOR / "vendor.lock.json"}


def test_at_most_forty_icons_are_shipped() -> None:
    assert len(list(VENDOR.glob("lucide-static-*/*.svg"))) <= 40


def test_the_projects_licence_names_those_of_what_it_ships() -> None:
    named = set(PROJECT["license"].split(" AND "))

    assert named == {"Apache-2.0"} | {
        part for package in PACKAGES for part in package.license.split(" AND ")
    }


def test_the_licence_files_of_what_it_ships_stand_in_its_metadata() -> None:
    patterns = PROJECT["license-files"]

    found = {path for pattern in patterns for path in ROOT.glob(pattern)}

    assert {VENDOR / package.folder / "LICENSE" for package in PACKAGES} <= found
    assert NOTICES in found


def test_the_notices_are_made_from_the_lock() -> None:
    assert NOTICES.read_text() == notices()
