"""`muniment doctor locks`: locks, holds and versions of all objects, compared and put right now."""

from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.opening import Opened
from archiver.cli.output import Document, Output
from archiver.errors import ArchiverError


async def keep_locks(opened: Opened) -> int:
    """Run the lock keeper once, tell what it did and found, and have its events signed.

    Ends with 1 where something was not as promised, put right or not, or not all was compared.
    """
    with opened.output.progress("Comparing locks") as show:
        report = await opened.services.locks.keep(
            actor=opened.actor, progress=lambda _phase, done, total: show(done, total or done)
        )
    document = report.to_dict()
    opened.output.answer(document, lambda output: _say(output, document))
    try:
        while await opened.services.loops.integrate_once():
            pass
    except ArchiverError as error:  # what was found stands in the log either way
        opened.output.note(f"not signed yet: {error}")
    return OK if report.ok else PROBLEMS


def _say(output: Output, document: Document) -> None:
    output.line(f"{document['sentence']}.")
    for words in (*document["not_compared"], *document["bucket"]):
        output.line(f"! {words}")
    for each in document["found"]:
        state = "put right" if each["mended"] else each["why_not"] or "not put right"
        output.line(f"\n{each['kind']}: {each['object']} ({each['store']})")
        output.line(f"  found: {each['found']}; {state}")
        output.line(f"  {each['means']}")
        output.line(f"  next: {each['do']}")
    more = document["drift"] - len(document["found"])
    if more > 0:
        output.line(f"\nand {more:,} more")
