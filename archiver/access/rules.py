"""Who may do what: one table of roles and permissions, denied by default.

Pure. Use cases call `require` with the actor they were given; the web asks once more before it
calls them. What the table settles (DESIGN section 10):

* **Operators run the archive without reading it.** They import, connect accounts and watch jobs;
  they see no post, no search and no file of a record.
* **Administrators decide who may act**, and see the trail of it, but read no content either: a
  person who needs both holds two roles, and that grant is an event.
* **Capture agents only capture.** A token leaked from a platform's integration reads nothing.
* **Auditors read everything and change nothing.**
* **Glass can be broken.** Administrators and operators may read content for a stated reason and a
  short while; every auditor sees that they did.
* **No role both edits and approves** a schedule, nor proposes and approves a batch: records
  managers write, counsel approves. That the two are different *people* is the use case's check.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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
    MANAGE_PRIVACY = "manage-privacy"  # receive and decide requests of people about their data
    READ_PRIVACY = "read-privacy"  # see those requests, and how many records are restricted
    READ_RESTRICTED = "read-restricted"  # find and open restricted records (GDPR art. 18(2))
    EXPORT = "export"
    REVIEW = "review"  # decide flagged posts
    SUPERVISE = "supervise"  # write review policies, see the reports
    READ_LOG = "read-log"  # checkpoints, proofs, tiles: no content
    VERIFY = "verify"  # start a verification
    READ_AUDIT = "read-audit"
    MANAGE_ACCESS = "manage-access"  # people, roles, tokens
    CHANGE_KEYS = "change-keys"  # log key, root key, escrow copies
    OPERATE = "operate"  # accounts, connectors, jobs, index
    READ_ACCOUNTS = "read-accounts"  # the register of accounts: no content
    READ_SETTINGS = "read-settings"  # effective settings; secrets are never shown
    BREAK_GLASS = "break-glass"  # read content for a reason, for a while, seen by all auditors


_P = Permission
_READER = frozenset({_P.SEARCH, _P.READ_CONTENT, _P.READ_LOG, _P.READ_ACCOUNTS})
_BEHIND_GLASS = frozenset({_P.SEARCH, _P.READ_CONTENT})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(
        {
            _P.MANAGE_ACCESS,
            _P.CHANGE_KEYS,
            _P.READ_AUDIT,
            _P.READ_FILE_PLAN,
            _P.READ_LOG,
            _P.READ_ACCOUNTS,
            _P.READ_SETTINGS,
            _P.BREAK_GLASS,
            _P.VERIFY,
        }
    ),
    Role.RECORDS_MANAGER: _READER
    | {
        _P.READ_FILE_PLAN,
        _P.EDIT_FILE_PLAN,
        _P.PROPOSE_DISPOSAL,
        _P.READ_HOLDS,
        _P.MANAGE_PRIVACY,
        _P.READ_PRIVACY,
        _P.READ_RESTRICTED,
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
        _P.READ_PRIVACY,
        _P.READ_RESTRICTED,  # for legal claims, which a restriction leaves room for
        _P.EXPORT,
        _P.VERIFY,
    },
    Role.REVIEWER: _READER | {_P.REVIEW},
    Role.SUPERVISOR: _READER | {_P.REVIEW, _P.SUPERVISE},
    Role.AUDITOR: _READER
    | {
        _P.READ_FILE_PLAN,
        _P.READ_HOLDS,
        _P.READ_PRIVACY,
        _P.READ_AUDIT,
        _P.READ_SETTINGS,
        _P.VERIFY,
    },
    Role.OPERATOR: frozenset(
        {
            _P.CAPTURE,
            _P.OPERATE,
            _P.READ_FILE_PLAN,
            _P.READ_LOG,
            _P.READ_ACCOUNTS,
            _P.READ_SETTINGS,
            _P.BREAK_GLASS,
            _P.VERIFY,
        }
    ),
    Role.CAPTURE_AGENT: frozenset({_P.CAPTURE}),
}
"""The whole of authorisation. A role that is missing here may do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Over which records a permission holds: all, or those of some units' accounts and matters.

    A record is within a matter while a hold of the matter, active or released, has it as a member.
    """

    everything: bool = False
    units: frozenset[str] = frozenset()
    matters: frozenset[str] = frozenset()


EVERYTHING = Reach(everything=True)


def allowed(actor: Actor, permission: Permission) -> bool:
    """Return whether the actor may do it over the whole archive. The system is never asked."""
    if actor is SYSTEM:
        return True
    if actor.broken_glass and permission in _BEHIND_GLASS:
        return allowed(replace(actor, broken_glass=""), Permission.BREAK_GLASS)
    return any(permission in PERMISSIONS.get(role, ()) for role in actor.roles)


def allowed_somewhere(actor: Actor, permission: Permission) -> bool:
    """Return whether the actor may do it anywhere, be it in one unit or one matter only."""
    return allowed(actor, permission) or any(
        permission in PERMISSIONS.get(held.role, ()) for held in actor.limited
    )


def require(actor: Actor, permission: Permission) -> None:
    """Pass if the actor may over the whole archive; otherwise raise.

    Use cases that can keep to a part of the archive ask `reach` instead. Those that cannot ask
    here, and so refuse whoever is limited to a part: denied by default.

    Raises:
        Denied: none of the actor's roles grants `permission`. The message names the roles that do.
    """
    if not allowed(actor, permission):
        raise _denied(actor, permission)


def reach(actor: Actor, permission: Permission) -> Reach:
    """Return over which records the actor may do it.

    Raises:
        Denied: over none. The message names the roles that could.
    """
    if allowed(actor, permission):
        return EVERYTHING
    held = [each for each in actor.limited if permission in PERMISSIONS.get(each.role, ())]
    if not held:
        raise _denied(actor, permission)
    return Reach(
        units=frozenset(each.unit for each in held if each.unit),
        matters=frozenset(each.matter for each in held if each.matter),
    )


APART: tuple[tuple[Permission, Permission], ...] = (
    (_P.EDIT_FILE_PLAN, _P.APPROVE_FILE_PLAN),
    (_P.PROPOSE_DISPOSAL, _P.APPROVE_DISPOSAL),
)
"""Acts that no one person does both of: who writes does not approve."""


def conflicts(roles: Collection[Role]) -> tuple[tuple[Permission, Permission], ...]:
    """Return which acts that belong to two people these roles together would give to one."""
    held = {permission for role in roles for permission in PERMISSIONS.get(role, ())}
    return tuple(pair for pair in APART if held.issuperset(pair))


def _denied(actor: Actor, permission: Permission) -> Denied:
    able = sorted(role for role, granted in PERMISSIONS.items() if permission in granted)
    words = permission.replace("-", " ")
    if allowed_somewhere(actor, permission):
        return Denied(
            f"{actor.name!r} may {words} in some units or matters only, and this is about the "
            "whole archive; ask an administrator"
        )
    return Denied(
        f"{actor.name!r} may not {words}: that needs one of the roles {', '.join(able)}; ask an "
        "administrator"
    )
