"""Signing in at the command line, for acts that only a person may do: to approve a disposal.

The command line's own user may do everything else, because whoever reads the keyring may. But one
user of a machine is not two people, so an approval asks for a person and their password. It is a
session like any other in the audit trail, and ends with the command.
"""

import asyncio
import getpass
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from archiver.cli.arguments import Parser
from archiver.cli.named_files import text_of
from archiver.cli.opening import Opened
from archiver.errors import InvalidInput
from archiver.model.actor import Actor
from archiver.model.person import Method

_ADDRESS = "command line"


def add_person(parser: Parser, *, required: bool = True) -> None:
    """Declare the options that say who signs in."""
    group = parser.add_argument_group("who does it: only a person can, with their password")
    group.add_argument("--person", required=required, metavar="EMAIL", help="who signs in")
    group.add_argument(
        "--password-file", metavar="FILE", help="a file that holds the password; - is stdin"
    )


@asynccontextmanager
async def signed_in(opened: Opened) -> AsyncIterator[Actor]:
    """Sign the person in whom `add_person` named, for as long as the block runs.

    Raises:
        Denied: e-mail and password do not fit, or the person is not active.
        TooMany: tried too often.
        InvalidInput: the file with the password cannot be read.
    """
    services = opened.services
    password = await asyncio.to_thread(password_of, opened.args.person, opened.args.password_file)
    person_id = await services.passwords.sign_in(opened.args.person, password, address=_ADDRESS)
    secret = await services.sessions.start(
        person_id, method=Method.PASSWORD, address=_ADDRESS, agent=_ADDRESS
    )
    session = await services.sessions.authenticate(secret)
    try:
        yield session.actor
    finally:
        await services.sessions.end(session.session_id, actor=session.actor)


def password_of(email: str, path: str | None) -> str:
    """Return the password in a file, or typed at the terminal without being shown.

    Raises:
        InvalidInput: the file cannot be read, or there is no terminal to type at.
    """
    if path is not None:
        return text_of(path).rstrip("\r\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)  # it would be shown while typed
        try:
            return getpass.getpass(f"Password of {email}: ")
        except (getpass.GetPassWarning, EOFError) as error:
            raise InvalidInput(
                f"the password of {email} can be asked for at a terminal only; give --password-file"
            ) from error
