"""Engines are opened by URL, and nobody pays for one that no URL names."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest

from search.engines import opening
from search.errors import IndexUnavailable

LIBRARIES = {"tantivy", "whoosh", "opensearchpy"}
OPENED = """
import sys
from search.engines.opening import open_reader, open_writer
open_writer(sys.argv[1]).close()
open_reader(sys.argv[1]).close()
print(*sys.modules)
"""


@pytest.mark.parametrize("engine", ["tantivy", "whoosh"])
def test_only_the_library_of_the_engine_that_is_opened_is_imported(
    engine: str, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", OPENED, f"{engine}:{tmp_path / 'index'}"]
    root = Path(opening.__file__).parents[2]
    ended = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True)
    assert LIBRARIES & set(ended.stdout.split()) == {engine}


@pytest.mark.parametrize("engine", ["tantivy", "whoosh"])
def test_an_index_built_anew_by_its_url_is_empty(engine: str, tmp_path: Path) -> None:
    url = f"{engine}:{tmp_path / 'index'}"
    with closing(opening.open_writer(url)) as index:
        index.commit(7)
    with closing(opening.open_reader(url)) as reader, reader.snapshot() as snapshot:
        assert snapshot.watermark == 7
    with closing(opening.open_writer(url, anew=True)) as index:
        assert index.watermark == 0


def test_an_engine_is_named_with_the_version_of_its_package() -> None:
    assert opening.engine_name("tantivy:/x") == f"tantivy {version('tantivy')}"
    assert opening.engine_name("whoosh:/x") == f"whoosh3 {version('whoosh3')}"
    assert opening.engine_name("opensearch+http://never-asked.example/a") == "OpenSearch"


@pytest.mark.parametrize("opened", [opening.open_writer, opening.open_reader, opening.engine_name])
@pytest.mark.parametrize("url", ["", "tantivy", "tantivy:", "lucene:/x", "/x", "://", "\0:\0"])
def test_what_names_no_engine_is_told_with_what_would(
    opened: Callable[[str], object], url: str
) -> None:
    with pytest.raises(IndexUnavailable, match="tantivy:/path/to/folder"):
        opened(url)
