"""`muniment search`: an exact count, what it covers, and a page of hits or all ids."""

from itertools import islice

from archiver.cli.arguments import Parser
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.cli.query_parts import MAX_PARTS, parts_of
from archiver.errors import InvalidInput

_PAGE = 20
_EXCERPT = 120


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("query", metavar="QUERY", help="in the query language, as one argument")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--count", action="store_true", help="only count")
    answer.add_argument("--ids", action="store_true", help="the ids of all hits, in log order")
    parser.add_argument("--limit", type=int, metavar="N", help=f"hits on the page ({_PAGE})")
    parser.add_argument("--cursor", default="", help="next_cursor of the page before")
    parser.add_argument(
        "--explain", action="store_true", help="count each part of the query by itself too"
    )
    parser.set_defaults(act=on_archive(search))


async def search(opened: Opened) -> int:
    """Run the search and give its answer."""
    args, searching, actor = opened.args, opened.services.searching, opened.actor
    if (args.count or args.ids) and (args.limit is not None or args.cursor):
        raise InvalidInput(
            "--limit and --cursor page through hits; leave them out with --count "
            "and --ids, which speak of all hits"
        )
    if args.ids:
        found = await searching.ids(args.query, actor=actor)
    elif args.count:
        found = await searching.count(args.query, actor=actor)
    else:
        limit = _PAGE if args.limit is None else args.limit
        found = await searching.search(args.query, limit=limit, cursor=args.cursor, actor=actor)
    document = found.to_dict()
    if args.explain:
        document["explain"] = await _explain(opened)
    opened.output.answer(document, lambda output: _say(output, document))
    return 0


async def _explain(opened: Opened) -> list[Document]:
    """Return each part of the query with its own count, which shows the part that finds nothing."""
    parts = parts_of(opened.args.query, opened.services.archive.zone)
    explained: list[Document] = []
    for part in islice(parts, MAX_PARTS):
        alone = await opened.services.searching.count(part.text, actor=opened.actor)
        explained.append({"part": part.text, "finds": list(part.finds), "count": alone.count})
    return explained


def _say(output: Output, found: Document) -> None:
    for record_id in found.get("ids", ()):
        output.line(record_id)
    for hit in found.get("hits", ()):
        _say_hit(output, hit)
    if "explain" in found:
        rows = [(e["part"], ", ".join(e["finds"]), f"{e['count']:,}") for e in found["explain"]]
        output.table(("Part of the query", "Finds", "Count"), rows)
    if found.get("next_cursor"):
        output.line(f"Next page: --cursor {found['next_cursor']}")
    covered = found["covered"]
    output.line(
        f"{counted(found['count'], 'record')} found for {found['normalised']} among all "
        f"{counted(covered['records'], 'record')} up to log size {covered['log_size']:,}; "
        f"{covered['not_searchable']:,} not searchable"
    )
    if not covered["exact"]:
        output.line(
            "NOT EXACT: the index does not hold just the posts it has to. It is put right by "
            "itself while `muniment serve` runs, or run `muniment reindex`"
        )


def _say_hit(output: Output, hit: Document) -> None:
    marks = [hit["change"]] if hit["change"] != "created" else []
    marks += ["on hold"] if hit["held"] else []
    marks += ["HASH MISMATCH"] if hit.get("integrity") else []
    when = hit["posted_at"] or hit["captured_at"]
    parts = [hit["id"], when, hit["platform"], hit["author"] or hit["account"], *marks]
    output.line("  ".join(part for part in parts if part))
    text = " ".join(str(hit.get("integrity") or hit["text"]).split())
    output.line(f"    {text[:_EXCERPT]}{'…' if len(text) > _EXCERPT else ''}")
