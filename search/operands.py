"""Words and quoted texts of a query: from lexeme to tree. `search.fields` reads fields."""

import re
from collections.abc import Sequence
from datetime import tzinfo
from typing import NoReturn

from search import fields, foreign
from search.analyzer import tokens
from search.errors import QueryError
from search.lexemes import Kind, Lexeme
from search.patterns import Pattern
from search.query import Fuzzy, Or, Phrase, Query, Stemmed, Term, Wildcard, Words
from search.wildcards import SIGNS, UnfitSignError, given, pieces

SHORTEST_SIMILAR = 4
"""Letters and digits of a word with ~1: of a shorter one, most words of its length are similar."""

_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_LITERALLY = " To search for the text itself, put it in quotes."
_NEAR = re.compile(r"\b(?:w|pre)/", re.IGNORECASE)
_OPERATORS = frozenset({"and", "or", "not"})
_SIMILAR = re.compile(r"(.+)~([0-9.]*)", re.DOTALL)
_OTHER_QUOTES = re.compile(
    r"[‘'`]([^‘'’`]+)['’`](?!\w)|[«‹「『]([^«»‹›「」『』]+)[»›」』]"  # noqa: RUF001
)


def operand(lexeme: Lexeme, text: str, *, zone: tzinfo, stem: bool = False) -> Query:
    """Return the tree of one word, quoted text or field of the query `text`.

    Raises:
        QueryError: nothing searchable, a sign of another language, an unknown field or a bad value.
    """
    match lexeme.kind:
        case Kind.WORD:
            return _word(lexeme, text, stem=stem)
        case Kind.QUOTED:
            return _quoted(lexeme, text)
        case _ if lexeme.name == "stem":
            return _stemmed(lexeme, text)
        case _:
            return fields.field(lexeme, text, zone=zone)


def _word(lexeme: Lexeme, text: str, *, stem: bool) -> Words:
    word = lexeme.value
    if not word.isalnum():
        if _ADDRESS.match(word):
            _refuse_signs_of_address(lexeme, text)
        elif not _is_mail(word):
            _refuse_signs(lexeme, text)
            if "~" in word:
                return _similar(lexeme, text)
    if any(sign in word for sign in SIGNS):
        return _wild(lexeme, text)
    found = tokens(word)
    if not found:
        _refuse(f"{word} has no letter, digit or emoji to search for.", lexeme, text)
    if len(found) == 1:
        return _term(found[0], lexeme, text, stem=stem)
    # 東京 is two tokens, but #東京 is one: a word finds its hashtag in every script.
    hashtag = tokens(f"#{word}")
    phrase = Phrase(tuple(found))
    return Or((phrase, Term(hashtag[0]))) if len(hashtag) == 1 else phrase


def _term(token: str, lexeme: Lexeme, text: str, *, stem: bool) -> Term | Stemmed:
    if token in _OPERATORS:
        alone = lexeme.value == text.strip()
        _refuse(
            f"Write {token.upper()} in capitals to combine, or in quotes to search for it.",
            lexeme,
            text,
            f'"{lexeme.value}"' if alone else token.upper(),
        )
    if token in foreign.RESERVED:
        _refuse(
            f"{lexeme.value} (the first or last word, in dtSearch) is not part of this language; "
            "posts that hold any word are has:text.",
            lexeme,
            text,
            "" if _NEAR.search(text) else "has:text",  # beside other words it says where they are
        )
    term = Term(token)
    return Stemmed(token) if stem and _has_stem(term) else term


def _has_stem(term: Term) -> bool:
    """Return whether a word is plain: its other forms are words of a language."""
    return len(term.forms) > 1 and any(map(str.isalpha, term.token))


def _stemmed(lexeme: Lexeme, text: str) -> Stemmed:
    found = tokens(lexeme.value)
    if len(found) != 1 or any(sign in lexeme.value for sign in f"{SIGNS}~"):
        _refuse(
            "Expected one word after stem:, whose other forms are found too.",
            lexeme,
            text,
            f"stem:{found[0]}" if len(found) == 1 else "",
            " AND ".join(f"stem:{token}" for token in found) if len(found) > 1 else "",
        )
    if not _has_stem(Term(found[0])):
        plain = tokens(re.sub(r"['’].*|^[#@$]", "", found[0]))  # noqa: RUF001
        _refuse(
            f"Expected a plain word after stem:; {found[0]} finds only itself.",
            lexeme,
            text,
            f"stem:{plain[0]}" if plain else "",
            found[0],
        )
    return Stemmed(found[0])


