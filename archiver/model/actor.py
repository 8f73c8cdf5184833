"""Who acts. Every use case takes an `Actor`, and every event names one."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles of DESIGN section 10. Permissions are one table in `archiver.access.rules`."""

    ADMINISTRATOR = "administrator"
    RECORDS_MANAGER = "records-manager"
    COUNSEL = "counsel"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    CAPTURE_AGENT = "capture-agent"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LimitedRole:
    """A role held over the accounts of one unit, or within one matter, and nowhere else."""

    role: Role
    unit: str = ""
    matter: str = ""

    def __post_init__(self) -> None:
        if bool(self.unit) == bool(self.matter):
            raise ValueError("a limited role names a unit or a matter, and not both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in person, an API token, the command line's user, or the system itself.

    `roles` are held over the whole archive, `limited` ones over a part of it. `person_id` is empty
    for whoever is no person. `broken_glass` is the reason a person gave for reading content that
    their roles do not show them, empty but for break-glass.
    """

    name: str
    roles: frozenset[Role]
    via: str = "api"
    limited: frozenset[LimitedRole] = frozenset()
    person_id: str = ""
    broken_glass: str = ""


SYSTEM = Actor(name="system", roles=frozenset(), via="system")
"""Background loops; events name it, and no permission is ever asked of it."""
