"""The one place that opens an engine by its URL.

An engine's library is imported only where a URL names it: an archive that keeps to the default
pays for no other.
"""

# ruff: noqa: PLC0415 - each engine is imported where a URL has named it

from functools import cache
from importlib.metadata import version
from pathlib import Path

from search.errors import IndexUnavailable
from search.index import Index, Reader


def open_writer(url: str, *, anew: bool = False) -> Index:
    """Open the index of a URL for writing; create it if there is none.

    `anew` removes an index that is there first: the answer to `RebuildNeeded`.

    Raises:
        IndexBusy: another process writes it.
        IndexUnavailable: it cannot be written, or `url` names no engine.
        IndexDamaged: it is missing parts, cut short or inconsistent.
        IndexOutdated: another analyzer version, layout or version of the engine wrote it.
    """
    engine, place = _parts(url)
    match engine:
        case "tantivy":
            from search.engines import tantivy

            return tantivy.open_writer(Path(place), anew=anew)
        case "whoosh":
            from search.engines import whoosh

            return whoosh.open_writer(Path(place), anew=anew)
        case "opensearch+http" | "opensearch+https":
            from search.engines import opensearch

            return opensearch.open_writer(url, anew=anew)
        case _:
            raise _unknown(url)


def open_reader(url: str) -> Reader:
    """Open the index of a URL for reading.

    Raises:
        IndexUnavailable: there is none yet, or `url` names no engine.
        IndexDamaged, IndexOutdated: as `open_writer`.
    """
    engine, place = _parts(url)
    match engine:
        case "tantivy":
            from search.engines import tantivy

            return tantivy.open_reader(Path(place))
        case "whoosh":
            from search.engines import whoosh

            return whoosh.open_reader(Path(place))
        case "opensearch+http" | "opensearch+https":
            from search.engines import opensearch

            return opensearch.open_reader(url)
        case _:
            raise _unknown(url)


def engine_name(url: str) -> str:
    """Return the engine of a URL and its version, as answers state them; it is not opened.

    Of a server it is the version that it last told this process; only its name before it did.

    Raises:
        IndexUnavailable: `url` names no engine; nothing that is opened later would answer.
    """
    engine, _ = _parts(url)
    if package := _PACKAGES[engine]:
        return f"{package} {_version(package)}"
    from search.engines import opensearch

    return opensearch.engine_name(url)


@cache
def _version(package: str) -> str:
    """Return the version of an installed package; every answer states it, the disk is read once."""
    return version(package)


def ceiling(url: str) -> int | None:
    """Return how many documents the engine of a URL is meant for at most; None: no such number.

    More are answered just as exactly, but ever more slowly. Raises as `engine_name`.
    """
    engine, _ = _parts(url)
    return _CEILINGS.get(engine)


_CEILINGS = {"whoosh": 50_000}
"""Measured: `archiver/decisions/0032-whoosh-is-kept-away-from-disk-and-meaning.md`."""

_PACKAGES = {
    "tantivy": "tantivy",
    "whoosh": "whoosh3",
    "opensearch+http": "",
    "opensearch+https": "",
}
"""The package that is an engine, "" of a server; answers name it, as others have like names."""


def _parts(url: str) -> tuple[str, str]:
    """Return the engine of a URL and where its index is."""
    engine, _, place = url.partition(":")
    if engine not in _PACKAGES or not place:
        raise _unknown(url)
    return engine, place


def _unknown(url: str) -> IndexUnavailable:
    return IndexUnavailable(
        "Expected tantivy:/path/to/folder, whoosh:/path/to/folder or "
        f"opensearch+https://host:9200/name as search URL, found {url!r}."
    )
