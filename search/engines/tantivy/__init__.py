"""The embedded default engine: tantivy, a Rust library, in this process.

`open_writer` and `open_reader` are all a caller needs. `schema` lays documents out, `compiler`
turns a query tree into a tantivy query, `snapshot` answers, `counts` counts by value and time,
`kept` remembers what was worked out from one state, `directory` opens, writes and rebuilds.

What the choices rest on was measured with tantivy 0.27:

- Its query parser and analyzers are never used: they reinterpret input. Tokens arrive joined by
  spaces, and the whitespace tokenizer is registered on every open, because it is not stored.
- A commit carries no payload, so watermark and layout stand in a **state document** that each
  commit replaces. Every query that could find it by negation excludes it.
- A deletion costs a look-up in every segment. Log indices only grow, so `add` deletes first only
  where a number is not above all earlier ones: in a replay, never in normal work.
- It orders by one field and breaks ties by position, which merges change; see `snapshot`.
"""

from search.engines.tantivy.directory import TantivyIndex, TantivyReader, open_reader, open_writer

__all__ = ["TantivyIndex", "TantivyReader", "open_reader", "open_writer"]
