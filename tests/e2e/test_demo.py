"""The demonstration reaches its end, and only ever in a home of its own."""

from pathlib import Path

import pytest

from archiver.model.actor import Role
from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.e2e

STEPS = [
    *("planned", "registered", "captured", "sent again", "sealed", "searched", "held", "explained"),
    *("verified", "proven", "due", "disposed"),
]


def test_the_demonstration_finds_what_its_generator_made(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    muniment = CommandLine(home)

    told = muniment("demo", "--no-serve", "--posts", "200", "--home", str(home), "--json").json()

    assert told["ok"] is True
    assert [step["step"] for step in told["steps"]] == STEPS
    figures = {step["step"]: step for step in told["steps"]}
    assert figures["registered"]["registered"] == 7
    assert figures["captured"]["captured"] == 200
    assert figures["sealed"]["searchable"] == 200
    assert figures["verified"]["problems"] == 0
    assert figures["proven"]["refused_by"]
    assert muniment("evidence", "verify", figures["proven"]["bundle"], "--json").json()["ok"]
    assert figures["disposed"]["disposed"] == figures["due"]["due"] == 23
    certificate = figures["disposed"]["certificate"]
    assert muniment("evidence", "verify", certificate, "--json").json()["ok"]
    why = muniment("record", "why", figures["due"]["held"], "--json").json()
    assert why["state"] == "held"
    held = figures["held"]["records"]
    assert [each["records"] for each in muniment("hold", "list", "--json").json()["items"]] == [
        1,
        held,
    ]
    assert muniment("verify", "--full", "--json").json()["ok"] is True
    people = muniment("user", "list", "--json").json()["items"]
    assert sorted(person["email"] for person in people) == sorted(told["people"])
    assert {person["state"] for person in people} == {"active"}
    assert {line.partition(" ")[0] for person in people for line in person["roles"]} == (
        set(Role) - {Role.CAPTURE_AGENT}
    )


def test_a_demonstration_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    home, other = tmp_path / "demo", tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    muniment = CommandLine(home)
    words = ("demo", "--no-serve", "--posts", "5", "--home")

    for _ in range(2):
        assert "Everything came out as expected" in muniment(*words, str(home)).out
    refused = muniment(*words, str(other), expect=2)

    assert "not touched" in refused.err
    assert (other / "thesis.txt").read_text() == "years of work"
