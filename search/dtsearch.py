"""Queries of dtSearch, which Relativity and many others search with.

Source: dtSearch's published syntax, as Relativity and Exterro document it. What its options decide
(stemming or fuzziness for all words, hyphens, an alphabet of its own) no text says, and is not
assumed.
"""

import re
from collections.abc import Sequence
from datetime import UTC, tzinfo
from itertools import zip_longest
from typing import NamedTuple

from search.foreign import RESERVED
from search.lexemes import QUOTES
from search.noise import NOISE
from search.translation import Translated, Translation

_LEXEME = re.compile(
    rf"(?P<open>\()|(?P<close>\))|(?P<quoted>[{QUOTES}][^{QUOTES}]*[{QUOTES}])"
    rf"|(?P<word>[^\s(){QUOTES}]+)|(?P<stray>[{QUOTES}])"
)
_NEAR = re.compile(r"(?:w|pre)/[0-9]+", re.IGNORECASE)
# In quotes too, where a sign that is not searched would be lost without a word.
_SIGN_IN_QUOTES = re.compile(r"[~=]|[^\W\d_]%|%[^\W\d_]|(?<=\w)&(?!\S)|(?<!\S)#")
_OTHERS_NEAR = re.compile(
    r"(?:near|n|w|p|pre|within|adj|around)/(?:in|s|p|sent|para|[0-9]*)|/(?:s|p|[0-9]+)",
    re.IGNORECASE,
)
_RECOGNISERS = frozenset({"date", "mail", "creditcard"})
_CONNECTORS = {
    "contains": "contains searches in a field; fields are written from:acme here, and compared as "
    "a whole.",
    "to": "to makes a range; dates are written posted:2026-03-01..2026-03-31 here, and the word "
    'itself "to".',
}
_STRAIGHT = '"'


class _Lexeme(NamedTuple):
    kind: str
    text: str
    start: int
    end: int

    @property
    def connector(self) -> str:
        """The connector this word is, in lower case; empty for others."""
        word = self.text.lower()
        is_one = self.kind == "word" and (
            word in {"and", "or", "not", "contains", "to"} or _NEAR.fullmatch(word)
        )
        return word if is_one else ""


def translate(text: str, *, zone: tzinfo = UTC) -> Translated:
    """Return a dtSearch query in this language; its dates are days in `zone`.

    Words side by side are a phrase there. Noise words, which dtSearch leaves out, are searched.

    Raises:
        QueryError: it is none, mixes connectors without brackets, or uses what this language has
            no word for: phonic and synonym search, regular expressions, ranges of numbers, digits,
            `xfirstword` beside other words, `not w/`, fields, recognisers, weights. It points at
            the character.
    """
    translation = Translation(text, "dtSearch")
    found = _lexemes(text, translation)
    _refuse_operators(found, translation)
    at = 0
    while at < len(found):
        lexeme = found[at]
        if lexeme.kind in {"open", "close"}:
            translation.put(lexeme.text, lexeme.start, lexeme.end)
            at += 1
        elif lexeme.connector:
            word = lexeme.text.lower() if "/" in lexeme.text else lexeme.text.upper()
            translation.put(word, lexeme.start, lexeme.end)
            at += 1
        else:
            run = _run(found[at:])
            _put_words(run, translation)
            at += len(run)
    return translation.read(zone)


def _lexemes(text: str, translation: Translation) -> list[_Lexeme]:
    found = []
    for match in _LEXEME.finditer(text):
        if match.lastgroup == "stray":
            translation.refuse("this quote is not closed.", match.start())
        found.append(_Lexeme(match.lastgroup or "", match.group(), *match.span()))
    return found


def _refuse_operators(found: Sequence[_Lexeme], translation: Translation) -> None:
    for before, lexeme, following in zip_longest((None, *found)[: len(found)], found, found[1:]):
        if lexeme.connector == "not" and following and _NEAR.fullmatch(following.text):
            translation.refuse(
                f"not {following.text} is not part of this language. To leave out records "
                "where they stand near each other, write AND NOT (one w/5 other).",
                lexeme.start,
            )
        if why := _CONNECTORS.get(lexeme.connector):
            translation.refuse(why, lexeme.start)
        if lexeme.kind == "word" and lexeme.text.lower() == "andany":
            translation.refuse(
                "andany marks words that need not be there; leave it and them out, for they find "
                "no more.",
                lexeme.start,
            )
        if lexeme.text.lower() in RESERVED and (_is_beside(before) or _is_beside(following)):
            translation.refuse(
                f"{lexeme.text} (the first or last word of a text) beside other words is not part "
                "of this language; alone it is has:text.",
                lexeme.start,
            )
        if (
            lexeme.text.lower() in _RECOGNISERS
            and following is not None
            and following.kind == "open"
            and following.start == lexeme.end
        ):
            translation.refuse(
                f"{lexeme.text}() recognises kinds of values; this language does not.",
                lexeme.start,
            )


def _is_beside(other: _Lexeme | None) -> bool:
    """Return whether what stands before or behind a word says where in the text it has to be."""
    if other is None or other.kind in {"open", "close"}:
        return False
    return other.connector not in {"and", "or", "not"}


def _run(found: Sequence[_Lexeme]) -> Sequence[_Lexeme]:
    """Return the words and quoted texts that stand side by side from the first on."""
    for number, lexeme in enumerate(found):
        if lexeme.kind not in {"word", "quoted"} or lexeme.connector:
            return found[:number]
    return found