def _similar(lexeme: Lexeme, text: str) -> Fuzzy:
    read = _SIMILAR.fullmatch(lexeme.value)
    position = lexeme.start + lexeme.value.index("~")
    if read is None:
        _refuse_at("~1 stands at the end of a word, for words one letter away.", position, text)
    word, edits = read.groups()
    found = tokens(word)
    if len(found) != 1 or any(sign in word for sign in f"{SIGNS}~"):
        _refuse_at(
            f"~1 stands after one word without * or ?; {word} is not.",
            position,
            text,
            _replaced(text, lexeme, word),
        )
    if edits != "1":
        _refuse_at(
            "A similar word is written ~1: one letter added, left out, changed or swapped. Other "
            "forms of a word are found by stem:.",
            position,
            text,
            _replaced(text, lexeme, f"{word}~1"),
            _replaced(text, lexeme, f"stem:{word}"),
        )
    if given(found[0]) < SHORTEST_SIMILAR:
        _refuse_at(
            f"~1 needs a word of {SHORTEST_SIMILAR} letters or more; most words of "
            f"{given(found[0])} letters are similar to each other.",
            position,
            text,
            _replaced(text, lexeme, word),
        )
    return Fuzzy(found[0])


def _wild(lexeme: Lexeme, text: str) -> Words:
    found = _pieces(lexeme, text)
    if len(found) == 1:
        return _one(found[0])
    phrase = Phrase(found)
    try:
        hashtag = [piece.token for piece in pieces(f"#{lexeme.value}")]
    except UnfitSignError:
        return phrase
    return Or((phrase, _one(hashtag[0]))) if len(hashtag) == 1 else phrase


def _one(token: str | Pattern) -> Term | Wildcard:
    return Wildcard(token) if isinstance(token, Pattern) else Term(token)


def _quoted(lexeme: Lexeme, text: str) -> Phrase:
    if meant := foreign.signs_in_quotes(lexeme.value):
        _refuse_at(
            meant.message,
            lexeme.inside + meant.at,
            text,
            *(_replaced(text, lexeme, each) for each in meant.instead),
        )
    found = _pieces(lexeme, text)
    if not found:
        _refuse("There is no letter, digit or emoji between these quotes.", lexeme, text)
    return Phrase(found)


def _pieces(lexeme: Lexeme, text: str) -> tuple[str | Pattern, ...]:
    try:
        return tuple(piece.token for piece in pieces(lexeme.value))
    except UnfitSignError as error:
        suggestions = _without_sign(lexeme, error.offset)
        raise QueryError(
            f"{error}.",
            text=text,
            position=lexeme.inside + error.offset,
            suggestions=[_replaced(text, lexeme, each) for each in suggestions],
        ) from error


def _without_sign(lexeme: Lexeme, at: int) -> Sequence[str]:
    """Return what may have been meant by a sign at which nothing can stand for others."""
    before, after = lexeme.value[:at], lexeme.value[at + 1 :]
    if not lexeme.quoted:
        return (before + after,) if before + after else ()
    kept = f"{before}{after}"
    if before.endswith(" ") and after.startswith(" "):  # a word between: "apple * pie"
        one, other = before.strip(), after.strip()
        return (f"{_as_operand(one)} pre/2 {_as_operand(other)}", f'"{one} {other}"')
    return (f'"{kept}"',) if kept.strip() else ()


def _as_operand(words: str) -> str:
    return f'"{words}"' if " " in words else words


def _is_mail(word: str) -> bool:
    return "@" in word[1:] and "~" not in word and len(tokens(word)) == 1


def _refuse_signs_of_address(lexeme: Lexeme, text: str) -> None:
    for position, char in enumerate(lexeme.value):
        if char in "*?~":
            _refuse_at(
                f"In a web address {char} is a sign like others. Put the address in quotes to "
                "search for exactly it.",
                lexeme.start + position,
                text,
                _replaced(text, lexeme, f'"{lexeme.value}"'),
            )


def _refuse_signs(lexeme: Lexeme, text: str) -> None:
    meant = foreign.signs(lexeme.value)
    if meant is None:
        return
    word = lexeme.value
    instead = [
        _replaced(text, lexeme, word[: meant.start] + each + word[meant.end :])
        for each in meant.instead
    ]
    if not instead and (other := _OTHER_QUOTES.match(text, lexeme.start)):
        inside = other.group(1) or other.group(2)
        instead = [f'{text[: other.start()]}"{inside.strip()}"{text[other.end() :]}']
    _refuse_at(
        meant.message + _LITERALLY * ('"' not in meant.message),
        lexeme.start + meant.at,
        text,
        *instead,
    )


def _refuse(message: str, lexeme: Lexeme, text: str, *replacements: str) -> NoReturn:
    suggestions = (_replaced(text, lexeme, each) for each in replacements if each)
    _refuse_at(message, lexeme.start, text, *suggestions)


def _refuse_at(message: str, position: int, text: str, *suggestions: str) -> NoReturn:
    raise QueryError(message, text=text, position=position, suggestions=suggestions)


def _replaced(text: str, lexeme: Lexeme, replacement: str) -> str:
    return text[: lexeme.start] + replacement + text[lexeme.end :]
