"""`muniment reindex`: build the search index anew from the log, while the old one answers."""

from archiver.cli.arguments import Parser
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.jobs.reindexing import Rebuilt


def configure(parser: Parser) -> None:
    """Declare the command; it takes no arguments of its own."""
    parser.set_defaults(act=on_archive(reindex))


async def reindex(opened: Opened) -> int:
    """Build a new index beside the old one, switch to it, and tell what it holds.

    It may run beside a server, which goes over to the new index by itself.
    """
    with opened.output.progress("Indexing") as show:
        rebuilt = await opened.services.reindexing.run(actor=opened.actor, progress=show)
    await opened.catch_up()  # what came meanwhile; where nobody serves, the old one is removed
    opened.output.answer(rebuilt.to_dict(), lambda output: _say(output, rebuilt))
    return 0


def _say(output: Output, rebuilt: Rebuilt) -> None:
    output.line(
        f"Search index built anew up to log size {rebuilt.log_size:,} in {rebuilt.seconds:.1f} s: "
        f"{counted(rebuilt.records, 'post')}"
    )
    if rebuilt.set_aside:
        output.line(
            f"{counted(rebuilt.set_aside, 'post')} could not be taken in: `muniment doctor` and "
            "the Integrity page name them"
        )
    if rebuilt.differed:
        output.line(f"The old index differed from the records by {rebuilt.differed:,}")
