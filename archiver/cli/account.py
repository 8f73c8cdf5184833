"""`muniment account`: the register of accounts."""

import argparse

from archiver.cli.arguments import Parser, actions, add_action
from archiver.cli.exits import UNAVAILABLE
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.db.accounts import SORTS
from archiver.disposal.stated_events import when_of_text

_COLUMNS = ("id", "platform", "handle", "custodian", "unit", "state", "records", "last_captured_at")
_NOT_RECORDED = (
    "gaps are not recorded yet: this version does not capture from platforms by itself, so it does "
    "not know what it should have received. `muniment account show` tells when an account's first "
    "and last posts were captured, and how many there are of each month"
)


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    added = add_action(group, "add", sentence="register an account, by what captures call it")
    added.add_argument("platform", metavar="PLATFORM", help="such as mastodon")
    added.add_argument("handle", metavar="HANDLE", help="as captures write it, such as @acme")
    _describe(added)
    added.set_defaults(act=on_archive(add))

    changed = add_action(group, "change", sentence="set title, custodian or unit")
    _name(changed)
    _describe(changed)
    changed.set_defaults(act=on_archive(change))

    for word, act in (("close", close), ("reopen", reopen)):
        turned = add_action(group, word, sentence=f"{word} an account; its records stay")
        _name(turned)
        turned.add_argument("--reason", required=True, help="why; it stands in the audit trail")
        if act is close:
            turned.add_argument(
                "--on", default="", metavar="DAY", help="since when; now unless told"
            )
        turned.set_defaults(act=on_archive(act))

    listed = add_action(group, "list", sentence="accounts, those nobody registered included")
    listed.add_argument("--platform", default="", metavar="P", help="only this platform")
    listed.add_argument("--unit", metavar="U", help="only this unit")
    listed.add_argument("--state", default="", choices=["open", "closed"], help="only these")
    listed.add_argument(
        "--sort", default="account", metavar="S", help=f"{', '.join(SORTS)}; - before it turns it"
    )
    listed.set_defaults(act=on_archive(list_all))

    shown = add_action(group, "show", sentence="one account with its months and history")
    _name(shown)
    shown.set_defaults(act=on_archive(show))

    gapped = add_action(group, "gaps", sentence="what was not captured, where that is known")
    gapped.add_argument("id", metavar="ID", nargs="?", default="", help="the account's id")
    gapped.set_defaults(act=on_archive(gaps))


def _name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the account's id")


def _describe(parser: argparse.ArgumentParser) -> None:
    for option, sentence in (
        ("--title", "what people call it"),
        ("--custodian", "whose account it is"),
        ("--unit", "the part of the organisation it belongs to; it decides who sees its records"),
    ):
        parser.add_argument(option, help=sentence)


async def add(opened: Opened) -> int:
    """Register an account."""
    args = opened.args
    made = await opened.services.accounts.register(
        platform=args.platform,
        handle=args.handle,
        title=args.title or "",
        custodian=args.custodian or "",
        unit=args.unit or "",
        actor=opened.actor,
    )
    return _answer(opened, made.to_dict(), f"Registered {made.handle} on {made.platform}")


async def change(opened: Opened) -> int:
    """Change an account."""
    args = opened.args
    made = await opened.services.accounts.change(
        args.id, title=args.title, custodian=args.custodian, unit=args.unit, actor=opened.actor
    )
    return _answer(opened, made.to_dict(), f"{made.handle} on {made.platform} stands as above")


async def close(opened: Opened) -> int:
    """Close an account."""
    args, accounts = opened.args, opened.services.accounts
    zone = opened.services.keeping.zone
    since = when_of_text(args.on, zone) if args.on else None
    made = await accounts.close(
        args.id,
        reason=args.reason,
        closed_at=since.at if since else None,
        closed_on=since.day if since else None,
        actor=opened.actor,
    )
    return _answer(opened, made.to_dict(), f"Closed {made.handle} on {made.platform}")


async def reopen(opened: Opened) -> int:
    """Reopen an account."""
    args, accounts = opened.args, opened.services.accounts
    made = await accounts.reopen(args.id, reason=args.reason, actor=opened.actor)
    return _answer(opened, made.to_dict(), f"Reopened {made.handle} on {made.platform}")


async def list_all(opened: Opened) -> int:
    """List the accounts, page after page."""
    args, items, cursor = opened.args, [], ""
    await opened.services.account_totals.catch_up()
    while True:
        found = await opened.services.accounts.list(
            platform=args.platform,
            unit=args.unit,
            state=args.state,
            sort=args.sort,
            limit=200,
            cursor=cursor,
            actor=opened.actor,
        )
        items += [view.to_dict() for view in found.items]
        if not (cursor := found.next_cursor):
            break
    others = [view.to_dict() for view in found.not_registered]
    # What nobody registered has neither unit nor state, and is no answer to who asks for one.
    shown = items if args.platform or args.unit or args.state else items + others

    def say(output: Output) -> None:
        output.table(_COLUMNS, [[item[column] for column in _COLUMNS] for item in shown])
        output.line(
            f"{counted(found.total, 'account')}, {found.not_registered_total:,} not registered"
        )

    opened.output.answer(
        {
            "items": items,
            "total": found.total,
            "not_registered": {"items": others, "total": found.not_registered_total},
        },
        say,
    )
    return 0


async def show(opened: Opened) -> int:
    """Show one account."""
    await opened.services.account_totals.catch_up()
    page = await opened.services.accounts.show(opened.args.id, actor=opened.actor)
    document = page.to_dict()

    def say(output: Output) -> None:
        output.describe(page.account.to_dict())
        output.line("")
        output.table(("month", "records"), page.months)
        output.line("")
        output.table(
            ("at", "what", "detail"),
            [[line.at, line.sentence, line.detail] for line in page.history],
        )
        output.line(f"{page.account.handle}: {counted(page.account.records, 'record')}")

    opened.output.answer(document, say)
    return 0


async def gaps(opened: Opened) -> int:
    """Say that nothing is known of gaps; a script must not take that for none."""
    if opened.args.id:
        await opened.services.accounts.show(opened.args.id, actor=opened.actor)
    opened.output.answer(
        {"recorded": False, "items": [], "why": _NOT_RECORDED},
        lambda output: output.line(f"{_NOT_RECORDED[0].upper()}{_NOT_RECORDED[1:]}"),
    )
    return UNAVAILABLE


def _answer(opened: Opened, document: dict[str, object], sentence: str) -> int:
    def say(output: Output) -> None:
        output.describe(document)
        output.line(f"\n{sentence}")

    opened.output.answer(document, say)
    return 0
