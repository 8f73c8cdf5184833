"""A search term report over real posts, every figure counted again in the raw files by hand."""

import io
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from tests.e2e.command_line import CommandLine
from tests.e2e.raw_tweets import (
    FILES,
    Rule,
    any_of,
    both,
    by,
    just,
    like,
    near,
    phrase,
    says,
    tweets,
    without,
    word,
)
from tests.e2e.test_congresstweets import MAP

DAYS = [path for path in FILES if path.name.startswith("2020-11-01")]
ZONE = "America/Los_Angeles"  # where this day of Washington begins in October

TERMS: list[tuple[str, Rule]] = [
    ("election", says(word("election"))),
    ('"mail-in ballot"', says(phrase("mail", "in", "ballot"))),
    ("ballot*", says(like("ballot.*"))),
    ("vote w/5 early", says(near(word("vote"), word("early"), 5))),
    ("vote pre/3 tuesday", says(near(word("vote"), word("tuesday"), 3, ordered=True))),
    (
        "(poll OR polls) w/3 (open OR close*)",
        says(near(word("poll", "polls"), any_of(word("open"), like("close.*")), 3)),
    ),
    ("fraud* OR rigged OR stolen", says(any_of(like("fraud.*"), word("rigged", "stolen")))),
    ("#covid19 OR #coronavirus", says(just("#covid19", "#coronavirus"))),
    (
        "(mask OR masks) AND NOT mandate*",
        without(says(word("mask", "masks")), says(like("mandate.*"))),
    ),
    ('"health care"', says(phrase("health", "care"))),
    ("healthcare", says(word("healthcare"))),
    ("@realdonaldtrump", says(just("@realdonaldtrump"))),
    ("trump AND (tax OR taxes)", both(says(word("trump")), says(word("tax", "taxes")))),
    (
        "(supreme pre/1 court) w/10 barrett",
        says(near(near(word("supreme"), word("court"), 1, ordered=True), word("barrett"), 10)),
    ),
    ("wom?n", says(like("wom.n"))),
    ("stimulus OR relief", says(word("stimulus", "relief"))),
    ("from:SenatorLoeffler", by("senatorloeffler")),
    ("halloween", says(word("halloween"))),
    (
        '"fall back" OR "daylight saving*"',
        says(any_of(phrase("fall", "back"), phrase("daylight", "saving.*"))),
    ),
    ("zygomorphic", says(word("zygomorphic"))),
]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(len(DAYS) != 1, reason="the real posts (MUNIMENT_TEST_DATA) are absent"),
]


def test_every_figure_of_a_report_is_that_of_a_count_by_hand(tmp_path: Path) -> None:
    muniment = CommandLine(tmp_path / "home")
    muniment("init")
    command = ["import", *map(str, DAYS), "--format", "json", "--platform", "x", "--map", *MAP]
    muniment(*command)
    (tmp_path / "terms.txt").write_text("\n".join(term for term, _ in TERMS))
    workbook = tmp_path / "report.xlsx"

    report = muniment(
        *("terms", "report", str(tmp_path / "terms.txt"), "--zone", ZONE),
        *("--out", str(workbook), "--json"),
    ).json()

    everything = list(tweets(DAYS))
    hits = [{n for n, each in enumerate(everything) if means(each)} for _, means in TERMS]
    months = [f"{each.at.astimezone(ZoneInfo(ZONE)):%Y-%m}" for each in everything]
    assert set(months) == {"2020-10", "2020-11"}
    assert report["documents"] == len(everything)
    for line, found in zip(report["terms"], hits, strict=True):
        others = set().union(*(each for each in hits if each is not found))
        assert (line["documents"], line["with_family"], line["unique"], line["error"]) == (
            len(found),
            len(found),  # these posts say of no other what it answers, and have one version each
            len(found - others),
            "",
        ), line["term"]
        assert_parts(line, found, [each.handle for each in everything], months)
    together = set().union(*hits)
    total = report["total"]
    assert (total["documents"], total["with_family"]) == (len(together), len(together))
    assert_parts(total, together, [each.handle for each in everything], months)
    assert [line["documents"] > 0 for line in report["terms"]] == [True] * 19 + [False]
    assert_workbook(workbook.read_bytes(), report)


def assert_parts(
    line: dict[str, object], found: set[int], handles: list[str], months: list[str]
) -> None:
    """The breakdown of one line is that of the posts found."""
    accounts, by_month = line["accounts"], line["months"]
    assert isinstance(accounts, list)
    assert isinstance(by_month, list)
    assert {each["account"]: each["documents"] for each in accounts} == Counter(
        handles[n] for n in found
    )
    assert {each["month"]: each["documents"] for each in by_month} == Counter(
        months[n] for n in found
    )


def assert_workbook(content: bytes, report: dict[str, object]) -> None:
    """The workbook says what the report does, and holds no formula."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    lines, total = report["terms"], report["total"]
    assert isinstance(lines, list)
    assert isinstance(total, dict)
    rows = list(book["Terms"].iter_rows(min_row=2, values_only=True))
    *of_terms, of_all, without_words = rows
    assert [row[1:5] for row in of_terms] == [
        (line["term"], line["documents"], line["with_family"], line["unique"]) for line in lines
    ]
    assert of_all[2] == total["documents"]
    assert without_words[2] == report["without_words"]
    accounts = list(book["Accounts"].iter_rows(min_row=2, values_only=True))
    assert len(accounts) == sum(len(each["accounts"]) for each in [*lines, total])
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
