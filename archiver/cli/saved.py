"""`muniment saved`: saved searches, their versions, and who is told of new hits."""

import argparse

from archiver.cli.arguments import Parser, Subcommands, actions, add_action, words_of
from archiver.cli.exits import PROBLEMS
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Document, Output, counted
from archiver.legal.asking import Asked
from archiver.legal.saved_versions import Change
from archiver.legal.saved_views import read_reference
from archiver.legal.subscription_views import ChannelName, Pace

_LISTED = ("id", "name", "new", "normalised", "owner", "shared_with", "last_run_at")
_TOLD = ("id", "channel", "target", "pace", "state", "why")
_DELIVERED = ("id", "created_at", "hits", "state", "attempts", "problem")


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    listed = add_action(group, "list", sentence="saved searches with what is new in each")
    listed.add_argument("--archived", action="store_true", help="those put away")
    listed.set_defaults(act=on_archive(list_all))
    shown = _one(group, "show", "one saved search; ID@3 is its version 3")
    shown.add_argument("--versions", action="store_true", help="every version, the newest first")
    shown.set_defaults(act=on_archive(show))
    _configure_save(group)
    ran = _one(group, "run", "its hits; those by now are new to you no more")
    ran.add_argument("--limit", type=int, default=20, metavar="N", help="hits shown")
    ran.add_argument("--count", action="store_true", help="only the exact count")
    ran.set_defaults(act=on_archive(run))
    shared = _one(group, "share", "change with whom it is shared")
    shared.add_argument(
        "shared_with", metavar="WITH", help="nobody, everybody, unit:NAME or matter:NAME"
    )
    shared.set_defaults(act=on_archive(share))
    archived = _one(group, "archive", "put it away; its versions stay")
    archived.add_argument("--undo", action="store_true", help="bring it back")
    archived.set_defaults(act=on_archive(archive))
    _configure_telling(group)


def _configure_save(group: Subcommands) -> None:
    saved = add_action(group, "save", sentence="save a query under a name, or as a new version")
    saved.add_argument("query", metavar="QUERY", help="what it asks")
    saved.add_argument("--name", default=None, metavar="N", help="what it is called")
    saved.add_argument("--description", default=None, metavar="D", help="what it is for")
    saved.add_argument(
        "--shared-with", default=None, metavar="W", help="everybody, unit:NAME or matter:NAME"
    )
    saved.add_argument(
        "--version-of", metavar="ID@V", help="a new version of this one, made from its version V"
    )
    saved.add_argument(
        "--stem", action="store_true", help="plain words find their other English forms too"
    )
    saved.add_argument("--zone", default="", metavar="ZONE", help="of days, as Europe/Paris")
    saved.set_defaults(act=on_archive(save))


def _configure_telling(group: Subcommands) -> None:
    told = _one(group, "subscribe", "tell somebody of new hits from now on")
    way = told.add_mutually_exclusive_group(required=True)
    way.add_argument("--webhook", metavar="URL", help="post signed JSON to this https address")
    way.add_argument("--mail", metavar="ADDRESS", help="mail a person of the archive")
    told.add_argument(
        "--pace", choices=words_of(Pace), default=Pace.AT_ONCE.value, help="how often"
    )
    told.set_defaults(act=on_archive(subscribe))
    ended = add_action(group, "unsubscribe", sentence="end a subscription of one's own")
    ended.add_argument("subscription", metavar="ID", help="the subscription's id")
    ended.set_defaults(act=on_archive(unsubscribe))
    tested = add_action(group, "test", sentence="send a signed test to a webhook of one's own")
    tested.add_argument("subscription", metavar="ID", help="the subscription's id")
    tested.set_defaults(act=on_archive(test))
    delivered = _one(group, "deliveries", "one's own subscriptions, and what became of telling")
    delivered.add_argument("--retry", metavar="DELIVERY", help="try this delivery again now")
    delivered.set_defaults(act=on_archive(deliveries))


def _one(group: Subcommands, name: str, sentence: str) -> argparse.ArgumentParser:
    parser = add_action(group, name, sentence=sentence)
    parser.add_argument("saved", metavar="ID[@V]", help="the saved search, and which version")
    return parser


