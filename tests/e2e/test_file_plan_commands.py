"""`muniment class` and `muniment schedule` as scripts use them, on an archive of their own."""

import json
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.e2e

CLASS, RULES = "brokers", "class-rules"
WHY = ("--reason", "counsel asks for it")
USAGE = 2
POSTS = [
    {
        "platform": "x",
        "account": account,
        "post_id": str(number),
        "text": f"Post {number}",
        "posted_at": f"2020-0{number}-01T12:00:00Z",
    }
    for number, account in enumerate(("@acme", "@acme", "@desk"), 1)
]


@pytest.fixture(scope="module")
def muniment(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """The command line on an archive of three posts with a class that has no schedule."""
    folder = tmp_path_factory.mktemp("plan")
    posts = folder / "posts.ndjson"
    posts.write_text("".join(f"{json.dumps(post)}\n" for post in POSTS), encoding="utf-8")
    command_line = CommandLine(folder / "home")
    command_line("init")
    command_line("import", str(posts), "--format", "ndjson")
    command_line("class", "add", CLASS, "--title", "Brokers", "--authority", "House rule 7")
    return command_line


def test_a_class_is_changed_closed_and_opened_again(muniment: CommandLine) -> None:
    found = muniment("class", "show", CLASS, "--json").json()
    assert (found["title"], found["schedule"], found["closed"]) == ("Brokers", None, False)
    changed = muniment("class", "edit", CLASS, "--parent", "default", *WHY, "--json").json()
    assert (changed["parent"], changed["revision"]) == ("default", 2)
    assert f"  {CLASS}  Brokers" in muniment("class", "tree").out
    closed = muniment("class", "close", CLASS, *WHY, "--json").json()
    assert closed["closed"] is True
    again = muniment("class", "close", CLASS, *WHY, expect=2)
    assert "closed already" in again.err
    assert muniment("class", "reopen", CLASS, *WHY, "--json").json()["closed"] is False
    named = muniment("class", "close", "default", *WHY, expect=2)
    assert "where new records go" in named.err


def test_a_schedule_goes_from_a_template_to_waiting_for_a_second_person(
    muniment: CommandLine, tmp_path: Path
) -> None:
    templates = muniment("schedule", "templates", "--json").json()["items"]
    unsure = {each["id"] for each in templates if each["mark"] != "confirmed"}
    assert "us-sec-17a4-comms" in {each["id"] for each in templates}
    assert unsure, "what was recalled is marked for counsel"

    draft = muniment("schedule", "draft", "default", *WHY, "--json").json()
    body = draft["body"]
    body["terms"] = [{**term, "period": "P9Y"} for term in body["terms"]]
    path = tmp_path / "body.json"
    path.write_text(json.dumps(body))
    muniment("schedule", "edit", draft["id"], "--file", str(path))
    told = muniment("schedule", "diff", draft["id"], "--json").json()["changes"]
    assert {change["words"] for change in told} == {"9 years instead of 7 years"}
    found = muniment("schedule", "simulate", "--draft", draft["id"], "--json").json()
    assert found["total"]["kept-longer"]["records"] == len(POSTS)
    assert [line["year"] for line in found["years"]] == ["2033", "2035"]
    sent = muniment("schedule", "submit", draft["id"], "--seen", found["digest"], "--json").json()
    assert (sent["state"], sent["simulation"]["digest"]) == ("submitted", found["digest"])

    alone = muniment("schedule", "approve", draft["id"], *WHY, expect=USAGE)
    assert "--person" in alone.err
    assert muniment("class", "show", "default", "--json").json()["schedule"]["version"] == 1
    withdrawn = muniment("schedule", "withdraw", draft["id"], *WHY, "--json").json()
    assert withdrawn["state"] == "withdrawn"
    assert muniment("schedule", "list", "--open", "--json").json()["drafts"] == []


def test_an_incomplete_draft_says_everything_that_is_missing(
    muniment: CommandLine, tmp_path: Path
) -> None:
    draft = muniment("schedule", "draft", CLASS, "--empty", *WHY, "--json").json()
    term = {"id": "posted", "citation": "", "trigger": "whenever", "period": "P6Y"}
    path = tmp_path / "body.json"
    path.write_text(json.dumps({**draft["body"], "terms": [{**term, "mark": "confirmed"}]}))
    edited = muniment("schedule", "edit", draft["id"], "--file", str(path))
    assert "MISSING: schedule.terms[0].citation" in edited.out
    assert "MISSING: schedule.terms[0].trigger" in edited.out
    for words in (("simulate", "--draft", draft["id"]), ("submit", draft["id"])):
        assert "expected a text" in muniment("schedule", *words, expect=2).err
    path.write_text("{no JSON")
    muniment("schedule", "edit", draft["id"], "--file", str(path), expect=2)


def test_rules_that_name_a_class_without_a_schedule_are_not_sent(
    muniment: CommandLine, tmp_path: Path
) -> None:
    draft = muniment("schedule", "draft", "--rules", *WHY, "--json").json()
    rule = {"id": "desk", "class_code": CLASS, "accounts": ["@desk"]}
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({**draft["body"], "rules": [rule]}))
    muniment("schedule", "edit", draft["id"], "--file", str(path))
    refused = muniment("schedule", "submit", draft["id"], expect=2)
    assert f"class {CLASS} has no schedule in force" in refused.err
    assert muniment("class", "rules", "--json").json()["version"] == 1


def test_records_are_put_into_a_class_by_hand_and_the_report_counts_them(
    muniment: CommandLine,
) -> None:
    target = "us-finra-2210-public"
    posts = muniment("class", "report", "--records", "default", "--json").json()["items"]
    assert [post["account"] for post in posts] == ["@acme", "@acme", "@desk"]
    moved = posts[0]["id"]
    move = ("class", "reclassify", target, "--record", moved)
    tried = muniment(*move, "--dry-run", "--json").json()
    assert (tried["moved"], tried["from_classes"][0]["class_code"]) == (1, "default")
    assert muniment(*move, *WHY, "--json").json()["moved"] == 1
    assert muniment(*move, *WHY, "--json").json() | {"moved": 0} == tried | {
        "moved": 0,
        "unchanged": 1,
        "kept_longer": 0,
        "kept_shorter": 0,
        "from_classes": [],
    }
    here = muniment("class", "report", "--records", target, "--json").json()["items"]
    assert [post["id"] for post in here] == [moved]
    kinds = {
        finding["kind"]: finding
        for finding in muniment("class", "report", "--json").json()["findings"]
    }
    assert CLASS in json.dumps(kinds["classes-without-schedule"]["items"])
    muniment("class", "reclassify", CLASS, "--record", moved, *WHY, expect=2)
