# ruff: noqa: RUF001, RUF002, RUF003 - look-alike characters are the subject of this module
r"""What a token is: the one analysis of post texts, query words and highlights.

A text becomes a list of tokens, in the order they stand in it. For a reader who wants to re-count
hits by hand, these are the rules.

**First the text is folded.** Unicode NFKC, then case folding: `FRAUD`, `Fraud`, `ＦＲＡＵＤ` and
mathematical bold are all `fraud`. The curly apostrophes ’ ‘ ʼ and ´ become `'`; ™ and ℠
become a space; ‼ and ⁉ are ❗❗ and ❗❓. Accents go from Latin, Greek and Cyrillic letters
(`café` is `cafe`, `ё` is `е`, `й` is `и`) and from no other script: Japanese が stays が. Letters
such as ø and ł carry no accent.

**Then, from left to right, the first of these that fits is one token:**

1. A web address: `http://`, `https://` or `www.` and on, up to a space, a character that is not
   ASCII, or one of ``"<>()[]{}|\^` ``; any of `.,;:!?'` at its end are not part of it.
2. An e-mail address (ASCII): `jo.doe@example.com`.
3. A handle: `@` and ASCII letters, digits and underscores, with full stops inside, or a domain
   name; `@` and a domain may follow: `@RepJacobs`, `@jo.bsky.social`, `@jo@mastodon.social`. Not
   straight after an ASCII letter or digit, `_` or `@`.
4. An emoji, with its skin tone, as a flag, or as a joined family: 👍🏽 🇺🇸 👩‍👩‍👧.
   Whether it is followed by a variation selector does not matter.
5. A character of a script written without spaces, or with endings glued to words (Chinese,
   Japanese, Korean, Thai, Lao, Khmer, Burmese), with its marks: 東京 is 東, 京.
6. A hashtag: `#` and letters (of any script), digits and underscores, one letter at least:
   `#COVID19`, `#東京`. Not straight after an ASCII letter or digit, `_` or `&`.
7. A cashtag: `$` and up to 6 ASCII letters, then perhaps `.` or `_` and 1 or 2 more, and no letter,
   digit or `_` after: `$TSLA`, `$BRK.B`. Not straight after an ASCII letter or digit, `_` or `$`.
8. An abbreviation: single letters with full stops between. `U.S.` is `u.s`.
9. A word: letters, digits and marks; apostrophes inside; full stops between two digits: `don't`,
   `3.5`, `v2.0`.

**Everything else separates** and cannot be searched: spaces, hyphens, commas, underscores outside
tags and handles, other signs. So `COVID-19` is `covid`, `19`; `1,000` is `1`, `000`; `today.We` is
`today`, `we`; `house.gov` alone is `house`, `gov`. A query is cut by the same rules and its pieces
must stand next to each other, so each of these finds itself.

`don't` and `don’t` are the same token. A possessive is a token of its own (`company's`) that the
query `company` finds too (see `search.query.Term`). `U.S.` is `u.s` and `US` is `us`: two tokens.
Invisible characters inside a word (soft hyphens, joiners, direction marks) are dropped, so they
cannot hide it; a zero-width space separates. There is no stemming, no list of ignored words and no
minimum length. A web address of more than 200 characters keeps its first 135 and a hash of the
whole; any other token of more than 200 becomes its hash. No token contains white space.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

import regex  # type: ignore[import-untyped]  # ships no types

MAX_TOKEN = 200
"""Characters. Lucene's whitespace tokenizer splits tokens above 255."""


class Rules(NamedTuple):
    """The rules of one version: what they are called, and what is replaced before folding."""

    name: str
    replaced: Mapping[int, str]


_REPLACED = str.maketrans(
    {
        **dict.fromkeys("’‘ʼ´", "'"),
        "ŉ": "'n",  # NFKC would make it ʼn
        **dict.fromkeys("™℠", " "),  # NFKC would glue the letters tm and sm to the word before
        **dict.fromkeys("“”–—", " "),  # separators anyway; as spaces they keep the fast path open
    }
)
# NFKC would make signs of these two emoji, which separate: in 100,000 real posts they are the only
# emoji it takes away, 248 times.
_KEPT_EMOJI = str.maketrans({"‼": "❗❗", "⁉": "❗❓"})

PRESENT = Rules("muniment-2", {**_REPLACED, **_KEPT_EMOJI})
OLDER = (Rules("muniment-1", _REPLACED),)
"""Versions that indexes were built with, so that a change can be told (`analyzer_comparison`)."""

ANALYZER_VERSION = f"{PRESENT.name} regex-{regex.__version__} unicode-{unicodedata.unidata_version}"
"""Rules, regex module, Unicode tables. An index of another version must be built anew."""

ADDRESSES = ("http://", "https://", "www.")
"""How every token that is a web address begins."""


_VERSION = re.compile(r"muniment-[0-9]+ regex-[0-9.]+ unicode-[0-9.]+")


