"""What a careful reader would remark on a query before relying on its numbers.

A query that is refused has one finding, the refusal. One that can be read may still not be what its
author means; those findings change nothing.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from enum import StrEnum
from typing import NamedTuple

from search.analyzer import tokens
from search.errors import QueryError
from search.grammar import parse
from search.lexemes import Kind, Lexeme, lexemes
from search.noise import NOISE
from search.query import And, Field, FieldName, Not, Or, Query, is_words
from search.wildcards import SIGNS, given

LONGEST_TERM = 450
"""Characters of a term of a report: Relativity's limit, where terms are exchanged."""

_SHORT_PREFIX = 3
_CURLY = re.compile("[“”„‟＂]")  # noqa: RUF001
_MEANS_MUCH = re.compile(r"[%#+$€£¥&]")
_DELETED = Field(FieldName.CHANGE, "deleted")
_LAST_QUESTION = re.compile(r"\w\?(?=[\s.,!]|$)")
_OPERATOR_IN_QUOTES = re.compile(r"(?<!\S)(?:AND|OR|NOT)(?!\S)")


class Severity(StrEnum):
    """`ERROR`: it cannot be searched. `WARNING`: it may not mean that. `NOTE`: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Rule(StrEnum):
    """What a finding is about."""

    UNREADABLE = "unreadable"
    SMART_QUOTES = "smart-quotes"
    NOISE_WORD = "noise-word"
    SHORT_WILDCARD = "short-wildcard"
    LEADING_WILDCARD = "leading-wildcard"
    QUESTION_MARK = "question-mark"
    OPERATOR_IN_QUOTES = "operator-in-quotes"
    TOO_LONG = "too-long"
    FIELD_IN_TERM = "field-in-term"
    ONLY_NOT = "only-not"
    WORDS_OF_DELETED = "words-of-deleted"
    LOST_SIGN = "lost-sign"


class Finding(NamedTuple):
    """One remark about `text[position:end]`; `suggestions` are queries without it."""

    rule: Rule
    severity: Severity
    message: str
    position: int
    end: int
    suggestions: tuple[str, ...] = ()


def lint(text: str, *, zone: tzinfo = UTC, report: bool = False) -> tuple[Finding, ...]:
    """Return what is to be remarked on a query, by where it stands; nothing on most.

    With `report`, the query is one term of a search term report, which has no fields and a length.
    """
    try:
        tree = parse(text, zone=zone)
        pieces = lexemes(text)
    except QueryError as error:
        end = error.position + len(error.around()[1])
        unreadable = Finding(
            Rule.UNREADABLE,
            Severity.ERROR,
            error.message,
            error.position,
            end,
            error.suggestions,
        )
        return (*_of_text(text, report=report), unreadable)
    found = [*_of_text(text, report=report), *_of_tree(tree, text), *_of_deleted(tree, pieces)]
    for piece in pieces:
        found += _of_piece(piece, report=report)
    return tuple(sorted(found, key=lambda finding: (finding.position, finding.rule)))


def _of_text(text: str, *, report: bool) -> Iterator[Finding]:
    if curly := _CURLY.search(text):
        yield Finding(
            Rule.SMART_QUOTES,
            Severity.NOTE,
            "Typographic quotes are read as quotes. A word processor may have changed other signs "
            "too: compare the query with its source.",
            curly.start(),
            curly.end(),
            (_CURLY.sub('"', text),),
        )
    if report and len(text) > LONGEST_TERM:
        yield Finding(
            Rule.TOO_LONG,
            Severity.WARNING,
            f"The term has {len(text):,} characters; more than {LONGEST_TERM} cannot be exchanged "
            "with other systems. Divide it where an OR stands.",
            LONGEST_TERM,
            len(text),
        )


def _of_tree(tree: Query, text: str) -> Iterator[Finding]:
    if _is_negative(tree):
        yield Finding(
            Rule.ONLY_NOT,
            Severity.WARNING,
            "It finds every record but some. Say with AND what is searched for.",
            0,
            len(text),
        )


def _of_deleted(tree: Query, pieces: Sequence[Lexeme]) -> Iterator[Finding]:
    if not _asks_words_of_deleted(tree):
        return
    deleted = (piece for piece in pieces if piece.name == "is" and piece.value.lower() == "deleted")
    for piece in deleted:
        yield Finding(
            Rule.WORDS_OF_DELETED,
            Severity.WARNING,
            "A deletion is a record of its own, and few platforms send the text with it: the words "
            "stand in the versions before. Search for the words alone, and open a hit to see what "
            "became of the post.",
            piece.start,
            piece.end,
        )


def _asks_words_of_deleted(tree: Query) -> bool:
    match tree:
        case And(parts):
            deleted = any(part == _DELETED for part in parts)
            return (deleted and any(map(_has_words, parts))) or any(
                map(_asks_words_of_deleted, parts)
            )
        case Or(parts):
            return any(map(_asks_words_of_deleted, parts))
        case _:
            return False


def _has_words(tree: Query) -> bool:
    """Return whether words must be found: those that must not be, a record without any lacks."""
    match tree:
        case And(parts) | Or(parts):
            return any(map(_has_words, parts))
        case _:
            return is_words(tree)


def _is_negative(tree: Query) -> bool:
    match tree:
        case Not():
            return True
        case Or(parts):
            return any(map(_is_negative, parts))
        case And(parts):
            return all(map(_is_negative, parts))
        case _:
            return False


def _of_piece(piece: Lexeme, *, report: bool) -> Iterator[Finding]:
    match piece.kind:
        case Kind.WORD:
            yield from _of_word(piece.value, piece.start)
        case Kind.QUOTED:
            yield from _of_quoted(piece)
        case Kind.FIELD if report and piece.name != "stem":
            yield Finding(
                Rule.FIELD_IN_TERM,
                Severity.WARNING,
                f"{piece.name}: in a term makes its numbers hard to compare with those of others; "
                "restrict the whole report instead.",
                piece.start,
                piece.end,
            )
        case _:
            return


def _of_word(word: str, start: int) -> Iterator[Finding]:
    if word.lower() in NOISE:
        yield Finding(
            Rule.NOISE_WORD,
            Severity.WARNING,
            f"{word} stands in most texts. Other systems leave it out; here it is searched.",
            start,
            start + len(word),
        )
    if not any(sign in word for sign in SIGNS) or word.startswith(("http:", "https:")):
        yield from _of_sign(word, start)
        return
    if word[0] in SIGNS:
        yield Finding(
            Rule.LEADING_WILDCARD,
            Severity.WARNING,
            f"{word} begins with {word[0]}: every word of the archive is compared, and the answer "
            "is slow and wide. Look at what it stands for.",
            start,
            start + 1,
        )
    elif given(re.split(r"[*?]", word)[0]) < _SHORT_PREFIX:
        yield Finding(
            Rule.SHORT_WILDCARD,
            Severity.WARNING,
            f"{word} gives fewer than {_SHORT_PREFIX} letters before the sign, and finds many "
            "words. Look at what it stands for.",
            start,
            start + len(word),
        )


def _of_sign(word: str, start: int) -> Iterator[Finding]:
    found = tokens(word)
    lost = [at for at, char in enumerate(word) if _MEANS_MUCH.match(char)]
    if len(found) != 1 or not lost or _MEANS_MUCH.search(found[0]) or "~" in word:
        return
    at = start + lost[0]
    yield Finding(
        Rule.LOST_SIGN,
        Severity.NOTE,
        f"{word[lost[0]]} separates words and is not searched: {word} is searched as {found[0]}.",
        at,
        at + 1,
    )


def _of_quoted(piece: Lexeme) -> Iterator[Finding]:
    for mark in _LAST_QUESTION.finditer(piece.value):
        at = piece.inside + mark.start() + 1
        yield Finding(
            Rule.QUESTION_MARK,
            Severity.WARNING,
            "? stands for one letter, in quotes too. Leave it out if the sentence ends here.",
            at,
            at + 1,
        )
    for operator in _OPERATOR_IN_QUOTES.finditer(piece.value):
        yield Finding(
            Rule.OPERATOR_IN_QUOTES,
            Severity.WARNING,
            f"{operator.group()} is a word inside quotes, and no operator.",
            piece.inside + operator.start(),
            piece.inside + operator.end(),
        )
    for number, word in enumerate(re.finditer(r"\S+", piece.value)):
        wild = any(sign in word.group() for sign in SIGNS)
        alone = number == 0 and piece.value.strip() == word.group()
        if alone or (wild and not _LAST_QUESTION.search(word.group())):
            yield from _of_word(word.group(), piece.inside + word.start())
