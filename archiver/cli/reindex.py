"""`muniment reindex`: build the search index anew from the log, while the old one answers."""

from archiver.cli.arguments import Parser
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.jobs.analyzer_change import AnalyzerChange
from archiver.jobs.index_health import ANOTHER_ENGINE
from archiver.jobs.reindexing import Rebuilt

_SHOWN = 10


def configure(parser: Parser) -> None:
    """Declare the command; it takes no arguments of its own."""
    parser.set_defaults(act=on_archive(reindex))


async def reindex(opened: Opened) -> int:
    """Build a new index beside the old one, switch to it, and tell what it holds.

    It may run beside a server, which goes over to the new index by itself.
    """
    with opened.output.progress("Indexing") as show:
        rebuilt = await opened.services.reindexing.run(
            actor=opened.actor, progress=show, comparing=show
        )
    await opened.catch_up()  # what came meanwhile; where nobody serves, the old one is removed
    document = rebuilt.to_dict()
    if rebuilt.change:
        document["analyzer_change"] = {
            **rebuilt.change.to_dict(),
            "tokens": rebuilt.change.tokens(),
        }
    opened.output.answer(document, lambda output: _say(output, rebuilt))
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
    if rebuilt.crowded:
        output.line(f"Warning: {rebuilt.crowded}; {ANOTHER_ENGINE}")
    if rebuilt.change:
        _say_change(output, rebuilt.change)


def _say_change(output: Output, change: AnalyzerChange) -> None:
    output.line(f"The analyzer changed: {change.before} was before, {change.after} is now")
    if change.not_told:
        output.line(f"  Not told: {change.not_told}")
    found = change.found
    if found is None:
        return
    output.line(
        f"  {counted(found.changed, 'post')} of {found.posts:,} read otherwise; "
        f"{counted(len(found.tokens) + found.more_tokens, 'word')} changed"
    )
    for each in found.tokens[:_SHOWN]:
        output.line(f"  {each.token}: {each.lost:,} posts lost it, {each.gained:,} gained it")
    if len(found.tokens) + found.more_tokens > _SHOWN:
        output.line("  more with --json")
    output.line(
        f"  {len(found.queries):,} of {change.asked:,} saved searches, sets and holds by query "
        f"{'finds' if len(found.queries) == 1 else 'find'} other posts"
    )
    for query in found.queries:
        output.line(
            f"  {query.name}: {query.before:,} before, {query.after:,} now; {query.left:,} no "
            f"longer found, {query.came:,} newly found"
        )
