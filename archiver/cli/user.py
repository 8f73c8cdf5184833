"""`muniment user`: the people who sign in, their roles, and the links that let them in."""

from collections.abc import Sequence

from archiver.access.invitations import Link
from archiver.access.people import PeopleFilter
from archiver.access.roster import PersonView, fold_email
from archiver.cli.arguments import Parser, actions, add_action, words_of
from archiver.cli.opening import Opened, on_archive
from archiver.cli.output import Output, counted
from archiver.clock import rfc3339
from archiver.errors import InvalidInput, NotFound
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants, grant


def configure(parser: Parser) -> None:
    """Declare the actions."""
    group = actions(parser)
    added = add_action(group, "add", sentence="invite a person; their link is shown this once")
    added.add_argument("email", metavar="EMAIL", help="what they sign in with")
    added.add_argument("--name", required=True, metavar="NAME", help="what they are called")
    _add_roles(added)
    added.set_defaults(act=on_archive(add))

    listed = add_action(group, "list", sentence="all people with their roles")
    listed.add_argument(
        "--role",
        default="",
        choices=words_of(Role),
        metavar="ROLE",
        help="only who holds this role",
    )
    listed.set_defaults(act=on_archive(list_all))

    for name, act, sentence in (
        ("show", show, "one person"),
        ("link", link, "make a new one-time link, which ends the older ones"),
        ("enable", enable, "let a disabled person act again"),
    ):
        one = add_action(group, name, sentence=sentence)
        one.add_argument("email", metavar="EMAIL", help="whose")
        one.set_defaults(act=on_archive(act))

    for name, act, sentence in (
        ("grant", grant_roles, "give a person further roles"),
        ("revoke", revoke_roles, "take roles from a person"),
    ):
        one = add_action(group, name, sentence=sentence)
        one.add_argument("email", metavar="EMAIL", help="whose")
        _add_roles(one)
        one.add_argument("--reason", default="", metavar="WORDS", help="kept in the audit trail")
        one.set_defaults(act=on_archive(act))

    disabled = add_action(group, "disable", sentence="let a person act no more, at once")
    disabled.add_argument("email", metavar="EMAIL", help="whose")
    disabled.add_argument("--reason", default="", metavar="WORDS", help="kept in the audit trail")
    disabled.set_defaults(act=on_archive(disable))


def _add_roles(parser: Parser) -> None:
    parser.add_argument(
        "--role",
        dest="roles",
        action="extend",
        nargs="+",
        required=True,
        choices=words_of(Role),
        metavar="ROLE",
        help=f"of {', '.join(Role)}",
    )
    parser.add_argument("--unit", default="", metavar="NAME", help="only over this unit's accounts")
    parser.add_argument("--matter", default="", metavar="NAME", help="only within this matter")


async def add(opened: Opened) -> int:
    """Invite a person and show their link."""
    args, services = opened.args, opened.services
    whose = await services.people.invite(
        args.name, args.email, Grants.of(_asked(opened)), actor=opened.actor
    )
    made = await services.invitations.link(whose.id, actor=opened.actor)
    _answer_link(opened, whose, made)
    return 0


async def list_all(opened: Opened) -> int:
    """List the people."""
    chosen = PeopleFilter(role=opened.args.role)
    people = await opened.services.people.list(chosen, actor=opened.actor)

    def say(output: Output) -> None:
        columns = ("email", "name", "roles", "state", "last sign-in")
        output.table(columns, [_row(person) for person in people])
        output.line(counted(len(people), "person") if len(people) == 1 else f"{len(people)} people")

    opened.output.answer({"items": [person.to_dict() for person in people]}, say)
    return 0


async def show(opened: Opened) -> int:
    """Show a person."""
    document = (await _find(opened)).to_dict()
    opened.output.answer(document, lambda output: output.describe(document))
    return 0


async def link(opened: Opened) -> int:
    """Make a link and show it."""
    whose = await _find(opened)
    made = await opened.services.invitations.link(whose.id, actor=opened.actor)
    _answer_link(opened, whose, made)
    return 0


async def grant_roles(opened: Opened) -> int:
    """Add roles to those a person holds."""
    whose = await _find(opened)
    held = whose.grants.each
    return await _change(opened, whose, Grants.of(held.union(_asked(opened))))


async def revoke_roles(opened: Opened) -> int:
    """Take roles away from those a person holds."""
    whose, taken = await _find(opened), frozenset(_asked(opened))
    held = whose.grants.each
    if not taken <= held:
        raise InvalidInput(
            f"expected roles that {whose.email} holds ({', '.join(whose.grants.lines) or 'none'}), "
            f"found {', '.join(Grants.of(taken - held).lines)}"
        )
    return await _change(opened, whose, Grants.of(held - taken))


async def disable(opened: Opened) -> int:
    """Disable a person."""
    whose = await _find(opened)
    changed = await opened.services.people.disable(
        whose.id, reason=opened.args.reason, actor=opened.actor
    )
    _answer(opened, changed, f"{changed.email} is disabled, and signed out everywhere")
    return 0


async def enable(opened: Opened) -> int:
    """Enable a person."""
    whose = await _find(opened)
    changed = await opened.services.people.enable(whose.id, actor=opened.actor)
    _answer(opened, changed, f"{changed.email} is {changed.state}")
    return 0


async def _change(opened: Opened, whose: PersonView, grants: Grants) -> int:
    changed = await opened.services.people.grant(
        whose.id, grants, reason=opened.args.reason, actor=opened.actor
    )
    _answer(
        opened, changed, f"{changed.email} holds {', '.join(changed.grants.lines) or 'no role'}"
    )
    return 0


async def _find(opened: Opened) -> PersonView:
    wanted = fold_email(opened.args.email)
    people = await opened.services.people.list(PeopleFilter(words=wanted), actor=opened.actor)
    found = next((person for person in people if person.email == wanted), None)
    if found is None:
        raise NotFound(f"nobody has the e-mail {wanted!r}; `muniment user list` shows who there is")
    return found


def _asked(opened: Opened) -> Sequence[Role | LimitedRole]:
    args = opened.args
    return [grant(Role(role), unit=args.unit, matter=args.matter) for role in args.roles]


def _row(person: PersonView) -> tuple[object, ...]:
    last = person.last_sign_in_at
    return (
        person.email,
        person.name,
        ", ".join(person.grants.lines),
        person.state,
        None if last is None else rfc3339(last),
    )


def _answer(opened: Opened, person: PersonView, sentence: str) -> None:
    opened.output.answer(person.to_dict(), lambda output: output.line(sentence))


def _answer_link(opened: Opened, whose: PersonView, made: Link) -> None:
    address = f"{opened.services.settings.public_url}{made.path}"
    document = {**whose.to_dict(), "link": address, "link_expires_at": rfc3339(made.expires_at)}

    def say(output: Output) -> None:
        output.line(address)
        output.line(
            f"Hand this link to {whose.email}: it lets them set a password once, until "
            f"{rfc3339(made.expires_at)}"
            + ("" if address.startswith("http") else "; put the archive's address before it")
        )

    opened.output.answer(document, say)
