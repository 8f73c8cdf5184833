# ruff: noqa: RUF001 - look-alike characters are what is tested
import gzip
import json
import os
import sys
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
import regex  # type: ignore[import-untyped]  # ships no types
from hypothesis import given
from hypothesis import strategies as st

from search import analyzer
from search.analyzer import MAX_TOKEN, Token, keyword, spans, token_string, tokens

DATA = Path(os.environ.get("MUNIMENT_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
DAY = DATA / "x" / "congresstweets" / "2020-10-01.json.gz"
FAMILY = "👩‍👩‍👧"

RULES = [
    # words
    ("Quarterly EARNINGS, up!", ["quarterly", "earnings", "up"]),
    ("don't don’t don‘t donʼt don´t", ["don't"] * 5),
    ("the families' company's '90s", ["the", "families", "company's", "90s"]),
    ("rock'n'roll", ["rock'n'roll"]),
    ("3.5% of 1,000 in v2.0.", ["3.5", "of", "1", "000", "in", "v2.0"]),
    ("U.S. p.m. U.S.-China J.D.Vance", ["u.s", "p.m", "u.s", "china", "j.d", "vance"]),
    ("US", ["us"]),
    ("today.We must", ["today", "we", "must"]),
    ("COVID-19 AT&T snake_case a/b", ["covid", "19", "at", "t", "snake", "case", "a", "b"]),
    ("wait…what", ["wait", "what"]),
    ("Muniment™ Muniment® x²", ["muniment", "muniment", "x2"]),
    # folding
    ("Straße ＦＲＡＵＤ 𝗯𝗼𝗹𝗱 Ⓗⓘ", ["strasse", "fraud", "bold", "hi"]),
    ("café cafe\u0301 naïve Ångström", ["cafe", "cafe", "naive", "angstrom"]),
    ("Ёлка й Ελλάς", ["елка", "и", "ελλασ"]),
    ("smørrebrød Łódź", ["smørrebrød", "łodz"]),
    ("हिन्दी العَرَبِيَّة", ["हिन्दी", "العَرَبِيَّة"]),
    # scripts without spaces
    ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
    ("が か\u3099 ｶﾞ", ["が", "が", "ガ"]),
    ("삼성은", ["삼", "성", "은"]),
    ("ดี", ["ดี"]),
    ("GDP增长3.5%", ["gdp", "增", "长", "3.5"]),
    # addresses, handles, tags
    (
        "see https://T.co/AbC, (http://x.com/a?b=c&d=e). www.house.gov!",
        ["see", "https://t.co/abc", "http://x.com/a?b=c&d=e", "www.house.gov"],
    ),
    ("https://t.co/abです", ["https://t.co/ab", "で", "す"]),
    ("house.gov", ["house", "gov"]),
    ("mail Jo.Doe+x@Example.co.uk.", ["mail", "jo.doe+x@example.co.uk"]),
    ("RT @RepJacobs: hi @POTUS's", ["rt", "@repjacobs", "hi", "@potus", "s"]),
    ("@POTUS-led .@user", ["@potus", "led", "@user"]),
    ("@my-name.bsky.social @jo@mastodon.social.", ["@my-name.bsky.social", "@jo@mastodon.social"]),
    ("@john.smith99", ["@john.smith99"]),
    ("foo@bar ありがとう@user", ["foo", "bar", "あ", "り", "が", "と", "う", "@user"]),
    ("#COVID19 #東京 #Ünï_x #1 a#b ##x", ["#covid19", "#東京", "#uni_x", "1", "a", "b", "#x"]),
    ("$TSLA $BRK.B. $100 US$5", ["$tsla", "$brk.b", "100", "us", "5"]),
    # emoji
    (f"{FAMILY}👍🏽👍🇺🇸🇬🇧", [FAMILY, "👍🏽", "👍", "🇺🇸", "🇬🇧"]),
    ("❤️ ❤ 1️⃣", ["❤", "❤", "1⃣"]),
    ("party🎉time", ["party", "🎉", "time"]),
    ("vote‼️ really⁉ no!! ❗", ["vote", "❗", "❗", "really", "❗", "❓", "no", "❗"]),
    # what hides
    ("co\u00adop fr\u200daud \u2066x\u2069", ["coop", "fraud", "x"]),
    ("two\u200bwords", ["two", "words"]),
    ("می\u200cخواهم", ["میخواهم"]),
    ("\ud83d \x00 --- ", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), RULES)
def test_the_rules_cut_a_text_as_documented(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.skipif(not DAY.is_file(), reason="real data is not here: set MUNIMENT_TEST_DATA")
def test_no_letter_digit_or_emoji_of_real_posts_is_outside_the_tokens() -> None:
    told = regex.compile(r"(?V1)[[\p{L}\p{N}\p{Extended_Pictographic}]--[©®™]]")
    for tweet in json.loads(gzip.decompress(DAY.read_bytes()))[:2_000]:
        text = tweet["text"]
        inside = {at for token in spans(text) for at in range(token.start, token.end)}
        assert {match.start() for match in told.finditer(text)} <= inside, text


@pytest.mark.parametrize(("text", "expected"), RULES)
def test_the_path_for_all_scripts_agrees_with_the_rules(text: str, expected: list[str]) -> None:
    # A letter that ends the text keeps it from the fast path without touching the rest.
    assert tokens(f"{text} ж") == [*expected, "ж"]


@given(st.text(st.characters(max_codepoint=127)))
def test_the_fast_path_gives_what_the_path_for_all_scripts_gives(text: str) -> None:
    assert tokens(text) == [token for token in tokens(f"{text} ж") if token != "ж"]


_PIECES = st.sampled_from(
    [
        *("http://", "www.", "@", "#", "$", ".", "'", "’", "-", "_", "&", "a", "B", "7", "x.com"),
        *(" ", "é", "e\u0301", "ß", "東", "か", "\u3099", "ﾞ", "ｶ", "ᄀ", "ᅡ", "ᆨ", "ㅏ", "ж", "й"),
        *("👍", "🏽", "\u200d", "\ufe0f", "\u20e3", "🇺", "©", "™", "½", "\u200b", "ŉ", "ᾳ", "ẞ"),
        *("İ", "ﷺ"),
    ]
)
_TEXTS = st.one_of(st.text(), st.lists(_PIECES, max_size=25).map("".join))


@given(_TEXTS)
def test_tokens_joined_by_spaces_are_analysed_into_themselves(text: str) -> None:
    assert tokens(token_string(text)) == tokens(text)
    assert token_string(text).split(" ") == (tokens(text) or [""])


@given(_TEXTS)
def test_spans_are_the_tokens_and_lie_in_order_inside_the_text(text: str) -> None:
    found = spans(text)
    assert [span.text for span in found] == tokens(text)
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert all(a.start <= b.start and a.end <= b.end for a, b in pairwise(found))


@given(_TEXTS)
def test_a_span_points_at_what_gives_its_token(text: str) -> None:
    for span in spans(text):
        if span.text.isalnum() and span.text.isascii():
            assert span.text in token_string(text[span.start : span.end]).replace(" ", "")


def test_every_character_of_unicode_gives_stable_tokens_without_white_space() -> None:
    alike = [range(0x3400, 0xA000), range(0xAC00, 0xD7A4), range(0x17000, 0x19000)]
    alike.append(range(0x20000, sys.maxunicode))  # ideographs and syllables
    for code in range(sys.maxunicode):
        if any(code in block for block in alike):
            continue
        char = chr(code)
        found = tokens(f"{char} a{char}b #{char}a")
        assert tokens(" ".join(found)) == found, ascii(char)
        assert not any(part.isspace() for token in found for part in token), ascii(char)


def test_spans_of_a_text_that_folding_makes_longer_point_at_the_original() -> None:
    text = "“ﬁne”  ½ Cafe\u0301"
    assert spans(text) == [
        Token("fine", 1, 4),
        Token("1", 7, 8),
        Token("2", 7, 8),
        Token("cafe", 9, 14),
    ]
    assert text[9:14] == "Cafe\u0301"


@pytest.mark.parametrize(
    "long",
    ["a" * 201, "é" * 500, "1.5" * 100, "u." * 150 + "s", "#" + "x" * 300, "@" + "y" * 300],
)
def test_a_token_over_the_limit_becomes_a_short_one_that_finds_itself(long: str) -> None:
    (token,) = tokens(long)
    assert len(token) <= MAX_TOKEN
    assert tokens(long) == tokens(long.upper()) == tokens(token) == [spans(long)[0].text]
    assert tokens(long) != tokens(long + ("s" if long[-1].isalpha() else "5"))


def test_a_long_address_keeps_its_beginning_and_differs_by_its_end() -> None:
    start = "https://example.com/" + "path/" * 60
    (one,), (other,) = tokens(start + "1"), tokens(start + "2")
    assert one != other
    assert len(one) == len(other) == MAX_TOKEN
    assert one.startswith(start[:135])
    assert tokens(one) == [one]


def test_an_awkward_text_costs_linear_time() -> None:
    for awkward in ("a." * 50_000, "www." + "." * 100_000, "a@" * 50_000, "#1" * 50_000):
        tokens(awkward)
        tokens(awkward + "ж")


@given(st.text())
def test_a_keyword_ignores_case_and_surrounding_space_and_can_be_stored(value: str) -> None:
    folded = keyword(value)
    assert keyword(f"  {folded} ") == folded
    assert len(folded) <= MAX_TOKEN
    folded.encode()


def test_keywords_fold_case_and_width_but_keep_accents() -> None:
    assert keyword("  Rep\u00a0 JACOBS ") == "rep jacobs"
    assert keyword("ＡＣＭＥ") == "acme"
    assert keyword("État") == "état"


def test_the_version_names_everything_that_tokens_depend_on() -> None:
    assert analyzer.ANALYZER_VERSION.startswith("muniment-")
    assert f"unicode-{unicodedata.unidata_version}" in analyzer.ANALYZER_VERSION
    assert f"regex-{regex.__version__}" in analyzer.ANALYZER_VERSION
