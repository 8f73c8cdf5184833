"""Every protocol of a seam has two implementations, and one suite that runs over all of them."""

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import archiver.preserve.store
import search.index
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from search.engines import tantivy, whoosh
from search.engines.tantivy.snapshot import TantivySnapshot
from search.engines.whoosh.snapshot import WhooshSnapshot
from search.index import Index, Reader, Snapshot
from tests.architecture.repository import ROOT
from tests.fakes import memory_index


class Seam(NamedTuple):
    """A protocol, what implements it, and the suite that runs over every implementation."""

    protocol: type[Any]
    implementations: tuple[type[Any], ...]
    suite: str
    parameters: frozenset[str]


_STORES = ("tests/contracts/test_store_contract.py", frozenset({"filesystem", "s3"}))
_ENGINES = ("tests/contracts/test_index_contract.py", frozenset({"tantivy", "whoosh", "memory"}))

SEAMS = (
    Seam(ObjectStore, (FilesystemStore, S3Store), *_STORES),
    Seam(Index, (tantivy.TantivyIndex, whoosh.WhooshIndex, memory_index.MemoryIndex), *_ENGINES),
    Seam(
        Reader, (tantivy.TantivyReader, whoosh.WhooshReader, memory_index.MemoryReader), *_ENGINES
    ),
    Seam(Snapshot, (TantivySnapshot, WhooshSnapshot, memory_index.MemorySnapshot), *_ENGINES),
)


@pytest.mark.parametrize("module", [archiver.preserve.store, search.index])
def test_every_protocol_is_a_seam_with_a_suite(module: ModuleType) -> None:
    protocols = {
        each
        for each in vars(module).values()
        if isinstance(each, type) and _is_protocol(each) and each.__module__ == module.__name__
    }

    assert protocols
    assert protocols <= {seam.protocol for seam in SEAMS}


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: seam.protocol.__name__)
def test_two_implementations_have_every_member(seam: Seam) -> None:
    members = {name for name in _members(seam.protocol) if not name.startswith("_")}

    assert len(seam.implementations) >= 2
    assert {
        f"{each.__name__}.{name}"
        for each in seam.implementations
        for name in members
        if not hasattr(each, name)
    } == set()


@pytest.fixture(scope="module")
def collected() -> str:
    """What pytest would run of the suites, one test a line."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", _STORES[0], _ENGINES[0]]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("suite", [_STORES, _ENGINES], ids=lambda suite: Path(suite[0]).stem)
def test_the_suite_runs_every_promise_over_every_implementation(
    suite: tuple[str, frozenset[str]], collected: str
) -> None:
    path, parameters = suite
    ran: dict[str, set[str]] = {}
    for name, chosen in re.findall(rf"{re.escape(path)}::(\w+)\[([^\]]+)\]", collected):
        ran.setdefault(name, set()).update(parameters & set(re.split(r"[-\s]", chosen)))

    promises = {name for name, over in ran.items() if over}
    assert len(promises) >= 10
    assert {name for name in promises if ran[name] != parameters} == set()


def _members(protocol: type[Any]) -> set[str]:
    return {name for base in protocol.__mro__ if _is_protocol(base) for name in vars(base)}


def _is_protocol(each: type[Any]) -> bool:
    return bool(vars(each).get("_is_protocol", False))  # typing.is_protocol is of Python 3.13
