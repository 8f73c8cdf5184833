"""HTML to plain text: what stays readable, and linear time on hostile markup."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.capture.html_text import decode_entities, html_to_text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("<p>one</p><p>two<br>three<br/>four</p>", "one\n\ntwo\nthree\nfour"),
        ("<ul><li>a</li><li>b</li></ul>", "a\n\nb"),
        (
            'see <a href="https://x.example/a?b=1&amp;c">here</a>',
            "see here (https://x.example/a?b=1&c)",
        ),
        ('<a href="https://x.example/a/">https://x.example/a</a>', "https://x.example/a"),
        (
            """<a href="https://x.example/long/path"><span class="invisible">https://</span><span
            class="ellipsis">x.example/long</span><span class="invisible">/path</span></a>""",
            "https://x.example/long/path",
        ),
        ('<a href="#note">1</a>', "1"),
        ('<a href="https://x.example/a">open', "open (https://x.example/a)"),
        ("a<script>var x = '<p>';</script>b<STYLE>p{}</STYLE>c", "abc"),
        ("a<!-- <b>no</b> -->b", "ab"),
        ("a<![CDATA[b]]>c<!DOCTYPE html>d<?php x ?>e", "acde"),
        ('<img src="x" alt="a chart &amp; more">', "a chart & more"),
        ("<img alt='it\"s > that'> after", 'it"s > that after'),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("tom <jerry", "tom <jerry"),
        ("<p>many   \n spaces\t here</p>", "many spaces here"),
        ("<b>bo</b>ld", "bold"),
        ("&#x1F600; &unknown; &#" + "9" * 5000 + ";", "😀 &unknown; \ufffd"),
    ],
)
def test_markup_becomes_readable_text(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


@given(st.text(alphabet="<>/ab\"'=&#;![]-pscriptCDATA \n"))
def test_no_markup_raises(markup: str) -> None:
    html_to_text(markup)


@given(st.text(alphabet=st.characters(exclude_characters="<&", exclude_categories=["Cs"])))
def test_text_without_markup_keeps_every_letter(text: str) -> None:
    assert html_to_text(f"<i></i>{text}").split() == text.split()
    assert decode_entities(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!",
        "<![",
        "<a ",
        "<!--",
        "</",
        '<a href="',
        "&#",
        "<script>",
        "<a>",
        "<x y='",
        '<a ">',
    ],
)
@pytest.mark.parametrize("end", ["", ">", '">'])
def test_hostile_markup_takes_linear_time(piece: str, end: str) -> None:
    start = time.process_time()
    html_to_text(piece * 50_000 + end)
    assert time.process_time() - start < 2, "html.parser takes minutes for this"
