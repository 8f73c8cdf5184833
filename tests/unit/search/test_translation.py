"""Term lists as parties exchange them, from dtSearch, Purview and Vault, put into our language."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search import dtsearch, kql, vault
from search.errors import QueryError
from search.grammar import parse
from search.translation import Translated

Translate = Callable[..., Translated]

DTSEARCH = [
    ("apple pie", '"apple pie"', ["side by side are a phrase"]),
    ("fraud* OR embezzl*", "fraud* OR embezzl*", []),
    (
        "(bribe* or kickback*) w/10 (official or minister)",
        "(bribe* OR kickback*) w/10 (official OR minister)",
        [],
    ),
    (
        "“off the books” w/15 (pay* or transfer*)",
        '"off the books" w/15 (pay* OR transfer*)',
        ["Typographic quotes", "the is a noise word"],
    ),
    ("chief executive officer pre/3 resign*", None, ["a phrase"]),
    ("(price w/3 fix*) w/20 competitor", "(price w/3 fix*) w/20 competitor", []),
    ("apple and not pear", "apple AND NOT pear", []),
    ("xfirstword", "has:text", ["read as has:text"]),
    ("not (XLastWord) or apple", "NOT has:text OR apple", ["read as has:text"]),
    ("apple or not xfirstword", "apple OR NOT has:text", ["read as has:text"]),
    ("apply~", "stem:apply", ["Snowball"]),
    ("apply~ now", "stem:apply pre/1 now", ["Snowball", "a phrase", "now is a noise word"]),
    ("ba%nana", "banana~1", ["banana~1"]),
    ("AT&T or wom?n", '"at t" OR wom?n', []),
    ("first-class", '"first class"', []),
    ("@acme", "@acme", ["sign included"]),
    ('"and" or x-ray', '"and" OR "x ray"', ["and is a noise word"]),
    ('"apply~ now"', "stem:apply pre/1 now", ["Snowball", "a phrase", "now is a noise word"]),
    ('"not apply~"', '"not" pre/1 stem:apply', ["not is a noise word", "a phrase", "Snowball"]),
    ('"50% off"', '"50 off"', []),
]

KQL = [
    ("fraud bribery", "fraud AND bribery", ["read as AND"]),
    ("fraud AND (bribe* OR kickback)", "fraud AND (bribe* OR kickback)", []),
    ("merger NEAR(5) price", "merger w/5 price", ["read as w/5"]),
    ("merger NEAR price", "merger w/8 price", ["read as w/8"]),
    ("merger ONEAR(n=3) price", "merger pre/3 price", ["read as pre/3"]),
    ("fraud -draft", "fraud AND NOT draft", ["read as AND"]),
    ("+merger +price", "merger AND price", ["read as AND"]),
    ('from:(bob OR "ann x")', 'from:bob OR from:"ann x"', ["compared as a whole"]),
    ("from<>bob", "NOT from:bob", ["compared as a whole"]),
    (
        "sent>=2026-01-01 AND sent<2026-02-01",
        "after:2026-01-01T00:00:00Z AND before:2026-02-01T00:00:00Z",
        ["sent is read as posted:"],
    ),
    (
        "sent>2026-01-01 AND sent<=2026-02-01",
        "after:2026-01-02T00:00:00Z AND before:2026-02-02T00:00:00Z",
        ["sent is read as posted:"],
    ),
    (
        "captured:2026-01-01..2026-01-02",
        "captured:2026-01-01T00:00:00Z..2026-01-03T00:00:00Z",
        [],
    ),
    (
        "sent>2026-01-01T10:00:00Z AND sent<=2026-01-01T11:00:00Z",
        "after:2026-01-01T10:00:00.001Z AND before:2026-01-01T11:00:00.001Z",
        ["sent is read as posted:"],
    ),
    ("hasattachment:true", "has:media", ["has:media"]),
    ("hasattachment<>true", "NOT has:media", ["has:media"]),
    (
        '"are you there?" https://a.com/b?c=1',
        '"are you there" AND "https://a.com/b?c=1"',
        ["left out", "read as AND"],
    ),
    ("-(fraud draft)", "NOT (fraud AND draft)", ["read as AND"]),
    (
        "(fraud)(c:c)(sent=2026-01-01)",
        "fraud AND posted:2026-01-01T00:00:00Z..2026-01-02T00:00:00Z",
        ["condition cards", "sent is read as posted:"],
    ),
    ("fraud(c:s)theft", "fraud OR theft", ["condition cards"]),
    ("#ipo", "#ipo", ["sign included"]),
]

VAULT = [
    ("fraud bribery", "fraud AND bribery", ["read as AND"]),
    ("{fraud theft} -draft", "(fraud OR theft) AND NOT draft", ["read as OR", "read as AND"]),
    ("merger AROUND 5 price", "merger w/5 price", ["read as w/5"]),
    ("merger AROUND(5) price", "merger w/5 price", ["read as w/5"]),
    ("from:(bob OR ann)", "from:bob OR from:ann", ["compared as a whole"]),
    (
        "has:attachment AND after:2026/1/5 AND before:2026-02-01",
        "has:media AND after:2026-01-05T00:00:00Z AND before:2026-02-01T00:00:00Z",
        ["has:media", "after: is about", "before: is about"],
    ),
    ("label:urgent", "tag:urgent", ["read as tag:"]),
    ("why? fraud", "why AND fraud", ["left out", "read as AND"]),
    ("from:{bob ann}", "from:bob OR from:ann", ["compared as a whole", "read as OR"]),
    ("fraud -(draft memo)", "fraud AND NOT (draft AND memo)", ["read as AND"]),
]

TRANSLATED = [
    (module.translate, *case)
    for module, cases in ((dtsearch, DTSEARCH), (kql, KQL), (vault, VAULT))
    for case in cases
    if case[1] is not None
]


@pytest.mark.parametrize(("translate", "text", "normal", "notes"), TRANSLATED)
def test_a_term_of_another_system_means_the_same_here_and_what_differs_is_noted(
    translate: Translate, text: str, normal: str, notes: list[str]
) -> None:
    found = translate(text)
    assert found.text == normal
    assert parse(found.text) == found.tree
    told = [note.message for note in found.notes]
    assert len(told) == len(notes)
    for piece in notes:
        assert any(piece in message for message in told), (piece, told)
    for note in found.notes:
        assert 0 <= note.position <= note.end <= len(text)


@pytest.mark.parametrize(
    ("translate", "text"),
    [(kql.translate, "fraud AND sent>=2026-01-01"), (vault.translate, "fraud before:2026/1/5")],
)
def test_whose_days_are_meant_is_noted_where_they_are_not_those_of_utc(
    translate: Translate, text: str
) -> None:
    notes = translate(text, zone=ZoneInfo("America/New_York")).notes
    (note,) = [note for note in notes if "America/New_York" in note.message]
    assert text[note.position : note.end] in {"sent>=2026-01-01", "before:2026/1/5"}
    assert not any("another zone" in note.message for note in translate(text).notes)


REFUSED = [
    (dtsearch, "#smith", 0, "sound alike"),
    (dtsearch, "car or fast&", 11, "synonyms"),
    (dtsearch, "12~~24", 2, "range of numbers"),
    (dtsearch, "apple not w/5 pear", 6, "not w/5"),
    (dtsearch, "apple w/5 xfirstword", 10, "first or last word"),
    (dtsearch, "xlastword pre/3 apple", 0, "beside other words"),
    (dtsearch, "xfirstword apple", 0, "alone it is has:text"),
    (dtsearch, '"apple pie" xfirstword', 12, "alone it is has:text"),
    (dtsearch, "apple w/5 (xfirstword or pear)", 11, "Only words can be near each other"),
    (dtsearch, '"##199[0-9]"', 1, "regular expression"),
    (dtsearch, "p12==", 3, "any digit"),
    (dtsearch, "fra%%ud", 3, "one difference"),
    (dtsearch, "apple:5", 5, "weight"),
    (dtsearch, "subject contains pie", 8, "contains"),
    (dtsearch, "date(jan 10 2006)", 0, "date()"),
    (dtsearch, "re:fraud", 2, "no field in dtSearch"),
    (dtsearch, "fraud and theft or waste", 16, "mixed"),
    (dtsearch, "apple w/5 pear w/3 plum", 15, "which two"),
    (dtsearch, "(fraud and theft) w/5 waste", 7, "AND belongs outside"),
    (dtsearch, "chief officer pre/3 resign* and", 31, "found the end"),
    (dtsearch, '"open', 0, "not closed"),
    (dtsearch, '"fast& car"', 5, "synonyms"),
    (dtsearch, '"room 1=="', 7, "any digit"),
    (dtsearch, '"##1 fan"', 1, "regular expression"),
    (dtsearch, "fraud~1", 5, "at its end only"),
    (dtsearch, "apple and pear andany plum", 15, "need not be there"),
    (dtsearch, "fraud near/5 risk", 6, "near/5 is no connector"),
    (dtsearch, "fraud w/in 5 risk", 6, "w/in is no connector"),
    (dtsearch, "fraud /5 risk", 6, "/5 is no connector"),
    (kql, "*tion", 0, "end of a word only"),
    (kql, "wom?n", 3, "no sign of KQL"),
    (kql, '"a wom?n"', 6, "no sign of KQL"),
    (kql, "fraud~1", 5, "no sign of KQL"),
    (kql, "author>m", 0, "only dates"),
    (kql, "author:jo*", 9, "compared as a whole"),
    (kql, "from:(bob OR jo*)", 15, "compared as a whole"),
    (kql, "author: jo", 0, "no value right after author:"),
    (kql, "hasattachment:some", 0, "hasattachment:true or"),
    (kql, "sent>=2026-01-01..2026-01-31", 0, "compares with one day"),
    (kql, "RefinableString00:x", 0, "no refinablestring00"),
    (kql, 'subject:"earnings"', 0, "no subject"),
    (kql, "fraud AND received>=2026-01-01", 10, "posted: or captured:"),
    (kql, "to:bob", 0, "no recipients"),
    (kql, "size>1000", 0, "no size"),
    (kql, "from:a from:b", 7, "as OR"),
    (kql, "sent=today", 0, "expected a day"),
    (kql, "sent<>2026-01-01", 0, "does not compare dates"),
    (kql, "fraud XRANK(cb=100) theft", 6, "XRANK"),
    (kql, "a b OR c", 4, "mixed"),
    (kql, "{a b}", 0, "not a bracket"),
    (vault, "from:bob subject:dinner", 9, "no subject:"),
    (vault, "older_than:2d", 0, "days of the calendar"),
    (vault, '"secret AROUND 25 birthday"', 0, "pre/25"),
    (vault, "fraud AROUND theft", 6, "is missing"),
    (vault, "a OR b c", 7, "mixed"),
    (vault, "is:starred", 0, "no is:starred"),
    (vault, "wom?n", 3, "no sign of Vault"),
    (vault, "fraud~1", 5, "no sign of Vault"),
    (vault, "from:*@a.com", 5, "compared as a whole"),
    (vault, "rfc822msgid:x", 0, "one of mail"),
    (vault, "fraud (c:c) theft", 6, "no operator (c:c)"),
    (vault, "after:yesterday", 0, "expected a day"),
]


@pytest.mark.parametrize(("module", "text", "position", "message"), REFUSED)
def test_what_cannot_be_said_here_is_refused_by_name_at_its_place(
    module: object, text: str, position: int, message: str
) -> None:
    translate: Translate = module.translate  # type: ignore[attr-defined]
    with pytest.raises(QueryError) as caught:
        translate(text)
    assert message in caught.value.message
    assert (caught.value.text, caught.value.position) == (text, position)
    for suggestion in caught.value.suggestions:
        parse(suggestion)


_SCRAPS = st.sampled_from(
    [
        *(
            "apple",
            "w/5",
            "and",
            "AND",
            "or",
            "OR",
            "not",
            "NOT",
            "NEAR(3)",
            "NEAR",
            "AROUND 2",
            "(",
        ),
        *(
            ")",
            '"',
            "“",
            "from:",
            "sent>=",
            "2026-01-01",
            "-",
            "+",
            "{",
            "}",
            "%",
            "~",
            "#",
            "@",
            "&",
        ),
        *(" ", " ", " ", "*", "?", "=", "xfirstword", "to", "contains", ":", "é", "東京", "stem:"),
    ]
)


@given(
    st.sampled_from([dtsearch.translate, kql.translate, vault.translate]),
    st.lists(_SCRAPS).map("".join) | st.text(),
)
def test_any_text_is_translated_or_refused_within_it(translate: Translate, text: str) -> None:
    try:
        found = translate(text)
    except QueryError as error:
        refusal = error
    else:
        assert parse(found.text) == found.tree
        return
    assert refusal.text == text
    assert 0 <= refusal.position <= len(text)
