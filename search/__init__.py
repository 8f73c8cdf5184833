"""The search engine: one meaning of a query, several engines that must agree with it.

Read in this order:

- `search.analyzer`: what a token is. Documents, queries and highlights use the same function.
- `search.query`: the tree a query becomes, and its normal form. `search.grammar` reads the text.
- `search.document`: what is searched: one per record, built by a pure function.
- `search.matcher`: the definition of truth, one pure function.
- `search.marks`: where in a text a query found its words. `search.calendar`: buckets of time.
- `search.index`: the protocol an engine fulfils; `search.engines` holds the engines.

Nothing here knows the archive, its database or its log: a record is a number and some values.
Engines are accelerators. An answer that differs from the matcher's is a defect of the engine.
"""

from search.marks import Mark, marks, merged

__all__ = ["Mark", "marks", "merged"]
