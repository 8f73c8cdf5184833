"""`muniment serve`: API, web pages and background loops in one process, until SIGTERM."""

import argparse
import asyncio
import os
from collections.abc import Callable

from archiver.app import Services, open_services
from archiver.cli.arguments import Parser
from archiver.cli.logs import log_everything
from archiver.cli.opening import person, settings_of
from archiver.cli.output import Output
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.errors import ConfigurationError
from archiver.first_run import Choices, Made, found, is_founded
from archiver.jobs.second_store import SecondStore
from archiver.web import server
from archiver.web.metrics import Reading
from archiver.web.set_up import SetUp, serve_set_up

HOST = "127.0.0.1"
PORT = 8080
_LAST_PORT = 65_535
_CODE_BYTES = 16


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--host", default=HOST, help=f"address to listen on ({HOST})")
    parser.add_argument("--port", type=port, default=PORT, help=f"port to listen on ({PORT})")
    parser.add_argument(
        "--set-up",
        action="store_true",
        help="where there is no archive yet, found one in the browser first",
    )
    parser.set_defaults(act=serve)


def port(text: str) -> int:
    """Return a TCP port. Raises ValueError, which argparse reports."""
    number = int(text)
    if not 1 <= number <= _LAST_PORT:
        raise ValueError(text)
    return number


def serve(args: argparse.Namespace, output: Output) -> int:
    """Serve; the log is JSON lines on stderr."""
    settings = settings_of(args)
    log_everything(settings.log_level)
    with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
        runner.run(_serve(settings, args, output))
    return 0


async def _serve(settings: Settings, args: argparse.Namespace, output: Output) -> None:
    url = f"http://{args.host}:{args.port}"
    if args.set_up and not await is_founded(settings):
        settings = await _set_up(settings, args, url, output)

    def started() -> None:
        document = {"url": url, "home": str(settings.home.resolve())}
        output.answer(document, lambda output: output.line(f"Serving on {url}; stop with Ctrl-C"))

    async with open_services(settings) as services:
        await serve_archive(services, args.host, args.port, started=started)


async def _set_up(
    settings: Settings, args: argparse.Namespace, url: str, output: Output
) -> Settings:
    """Let a person found the archive in the browser; return its settings.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    actor = person()

    async def founded(choices: Choices) -> Made:
        return await found(
            choices, settings.home, clock=system_clock, randomness=os.urandom, actor=actor
        )

    code = os.urandom(_CODE_BYTES).hex()
    set_up = SetUp(settings=settings, code=code, found=founded, clock=system_clock)
    home = settings.home.resolve()
    said = f"There is no archive in {home} yet. Set one up at\n    {url}/set-up?code={code}"
    try:
        await serve_set_up(
            set_up,
            args.host,
            args.port,
            lambda: output.note(said),
        )
    except OSError as error:
        raise _cannot_listen(args.host, args.port, error) from error
    return settings_of(args)


async def serve_archive(
    services: Services, host: str, port: int, *, started: Callable[[], None] = lambda: None
) -> None:
    """Serve an open archive with all background loops until a signal.

    Raises:
        ConfigurationError: the address cannot be listened on, or the store keeps no locks that
            the classes of captures ask for.
        StorageUnavailable: whether it keeps them could not be tried.
    """
    await services.worm.require_for_capture()
    failed: BaseException | None = None
    try:
        await server.serve(
            services,
            host,
            port,
            background=services.loops.all(),
            readings=_readings(services),
            started=started,
        )
    except* OSError as group:
        failed = group.exceptions[0]
    if failed is not None:
        raise _cannot_listen(host, port, failed) from failed


def _cannot_listen(host: str, port: int, error: BaseException) -> ConfigurationError:
    return ConfigurationError(
        f"cannot listen on {host}:{port}: {error}; choose another --host or --port"
    )


def _readings(services: Services) -> list[Reading]:
    states = services.loops.states
    return [
        Reading(
            name="loop_failures",
            what="Failures in a row of background loops that are being tried again.",
            read=lambda: float(sum(state.failures for state in states.values())),
        ),
        Reading(
            name="loops_stopped",
            what="Background loops stopped for good: stored evidence is not what was promised.",
            read=lambda: float(sum(state.stopped for state in states.values())),
        ),
        Reading(
            name="timestamp_problems",
            what="Timestamp authorities that gave no token, or a bad one, when last asked.",
            read=lambda: float(len(services.timestamping.problems)),
        ),
        Reading(
            name="cosigned_log_size",
            what="Log size that a quorum of witnesses has cosigned since the start.",
            read=lambda: float(services.witnessing.quorum_size),
        ),
        Reading(
            name="witness_contradictions",
            what="Times a witness proved or claimed to hold another log than this.",
            read=lambda: float(services.witnessing.contradictions),
        ),
        Reading(
            name="lock_drift_objects",
            what="Objects the newest run of the lock keeper here found otherwise than promised.",
            read=lambda: float(services.locks.drift),
        ),
        Reading(
            name="index_log_size",
            what="Log size the search index covers.",
            read=lambda: float(services.index.watermark),
        ),
        *_index_readings(services),
        *_copy_readings(services.second),
    ]


def _index_readings(services: Services) -> list[Reading]:
    index, looked = services.index, services.comparison.looked
    return [
        Reading(
            name="index_missing_posts",
            what="Posts found missing from the search index since the start, and added.",
            read=lambda: float(looked.missing),
        ),
        Reading(
            name="index_surplus_posts",
            what="Posts found too much in the search index since the start, and removed.",
            read=lambda: float(looked.surplus),
        ),
        Reading(
            name="index_losses",
            what="Times the search index was found lost or damaged since the start.",
            read=lambda: float(index.losses),
        ),
        Reading(
            name="index_compared_log_size",
            what="Log size up to which the index was last compared with the records.",
            read=lambda: float(looked.log_size),
        ),
        Reading(
            name="posts_not_searchable",
            what="Posts that the search index could not take in, for review.",
            read=lambda: float(sum(looked.aside.values())),
        ),
        Reading(
            name="posts_damaged",
            what="Posts set aside because what is stored is not what the log promises.",
            read=lambda: float(looked.damaged),
        ),
    ]


def _copy_readings(second: SecondStore | None) -> list[Reading]:
    if second is None:
        return []
    state, copies = second.replication.state, second.copies
    return [
        Reading(
            name="second_copy_lag_seconds",
            what="Age of the oldest log entry that the second copy does not have.",
            read=lambda: state.lag_s,
        ),
        Reading(
            name="second_copy_pending_objects",
            what="Objects that the second copy does not have yet.",
            read=lambda: float(state.pending),
        ),
        Reading(
            name="second_copy_reads",
            what="Reads that the second copy answered since the start.",
            read=lambda: float(copies.fallen_over),
        ),
        Reading(
            name="second_copy_damaged_objects",
            what="Objects of the first store found lost or altered since the start.",
            read=lambda: float(copies.damaged),
        ),
    ]
