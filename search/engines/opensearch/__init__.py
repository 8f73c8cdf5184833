"""The engine for archives that outgrow one machine: an OpenSearch cluster, over HTTP.

`open_writer` and `open_reader` are all a caller needs. Read in this order:

- `place`: what a URL says. `cluster`: the requests, and what every failure means.
- `schema`: how documents are laid out. `compiler`: query trees as OpenSearch queries.
- `state`: what an index says about itself, and which of its documents belong to a commit.
- `generations`: the next index beside the one that answers.
- `lease`: one writer at a time. `writer`, `reader`: the protocols of `search.index`.
- `purging`: no file keeps the words of what was removed.
- `snapshot`, `counts`, `vocabulary`: the answers.

What the choices rest on was run with OpenSearch 2.9 (`deploy/OPENSEARCH.md`, ADR 0033):

- A cluster has no transactions: a bulk request may half arrive, and shards become visible one by
  one. So each document says **since which commit** it counts, the state document says which commit
  is the last, and every question leaves out what does not belong to it.
- Its parsers and analysers are never used. Tokens arrive joined by spaces and are split at them.
- Whatever it might answer approximately or partly is asked so that it is exact or an error.
"""

from search.engines.opensearch.generations import ClusterGenerations
from search.engines.opensearch.reader import OpenSearchReader
from search.engines.opensearch.writer import (
    OpenSearchIndex,
    engine_name,
    open_reader,
    open_writer,
)

__all__ = [
    "ClusterGenerations",
    "OpenSearchIndex",
    "OpenSearchReader",
    "engine_name",
    "open_reader",
    "open_writer",
]
