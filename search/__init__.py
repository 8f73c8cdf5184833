"""The search engine: one meaning of a query, several engines that must agree with it.

Read in this order:

- `search.analyzer`: what a token is. Documents, queries and highlights use the same function.
- `search.query`: the tree a query becomes, with what each node finds; `search.patterns` and
  `search.stemming` say what words that stand for many find.
- `search.grammar`: the language, read strictly. `search.lexemes` cuts a text, `search.operands`,
  `search.wildcards` and `search.fields` read its parts, `search.foreign` knows what other languages
  write, `search.bracketing` what may have been meant. `search.normal_form` writes a tree as text.
- `search.dtsearch`, `search.kql`, `search.vault`: the same text in those languages, translated or
  refused. `search.linting`: what a careful reader would remark on a query.
- `search.document`: what is searched: one per record, built by a pure function.
- `search.matcher`: the definition of truth: a query is made ready once (`prepared`) and tells of
  any document whether it finds it. `search.positions` looks for words in a text, `search.pairs` for
  two that are near each other, `search.proximity` for nested ones, in time that grows with the
  text. The same definition, written naively, is `tests.fakes.naive_matcher`.
- `search.marks`: where in a text a query found its words. `search.calendar`: buckets of time.
- `search.analyzer_comparison`: what a new version of the analyzer changes: tokens, posts, queries.
- `search.index`: the protocol an engine fulfils; `search.engines` holds the engines.

Nothing here knows the archive, its database or its log: a record is a number and some values.
Engines are accelerators. An answer that differs from the matcher's is a defect of the engine.
"""

from search.marks import Mark, marking, marks, merged

__all__ = ["Mark", "marking", "marks", "merged"]
