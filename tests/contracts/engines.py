"""The engines that random queries are compared on: each opens an index in an empty folder."""

from collections.abc import Callable
from pathlib import Path

from search.engines import opensearch, tantivy, whoosh
from search.index import Index
from tests.fakes.memory_index import MemoryDirectory, MemoryIndex
from tests.fakes.opensearch_server import fresh_url

ENGINES: dict[str, Callable[[Path], Index]] = {
    "tantivy": tantivy.open_writer,
    "whoosh": whoosh.open_writer,
    "opensearch": lambda _: opensearch.open_writer(fresh_url()),
    "memory": lambda _: MemoryIndex(MemoryDirectory()),
}
