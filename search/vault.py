"""Queries of Google Vault and Gmail.

Source: Google's published operators. Operators of mail that a post does not have are refused.
"""

import re
from datetime import UTC, tzinfo

from search.keyword_queries import Dialect, Property, Reading, value_of
from search.translation import Translated, Translation

_FIELDS = {"from": "from", "label": "tag"}
_UNREADABLE = {
    "subject": "a post has one text, and every word is searched in it; write the words alone.",
    **dict.fromkeys(
        ("to", "cc", "bcc", "deliveredto", "list"), "posts have an author, and no recipients."
    ),
    **dict.fromkeys(
        ("older_than", "newer_than", "older", "newer"),
        "times are days of the calendar, so that an answer stays what it was; write after: and "
        "before:.",
    ),
    **dict.fromkeys(
        ("filename", "larger", "smaller", "size", "category", "in", "rfc822msgid"),
        "it is one of mail.",
    ),
}


def translate(text: str, *, zone: tzinfo = UTC) -> Translated:
    """Return a query of Google Vault or Gmail in this language; its dates are days in `zone`.

    Raises:
        QueryError: it is none, mixes AND, OR and AROUND without brackets, or uses what this
            language has no word for: operators of mail, relative dates. It points at the character.
    """
    translation = Translation(text, "Vault")
    ordered = _ORDERED.search(text)
    if ordered:
        translation.refuse(
            "AROUND inside quotes keeps the order; write "
            f"{ordered[1]} pre/{ordered[2] or ordered[3]} {ordered[4]} outside of quotes.",
            ordered.start(),
        )
    Reading(translation, _DIALECT).read()
    return translation.read(zone)


_ORDERED = re.compile(r"\"(\w+) AROUND (?:([0-9]+)|\(([0-9]+)\)) (\w+)\"")


def _word(translation: Translation, word: str, start: int) -> str:
    if word[0] in "@#":
        translation.note(
            f"{word} is one word here, sign included; Gmail leaves the sign out.",
            start,
            start + len(word),
        )
    return "OR" if word == "|" else word


def _property(translation: Translation, found: Property) -> str:
    if found.sign != ":":
        translation.refuse(f"{found.sign} does not compare here.", found.start)
    if why := _UNREADABLE.get(found.name):
        translation.refuse(f"there is no {found.name}: here: {why}", found.start)
    if found.name in {"after", "before"}:
        return _date(translation, found)
    if found.name == "has" and found.value == "attachment":
        translation.note(
            "has:attachment is read as has:media: pictures and films of posts.",
            found.start,
            found.end,
        )
        return "has:media"
    name = _FIELDS.get(found.name)
    if name is None:
        translation.refuse(f"there is no {found.name}:{found.value} here.", found.start)
    translation.note(
        f"{found.name}: is read as {name}:, compared as a whole; Gmail compares words of it.",
        found.start,
        found.end,
    )
    return f"{name}:{value_of(found.value)}"


def _date(translation: Translation, found: Property) -> str:
    day = re.fullmatch(r"([0-9]{4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})", found.value)
    if day is None:
        translation.refuse(
            f"expected a day like {found.name}:2026/03/01, found {found.value}.", found.start
        )
    translation.note(
        f"{found.name}: is about when it was posted; after: includes the day, before: does not.",
        found.start,
        found.end,
    )
    return f"{found.name}:{day[1]}-{int(day[2]):02}-{int(day[3]):02}"


_DIALECT = Dialect(
    system="Vault",
    word=_word,
    property_=_property,
    operators={"AROUND": "w"},
    near_note="Gmail counts the words between; where one more may stand between, write one more.",
    usual_distance=None,
    braces=True,
)