def _put_words(run: Sequence[_Lexeme], translation: Translation) -> None:
    """Add one word, or the phrase that several make without quotes."""
    start, end = run[0].start, run[-1].end
    run = [piece for lexeme in run for piece in _taken_apart(lexeme, translation)]
    for lexeme in run[1:]:
        if lexeme.kind == "word" and _OTHERS_NEAR.fullmatch(lexeme.text):
            translation.refuse(
                f"{lexeme.text} is no connector of dtSearch, which would search for it as words; "
                "words near each other are written w/5, or pre/5 in this order.",
                lexeme.start,
            )
    words = [_operand(lexeme, translation) for lexeme in run]
    for lexeme in run:
        _note_noise(lexeme, translation)
    if len(words) == 1:
        translation.put(words[0], start, end)
        return
    translation.note("Words side by side are a phrase in dtSearch.", start, end)
    if all(
        lexeme.text.strip(QUOTES) == word.strip(_STRAIGHT)
        for lexeme, word in zip(run, words, strict=True)
    ):
        phrase = " ".join(word.strip(_STRAIGHT) for word in words)
        translation.put(f'"{phrase}"', start, end)
        return
    # A phrase cannot hold stems or similar words; directly after each other says the same.
    near = words[0]
    for number, word in enumerate(words[1:]):
        near = f"({near}) pre/1 {word}" if number else f"{near} pre/1 {word}"
    translation.put(f"({near})", start, end)


def _taken_apart(lexeme: _Lexeme, translation: Translation) -> Sequence[_Lexeme]:
    """Return the words of a quoted text in which signs stand for something, else what it is."""
    if lexeme.kind != "quoted":
        return (lexeme,)
    inside, start = lexeme.text[1:-1], lexeme.start + 1
    if inside.startswith("##"):
        translation.refuse(
            "## is a regular expression, and those are not part of this language.", start
        )
    if not _SIGN_IN_QUOTES.search(inside):
        return (lexeme,)
    found = re.finditer(r"\S+", inside)
    return [_Lexeme("word", each[0], start + each.start(), start + each.end()) for each in found]


def _operand(lexeme: _Lexeme, translation: Translation) -> str:
    """Return one word or quoted text as it is written here."""
    text = lexeme.text
    if lexeme.kind == "quoted":
        inside = text[1:-1]
        if text[0] != _STRAIGHT or text[-1] != _STRAIGHT:
            translation.note("Typographic quotes are read as quotes.", lexeme.start, lexeme.end)
        return f'"{inside}"'
    _refuse_signs(lexeme, translation)
    if lexeme.connector:  # it stood in quotes
        return f'"{text}"'
    if text.lower() in RESERVED:
        translation.note(
            f"{text} is in every text that has a word, and is read as has:text. Emoji are words "
            "here, and in dtSearch mostly not.",
            lexeme.start,
            lexeme.end,
        )
        return "has:text"
    if "%" in text:
        return _similar(lexeme, translation)
    if text.endswith("~"):
        translation.note(
            "~ is read as stem:, which finds other forms by the rules of the Snowball stemmer; "
            "dtSearch has rules of its own, so the forms may differ.",
            lexeme.start,
            lexeme.end,
        )
        return f"stem:{text[:-1]}"
    if text[0] in "@$":
        translation.note(
            f"{text} is one word here, sign included; dtSearch mostly leaves the sign out.",
            lexeme.start,
            lexeme.end,
        )
    return text


_PHONIC = (
    "# (words that sound alike) is not part of this language. For a hashtag leave out the sign; a "
    "word finds its hashtag too."
)
_SIGNS = (
    (re.compile(r"^##?"), _PHONIC),
    (re.compile(r"(?<=\w)&$"), "& (synonyms) is not part of this language; write (one OR other)."),
    (re.compile(r"~~"), "~~ (a range of numbers) is not part of this language."),
    (re.compile(r"~(?=.)"), "~ (other forms of a word) stands at its end only."),
    (re.compile(r"="), "= (any digit) is not part of this language; ? is any one letter or digit."),
    (re.compile(r"(?<=[^\W\d]):-?[0-9]+$"), ": and a weight is not part of this language."),
    (
        re.compile(r"(?<=^[^\W\d]{2}):|(?<=[^\W\d]{3}):"),
        ": makes no field in dtSearch; for words next to each other, put a space there.",
    ),
)


def _refuse_signs(lexeme: _Lexeme, translation: Translation) -> None:
    if re.match(r"(?i)https?:|www\.", lexeme.text):
        return
    for pattern, message in _SIGNS:
        if found := pattern.search(lexeme.text):
            translation.refuse(message, lexeme.start + found.start())


def _similar(lexeme: _Lexeme, translation: Translation) -> str:
    text = lexeme.text
    if text.count("%") > 1:
        translation.refuse(
            "% stands for one difference; more than one are not part of this language.",
            lexeme.start + text.index("%"),
        )
    word = text.replace("%", "")
    translation.note(
        f"{text} is read as {word}~1: one letter added, left out, changed or swapped, anywhere in "
        "the word. dtSearch keeps the letters before % as they are, so more may be found.",
        lexeme.start,
        lexeme.end,
    )
    return f"{word}~1"


def _note_noise(lexeme: _Lexeme, translation: Translation) -> None:
    for word in lexeme.text.strip(QUOTES).split():
        if word.lower() in NOISE:
            translation.note(
                f"{word.lower()} is a noise word, which dtSearch does not search; here it is "
                "searched like any other.",
                lexeme.start,
                lexeme.end,
            )
