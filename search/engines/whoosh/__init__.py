"""An embedded engine in pure Python, for small archives: Whoosh, kept away from disk and meaning.

Whoosh keeps which document has which token, and merges that. Everything it was found wrong or
careless in is done here instead, so that its answers are as exact as any other engine's:

- `schema`: documents as tokens and columns; it analyses nothing.
- `segment`: some documents built and read in memory. It never sees a file, so it never refreshes
  a searcher (which counts merged documents twice) and never forgets to flush one.
- `compiler`: query trees as marks on documents. It parses nothing and runs none of its queries.
- `snapshot`: answers. `catalogue`: what a commit says, with digests. `directory`: opens, writes;
  `merging`: what a commit makes one.

`open_writer` and `open_reader` are all a caller needs. Decision and measurements: ADR 0032.
"""

from search.engines.whoosh.directory import WhooshIndex, WhooshReader, open_reader, open_writer

__all__ = ["WhooshIndex", "WhooshReader", "open_reader", "open_writer"]
