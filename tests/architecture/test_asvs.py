"""The tables of OWASP ASVS and of threats are whole, and every test they name is there."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.architecture.repository import ROOT, text_of

TABLE = Path("deploy/ASVS.md")
THREATS = Path("deploy/THREAT_MODEL.md")

LEVELS = {
    1: (8, 19), 2: (4, 7), 3: (8, 11), 4: (2, 8), 5: (4, 5), 6: (13, 22), 7: (6, 12), 8: (4, 3),
    9: (4, 3), 10: (5, 24), 11: (3, 11), 12: (3, 6), 13: (1, 12), 14: (2, 7), 15: (3, 10),
    16: (0, 16),
}  # fmt: skip
"""Requirements of level 1 and 2 by chapter of ASVS 5.0.0; V17 (WebRTC) is left out."""

STATES = {"met", "part", "open", "n/a"}

_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| (\S+) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Row(NamedTuple):
    """One requirement: its id, its level, how it stands, in which words, by which tests."""

    id: str
    level: int
    state: str
    words: str
    tests: str


def _rows() -> list[Row]:
    found = _ROW.findall(text_of(TABLE))
    return [Row(id_, int(level), state, words, tests) for id_, level, state, words, tests in found]


@cache
def _tests_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def _named(document: Path) -> Iterator[tuple[str, str]]:
    yield from _TEST.findall(text_of(document))


def _missing(document: Path) -> list[str]:
    return [
        f"{path}::{name}"
        for path, name in _named(document)
        if not (ROOT / "tests" / path).is_file() or name not in _tests_in(ROOT / "tests" / path)
    ]


def test_every_requirement_of_level_1_and_2_is_accounted_for_once() -> None:
    rows = _rows()
    counted = Counter((int(row.id.split(".")[0]), row.level) for row in rows)

    assert [id_ for id_, times in Counter(row.id for row in rows).items() if times > 1] == []
    assert {chapter: (counted[chapter, 1], counted[chapter, 2]) for chapter in LEVELS} == LEVELS
    assert len(rows) == sum(sum(each) for each in LEVELS.values()) == 246


def test_every_row_says_how_it_stands() -> None:
    assert [row.id for row in _rows() if row.state not in STATES] == []


def test_whatever_is_met_names_a_test() -> None:
    assert [row.id for row in _rows() if row.state == "met" and not _TEST.search(row.tests)] == []


def test_whatever_is_not_says_why() -> None:
    silent = [row.id for row in _rows() if row.state != "met" and len(row.words) < len("No LDAP")]

    assert silent == []


def test_the_summary_counts_what_the_rows_say() -> None:
    text = text_of(TABLE)
    counted = Counter((row.state, row.level) for row in _rows())

    for state in STATES:
        assert f"| {state} | {counted[state, 1]} | {counted[state, 2]} |" in text, state


def test_every_test_that_the_table_names_is_there() -> None:
    assert _missing(TABLE) == []


def test_every_test_that_the_threat_model_names_is_there() -> None:
    assert len(list(_named(THREATS))) >= 40
    assert _missing(THREATS) == []


def test_a_test_that_is_not_there_would_be_seen(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text("`unit/web/test_pages.py::test_of_nothing`, `unit/nowhere.py::test_x`")

    assert len(_missing(document)) == 2


def test_the_threat_model_names_assets_actors_and_boundaries() -> None:
    headings = re.findall(r"^#+ (.+)$", text_of(THREATS), re.MULTILINE)

    assert {"Assets", "Actors", "Boundaries", "Spoofing", "Tampering", "Repudiation"} <= {*headings}
    assert {"Disclosure", "Denial of service", "Elevation"} <= {*headings}


def test_the_threat_model_tells_how_guessing_is_met() -> None:
    sign_in = text_of(THREATS).partition("## Sign-in")[2].partition("\n## ")[0]

    for word in (
        "Guessing",
        "Sessions",
        "provider",
        "passkey",
        "password",
        "one-time link",
        "idle",
    ):
        assert word in sign_in


def test_the_security_policy_says_when_a_dependency_is_renewed() -> None:
    assert re.search(r"dependency .+ within a week", text_of(Path("SECURITY.md")))