def version_in(layout: str) -> str:
    """Return the analyzer's version that the layout of an index names; empty where it names none.

    A layout is the engine's own form of files, this version, and perhaps that of a library.
    """
    named = _VERSION.search(layout)
    return named.group() if named else ""


def rules_of(version: str) -> Rules | None:
    """Return the rules that a version names, None where they are not kept."""
    name = version.partition(" ")[0]
    return next((rules for rules in (PRESENT, *OLDER) if rules.name == name), None)


class Token(NamedTuple):
    """A token and the half-open range of characters of the original text that it came from."""

    text: str
    start: int
    end: int


def tokens(text: str, rules: Rules = PRESENT) -> list[str]:
    """Return the tokens of `text`, in order. Never raises; a text without any gives an empty list.

    Stable: analysing the tokens joined by spaces gives the same tokens again.
    """
    folded = _fold(text, rules)
    if folded.isascii():
        found: list[str] = _ASCII.findall(folded)
    else:
        pieces = _ANY_SCRIPT.findall(folded)
        found = [piece if piece.isascii() else _finish(piece) for piece in pieces]
    if len(folded) > MAX_TOKEN:
        return [token if len(token) <= MAX_TOKEN else _shorten(token) for token in found]
    return found


def token_string(text: str) -> str:
    """Return the tokens of `text` joined by single spaces: what engines index and matchers read."""
    return " ".join(tokens(text))


def spans(text: str) -> list[Token]:
    """Return the tokens of `text` with where they stand in it; same tokens as `tokens`."""
    found, place = located(text)
    return [Token(token, *place(number)) for number, token in enumerate(found)]


def located(text: str) -> tuple[list[str], Callable[[int], tuple[int, int]]]:
    """Return the tokens of `text`, and what tells where in it the n-th of them stands.

    For who needs the place of a few of them only: telling all costs more than cutting the text.
    """
    if text.isascii():
        plain = list(_ASCII.finditer(text.lower()))
        return [_shorten(each[0]) for each in plain], lambda number: plain[number].span()
    folded, origins = _folded_with_origins(text)
    found = list(_ANY_SCRIPT.finditer(folded))

    def place(number: int) -> tuple[int, int]:
        start, end = found[number].span()
        return origins[start][0], origins[end - 1][1]

    return [_shorten(_finish(each[0])) for each in found], place


def beside(pieces: Iterable[str], text: str) -> list[Token] | None:
    """Return the tokens that stand between the same spaces as one of `pieces`, a few of all.

    Every token that holds a piece is among them; a piece has no space and is not empty. None where
    only `located` can tell: of texts that are not plain, and of those with a token so long that
    another one stands for it.
    """
    if not text.isascii():
        return None
    folded = text.lower()
    if len(folded) > MAX_TOKEN and max(map(len, folded.split(" "))) > MAX_TOKEN:
        return None
    places: set[tuple[int, int]] = set()
    for piece in pieces:
        at = folded.find(piece)
        while at >= 0:
            end = folded.find(" ", at)
            end = len(folded) if end < 0 else end
            places.add((folded.rfind(" ", 0, at) + 1, end))
            at = folded.find(piece, end)
    # No rule looks beyond a space, so what stands between two is cut as within the whole text.
    return [
        Token(each[0], *each.span())
        for start, end in sorted(places)
        for each in _ASCII.finditer(folded, start, end)
    ]


def keyword(value: str) -> str:
    """Return `value` as fields are compared: NFKC, case folded, runs of white space as one space.

    Accents stay. More than 200 characters become a hash; a lone surrogate becomes `?`, because
    engines store UTF-8.
    """
    if value.isascii():
        folded = value.lower()
    else:
        folded = _nfkc_casefold(value).encode("utf-8", "replace").decode("utf-8")
    return _shorten(" ".join(folded.split()))


# --- the rules ------------------------------------------------------------------------------------

_DOMAIN = r"(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,63}"
_URL = r"(?:https?://|www\.)[!#-'*-;=?@_a-z~]*[#-&*+\-/-9=@_a-z~]"
# Bounded, so that a long text of dots and letters costs linear time; 64 is RFC 5321, 4.5.3.1.1.
_EMAIL = rf"[a-z0-9][a-z0-9._%+-]{{0,63}}@{_DOMAIN}"
_HANDLE = rf"(?<![a-z0-9_@])@(?:{_DOMAIN}(?![a-z0-9_-])|[a-z0-9_]+(?:\.[a-z0-9_]+)*)(?:@{_DOMAIN})?"
_CASHTAG = r"(?<![a-z0-9_$])\$[a-z]{1,6}(?:[._][a-z]{1,2})?(?![a-z0-9_])"


class _Alphabet(NamedTuple):
    """What letters, numbers and digits are, as contents of character sets.

    `inside` is what a word may go on with. Hashtags take letters of unspaced scripts too (`any_…`);
    words do not. `special` are rules that only this alphabet has.
    """

    letter: str
    number: str
    digit: str
    inside: str
    any_letter: str
    any_inside: str
    special: tuple[str, ...] = ()


