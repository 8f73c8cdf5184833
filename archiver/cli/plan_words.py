"""What `muniment class` and `muniment schedule` say in words of the same documents."""

import json
from collections.abc import Sequence

from archiver.cli.named_files import text_of
from archiver.cli.output import Document, Output, counted
from archiver.errors import InvalidInput

_DRAFT_COLUMNS = ("id", "of", "version", "state", "in_force_from", "made_by", "made_at")
_PLAIN = (
    "id",
    "state",
    "reason",
    "based_on",
    "version",
    "in_force_from",
    "revision",
    "digest",
    "made_by",
    "made_at",
    "decided_by",
)


def say_draft(output: Output, draft: Document) -> None:
    """Say a draft: what it is of, what it would change, what is missing."""
    output.facts([("of", draft_of(draft)), *((name, draft[name]) for name in _PLAIN)])
    say_changes(output, draft)
    said = counted(len(draft["changes"]), "change")
    output.line(f"\nDraft {draft['id']} of {draft_of(draft)}: {draft['state']}, {said}")


def say_changes(output: Output, draft: Document) -> None:
    """Say each difference from the version that the draft was made from, and what is missing."""
    for change in draft["changes"]:
        output.line(f"\n{change['what']}")
        if change["before"]:
            output.line(f"  - {change['before']}")
        if change["after"]:
            output.line(f"  + {change['after']}")
    for problem in draft["problems"]:
        output.line(f"MISSING: {problem}")
    if not draft["changes"] and not draft["problems"]:
        output.line(f"\nNo change from version {draft['based_on']}")


def say_drafts(output: Output, drafts: Sequence[Document]) -> None:
    """Say a list of drafts."""
    told = [{**draft, "of": draft_of(draft)} for draft in drafts]
    output.table(_DRAFT_COLUMNS, [[draft[name] for name in _DRAFT_COLUMNS] for draft in told])
    output.line(counted(len(drafts), "draft"))


def say_class(output: Output, found: Document) -> None:
    """Say a class with the schedule in force."""
    output.facts(
        (name, value)
        for name, value in found.items()
        if isinstance(value, str | int) and name != "depth"
    )
    schedule = found["schedule"]
    if schedule is None:
        output.line("\nNo schedule in force: nothing can be filed in it")
        return
    output.line(f"\nSchedule version {schedule['version']}: {schedule['action']}")
    for term in schedule["terms"]:
        output.line(f"  {term['period']} after {term['trigger']}: {cited(term)}")


def cited(term: Document) -> str:
    """Return a term's citation, with its mark where counsel has to confirm it."""
    confirmed = term["mark"] == "confirmed"
    return str(term["citation"]) if confirmed else f"{term['citation']} ({term['mark']})"


def draft_of(draft: Document) -> str:
    """Return what a draft is of, in words."""
    code = draft["class_code"]
    return f"the schedule of class {code}" if code else "the class rules"


def body_of(name: str) -> object:
    """Return the JSON of a schedule or class rules in a file; `-` is what comes on stdin.

    Raises:
        InvalidInput: the file cannot be read, or holds no JSON.
    """
    try:
        return json.loads(text_of(name))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"expected a schedule or class rules as JSON in {name}: {error}"
        ) from error
