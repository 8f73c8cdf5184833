"""The search engine: one meaning of a query, several engines that must agree with it.

Read in this order:

- `search.analyzer`: what a token is. Documents, queries and highlights use the same function.
- `search.query`: the tree a query becomes; `search.patterns` and `search.stemming` say what words
  that stand for many find, `search.positions` what being near is.
- `search.grammar`: the language, read strictly. `search.lexemes` cuts a text, `search.operands`,
  `search.wildcards` and `search.fields` read its parts, `search.foreign` knows what other languages
  write, `search.bracketing` what may have been meant. `search.normal_form` writes a tree as text.
- `search.dtsearch`, `search.kql`, `search.vault`: the same text in those languages, translated or
  refused. `search.linting`: what a careful reader would remark on a query.
- `search.document`: what is searched: one per record, built by a pure function.
- `search.matcher`: the definition of truth, one pure function.
- `search.marks`: where in a text a query found its words. `search.calendar`: buckets of time.
- `search.index`: the protocol an engine fulfils; `search.engines` holds the engines.

Nothing here knows the archive, its database or its log: a record is a number and some values.
Engines are accelerators. An answer that differs from the matcher's is a defect of the engine.
"""

from search.marks import Mark, marking, marks, merged

__all__ = ["Mark", "marking", "marks", "merged"]
