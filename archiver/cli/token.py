"""`muniment token`: make, list and revoke API tokens."""

from datetime import timedelta

from archiver.access.tokens import LONGEST
from archiver.cli.arguments import Parser, actions, add_action, words_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.errors import InvalidInput
from archiver.model.actor import Role

_MOST_DAYS = LONGEST.days


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    created = add_action(group, "create", sentence="make a token; its secret is shown this once")
    created.add_argument("name", metavar="NAME", help="whose token it is; events name it")
    created.add_argument(
        "--role",
        dest="roles",
        action="extend",
        nargs="+",
        required=True,
        choices=words_of(Role),
        metavar="ROLE",
        help=f"what it may do: {', '.join(Role)}",
    )
    created.add_argument("--days", type=int, metavar="N", help="expires after N days (90)")
    created.add_argument(
        "--unit", default="", metavar="NAME", help="only over this unit's accounts"
    )
    created.add_argument("--matter", default="", metavar="NAME", help="only within this matter")
    created.set_defaults(act=on_archive(create))

    listed = add_action(group, "list", sentence="all tokens, revoked ones included")
    listed.set_defaults(act=on_archive(list_all))

    revoked = add_action(group, "revoke", sentence="revoke a token for good")
    revoked.add_argument("id", metavar="ID", help="the token's id")
    revoked.set_defaults(act=on_archive(revoke))


async def create(opened: Opened) -> int:
    """Make a token and show its secret."""
    args, services = opened.args, opened.services
    if args.days is not None and not 1 <= args.days <= _MOST_DAYS:
        raise InvalidInput(f"expected --days from 1 to {_MOST_DAYS}, found {args.days}")
    expires_at = None if args.days is None else services.clock() + timedelta(days=args.days)
    view, secret = await services.tokens.create(
        args.name,
        {Role(role) for role in args.roles},
        unit=args.unit,
        matter=args.matter,
        expires_at=expires_at,
        actor=opened.actor,
    )
    document = {**view.to_dict(), "secret": secret}

    def say(output: Output) -> None:
        output.line(secret)
        output.line(f"Token {view.id} of {view.name}; keep the secret: it is not shown again")

    opened.output.answer(document, say)
    return 0


async def list_all(opened: Opened) -> int:
    """List the tokens."""
    views = await opened.services.tokens.list(actor=opened.actor)
    items = [view.to_dict() for view in views]

    def say(output: Output) -> None:
        columns = ("id", "name", "roles", "state", "created_at", "expires_at")
        roles = [{"roles": " ".join(view.roles)} for view in views]
        rows = [{**item, **said} for item, said in zip(items, roles, strict=True)]
        output.table(columns, [[row[column] for column in columns] for row in rows])
        output.line(counted(len(items), "token"))

    opened.output.answer({"items": items}, say)
    return 0


async def revoke(opened: Opened) -> int:
    """Revoke a token."""
    view = await opened.services.tokens.revoke(opened.args.id, actor=opened.actor)
    opened.output.answer(
        view.to_dict(), lambda output: output.line(f"Token {view.id} of {view.name} {view.state}")
    )
    return 0
