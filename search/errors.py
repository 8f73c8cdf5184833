"""Every error the search engine raises.

```
SearchError
├── QueryError            the query text is wrong: the person asking changes it
├── QueryTooBroad         more than one answer may cost: the person asking narrows it
├── IndexUnavailable      no index, or it cannot be used: an operator looks
│   ├── IndexBusy         another process writes it: read it, or try later
│   └── IndexMissing      there is none at this place: whoever writes it creates it
└── RebuildNeeded         the index cannot be trusted: build it anew from the log
    ├── IndexDamaged      its files are missing, cut short or inconsistent
    └── IndexOutdated     another analyzer or layout wrote it
```

An index is derived from the log and disposable, so `RebuildNeeded` costs time, never data.
"""

import unicodedata
from collections.abc import Sequence

import regex  # type: ignore[import-untyped]  # ships no types

_EXCERPT = 60
"""Characters of a long query shown on either side of the fault."""

_LONGEST_SHOWN = 600
"""Characters of a suggestion that an error's text repeats."""


class SearchError(Exception):
    """Root of every error of the search engine."""


class QueryError(SearchError):
    """The query is not in the language. Nothing was searched.

    `message` says what is wrong, `position` is the 0-based index of the character of `text` it is
    about (`len(text)` for "at the end"), `suggestions` are queries one of which may be what was
    meant; those of `search.grammar.parse` can be searched as they stand.
    The error's text shows the query with a caret under that character.
    """

    def __init__(
        self, message: str, *, text: str, position: int, suggestions: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.text = text
        self.position = position
        self.suggestions = tuple(suggestions)

    def __reduce__(self) -> tuple[object, ...]:
        return _query_error, (self.message, self.text, self.position, self.suggestions)

    def __str__(self) -> str:
        before, at, after = self.around()
        lines = [self.message, f"  {before}{at}{after}", f"  {' ' * _columns(before)}^"]
        lines += [
            f"{'or:' if number else 'Try:'} {suggestion}"
            for number, suggestion in enumerate(self.suggestions)
            if len(suggestion) <= _LONGEST_SHOWN
        ]
        return "\n".join(lines)

    def around(self) -> tuple[str, str, str]:
        """Return one line of the query: before the fault, the character at fault, and after it.

        The character is one as people count: a letter with its marks, an emoji with its joiners;
        it is empty at the end of the query. Of a long query only what stands near is returned.
        """
        before = self.text[max(0, self.position - _EXCERPT) : self.position]
        after = self.text[self.position : self.position + _EXCERPT]
        character = regex.match(r"\X?", after).group()
        return _one_line(before), _one_line(character), _one_line(after[len(character) :])


class QueryTooBroad(SearchError):  # noqa: N818 - reads as what it means, like the rest of Muniment
    """The query would cost more than one answer may: nothing was answered, and never a part of it.

    The message says which limit of `search.limits` was met and how the query can be narrowed.
    """


class IndexUnavailable(SearchError):  # noqa: N818 - reads as what it means, like the rest of Muniment
    """There is no index at this place, another process writes it, or the disk refused."""


class IndexBusy(IndexUnavailable):
    """Another process writes the index; this one may read it."""


class IndexMissing(IndexUnavailable):
    """There is no index at this place; whoever writes it creates it."""


class RebuildNeeded(SearchError):  # noqa: N818
    """The index cannot be trusted. Open it with `anew=True` and index the log from 0."""


class IndexDamaged(RebuildNeeded):
    """Files of the index are missing, cut short or do not belong together."""


class IndexOutdated(RebuildNeeded):
    """The index was written by another analyzer version or with another layout: `layout`."""

    def __init__(self, message: str, *, layout: str = "") -> None:
        super().__init__(message)
        self.layout = layout


def _query_error(
    message: str, text: str, position: int, suggestions: tuple[str, ...]
) -> QueryError:
    return QueryError(message, text=text, position=position, suggestions=suggestions)


def _one_line(text: str) -> str:
    return "".join(
        " " if char.isspace() or unicodedata.category(char) == "Cc" else char for char in text
    )


def _columns(text: str) -> int:
    """Return the terminal columns `text` fills, so that the caret stands under its character."""
    return sum(map(_width, regex.findall(r"\X", text)))


def _width(character: str) -> int:
    """Return the columns of one character as people count them (UAX #11; emoji are wide)."""
    flag = len(character) > 1 and "\U0001f1e6" <= character[0] <= "\U0001f1ff"
    if (
        flag
        or "\ufe0f" in character
        or any(unicodedata.east_asian_width(c) in "WF" for c in character)
    ):
        return 2
    return int(any(unicodedata.category(char) not in {"Mn", "Me", "Cf"} for char in character))
