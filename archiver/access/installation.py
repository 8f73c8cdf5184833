"""What this installation is: its settings with their sources, its identity, its software.

Operators find here why the archive does what it does; auditors, that it runs what it should. No
secret is shown, and nothing of content.
"""

import functools
import platform
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata

from archiver.access.rules import PERMISSIONS, Permission, require
from archiver.config import SettingView
from archiver.db.archive import ArchiveRow
from archiver.model.actor import Actor

DISTRIBUTION = "muniment"

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r";.*\bextra\s*==\s*['\"]([\w-]+)")
_OFFERED = {"postgres", "speed"}
_LICENCE_LENGTH = 60
_TWO_PERSONS = (
    ("Approve a disposal", "MUNIMENT_TWO_PERSON_DISPOSAL", Permission.APPROVE_DISPOSAL),
    ("Change a schedule", "MUNIMENT_TWO_PERSON_SCHEDULE", Permission.APPROVE_FILE_PLAN),
    ("Release a hold", "MUNIMENT_TWO_PERSON_HOLD_RELEASE", Permission.RELEASE_HOLDS),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A piece of software this archive is made of."""

    name: str
    version: str
    licence: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {"name": self.name, "version": self.version, "licence": self.licence}


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPersonRule:
    """An act that may need a second person; `roles` are those that approve it."""

    act: str
    setting: str
    on: bool
    roles: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "act": self.act,
            "setting": self.setting,
            "on": self.on,
            "roles": list(self.roles),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationView:
    """Everything that may be shown of an installation."""

    version: str
    python: str
    archive: ArchiveRow
    settings: tuple[SettingView, ...]
    rules: tuple[TwoPersonRule, ...]
    components: tuple[Component, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "version": self.version,
            "python": self.python,
            "archive": {
                "id": self.archive.id,
                "origin": self.archive.origin,
                "vkey": self.archive.vkey,
                "zone": self.archive.zone,
            },
            "items": [setting.to_dict() for setting in self.settings],
            "two_person_rules": [rule.to_dict() for rule in self.rules],
            "components": [component.to_dict() for component in self.components],
        }


class Installation:
    """The use cases that show an installation."""

    def __init__(
        self,
        *,
        version: str,
        archive: ArchiveRow,
        explain: Callable[[], Sequence[SettingView]],
    ) -> None:
        self._version = version
        self._archive = archive
        self._explain = explain

    async def show(self, *, actor: Actor) -> InstallationView:
        """Return settings, identity and software.

        Raises:
            Denied: the actor may not read the settings.
            ConfigurationError: the settings file cannot be read any more.
        """
        require(actor, Permission.READ_SETTINGS)
        settings = tuple(self._explain())
        return InstallationView(
            version=self._version,
            python=platform.python_version(),
            archive=self._archive,
            settings=settings,
            rules=two_person_rules(settings),
            components=python_components(),
        )

    async def software(self) -> tuple[Component, ...]:
        """Return this software and what it uses, with versions and licences, by name."""
        return python_components()


def two_person_rules(settings: Iterable[SettingView]) -> tuple[TwoPersonRule, ...]:
    """Return the acts that may need a second person, as the settings have them."""
    values = {each.name: each.value for each in settings}
    return tuple(
        TwoPersonRule(
            act=act,
            setting=name,
            on=values.get(name) == "yes",
            roles=tuple(
                sorted(role.value for role, granted in PERMISSIONS.items() if permission in granted)
            ),
        )
        for act, name, permission in _TWO_PERSONS
    )


@functools.cache  # reading what every package says of itself takes 50 ms
def python_components() -> tuple[Component, ...]:
    """Return the packages this software needs, itself first, then by name.

    They are those installed when this process was first asked. What is asked for by an extra
    (`postgres`, `speed`) is named where it is installed.
    """
    found: dict[str, Component] = {}
    waiting = [DISTRIBUTION]
    while waiting:
        name = _normal(waiting.pop())
        if name in found:
            continue
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of another platform, or of an extra not wanted
            continue
        found[name] = Component(name=name, version=package.version, licence=_licence(package))
        waiting += _needs(package, with_extras=name == DISTRIBUTION)
    first = found.pop(DISTRIBUTION, None)
    others = tuple(found[name] for name in sorted(found))
    return others if first is None else (first, *others)


def _needs(package: metadata.Distribution, *, with_extras: bool) -> list[str]:
    needed = []
    for line in package.requires or []:
        name, extra = _NAME.match(line), _EXTRA.search(line)
        wanted = extra is None or (with_extras and extra[1] in _OFFERED)
        if wanted and name is not None:
            needed.append(name[0])
    return needed


def _licence(package: metadata.Distribution) -> str:
    told = package.metadata
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in told.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    stated = [*(told.get_all("License-Expression") or []), *classifiers]
    for text in (*stated, *(told.get_all("License") or [])):
        if text and len(text) <= _LICENCE_LENGTH and "\n" not in text:
            return str(text)
    return "see its own files"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
