"""Queries of Microsoft Purview's keyword query language (KQL, KeyQL).

Source: Microsoft's published syntax. Properties of mail that a post does not have are refused.
"""

from datetime import UTC, tzinfo

from search.dates import compared
from search.keyword_queries import Dialect, Property, Reading, value_of
from search.translation import Translated, Translation

_USUAL_DISTANCE = 8
_SHORTEST_PREFIX = 3
_FIELDS = {
    **dict.fromkeys(("from", "author", "sender", "senderauthor"), "from"),
    **dict.fromkeys(("lang", "language", "detectedlanguage"), "lang"),
    "account": "account",
    "platform": "platform",
    "tag": "tag",
}
_YES = {
    **dict.fromkeys(("true", "yes", "1"), True),
    **dict.fromkeys(("false", "no", "0"), False),
}
_POSTED = frozenset({"sent", "date", "created", "posted"})
_UNREADABLE = {
    **dict.fromkeys(
        ("subject", "title", "body", "subjecttitle"),
        "a post has one text, and every word is searched in it; write the words alone.",
    ),
    **dict.fromkeys(
        ("to", "cc", "bcc", "recipients", "participants"),
        "posts have an author, and no recipients.",
    ),
    "received": "posts are not received; write posted: or captured:, which are different times.",
    **dict.fromkeys(
        ("lastmodifiedtime", "modified", "lastmodified", "modifiedby"),
        "changes are records of their own; write is:edited and captured:.",
    ),
    **dict.fromkeys(("kind", "itemclass", "filetype", "contenttype"), "kinds are those of posts."),
}


def translate(text: str, *, zone: tzinfo = UTC) -> Translated:
    """Return a KQL query in this language; its dates are days in `zone`.

    Raises:
        QueryError: it is none, mixes AND, OR and NEAR without brackets, or uses what this language
            has no word for: properties of mail, XRANK and the like, relative dates. It points at
            the character.
    """
    translation = Translation(text, "KQL")
    Reading(translation, _DIALECT).read()
    return translation.read(zone)


def _word(translation: Translation, word: str, start: int) -> str:
    end = start + len(word)
    if word in {"XRANK", "WORDS", "ALL", "ANY", "NONE"}:
        translation.refuse(f"{word} is not part of this language.", start)
    if "*" in word.rstrip("*"):
        translation.refuse(
            "* stands at the end of a word only; in this language it may stand anywhere.",
            start + word.index("*"),
        )
    if word.endswith("*") and len(word.rstrip("*")) < _SHORTEST_PREFIX:
        translation.note(f"{word} has fewer letters than KQL asks for.", start, end)
    if word[0] in "@#$":
        translation.note(
            f"{word} is one word here, sign included; Purview leaves the sign out.", start, end
        )
    return word


def _property(translation: Translation, found: Property) -> str:
    if why := _UNREADABLE.get(found.name):
        translation.refuse(f"there is no {found.name} here: {why}", found.start)
    if found.name in _POSTED or found.name == "captured":
        return _dates(translation, found)
    if found.name == "hasattachment":
        translation.note(
            "hasattachment is read as has:media: pictures and films of posts.",
            found.start,
            found.end,
        )
        has = _YES.get(found.value.lower())
        if has is None or found.sign not in {":", "=", "<>"}:
            translation.refuse("expected hasattachment:true or hasattachment:false.", found.start)
        return "has:media" if has is (found.sign != "<>") else "NOT has:media"
    name = _FIELDS.get(found.name)
    if name is None:
        translation.refuse(
            f"there is no {found.name} here; fields are "
            f"{', '.join(sorted(set(_FIELDS.values())))}, posted and captured.",
            found.start,
        )
    translation.note(
        f"{found.name} is read as {name}:, compared as a whole; Purview compares words of it.",
        found.start,
        found.end,
    )
    if found.sign not in {":", "=", "<>"}:
        translation.refuse(
            f"{found.sign} does not compare {found.name} here; only dates are compared so.",
            found.start,
        )
    written = f"{name}:{value_of(found.value)}"
    return f"NOT {written}" if found.sign == "<>" else written


def _dates(translation: Translation, found: Property) -> str:
    name = "captured" if found.name == "captured" else "posted"
    value = found.value
    if found.name != name:
        translation.note(f"{found.name} is read as {name}:.", found.start, found.end)
    if found.sign in {":", "="}:
        return f"{name}:{value}"
    if found.sign == "<>":
        translation.refuse("<> does not compare dates here.", found.start)
    if ".." in value:
        translation.refuse(f"{found.sign} compares with one day, found {value}.", found.start)
    return f"{name}:{'..'.join(compared(found.sign, value))}"


_DIALECT = Dialect(
    system="Purview",
    word=_word,
    property_=_property,
    operators={"NEAR": "w", "ONEAR": "pre", "(c:c)": "AND", "(c:s)": "OR"},
    near_note="Purview counts the words apart; where it counts the words between, write one more.",
    usual_distance=_USUAL_DISTANCE,
    same_is_or=True,
)
