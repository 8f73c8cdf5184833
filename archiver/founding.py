"""Founding an archive: keyring, schema, store and file plan. `muniment init`.

Each step is safe to repeat: what exists is kept, so an interrupted `init` is finished by another,
and on an existing archive it only brings the schema up to date. Only here is anything created.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.audit.actions import Action
from archiver.audit.trail import Trail
from archiver.clock import Clock, to_millis
from archiver.config import Settings
from archiver.db import archive as archive_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db import ledger as ledger_rows
from archiver.db import schema
from archiver.db.archive import ArchiveRow
from archiver.db.file_plan import WholePlan
from archiver.db.transaction import Connection, Database, Transaction, open_database
from archiver.errors import ConfigurationError, NotFound
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor
from archiver.preserve.event_record import (
    PlanAddition,
    PlannedClass,
    PlannedRules,
    PlannedSchedule,
    plan_part,
)
from archiver.preserve.keyring import (
    Keyring,
    create_keyring,
    open_keyring,
    write_keyring,
    write_private,
)
from archiver.preserve.ledger.merkle import EMPTY_ROOT
from archiver.preserve.object_keys import log_prefix
from archiver.preserve.plan_effects import PlanExtended
from archiver.preserve.store import ObjectStore
from archiver.preserve.store.opening import open_store
from retention.errors import RetentionError
from retention.rules import RuleSet
from retention.schedules import Schedule
from retention.templates import AUDIT_CLASS, Template, shipped_templates

_FIRST_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """What `init` did. `new` is false where the archive existed already."""

    archive: ArchiveRow
    new: bool
    classes: tuple[str, ...]
    keyring_file: Path
    store_url: str
    enforces_locks: bool


def make_home(home: Path) -> None:
    """Make the archive's folder where there is none.

    Raises:
        ConfigurationError: it cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"the folder {home} cannot be made: {error.strerror}; name another with --home or "
            "MUNIMENT_HOME"
        ) from error


async def found_archive(
    settings: Settings,
    *,
    clock: Clock,
    randomness: Randomness,
    ulids: Ulids,
    families: Collection[str] | None = None,
) -> Founded:
    """Create the archive the settings describe, or bring an existing one up to date.

    A new one takes the retention templates of these families into its file plan; all, unless told.

    Raises:
        ConfigurationError: settings are wrong, or what exists does not belong together.
        OperatorError: a component did not answer; run it again.
    """
    make_home(settings.home)
    keyring = _keyring(settings, ulids.one(clock()), randomness)
    database = open_database(settings.effective_database_url)
    try:
        await schema.migrate(database)
        async with database.reading() as tx:
            known = await archive_rows.find(tx)
        store = open_store(settings.effective_store_url, clock=clock, create=known is None)
        try:
            store.probe()
            new = known is None
            if known is None:
                _require_unused(store, keyring)
                known = await _fill(settings, database, keyring, to_millis(clock()), families)
            _publish_policy(store, known)
            async with database.reading() as tx:
                classes = [str(body["code"]) for body in await file_plan_rows.list_classes(tx)]
            return Founded(
                archive=known,
                new=new,
                classes=tuple(classes),
                keyring_file=settings.effective_keyring_file,
                store_url=store.url,
                enforces_locks=store.enforces_locks,
            )
        finally:
            store.close()
    finally:
        await database.close()


async def record_founding(database: Database, trail: Trail, founded: Founded, actor: Actor) -> None:
    """Make the founding the first entries of the log, also after an interrupted `init`.

    The events state zone, classes, schedules and rules in full: from them a lost database gets its
    file plan back.

    Raises:
        OperatorError: as `Trail.record`.
    """
    async with database.reading() as tx:
        if (await ledger_rows.state(tx)).next_index > 0:
            return
        plan = await file_plan_rows.whole(tx)
    archive = founded.archive
    rules = PlanAddition(rules=tuple(PlannedRules(*each) for each in plan.rules))
    await asyncio.gather(
        trail.record(
            Action.ARCHIVE_CREATED,
            actor=actor,
            object_type="archive",
            object_id=archive.id,
            details={
                "origin": archive.origin,
                "store": founded.store_url,
                "zone": archive.zone,
                "created_at": archive.created_at,
            },
            parts=[plan_part(rules)],
        ),
        *(
            trail.record(
                Action.CLASS_ADOPTED,
                actor=actor,
                object_type="class",
                object_id=code,
                parts=[plan_part(_class_with_schedules(code, body, plan))],
            )
            for code, body in plan.classes
        ),
    )


