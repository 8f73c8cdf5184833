# ruff: noqa: RUF001 - typographic and full-width look-alikes are what is recognised
"""What other query languages write, and what it is called here.

People come with the habits of dtSearch, Relativity, Purview, Vault, Lucene, Westlaw and Lexis, web
search and mail. Whatever one of them gives a meaning to and this language does not is refused by
name, with what may have been meant: a search that silently meant something else is worse than none.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Construct(NamedTuple):
    """A way to write something that is written otherwise here.

    `instead` are replacements for what `pattern` matches, as templates of its numbered groups;
    between two operands they may also name `{left}` and `{right}`, and then replace all three. A
    group named `at` is the sign an error points at, and is not numbered.
    """

    pattern: re.Pattern[str]
    message: str
    instead: tuple[str, ...] = ()


class Meant(NamedTuple):
    """A construct found: `text[start:end]` is it, `instead` what may stand in its place.

    `at` is the place of its sign.
    """

    message: str
    at: int
    start: int
    end: int
    instead: tuple[str, ...]


RESERVED = frozenset({"xfirstword", "xlastword"})
"""Words of dtSearch that mean the first and the last word of a text."""


def operator(text: str, start: int) -> Meant | None:
    """Return the operator of another language that stands at `start`, between two operands."""
    for construct in _OPERATORS:
        if found := construct.pattern.match(text, start):
            return _meant(construct, found)
    return None


def signs(word: str) -> Meant | None:
    """Return what another language reads in a word without quotes; places are in the word."""
    if not _SUSPECT.search(word):
        return None
    return next(_found(_IN_WORDS, word), None)


def signs_in_quotes(text: str) -> Meant | None:
    """Return what another language reads in a quoted text; places are in the text."""
    return next(_found(_IN_QUOTES, text), None)


def _found(constructs: tuple[Construct, ...], text: str) -> Iterator[Meant]:
    for construct in constructs:
        if found := construct.pattern.search(text):
            yield _meant(construct, found)


def _meant(construct: Construct, found: re.Match[str]) -> Meant:
    sign = construct.pattern.groupindex.get("at", 0)
    numbered = [each or "" for number, each in enumerate(found.groups(), 1) if number != sign]
    named = {f"g{number}": each for number, each in enumerate(numbered, 1)}
    named |= {"at": found.group(sign), "left": "{left}", "right": "{right}"}
    return Meant(
        construct.message.replace("{found}", " ".join(found.group(sign).split())),
        found.start(sign),
        found.start(),
        found.end(),
        tuple(template.format(**named) for template in construct.instead),
    )


def _operator(pattern: str, message: str, *instead: str, flags: int = 0) -> Construct:
    return Construct(re.compile(rf"(?:{pattern})(?=[\s()（）\"“”]|$)", flags), message, instead)


_NEAR = "{found} is not an operator here. Words near each other are written w/5, in either order, "
_NEAR += "or pre/5, in this order."
_UNITS = (
    "There are no sentences or paragraphs in a post to search within; say how many words apart "
)
_UNITS += "with w/10."
_NOT_NEAR = (
    "{found} is not an operator here. To leave out records where they stand near each other, "
)
_NOT_NEAR += "write AND NOT and brackets; that leaves out the whole record."

_OPERATORS = (
    _operator(r"&&?", "{found} is not an operator here; write AND.", "AND"),
    _operator(r"\|\|?", "{found} is not an operator here; write OR.", "OR"),
    _operator(r"[,;]", "{found} does not combine here; write OR or AND.", "OR", "AND"),
    _operator(r"\+", "{found} is not an operator here; write AND.", "AND"),
    _operator(r"!", "{found} is not an operator here; write AND NOT.", "AND NOT"),
    _operator(
        r"AND-?NOT|BUT[\s-]?NOT|EXCEPT",
        "{found} is not an operator here; to leave out, write AND NOT.",
        "AND NOT",
    ),
    _operator(
        r"XOR",
        "XOR is not an operator here; write out either without the other.",
        "({left} AND NOT {right}) OR ({right} AND NOT {left})",
    ),
    _operator(
        r"not\s+w/([0-9]+)",
        _NOT_NEAR,
        "{left} AND NOT ({left} w/{g1} {right})",
        flags=re.IGNORECASE,
    ),
    _operator(
        r"not\s+pre/([0-9]+)",
        _NOT_NEAR,
        "{left} AND NOT ({left} pre/{g1} {right})",
        flags=re.IGNORECASE,
    ),
    _operator(
        r"not\s+near[/(]?([0-9]+)\)?",
        _NOT_NEAR,
        "{left} AND NOT ({left} w/{g1} {right})",
        flags=re.IGNORECASE,
    ),
    _operator(r"not\s+near", _NOT_NEAR, "{left} AND NOT ({left} w/8 {right})", flags=re.IGNORECASE),
    _operator(
        r"(?:near|around)\s?[/:(]?\s?(?:n=)?([0-9]+)\)?", _NEAR, "w/{g1}", flags=re.IGNORECASE
    ),
    _operator(r"n/?([0-9]+)", _NEAR, "w/{g1}", flags=re.IGNORECASE),
    _operator(r"(?:w|within)\s?/\s?(?:in\s)?([0-9]+)", _NEAR, "w/{g1}", flags=re.IGNORECASE),
    _operator(r"pre\s?/\s?([0-9]+)|p/([0-9]+)", _NEAR, "pre/{g1}{g2}", flags=re.IGNORECASE),
    _operator(
        r"(?:w|within)\s?\(?([0-9]+)\)?(?:\s+(?:words\s+)?of)?",
        _NEAR,
        "w/{g1}",
        flags=re.IGNORECASE,
    ),
    _operator(r"onear\s?[/:(]?\s?(?:n=)?([0-9]+)\)?", _NEAR, "pre/{g1}", flags=re.IGNORECASE),
    _operator(r"adj\s?/?([0-9]+)", _NEAR, "w/{g1}", "pre/{g1}", flags=re.IGNORECASE),
    _operator(r"/([0-9]+)", _NEAR, "w/{g1}"),
    _operator(r"\+([0-9]+)", _NEAR, "pre/{g1}"),
    _operator(r"~([0-9]+)", _NEAR, "w/{g1}"),
    _operator(r"NEAR|AROUND", f"{_NEAR} Purview reads NEAR as 8 words.", "w/8"),
    _operator(r"ONEAR", f"{_NEAR} Purview reads ONEAR as 8 words.", "pre/8"),
    _operator(r"ADJ", _NEAR, "pre/1", "w/1"),
    _operator(r"w/s(?:ent|eg)?|/s|\+s|w/sentence", _UNITS, "w/10", flags=re.IGNORECASE),
    _operator(r"w/p(?:ara)?|/p|\+p|w/paragraph", _UNITS, "w/50", flags=re.IGNORECASE),
    _operator(r"w/|pre/", "How many words apart is missing: write w/5 or pre/5.", "w/5", "pre/5"),
    _operator(
        r"contains|equals|==?|[:：]",
        "{found} does not compare here; a field and its value are written together: from:acme.",
        "{left}:{right}",
        flags=re.IGNORECASE,
    ),
    _operator(
        r"(>=|<=|>|<)",
        "{found} is not an operator here; dates are compared with after: and before:.",
        "{left}{g1}{right}",
    ),
)


def _construct(pattern: str, message: str, *instead: str, flags: int = 0) -> Construct:
    return Construct(re.compile(pattern, flags), message, instead)


_SUSPECT = re.compile(r"[|^\[\]{}<>=\\,;%!+$&`«»‹›「」『』'’‘/＊？～＋＆｜–—−~-]")
_COMPARED = "{found} is not a comparison here. For dates, after:2026-03-01 is that day and later, "
_COMPARED += "before:2026-03-01 until the day before."
_DASHES = r"\-–—−"

_IN_WORDS = (
    _construct(
        r"^/.{2,}/[a-z]*$", "Regular expressions are not part of this language; there are * and ?."
    ),
    _construct(r"^([‘'’])([^‘'’]+)['’]$", 'Single quotes do not quote here; use ".', '"{g2}"'),
    _construct(
        r"^([‘'])(?=\w)(?!(?:tis|twas|em|til|cause|bout|n)\b|\d\d?s?\b)",
        'Single quotes do not quote here; use ".',
        flags=re.IGNORECASE,
    ),
    _construct(r"^[«‹「『](.*)[»›」』]$", 'These do not quote here; use ".', '"{g1}"'),
    _construct(r"[«»‹›「」『』`]", '{found} does not quote here; use ".'),
    _construct(r"＊", "{found} is a full-width sign; for any letters write *.", "*"),
    _construct(r"？", "{found} is a full-width sign; for any one letter write ?.", "?", " "),
    _construct(r"～", "{found} is a full-width sign; for a similar word write ~1.", "~"),
    _construct(r"[＋＆｜]", "{found} is a full-width sign and not an operator; write AND or OR."),
    _construct(
        rf"^[{_DASHES}!](?=[\w#@$\"*])",
        "{found} before a word is not an operator here; to leave it out, write NOT.",
        "NOT ",
    ),
    _construct(
        r"^\+(?=[\w#@$\"*])",
        "+ before a word is not an operator here; every part of an AND is required.",
        "",
    ),
    # As a field they are refused again, with the days that are meant.
    _construct(r"^(captured)(?P<at>[<>]=?)(.+)$", _COMPARED, "{g1}:{at}{g2}", flags=re.IGNORECASE),
    _construct(r"^[^\W\d_]\w*(?P<at>[<>]=?)(.+)$", _COMPARED, "posted:{at}{g1}"),
    _construct(
        r"^([^\W\d_]+)(?P<at>==?)([^=]+)$",
        "= does not compare here; a field and its value are joined by a colon: from:acme.",
        "{g1}:{g2}",
    ),
    _construct(
        r"=+",
        "= (any digit, in dtSearch) is not part of this language; ? is any one letter or digit.",
    ),
    _construct(
        r"[<>]", "{found} is not an operator here; dates are compared with after: and before:."
    ),
    _construct(r"^[^\W_]+(?P<at>~~)[^\W_]+$", "Ranges of numbers are not part of this language."),
    _construct(
        r"^([^%]*[^\W\d_])(?P<at>%+)([\w]*)$",
        "% (similar words, in dtSearch) is written ~1 at the end of the word here.",
        "{g1}{g2}~1",
    ),
    _construct(
        r"^%+([^\W\d_]\w*)$",
        "% (similar words, in dtSearch) is written ~1 at the end of the word here.",
        "{g1}~1",
    ),
    _construct(
        r"^([\w'’#@]*[^\W\d_])(?P<at>!+)$",
        "! after a word stands for any ending elsewhere; write * for that, or leave it out.",
        "{g1}*",
        "{g1}",
    ),
    _construct(
        r"^([\w'’#@]*[^\W\d_])(?P<at>\$)$",
        "$ after a word stands for any ending elsewhere; write * for that, or leave it out.",
        "{g1}*",
        "{g1}",
    ),
    _construct(
        r"(?<=\w)&$",
        "& after a word (its synonyms, in dtSearch) is not part of this language; write (one OR "
        "other).",
        "",
    ),
    _construct(
        r"^([^|,;\[\]]+)(?P<at>\|\|?)([^|,;\[\]]+)$",
        "| is not an operator here; write OR.",
        "({g1} OR {g2})",
    ),
    _construct(
        r"^([^&]+)(?P<at>&&)([^&]+)$", "&& is not an operator here; write AND.", "({g1} AND {g2})"
    ),
    _construct(r"\|", "| is not an operator here; write OR."),
    _construct(
        r"^([^,;]+)(?P<at>[,;])(.*[^\d,;.%].*)$",  # 1,000,000.50 is a number
        "A comma does not combine here; write OR or AND, or quotes for words next to each other.",
        "({g1} OR {g2})",
        "({g1} AND {g2})",
        '"{g1} {g2}"',
    ),
    _construct(
        r"[,;]$",
        "A comma or semicolon does not combine here; write OR or AND.",
        " OR",
        " AND",
        "",
    ),
    _construct(
        r"(?<!\d)[,;]|[,;](?!\d)",
        "A comma or semicolon does not combine here; write OR or AND.",
    ),
    _construct(
        r"^(.+)(?P<at>\^)[0-9.]*$",
        "^ (weights) is not part of this language: answers are ordered by time.",
        "{g1}",
    ),
    _construct(r"\^", "^ (weights) is not part of this language: answers are ordered by time."),
    _construct(
        r"[\[\]]",
        "{found} is not a bracket here; a range is written posted:2026-03-01..2026-03-31.",
    ),
    _construct(r"\{", "{ is not a bracket here; write (."),
    _construct(r"\}", "} is not a bracket here; write )."),
    _construct(r"\\", "\\ does not escape here; put the text in quotes."),
)

_IN_QUOTES = (
    _construct(r"^##", "Regular expressions (## in dtSearch) are not part of this language."),
    _construct(
        r"^\s*(.+?)\s+(?P<at>(?:w|pre)/[0-9]+)\s+(.+?)\s*$",
        "{found} is an operator only outside quotes.",
        "{g1} {at} {g2}",
        flags=re.IGNORECASE,
    ),
    _construct(
        r"\b[\w'’]+(?P<at>~)[0-9]",
        "Similar words cannot stand inside a phrase; put words near each other instead: "
        "fraud~1 pre/1 report.",
    ),
    _construct(r"＊|？(?=[a-zA-Z0-9])", "{found} is a full-width sign; write * or ?."),
)
