"""`muniment demo`: a sample company's two years on six platforms, end to end, then serve.

The archive of the demonstration has a home of its own, made anew each time, and takes no setting
from the environment: it can never touch a real archive.
"""

import argparse
import asyncio
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver.app import Services, open_services
from archiver.cli.api_client import ApiClient
from archiver.cli.arguments import Parser
from archiver.cli.demo_company import generate
from archiver.cli.demo_people import PEOPLE, settle_people, told
from archiver.cli.demo_story import Story
from archiver.cli.exits import INTERRUPTED, OK, PROBLEMS
from archiver.cli.init import establish
from archiver.cli.logs import log_problems
from archiver.cli.opening import person
from archiver.cli.output import Output
from archiver.cli.serve import port, serve_archive
from archiver.config import load_settings
from archiver.errors import ConfigurationError, Conflict, InvalidInput
from archiver.founding import make_home
from archiver.model.actor import Role
from archiver.web.server import loop_factory

HOME = "muniment-demo"
MARKER = ".muniment-demo"
POSTS = 1500

_HOST = "127.0.0.1"
_MOST_POSTS = 1_000_000


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--no-serve", action="store_true", help="end after the last step")
    parser.add_argument("--posts", type=int, default=POSTS, metavar="N", help=f"({POSTS:,})")
    parser.add_argument("--port", type=port, help="port to serve on (a free one)")
    parser.epilog = f"The archive is made anew in --home (./{HOME}), where only a demo was before."
    parser.set_defaults(act=demo)


def demo(args: argparse.Namespace, output: Output) -> int:
    """Run the demonstration; end with 1 if anything is not as expected."""
    if not 1 <= args.posts <= _MOST_POSTS:
        raise InvalidInput(f"expected --posts from 1 to {_MOST_POSTS:,}, found {args.posts}")
    log_problems("error")
    with (
        _new_home(Path(args.home or HOME)) as home,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        return runner.run(_demonstrate(home, args, output))


@contextmanager
def _new_home(home: Path) -> Iterator[Path]:
    """Make an empty home that is marked as a demo's, and keep it from other demos meanwhile.

    Raises:
        ConfigurationError: the folder holds something that is not a demo's.
        Conflict: another demo is running there.
    """
    marker = home / MARKER
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        raise ConfigurationError(f"{home} is not a folder; choose another --home")
    if marker.is_file():
        os.close(_lock(marker))
        shutil.rmtree(home)
    elif home.is_dir() and any(home.iterdir()):
        raise ConfigurationError(
            f"{home} is not empty and not of an earlier demo, so it is not touched; "
            "choose another --home"
        )
    make_home(home)
    marker.write_text("muniment demo: this folder is removed by the next demo\n")
    descriptor = _lock(marker)
    try:
        yield home
    finally:
        os.close(descriptor)


def _lock(marker: Path) -> int:
    descriptor = os.open(marker, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict(
            f"another demo is running in {marker.parent}; stop it or choose another --home"
        ) from error
    return descriptor


async def _demonstrate(home: Path, args: argparse.Namespace, output: Output) -> int:
    settings = load_settings({"MUNIMENT_HOME": str(home)})
    made = await establish(settings, {Role.ADMINISTRATOR})
    async with open_services(settings) as services:
        _, secret = await services.tokens.create("demo", set(Role), actor=person())
        client = ApiClient(host=_HOST, port=args.port or _free_port(), token=secret)
        serving = asyncio.create_task(serve_archive(services, client.host, client.port))
        telling = asyncio.create_task(_tell(args, client, services, made, output))
        await asyncio.wait({serving, telling}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():  # stopped by a signal, or failed to start
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            serving.result()
            return INTERRUPTED
        try:
            ok = telling.result()
            if ok and not args.no_serve:
                await serving
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
    return OK if ok else PROBLEMS


async def _tell(
    args: argparse.Namespace,
    client: ApiClient,
    services: Services,
    made: dict[str, object],
    output: Output,
) -> bool:
    """Take the steps, saying each as it is done; return whether all came out as expected."""
    company = await asyncio.to_thread(generate, args.posts, services.clock())
    staff = await settle_people(services, actor=person())
    story = Story(company=company, client=client, services=services, staff=staff, actor=person())
    output.progress_line(f"Archive {made['archive']} in {made['home']}")
    output.progress_line(str(made["promise"]))
    steps = []
    async for step in story.steps():
        steps.append(step)
        mark = "ok" if step.ok else "NOT AS EXPECTED"
        output.progress_line(f"\n{len(steps)} {step.name}: {mark}")
        for line in step.told:
            output.progress_line(f"    {line}")
    ok = all(step.ok for step in steps)
    document = {
        "ok": ok,
        "home": made["home"],
        "steps": [step.to_dict() for step in steps],
        "people": [each.email for each in PEOPLE],
        "password": staff.password,
    }
    if ok and not args.no_serve:
        document |= {"url": client.url, "token": client.token}
    output.answer(document, lambda output: _say_next(output, document))
    return ok


def _say_next(output: Output, document: dict[str, object]) -> None:
    if not document["ok"]:
        output.line("\nNot as expected: the archive did not do what it promises; see the last step")
        return
    home = document["home"]
    output.line("\nTry next:")
    output.line(f"    muniment search earnings --home {home}")
    output.line(f"    muniment verify --full --content --home {home}")
    output.line(f"    muniment evidence verify {home}/evidence.zip")
    output.line(f"    muniment evidence verify {home}/certificate.json")
    output.line(f"    change a byte of a file below {home}/store, and verify again")
    if "url" in document:
        output.line(f"    open {document['url']} and sign in, or call its API with the token")
        output.line(f"    {document['token']}")
        for line in told(str(document["password"])):
            output.line(f"    {line}")
        output.line("\nEverything came out as expected; serving until Ctrl-C")
    else:
        output.line("\nEverything came out as expected")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        number: int = probe.getsockname()[1]
        return number
