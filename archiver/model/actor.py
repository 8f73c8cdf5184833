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


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in person, an API token, the command line's user, or the system itself."""

    name: str
    roles: frozenset[Role]
    via: str = "api"


SYSTEM = Actor(name="system", roles=frozenset(), via="system")
"""Background loops; events name it, and no permission is ever asked of it."""