def _rules(alphabet: _Alphabet) -> str:
    """Return the rules as one pattern.

    Written once for both alphabets, so that the fast path for ASCII cannot drift from the other.
    """
    letter, number, digit, inside, any_letter, any_inside, special = alphabet
    hashtag = rf"(?<![a-z0-9_&])#[{number}_]*[{any_letter}][{any_inside}_]*"
    abbreviation = rf"[{letter}](?:\.[{letter}])+(?![{inside}])"
    joint = rf"(?:'(?=[{letter}{number}])|(?<=[{digit}])\.(?=[{digit}]))"
    word = rf"[{letter}{number}][{inside}]*(?:{joint}[{inside}]+)*"
    return "|".join([_URL, _EMAIL, _HANDLE, *special, hashtag, _CASHTAG, abbreviation, word])


_UNSPACED = (
    r"[[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}"
    r"\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]&&[\p{L}\p{Nl}]]"
)
"""Letters of scripts written without spaces or, like Korean, with endings glued to the words."""

_INVISIBLE = r"[[\p{Cf}\uFE00-\uFE0F]--[\u200B]]"
"""Format characters and variation selectors, without the zero-width space: that one separates."""

_PICTURE = r"[[\p{Extended_Pictographic}\U0001F3FB-\U0001F3FF]--[©®]]"
_ONE_EMOJI = rf"{_PICTURE}[\uFE0E\uFE0F]?[\U0001F3FB-\U0001F3FF]?[\U000E0020-\U000E007F]{{0,16}}"
_EMOJI = (
    r"[0-9#*]\uFE0F?\u20E3|[\U0001F1E6-\U0001F1FF]{1,2}"
    rf"|{_ONE_EMOJI}(?:\u200D{_ONE_EMOJI}){{0,15}}"
)
_ANY_INSIDE = rf"\p{{L}}\p{{M}}\p{{N}}{_INVISIBLE}"

_ASCII = re.compile(
    _rules(_Alphabet("a-z", "0-9", "0-9", "a-z0-9", any_letter="a-z", any_inside="a-z0-9"))
)
_ANY_SCRIPT = regex.compile(
    "(?V1)"
    + _rules(
        _Alphabet(
            letter=rf"[\p{{L}}--{_UNSPACED}]",
            number=rf"[\p{{N}}--{_UNSPACED}]",
            digit=r"\p{Nd}",
            inside=rf"[[{_ANY_INSIDE}]--{_UNSPACED}]",
            any_letter=r"\p{L}",
            any_inside=_ANY_INSIDE,
            special=(_EMOJI, rf"{_UNSPACED}[\p{{M}}{_INVISIBLE}]*"),
        )
    )
)

# --- folding --------------------------------------------------------------------------------------

_WHOLE_EMOJI = regex.compile(rf"(?V1){_EMOJI}")
_SELECTORS = re.compile("[\ufe0e\ufe0f]")
_HIDDEN = regex.compile(rf"(?V1){_INVISIBLE}")
_ACCENTS = regex.compile(r"(?<=[\p{Latin}\p{Greek}\p{Cyrillic}])\p{M}+")

_REMEMBERED = 32_768
"""Finished words kept: a few MB, and most words of a corpus are among its commonest thousands."""


def _fold(text: str, rules: Rules = PRESENT) -> str:
    return text.lower() if text.isascii() else _nfkc_casefold(text.translate(rules.replaced))


def _nfkc_casefold(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@lru_cache(maxsize=_REMEMBERED)
def _finish(piece: str) -> str:
    """Return the token for a piece of folded text: no selectors, nothing invisible, no accents."""
    if _WHOLE_EMOJI.fullmatch(piece):
        return _SELECTORS.sub("", piece)
    decomposed = unicodedata.normalize("NFD", _HIDDEN.sub("", piece))
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed))


def _shorten(token: str) -> str:
    """Return `token`, or if it is too long a stand-in that stays as it is when analysed again."""
    if len(token) <= MAX_TOKEN:
        return token
    stand_in = "h" + sha256(token.encode("utf-8", "replace")).hexdigest()
    if token.startswith(ADDRESSES):
        return token[: MAX_TOKEN - len(stand_in)] + stand_in
    return stand_in


# --- offsets --------------------------------------------------------------------------------------

_JAMO = range(0x1160, 0x1200)
"""Hangul vowels and finals: they compose with the letter before without being marks."""


def _folded_with_origins(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the folded text and, for each of its characters, the range of `text` it came from."""
    pieces: list[str] = []
    origins: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        piece = _fold(text[start:end])
        pieces.append(piece)
        origins.extend([(start, end)] * len(piece))
    return "".join(pieces), origins


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges that fold independently; each ends before a starter (UAX #15)."""
    start = 0
    for position in range(1, len(text)):
        if not _attaches(text[position]):
            yield start, position
            start = position
    if text:
        yield start, len(text)


@lru_cache(maxsize=4_096)
def _attaches(char: str) -> bool:
    """Return whether `char` may combine with the character before it."""
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.category(first).startswith("M") or ord(first) in _JAMO
