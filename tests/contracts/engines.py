"""The engines that random queries are compared on: each opens an index in an empty folder."""

from collections.abc import Callable
from pathlib import Path

from search.engines import tantivy, whoosh
from search.index import Index
from tests.fakes.memory_index import MemoryDirectory, MemoryIndex

ENGINES: dict[str, Callable[[Path], Index]] = {
    "tantivy": tantivy.open_writer,
    "whoosh": whoosh.open_writer,
    "memory": lambda _: MemoryIndex(MemoryDirectory()),
}