def _class_with_schedules(code: str, body: dict[str, Any], plan: WholePlan) -> PlanAddition:
    return PlanAddition(
        classes=(PlannedClass(code, body),),
        schedules=tuple(PlannedSchedule(*each) for each in plan.schedules if each[0] == code),
    )


def _keyring(settings: Settings, archive_id: str, randomness: Randomness) -> Keyring:
    path, passphrase = settings.effective_keyring_file, settings.keyring_passphrase_file
    secret_file = settings.keyring_secret_file
    if not path.exists():
        origin = settings.origin or f"muniment.invalid/{archive_id.lower()}"
        keyring = create_keyring(archive_id, origin, randomness)
        if passphrase is None and not secret_file.exists():
            write_private(secret_file, randomness(32).hex().encode("ascii") + b"\n")
        secret = secret_file.read_bytes()
        if passphrase is not None:
            secret = secret.rstrip(b"\r\n")
        seal = "scrypt" if passphrase is not None else "key-file"
        write_keyring(path, keyring, seal=seal, secret=secret, randomness=randomness)
    return open_keyring(path, secret_file, passphrase=passphrase is not None)


async def _fill(
    settings: Settings,
    database: Database,
    keyring: Keyring,
    now: int,
    families: Collection[str] | None,
) -> ArchiveRow:
    signer = keyring.signers[0]
    archive = ArchiveRow(
        id=keyring.archive_id,
        origin=keyring.origin,
        vkey=str(signer.vkey),
        zone=settings.zone,
        created_at=now,
    )
    plan = _shipped_plan(settings, now, families)
    _require_default_class(settings, {each.class_code for each in plan.schedules})

    def fill(connection: Connection) -> None:
        archive_rows.add(connection, archive)
        ledger_rows.start(connection, EMPTY_ROOT)
        PlanExtended(addition=plan).apply(connection)

    await database.run(fill, writes=True)
    return archive


async def adopt_templates(tx: Transaction, settings: Settings, now: int) -> None:
    """Take the shipped templates into the file plan, in force from `now`, where it lacks them.

    Raises:
        ConfigurationError: settings and templates do not fit.
    """
    await tx.run_sync(PlanExtended(addition=_shipped_plan(settings, now)).apply)
    _require_default_class(settings, await file_plan_rows.schedules_in_force(tx, now))


def _shipped_plan(
    settings: Settings, now: int, families: Collection[str] | None = None
) -> PlanAddition:
    """Return the shipped templates, of these families only where some are named.

    Templates whose period the adopter must state are left out: they cannot be in force without it.
    """
    templates = [
        template
        for template in shipped_templates()
        if not template.needs_period and (families is None or template.family in families)
    ]
    try:
        return PlanAddition(
            classes=tuple(PlannedClass(one.code, one.file_class().to_dict()) for one in templates),
            schedules=tuple(
                PlannedSchedule(one.code, _FIRST_VERSION, _schedule(one, settings).to_dict(), now)
                for one in templates
            ),
            rules=(
                PlannedRules(
                    _FIRST_VERSION,
                    RuleSet(version=_FIRST_VERSION, default_class=settings.default_class).to_dict(),
                    now,
                ),
            ),
        )
    except RetentionError as error:
        raise ConfigurationError(f"the file plan could not be set up: {error}") from error


def _schedule(template: Template, settings: Settings) -> Schedule:
    return template.schedule(
        version=_FIRST_VERSION,
        zone=settings.zone,
        fiscal_year_starts=settings.fiscal_year_starts if template.needs_fiscal_year else None,
    )


def _require_default_class(settings: Settings, known: Collection[str]) -> None:
    if settings.default_class not in known or settings.default_class == AUDIT_CLASS:
        raise ConfigurationError(
            f"MUNIMENT_DEFAULT_CLASS: no shipped template for posts has the code "
            f"{settings.default_class!r}; "
            "see retention/templates"
        )


def _require_unused(store: ObjectStore, keyring: Keyring) -> None:
    """An empty database beside a store that has this archive's log is a lost database."""
    if next(iter(store.list_keys(log_prefix(keyring.archive_id) + "checkpoints/")), None):
        raise ConfigurationError(
            f"the store already holds the log of archive {keyring.archive_id}, but the database is "
            "empty: it was lost. Founding over it would fork the log; run `muniment recover`"
        )


def _publish_policy(store: ObjectStore, archive: ArchiveRow) -> None:
    """Put the public trust file beside the log (C2SP tlog-policy)."""
    name = log_prefix(archive.id) + "policy.txt"
    body = f"log {archive.vkey}\nquorum none\n".encode()
    try:
        store.get(name)
    except NotFound:
        store.replace(name, body)  # witnesses and keys of the archive change
