"""Fixtures shared by all tests: real components, and one of each kind of store."""

import functools
import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog
from aiohttp import web_app
from botocore.loaders import JSONFileLoader

from archiver import memory
from archiver.clock import system_clock
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.filesystem import FilesystemStore
from archiver.preserve.store.s3 import S3Store
from tests.fakes.opensearch_server import OpenSearchMissingError, fresh_url
from tests.fakes.seaweedfs import SeaweedFS, SeaweedFSMissingError

pytest_plugins = ["tests.fakes.archive_fixtures", "tests.fakes.database_fixtures"]

BUCKET = "muniment-tests"
memory.steady()  # as the server: to seek cycles less often is a tenth off a run
_prefixes = itertools.count()


@pytest.fixture(autouse=True)
def _forgotten_applications() -> Iterator[None]:
    """Let go of a test's web applications: aiohttp remembers a thousand, of a megabyte each."""
    yield
    web_app._cached_build_middleware.cache_clear()


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the run: every module and every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    """A running S3 server with an empty bucket `BUCKET`; botocore's environment points to it."""
    try:
        with (
            SeaweedFS(tmp_path_factory.mktemp("seaweedfs")) as server,
            pytest.MonkeyPatch.context() as patch,
        ):
            # Parsing botocore's descriptions takes 0.1 s per client; tests open hundreds.
            load_once = functools.cache(JSONFileLoader().load_file)
            patch.setattr(JSONFileLoader, "load_file", lambda _self, path: load_once(path))
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                patch.delenv(name)
            for name, value in server.environ.items():
                patch.setenv(name, value)
            store = S3Store(server.store_url(BUCKET), clock=system_clock)
            store.create_bucket(default_days=None)  # else objects without a lock get one
            store.close()
            yield server
    except SeaweedFSMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def opensearch_url() -> str:
    """The URL of an index that is not there yet, in a cluster that runs."""
    try:
        return fresh_url()
    except OpenSearchMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def filesystem_store(tmp_path: Path) -> FilesystemStore:
    """An empty filesystem store."""
    FilesystemStore.create(tmp_path / "store")
    return FilesystemStore(tmp_path / "store", clock=system_clock)


@pytest.fixture
def s3_store(seaweedfs: SeaweedFS) -> Iterator[S3Store]:
    """An empty S3 store: a prefix of its own in the bucket all tests share."""
    url = seaweedfs.store_url(BUCKET, f"test-{next(_prefixes)}")
    store = S3Store(url, clock=system_clock)
    yield store
    store.close()


@pytest.fixture(params=["filesystem", pytest.param("s3", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    """Each implementation of `ObjectStore` in turn, empty."""
    chosen: ObjectStore = request.getfixturevalue(f"{request.param}_store")
    return chosen


# Time is no part of any property here: a loaded machine must not fail a correct one.
hypothesis.settings.register_profile("muniment", deadline=None)
hypothesis.settings.load_profile("muniment")


@pytest.fixture(autouse=True)
def _logging_of_its_own() -> Iterator[None]:
    """Let no test log as the one before it asked to."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
