"""`muniment search --explain`: how a query is understood, and what its words and parts find."""

from itertools import islice

from archiver.cli.opening import Opened
from archiver.cli.output import Document, Output, counted
from archiver.cli.query_parts import MAX_PARTS, parts_of
from archiver.legal.understanding import Understood

_MOST_SHOWN = 12


async def explain(opened: Opened, understood: Understood) -> Document:
    """Return each part of the query with its own count, and what each word stands for.

    The count of a part shows the one that finds nothing.
    """
    parts = []
    for part in islice(parts_of(understood.normalised, "UTC"), MAX_PARTS):
        alone = await opened.services.searching.count(part.text, actor=opened.actor)
        parts.append({"part": part.text, "finds": list(part.finds), "count": alone.count})
    expansions = await opened.services.explaining.expansions(understood.tree, actor=opened.actor)
    return {"explain": parts, "expansions": [each.to_dict() for each in expansions]}


def say_understood(output: Output, understood: Document) -> None:
    """Say how the query was read, where an option decided it."""
    output.line(f"Read as: {understood['normalised']}")
    for note in understood["notes"]:
        output.line(f"  note: {note['message']}")
    for finding in understood["findings"]:
        output.line(f"  {finding['severity']}: {finding['message']}")


def say_explained(output: Output, found: Document) -> None:
    """Say the query in words, what its words stand for, and what each part finds."""
    for line in found["understood"]["words"]:
        output.line("  " * (line["depth"] + 1) + line["text"])
    for each in found["expansions"]:
        tokens = each["tokens"]
        words = "too many words to be told" if tokens is None else counted(tokens, "word")
        output.line(f"{each['word']} stands for {words}{_told(each)}")
    rows = [(e["part"], ", ".join(e["finds"]), f"{e['count']:,}") for e in found["explain"]]
    output.table(("Part of the query", "Finds", "Count"), rows)


def _told(expansion: Document) -> str:
    told = expansion["told"]
    if not told:
        return ""
    shown = ", ".join(f"{each['token']} ({each['records']:,})" for each in told[:_MOST_SHOWN])
    return f": {shown}{', …' if len(told) > _MOST_SHOWN else ''}"
