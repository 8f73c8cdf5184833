"""Who may do what: one table of roles and permissions, denied by default.

Pure. Use cases call `require` with the actor they were given; the web asks once more before it
calls them. What the table settles (DESIGN section 10):

* **Operators run the archive without reading it.** They import, connect accounts and watch jobs;
  they see no post, no search and no file of a record.
* **Administrators decide who may act**, and see the trail of it, but read no content either: a
  person who needs both holds two roles, and that grant is an event.
* **Capture agents only capture.** A token leaked from a platform's integration reads nothing.
* **Auditors read everything and change nothing.**
* **No role both edits and approves** a schedule, nor proposes and approves a batch: records
  managers write, counsel approves. That the two are different *people* is the use case's check.
"""

from collections.abc import Mapping
from enum import StrEnum

from archiver.errors import Denied
from archiver.model.actor import SYSTEM, Actor, Role


class Permission(StrEnum):
    """One thing an actor may be allowed to do. Content is readable only with the first two."""

    SEARCH = "search"  # run searches and see the text of their hits
    READ_CONTENT = "read-content"  # open a record: fields, parts, versions
    CAPTURE = "capture"  # submit posts, import files
    READ_FILE_PLAN = "read-file-plan"  # classes, schedules, why a record is kept
    EDIT_FILE_PLAN = "edit-file-plan"
    APPROVE_FILE_PLAN = "approve-file-plan"
    PROPOSE_DISPOSAL = "propose-disposal"
    APPROVE_DISPOSAL = "approve-disposal"
    READ_HOLDS = "read-holds"
    PLACE_HOLDS = "place-holds"
    RELEASE_HOLDS = "release-holds"
    EXPORT = "export"
    REVIEW = "review"  # decide flagged posts
    SUPERVISE = "supervise"  # write review policies, see the reports
    READ_LOG = "read-log"  # checkpoints, proofs, tiles: no content
    VERIFY = "verify"  # start a verification
    READ_AUDIT = "read-audit"
    MANAGE_ACCESS = "manage-access"  # people, roles, tokens
    CHANGE_KEYS = "change-keys"  # log key, root key, escrow copies
    OPERATE = "operate"  # accounts, connectors, jobs, index


_P = Permission
_READER = frozenset({_P.SEARCH, _P.READ_CONTENT, _P.READ_LOG})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(
        {_P.MANAGE_ACCESS, _P.CHANGE_KEYS, _P.READ_AUDIT, _P.READ_FILE_PLAN, _P.READ_LOG, _P.VERIFY}
    ),
    Role.RECORDS_MANAGER: _READER
    | {
        _P.READ_FILE_PLAN,
        _P.EDIT_FILE_PLAN,
        _P.PROPOSE_DISPOSAL,
        _P.READ_HOLDS,
        _P.EXPORT,
        _P.VERIFY,
    },
    Role.COUNSEL: _READER
    | {
        _P.READ_FILE_PLAN,
        _P.APPROVE_FILE_PLAN,
        _P.APPROVE_DISPOSAL,
        _P.READ_HOLDS,
        _P.PLACE_HOLDS,
        _P.RELEASE_HOLDS,
        _P.EXPORT,
        _P.VERIFY,
    },
    Role.REVIEWER: _READER | {_P.REVIEW},
    Role.SUPERVISOR: _READER | {_P.REVIEW, _P.SUPERVISE},
    Role.AUDITOR: _READER | {_P.READ_FILE_PLAN, _P.READ_HOLDS, _P.READ_AUDIT, _P.VERIFY},
    Role.OPERATOR: frozenset({_P.CAPTURE, _P.OPERATE, _P.READ_FILE_PLAN, _P.READ_LOG, _P.VERIFY}),
    Role.CAPTURE_AGENT: frozenset({_P.CAPTURE}),
}
"""The whole of authorisation. A role that is missing here may do nothing."""


def allowed(actor: Actor, permission: Permission) -> bool:
    """Return whether any of the actor's roles grants `permission`. The system is never asked."""
    if actor is SYSTEM:
        return True
    return any(permission in PERMISSIONS.get(role, ()) for role in actor.roles)


def require(actor: Actor, permission: Permission) -> None:
    """Pass if the actor may; otherwise raise.

    Raises:
        Denied: none of the actor's roles grants `permission`. The message names the roles that do.
    """
    if not allowed(actor, permission):
        able = sorted(role for role, granted in PERMISSIONS.items() if permission in granted)
        raise Denied(
            f"{actor.name!r} may not {permission.replace('-', ' ')}: that needs one of the roles "
            f"{', '.join(able)}; ask an administrator"
        )
