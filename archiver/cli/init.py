"""`muniment init`: create an archive, and say honestly what its store can promise."""

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

from archiver.access.people import PeopleFilter
from archiver.access.roster import fold_email
from archiver.app import Services, open_services
from archiver.cli.arguments import Parser, words_of
from archiver.cli.logs import log_problems
from archiver.cli.opening import person, settings_of
from archiver.cli.output import Document, Output
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.errors import ConfigurationError
from archiver.founding import found_archive, record_founding
from archiver.ids import Ulids
from archiver.model.actor import Role
from archiver.model.grants import Grants
from archiver.preserve.keyring import write_private

TOKEN_FILE = "admin.token"  # noqa: S105 - the name of a file

_WORM = (
    "Objects are written with an Object Lock. In compliance mode nobody can delete or change them "
    "before their date, not even the owner of the account: WORM as 17 CFR 240.17a-4(f)(2)(i)(B) "
    "asks."
)
_AUDIT_TRAIL = (
    "The filesystem store is the audit-trail alternative of 17 CFR 240.17a-4(f)(2)(i)(A), not "
    "WORM: whoever owns the disk can delete files, and the log shows it. For WORM set "
    "MUNIMENT_STORE_URL to an S3 bucket with Object Lock before `muniment init`."
)


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--role",
        dest="roles",
        action="append",
        default=[],
        choices=words_of(Role),
        metavar="ROLE",
        help="another role for the first administrator, who by default reads no content",
    )
    parser.add_argument(
        "--admin-email", default="", metavar="EMAIL", help="the first administrator's, to sign in"
    )
    parser.add_argument(
        "--admin-name", default="", metavar="NAME", help="what they are called (the e-mail)"
    )
    parser.set_defaults(act=init)


def init(args: argparse.Namespace, output: Output) -> int:
    """Found the archive, or finish an interrupted founding, and tell what was made."""
    settings = settings_of(args)
    log_problems(settings.log_level)
    roles = {Role.ADMINISTRATOR, *map(Role, args.roles)}
    document = asyncio.run(establish(settings, roles, email=args.admin_email, name=args.admin_name))
    output.answer(document, lambda output: _say(output, document))
    return 0


async def establish(
    settings: Settings, roles: set[Role], *, email: str = "", name: str = ""
) -> dict[str, Any]:
    """Create the archive and its first administrator; return what was made.

    With an e-mail the administrator is a person too, who signs in by the link that is returned.

    Raises:
        ConfigurationError, OperatorError: as `found_archive`.
        InvalidInput, Conflict: as `Roster.invite`.
    """
    founded = await found_archive(
        settings, clock=system_clock, randomness=os.urandom, ulids=Ulids()
    )
    async with open_services(settings) as services:
        await record_founding(services.database, services.trail, founded, person())
        secret = await first_administrator(services, roles, services.settings.home / TOKEN_FILE)
        link = await _first_person(services, roles, email, name) if email else None
        await services.loops.catch_up()
    return {
        "archive": founded.archive.id,
        "new": founded.new,
        "origin": founded.archive.origin,
        "vkey": founded.archive.vkey,
        "zone": founded.archive.zone,
        "classes": list(founded.classes),
        "home": str(settings.home.resolve()),
        "keyring_file": str(founded.keyring_file),
        "keyring_secret_file": str(settings.keyring_secret_file),
        "store": founded.store_url,
        "worm": founded.enforces_locks,
        "promise": _WORM if founded.enforces_locks else _AUDIT_TRAIL,
        "token_file": str(settings.home / TOKEN_FILE) if secret else None,
        "token": secret,
        "link": link,
    }


async def first_administrator(services: Services, roles: set[Role], path: Path) -> str | None:
    """Make the first administrator's token and file, unless there is an administrator.

    Raises:
        ConfigurationError: the file is there already, though nobody can have it.
    """
    actor = person()
    known = await services.tokens.list(actor=actor)
    # An expired one too: `init` brings an old archive up to date and is no way to new tokens.
    if any(Role.ADMINISTRATOR in view.roles and view.state != "revoked" for view in known):
        return None
    if await asyncio.to_thread(path.exists):
        raise ConfigurationError(
            f"{path} exists, but the archive has no administrator: the file is of another one; "
            "move it away and run `muniment init` again"
        )
    _, secret = await services.tokens.create("administrator", roles, actor=actor)
    write_private(path, f"{secret}\n".encode("ascii"))
    return secret


async def _first_person(services: Services, roles: set[Role], email: str, name: str) -> str | None:
    """Invite the first administrator and return their link, unless they are here already."""
    actor = person()
    known = await services.people.list(PeopleFilter(words=fold_email(email)), actor=actor)
    if any(view.email == fold_email(email) for view in known):
        return None
    grants = Grants(roles=frozenset(roles))
    made = await services.people.invite(name or email, email, grants, actor=actor)
    path = (await services.invitations.link(made.id, actor=actor)).path
    return f"{services.settings.public_url}{path}"


def _say(output: Output, made: Document) -> None:
    output.facts(
        [
            ("Archive", made["archive"]),
            ("Log", made["origin"]),
            ("Log's public key", made["vkey"]),
            ("Classes", f"{len(made['classes'])} in the file plan; see muniment class list"),
            ("Store", made["store"]),
            ("Keyring", f"{made['keyring_file']}, opened by {made['keyring_secret_file']}"),
            ("Sign-in link", made["link"] and f"{made['link']}  (works once, within three days)"),
            ("Administrator", made["token"] and f"{made['token']}  (kept in {made['token_file']})"),
        ]
    )
    output.line(f"\n{made['promise']}")
    output.line(
        "Back up the keyring and what opens it, apart from each other and from the store: without "
        "them nobody can read the archive. Invite the people who work in it: "
        "muniment user add EMAIL --name NAME --role counsel"
    )
    state = "created" if made["new"] else "was there already and is up to date"
    output.line(f"\nArchive {made['archive']} {state}; next: muniment serve")
