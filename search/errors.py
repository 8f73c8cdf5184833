"""Every error the search engine raises.

```
SearchError
├── QueryError            the query text is wrong: the person asking changes it
├── QueryTooBroad         more than one answer may cost: the person asking narrows it
├── IndexUnavailable      no index, or it cannot be used: an operator looks
│   └── IndexBusy         another process writes it: read it, or try later
└── RebuildNeeded         the index cannot be trusted: build it anew from the log
    ├── IndexDamaged      its files are missing, cut short or inconsistent
    └── IndexOutdated     another analyzer or layout wrote it
```

An index is derived from the log and disposable, so `RebuildNeeded` costs time, never data.
"""

import unicodedata

_EXCERPT = 60
"""Characters of a long query shown on either side of the fault."""


class SearchError(Exception):
    """Root of every error of the search engine."""


class QueryError(SearchError):
    """The query is not in the language. Nothing was searched.

    `message` says what is wrong, `position` is the 0-based index of the character of `text` it is
    about (`len(text)` for "at the end"), `suggestion` a query that may be what was meant, or "".
    The error's text shows the query with a caret under that character.
    """

    def __init__(self, message: str, *, text: str, position: int, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.position = position
        self.suggestion = suggestion

    def __reduce__(self) -> tuple[object, ...]:
        return _query_error, (self.message, self.text, self.position, self.suggestion)

    def __str__(self) -> str:
        start = max(0, self.position - _EXCERPT)
        before = _one_line(self.text[start : self.position])
        after = _one_line(self.text[self.position : self.position + _EXCERPT])
        lines = [self.message, f"  {before}{after}", f"  {' ' * _columns(before)}^"]
        if self.suggestion:
            lines.append(f"Try: {self.suggestion}")
        return "\n".join(lines)


class QueryTooBroad(SearchError):  # noqa: N818 - reads as what it means, like the rest of Muniment
    """The query would cost more than one answer may: nothing was answered, and never a part of it.

    The message says which limit of `search.limits` was met and how the query can be narrowed.
    """


class IndexUnavailable(SearchError):  # noqa: N818 - reads as what it means, like the rest of Muniment
    """There is no index at this place, another process writes it, or the disk refused."""


class IndexBusy(IndexUnavailable):
    """Another process writes the index; this one may read it."""


class RebuildNeeded(SearchError):  # noqa: N818
    """The index cannot be trusted. Open it with `anew=True` and index the log from 0."""


class IndexDamaged(RebuildNeeded):
    """Files of the index are missing, cut short or do not belong together."""


class IndexOutdated(RebuildNeeded):
    """The index was written by another analyzer version or with another layout."""


def _query_error(message: str, text: str, position: int, suggestion: str) -> QueryError:
    return QueryError(message, text=text, position=position, suggestion=suggestion)


def _one_line(text: str) -> str:
    return "".join(" " if char.isspace() else char for char in text)


def _columns(text: str) -> int:
    """Return the terminal columns `text` fills, so that the caret stands under its character."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)
