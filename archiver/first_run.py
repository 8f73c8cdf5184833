"""What a new archive is founded with, as a person chooses it on the set-up pages.

Choices become the file `muniment.toml` in the home, which every later start reads; what the
environment says stands above it and cannot be chosen.
"""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from archiver.access.roster import check_identity, fold_email
from archiver.app import open_services
from archiver.clock import Clock
from archiver.config import SETTINGS_FILE, Settings, settings_from_environment
from archiver.db import archive as archive_rows
from archiver.db import schema
from archiver.db.transaction import open_database
from archiver.errors import ArchiverError, ConfigurationError
from archiver.founding import found_archive, make_home, record_founding
from archiver.ids import Randomness, Ulids
from archiver.model.actor import Actor, Role
from archiver.model.grants import Grants
from archiver.preserve.keyring import write_private
from archiver.preserve.store.opening import open_store
from retention.schedules import Mark
from retention.templates import AUDIT_CLASS, DEFAULT_CLASS, Template, shipped_templates

OWN_FAMILY = "archive"
"""The family every archive takes: the default class, and that of its own events."""

_READS = frozenset({Role.RECORDS_MANAGER, Role.COUNSEL, Role.AUDITOR, Role.OPERATOR})
"""What one person needs besides administration to run an archive alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What was chosen so far. An empty `store_url` or `origin` stands for the default."""

    store_url: str = ""
    zone: str = "UTC"
    origin: str = ""
    families: frozenset[str] = frozenset({OWN_FAMILY})
    default_class: str = DEFAULT_CLASS
    name: str = ""
    email: str = ""
    alone: bool = False

    def to_toml(self) -> str:
        """Return the settings file of these choices."""
        chosen: dict[str, str | bool] = {
            "store_url": self.store_url,
            "zone": self.zone,
            "origin": self.origin,
            "default_class": self.default_class,
            "allow_conflicting_roles": self.alone,
        }
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in chosen.items() if value]
        return "# Chosen when the archive was set up; the environment wins.\n" + "".join(lines)

    @property
    def grants(self) -> Grants:
        """The roles of the first person."""
        return Grants(roles=frozenset({Role.ADMINISTRATOR}) | (_READS if self.alone else set()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A founded archive, and where its first person goes on."""

    archive_id: str
    origin: str
    welcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAnswer:
    """What a store said when it was tried. `problem` is empty where it can be used."""

    url: str
    locks: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Retention templates that come from one body of rules. `always` ones every archive takes."""

    name: str
    always: bool
    templates: tuple[Template, ...]

    @property
    def to_be_confirmed(self) -> bool:
        """Whether counsel must confirm something in it."""
        return any(template.mark is Mark.TO_BE_CONFIRMED for template in self.templates)


def families() -> tuple[Family, ...]:
    """Return the families of shipped templates, the archive's own first."""
    found: dict[str, list[Template]] = {}
    for template in shipped_templates():
        found.setdefault(template.family, []).append(template)
    ordered = sorted(found, key=lambda name: (name != OWN_FAMILY, name))
    return tuple(
        Family(name=name, always=name == OWN_FAMILY, templates=tuple(found[name]))
        for name in ordered
    )


def post_classes(families: Iterable[str]) -> tuple[Template, ...]:
    """Return the templates of these families that posts can be filed under."""
    chosen = set(families)
    return tuple(
        template
        for template in shipped_templates()
        if template.family in chosen and not template.needs_period and template.code != AUDIT_CLASS
    )


def check_administrator(name: str, email: str) -> None:
    """Pass if somebody of this name and address can be the first person.

    Raises:
        InvalidInput: `pointer` names the field.
    """
    check_identity(name, fold_email(email))


async def is_founded(settings: Settings) -> bool:
    """Return whether there is an archive, or a part of one, where the settings say.

    A keyring without database or the other way round is a part: that is for `muniment recover`,
    never to be founded over.

    Raises:
        DatabaseUnavailable: the database did not answer.
    """
    if settings.effective_keyring_file.exists():
        return True
    if not settings.database_url and not (settings.home / "archive.db").exists():
        return False
    database = open_database(settings.effective_database_url)
    try:
        await schema.check(database)
        async with database.reading() as tx:
            return await archive_rows.find(tx) is not None
    except ConfigurationError:  # no schema: nothing was ever founded there
        return False
    finally:
        await database.close()


def try_store(url: str, *, clock: Clock) -> StoreAnswer:
    """Make the store if it is not there, write to it, and say what it promises.

    A store's refusal is the answer, not an error.
    """
    try:
        store = open_store(url, clock=clock, create=True)
        try:
            store.probe()
            return StoreAnswer(url=url, locks=store.enforces_locks)
        finally:
            store.close()
    except (ArchiverError, OSError, ValueError) as error:  # ValueError: urllib's, of no URL
        return StoreAnswer(url=url, problem=str(error))


async def found(
    choices: Choices, home: Path, *, clock: Clock, randomness: Randomness, actor: Actor
) -> Made:
    """Write the settings file, found the archive and invite its first person.

    Safe to repeat after a failure, with other choices too, until the archive is founded.

    Raises:
        ConfigurationError, OperatorError: as `found_archive`.
        InvalidInput: the first person's name or address is none.
    """
    check_administrator(choices.name, choices.email)
    await asyncio.to_thread(_write_settings, home, choices)
    settings = settings_from_environment(home=home)
    founded = await found_archive(
        settings,
        clock=clock,
        randomness=randomness,
        ulids=Ulids(randomness),
        families=choices.families | {OWN_FAMILY},
    )
    async with open_services(settings, clock=clock) as services:
        await record_founding(services.database, services.trail, founded, actor)
        person = await services.people.invite(
            choices.name, choices.email, choices.grants, actor=actor
        )
        link = await services.invitations.link(person.id, actor=actor)
        await services.loops.catch_up()
    return Made(archive_id=founded.archive.id, origin=founded.archive.origin, welcome=link.path)


def _write_settings(home: Path, choices: Choices) -> None:
    make_home(home)
    (home / SETTINGS_FILE).unlink(missing_ok=True)
    write_private(home / SETTINGS_FILE, choices.to_toml().encode())