async def list_all(opened: Opened) -> int:
    """List them."""
    page = await opened.services.saved_searches.list(
        archived=opened.args.archived, limit=100, actor=opened.actor
    )
    items = [view.to_dict() for view in page.items]

    def say(output: Output) -> None:
        output.table(_LISTED, [[item[column] for column in _LISTED] for item in items])
        output.line(f"{page.total:,} saved {'search' if page.total == 1 else 'searches'}")

    opened.output.answer({"items": items, "total": page.total, "next_cursor": page.cursor}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show one, or its history."""
    saved_id, version = read_reference(opened.args.saved)
    searches = opened.services.saved_searches
    if opened.args.versions:
        history = await searches.history(saved_id, actor=opened.actor)
        items = [each.to_dict() for each in history]
        columns = ("version", "made_at", "made_by", "changed", "normalised")

        def say(output: Output) -> None:
            output.table(columns, [[item[column] for column in columns] for item in items])

        opened.output.answer({"items": items}, say)
        return 0
    view = await searches.show(saved_id, version=version, actor=opened.actor)
    _answer(opened, view.to_dict())
    return 0


async def save(opened: Opened) -> int:
    """Save a query."""
    args, searches = opened.args, opened.services.saved_searches
    asked = Asked(query=args.query, stem=args.stem, zone=args.zone)
    if args.version_of:
        saved_id, based_on = read_reference(args.version_of)
        change = Change(
            asked=asked,
            name=args.name,
            description=args.description,
            shared_with=args.shared_with,
        )
        view = await searches.change(saved_id, change, based_on=based_on, actor=opened.actor)
    else:
        view = await searches.save(
            asked,
            name=args.name or "",
            description=args.description or "",
            shared_with=args.shared_with or "",
            actor=opened.actor,
        )
    _answer(opened, view.to_dict())
    return 0


async def run(opened: Opened) -> int:
    """Run one."""
    saved_id, version = read_reference(opened.args.saved)
    view = await opened.services.saved_searches.open(saved_id, version=version, actor=opened.actor)
    searching, query = opened.services.searching, view.row.normalised
    answer = await (
        searching.count(query, actor=opened.actor)
        if opened.args.count
        else searching.search(query, limit=opened.args.limit, actor=opened.actor)
    )
    document = {**answer.to_dict(), "saved_search": view.reference}

    def say(output: Output) -> None:
        for hit in answer.hits:
            output.line(f"{hit.id}  {' '.join(hit.text.split())[:120]}")
        output.line(f"{counted(answer.count, 'record')} for {answer.normalised}")

    opened.output.answer(document, say)
    return 0


async def share(opened: Opened) -> int:
    """Change with whom it is shared."""
    return await _changed(opened, Change(shared_with=opened.args.shared_with))


async def archive(opened: Opened) -> int:
    """Put it away, or bring it back."""
    return await _changed(opened, Change(archived=not opened.args.undo))


async def subscribe(opened: Opened) -> int:
    """Subscribe."""
    args = opened.args
    saved_id, _ = read_reference(args.saved)
    view = await opened.services.subscriptions.create(
        saved_id,
        channel=ChannelName.WEBHOOK if args.webhook else ChannelName.MAIL,
        target=args.webhook or args.mail,
        pace=Pace(args.pace),
        actor=opened.actor,
    )
    _answer(opened, view.to_dict())
    if view.secret:
        opened.output.note("Keep the secret now: it is shown this once.")
    return 0


async def unsubscribe(opened: Opened) -> int:
    """End a subscription."""
    view = await opened.services.subscriptions.set_state(
        opened.args.subscription, "ended", actor=opened.actor
    )
    _answer(opened, view.to_dict())
    return 0


async def test(opened: Opened) -> int:
    """Send a test; where the receiver did not take it, that is a problem found."""
    tested = await opened.services.subscriptions.test(opened.args.subscription, actor=opened.actor)
    _answer(opened, tested.to_dict())
    return PROBLEMS if tested.problem else 0


async def deliveries(opened: Opened) -> int:
    """Show subscriptions and deliveries, after having one tried again."""
    saved_id, _ = read_reference(opened.args.saved)
    subscriptions = opened.services.subscriptions
    if opened.args.retry:
        await subscriptions.retry(opened.args.retry, actor=opened.actor)
    told = [each.to_dict() for each in await subscriptions.list(saved_id, actor=opened.actor)]
    made = [each.to_dict() for each in await subscriptions.deliveries(saved_id, actor=opened.actor)]

    def say(output: Output) -> None:
        output.table(_TOLD, [[each[column] for column in _TOLD] for each in told])
        output.line()
        output.table(_DELIVERED, [[each[column] for column in _DELIVERED] for each in made])

    opened.output.answer({"subscriptions": told, "items": made}, say)
    return 0


async def _changed(opened: Opened, change: Change) -> int:
    """Make a change from the version that is named, or from the newest."""
    saved_id, version = read_reference(opened.args.saved)
    searches = opened.services.saved_searches
    if not version:
        version = (await searches.show(saved_id, actor=opened.actor)).row.version
    view = await searches.change(saved_id, change, based_on=version, actor=opened.actor)
    _answer(opened, view.to_dict())
    return 0


def _answer(opened: Opened, document: Document) -> None:
    opened.output.answer(document, lambda output: output.describe(document))
