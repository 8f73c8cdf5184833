"""`muniment recover`: rebuild database and index from the store and the keyring."""

import argparse
import asyncio
import os
import time
from functools import partial
from pathlib import Path
from typing import Any

from archiver.app import Services, open_services
from archiver.assurance.recovering import (
    Recovery,
    RecoveryTarget,
    count_holds,
    name_strange_holds,
    recover_database,
)
from archiver.assurance.report import Problem
from archiver.audit.actions import Action
from archiver.cli.arguments import Parser
from archiver.cli.exits import OK, PROBLEMS
from archiver.cli.init import TOKEN_FILE, first_administrator
from archiver.cli.logs import log_problems
from archiver.cli.opening import person, settings_of
from archiver.cli.output import Document, Output, counted
from archiver.clock import system_clock
from archiver.config import Settings
from archiver.db.transaction import Transaction, open_database
from archiver.errors import IntegrityError
from archiver.founding import adopt_templates
from archiver.model.actor import Role
from archiver.preserve.keyring import KeyringFile

_ANEW = "the database was built anew: API tokens and sign-ins were not in the store and are gone"


def configure(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is missing and change nothing"
    )
    parser.add_argument(
        "--without-hold",
        dest="given_up",
        action="append",
        default=[],
        metavar="ID",
        help="go without a hold whose members cannot be read any more (can be repeated)",
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, metavar="N", help="processes"
    )
    parser.set_defaults(act=recover)


def recover(args: argparse.Namespace, output: Output) -> int:
    """Recover, name every problem with its object, and end with 1 if there is one."""
    settings = settings_of(args)
    log_problems(settings.log_level)
    document = asyncio.run(recover_archive(settings, args, output))
    output.answer(document, lambda output: _say(output, document))
    return PROBLEMS if document["problems"] else OK


async def recover_archive(
    settings: Settings, args: argparse.Namespace, output: Output
) -> dict[str, Any]:
    """Recover what `args` ask for, open the archive once, and return what was found and done.

    Raises:
        IntegrityError, ConfigurationError, Conflict, OperatorError: as `recover_database`.
    """
    started = time.monotonic()
    done = await _rebuild(settings, args, output)
    told: dict[str, Any] = {}
    if not done.dry_run:
        try:
            told = await _reopen(settings, done, output)
        except IntegrityError as error:  # what was found before must not get lost over it
            done.findings.extend([Problem.of(error)])
    document = _document(done) | told
    document["seconds"] = round(time.monotonic() - started, 3)
    return document


async def _rebuild(settings: Settings, args: argparse.Namespace, output: Output) -> Recovery:
    keyring = KeyringFile.of(settings).open()
    database = open_database(settings.effective_database_url, command_timeout_s=None)
    try:
        with output.progress("Recovering") as show:
            return await recover_database(
                RecoveryTarget(
                    store_url=settings.effective_store_url,
                    keyring=keyring,
                    database=database,
                    clock=system_clock,
                    workers=args.workers,
                    zone=settings.zone,
                    plan=partial(_shipped_plan, settings),
                    given_up=frozenset(args.given_up),
                ),
                dry_run=args.dry_run,
                phase=lambda _phase, done, total: show(done, total),
            )
    finally:
        await database.close()


async def _shipped_plan(settings: Settings, tx: Transaction, at: int) -> None:
    await adopt_templates(tx, settings, at)


def _document(done: Recovery) -> dict[str, Any]:
    report = done.findings
    return {
        "found": done.found,
        "dry_run": done.dry_run,
        "log": {"published": done.published, "sequenced": done.sequenced},
        "added": {"entries": done.entries, "segments": done.segments, "records": done.records},
        "waiting": {"segments": done.waiting_segments, "records": done.waiting_records},
        "holds": done.holds,
        "problems": [problem.to_dict() for problem in report.problems],
        "more_problems": report.more_problems,
        "token": None,
        "token_file": None,
        "index": None,
    }


async def _reopen(settings: Settings, done: Recovery, output: Output) -> dict[str, Any]:
    """Sequence what was waiting, bring all under a checkpoint and into the index, name the act."""
    told: dict[str, Any] = {}
    async with open_services(settings) as services:
        if done.changed:  # numbers in an index of before may mean other records now
            await services.index.begin_anew("the database was rebuilt")
        await name_strange_holds(services.database, done)
        if done.changed:
            await _note(services, done)
        path = _free_token_file(settings.home)
        told["token"] = await first_administrator(services, {Role.ADMINISTRATOR}, path)
        told["token_file"] = str(path) if told["token"] else None
        await services.holds.mirror()
        with output.progress("Sealing and indexing") as show:
            await services.loops.catch_up(show)
        told["index"] = {"log_size": services.index.watermark}
        told["holds"] = await count_holds(services.database)
    return told


async def _note(services: Services, done: Recovery) -> None:
    await services.trail.record(
        Action.ARCHIVE_REBUILT,
        actor=person(),
        object_type="archive",
        object_id=services.archive.id,
        result="ok" if not done.findings.problems else "integrity",
        details={
            "database": done.found,
            "published": done.published,
            "entries": done.entries,
            "segments": done.segments,
            "records": done.records,
            "holds": done.holds,
            "without_holds": " ".join(sorted(done.given_up)),
            "problems": len(done.findings.problems) + done.findings.more_problems,
        },
    )


def _free_token_file(home: Path) -> Path:
    """Return where a new token can be written: the file of the lost one is not written over."""
    path, number = home / TOKEN_FILE, 1
    while path.exists():
        number += 1
        path = home / f"admin-{number}.token"
    return path


_FOUND = {
    "lost": "The database held no archive",
    "behind": "The database was of before the newest checkpoint",
    "complete": "The database lacked no entry of the log",
}


def _say(output: Output, document: Document) -> None:
    for one in document["problems"]:
        named = "  ".join(name for name in (one["object"], one["record"]) if name)
        output.line(f"PROBLEM  {named or 'archive'}: {one['what']}")
    added, waiting, log = document["added"], document["waiting"], document["log"]
    output.line(f"{_FOUND[document['found']]}.")
    output.facts(
        [
            ("Log", f"{log['published']:,} entries published, {log['sequenced']:,} sequenced"),
            ("Missing", f"{added['entries']:,} entries, {added['segments']:,} segments"),
            ("Waiting", waiting["segments"] and f"{counted(waiting['records'], 'record')}"),
            ("Holds", document["holds"]),
            (
                "Administrator",
                document["token"] and f"{document['token']}  (kept in {document['token_file']})",
            ),
        ]
    )
    if document["token"]:
        output.line(f"\n{_ANEW}; make them again with muniment token create")
    problems = counted(len(document["problems"]) + document["more_problems"], "problem")
    act = "would be rebuilt" if document["dry_run"] else "rebuilt"
    output.line(
        f"{counted(added['records'], 'record')} {act} in {document['seconds']} s; {problems}"
        + ("" if document["dry_run"] or document["problems"] else "; next: muniment verify --full")
    )
