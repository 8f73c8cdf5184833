"""`muniment search`: an exact count, what it covers, and a page of hits or all ids."""

from archiver.cli.arguments import Parser, words_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.cli.search_explained import explain, say_explained, say_understood
from archiver.cli.sets import say_set
from archiver.errors import InvalidInput
from archiver.legal.understanding import Syntax, Understood

_PAGE = 20
_EXCERPT = 120


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("query", metavar="QUERY", help="in the query language, as one argument")
    answer = parser.add_mutually_exclusive_group()
    answer.add_argument("--count", action="store_true", help="only count")
    answer.add_argument("--ids", action="store_true", help="the ids of all hits, in log order")
    answer.add_argument(
        "--freeze", metavar="NAME", help="fix what is found for good, as a set of this name"
    )
    parser.add_argument("--limit", type=int, metavar="N", help=f"hits on the page ({_PAGE})")
    parser.add_argument("--cursor", default="", help="next_cursor of the page before")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="how the query is understood, what its words stand for, and what each part counts",
    )
    parser.add_argument(
        "--stem", action="store_true", help="plain words find their other English forms too"
    )
    parser.add_argument(
        "--zone", default="", metavar="ZONE", help="of days, as Europe/Paris (the archive's)"
    )
    parser.add_argument(
        "--syntax",
        choices=words_of(Syntax),
        default=Syntax.MUNIMENT,
        help="the language the query is written in",
    )
    parser.set_defaults(act=on_archive(search))


async def search(opened: Opened) -> int:
    """Run the search and give its answer."""
    args, searching, actor = opened.args, opened.services.searching, opened.actor
    if (args.count or args.ids or args.freeze) and (args.limit is not None or args.cursor):
        raise InvalidInput(
            "--limit and --cursor page through hits; leave them out with --count, --ids "
            "and --freeze, which speak of all hits"
        )
    understood = _understood(opened)
    # The normal form says what the options do, so nobody needs to know them to read the trail.
    query = understood.normalised if understood else args.query
    if args.freeze is not None:
        return await _freeze(opened, query)
    if args.ids:
        found = await searching.ids(query, actor=actor)
    elif args.count:
        found = await searching.count(query, actor=actor)
    else:
        limit = _PAGE if args.limit is None else args.limit
        found = await searching.search(query, limit=limit, cursor=args.cursor, actor=actor)
    document = found.to_dict()
    if understood:
        document["understood"] = understood.to_dict()
    if args.explain and understood:
        document |= await explain(opened, understood)
    opened.output.answer(document, lambda output: _say(output, document))
    return 0


async def _freeze(opened: Opened, query: str) -> int:
    view = await opened.services.frozen_sets.freeze(
        query, name=opened.args.freeze, actor=opened.actor
    )
    document = view.to_dict()
    opened.output.answer(document, lambda output: say_set(output, document))
    return 0


def _understood(opened: Opened) -> Understood | None:
    """Return how the query is understood where an option says how to read it."""
    args = opened.args
    if not (args.stem or args.zone or args.explain or args.syntax != Syntax.MUNIMENT):
        return None
    return opened.services.explaining.understand(
        args.query, syntax=Syntax(args.syntax), stem=args.stem, zone=args.zone
    )


def _say(output: Output, found: Document) -> None:
    for record_id in found.get("ids", ()):
        output.line(record_id)
    for hit in found.get("hits", ()):
        _say_hit(output, hit)
    if "understood" in found:
        say_understood(output, found["understood"])
    if "explain" in found:
        say_explained(output, found)
    if found.get("next_cursor"):
        output.line(f"Next page: --cursor {found['next_cursor']}")
    covered = found["covered"]
    output.line(
        f"{counted(found['count'], 'record')} found for {found['normalised']} among all "
        f"{counted(covered['records'], 'record')} up to log size {covered['log_size']:,}; "
        f"{covered['not_searchable']:,} not searchable"
    )
    if covered.get("restricted"):
        output.line(
            f"{counted(covered['restricted'], 'restricted record')} not shown (is:restricted asks)"
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
