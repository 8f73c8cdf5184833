"""How a command gets at the archive: settings, actor, services; and how it leaves it."""

import argparse
import asyncio
import os
import pwd
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from archiver.app import Services, open_services
from archiver.cli.logs import log_problems
from archiver.cli.output import Output
from archiver.config import Settings, settings_from_environment
from archiver.model.actor import Actor, Role

Act = Callable[[argparse.Namespace, Output], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A command under way on an open archive."""

    args: argparse.Namespace
    output: Output
    services: Services
    actor: Actor

    async def catch_up(self, doing: str = "Sealing and indexing") -> None:
        """Bring everything so far under a checkpoint and into the search index.

        Raises:
            OperatorError, EvidenceError: it could not be done.
        """
        with self.output.progress(doing) as show:
            await self.services.loops.catch_up(show)


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings of the environment, with `--home` above it. Raises ConfigurationError."""
    return settings_from_environment(home=Path(args.home) if args.home else None)


def person() -> Actor:
    """Return who runs this command: whoever may read the keyring may do everything, audited.

    The name is that of the process's user; a variable like LOGNAME anybody can set.
    """
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # containers run under numbers without a name
        name = str(uid)
    return Actor(name=f"cli:{name}", roles=frozenset(Role), via="cli")


def on_archive(work: Callable[[Opened], Awaitable[int]]) -> Act:
    """Return the act that opens the archive, does `work`, closes it and gives its exit code."""

    def act(args: argparse.Namespace, output: Output) -> int:
        settings = settings_of(args)
        log_problems(settings.log_level)

        async def run() -> int:
            async with open_services(settings) as services:
                return await work(
                    Opened(args=args, output=output, services=services, actor=person())
                )

        return asyncio.run(run())

    return act
