"""Archived text as fragments a template can show safely: plain, hit, or a control made visible.

Post text is an attacker's to choose. Escaping is the template's; what escaping does not cover is
done here: bidirectional controls can make a line read backwards and invisible characters can hide
words, so each is shown by its code point instead of taking effect. The stored bytes are untouched.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

_KEPT = frozenset("\n\t\u200c\u200d")  # joiners spell words and emoji
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Co"})


class Kind(StrEnum):
    """What a fragment is."""

    PLAIN = "plain"
    HIT = "hit"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A run of text of one kind. Of a control, `text` is `U+202E` and `name` its Unicode name.

    `number` counts the hits of a text from 1, where one begins.
    """

    kind: Kind
    text: str
    name: str = ""
    number: int = 0


def fragments(text: str, hits: Sequence[tuple[int, int]] = ()) -> tuple[Fragment, ...]:
    """Return `text` cut into fragments; `hits` are ascending (start, end) offsets, not overlapping.

    Offsets beyond the text are ignored.
    """
    found: list[Fragment] = []
    at = 0
    for number, (start, end) in enumerate(hits, 1):
        if not at <= start < end <= len(text):
            continue
        found += _runs(text[at:start], Kind.PLAIN)
        found += _numbered(_runs(text[start:end], Kind.HIT), number)
        at = end
    found += _runs(text[at:], Kind.PLAIN)
    return tuple(found)


def excerpt(
    text: str, hits: Sequence[tuple[int, int]], *, length: int = 280
) -> tuple[Fragment, ...]:
    """Return about `length` characters around the first hit, with `…` where text was left out."""
    first = hits[0][0] if hits else 0
    start = max(0, min(first - length // 4, len(text) - length))
    end = min(len(text), start + length)
    inside = [(a - start, min(b, end) - start) for a, b in hits if start <= a < end]
    before = (Fragment(Kind.PLAIN, "… "),) if start else ()
    after = (Fragment(Kind.PLAIN, " …"),) if end < len(text) else ()
    return (*before, *fragments(text[start:end], inside), *after)


def legible(text: str) -> str:
    """Return text for where there are no elements (titles, attributes), controls by code point."""
    return "".join(f"[U+{ord(char):04X}]" if is_hidden(char) else char for char in text)


def is_hidden(char: str) -> bool:
    """Return whether a character is shown by its code point instead of taking effect."""
    return char not in _KEPT and unicodedata.category(char) in _HIDDEN


def _numbered(runs: Iterable[Fragment], number: int) -> Iterator[Fragment]:
    for run in runs:
        if run.kind is Kind.HIT:
            yield replace(run, number=number)
            number = 0
        else:
            yield run


def _runs(text: str, kind: Kind) -> Iterator[Fragment]:
    if text.isprintable():  # most texts are, and a page of hits has ten thousand characters
        if text:
            yield Fragment(kind, text)
        return
    start = 0
    for position, char in enumerate(text):
        if not is_hidden(char):
            continue
        if position > start:
            yield Fragment(kind, text[start:position])
        yield Fragment(Kind.CONTROL, f"U+{ord(char):04X}", unicodedata.name(char, "control"))
        start = position + 1
    if start < len(text):
        yield Fragment(kind, text[start:])
