from itertools import product

import pytest

from archiver.access.rules import PERMISSIONS, Permission, allowed, require
from archiver.errors import Denied
from archiver.model.actor import SYSTEM, Actor, Role

READS_CONTENT = {Permission.SEARCH, Permission.READ_CONTENT, Permission.EXPORT, Permission.REVIEW}
CHANGES = {
    Permission.CAPTURE,
    Permission.EDIT_FILE_PLAN,
    Permission.APPROVE_FILE_PLAN,
    Permission.PROPOSE_DISPOSAL,
    Permission.APPROVE_DISPOSAL,
    Permission.PLACE_HOLDS,
    Permission.RELEASE_HOLDS,
    Permission.REVIEW,
    Permission.SUPERVISE,
    Permission.MANAGE_ACCESS,
    Permission.OPERATE,
}


def actor(*roles: Role) -> Actor:
    return Actor(name="someone", roles=frozenset(roles))


def test_every_role_stands_in_the_table() -> None:
    assert set(PERMISSIONS) == set(Role)


def test_every_permission_is_granted_to_somebody() -> None:
    assert set().union(*PERMISSIONS.values()) == set(Permission)


@pytest.mark.parametrize("permission", Permission)
def test_somebody_without_a_role_may_do_nothing(permission: Permission) -> None:
    assert not allowed(actor(), permission)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMINISTRATOR, Role.CAPTURE_AGENT])
def test_those_who_run_the_archive_do_not_read_it(role: Role) -> None:
    assert not PERMISSIONS[role] & READS_CONTENT


def test_capture_agents_only_capture() -> None:
    assert PERMISSIONS[Role.CAPTURE_AGENT] == {Permission.CAPTURE}


def test_auditors_change_nothing() -> None:
    assert not PERMISSIONS[Role.AUDITOR] & CHANGES


@pytest.mark.parametrize("role", Role)
def test_no_role_both_writes_and_approves(role: Role) -> None:
    granted = PERMISSIONS[role]

    assert not {Permission.EDIT_FILE_PLAN, Permission.APPROVE_FILE_PLAN} <= granted
    assert not {Permission.PROPOSE_DISPOSAL, Permission.APPROVE_DISPOSAL} <= granted


@pytest.mark.parametrize(("role", "permission"), list(product(Role, Permission)))
def test_require_passes_exactly_where_the_table_grants(role: Role, permission: Permission) -> None:
    if permission in PERMISSIONS[role]:
        require(actor(role), permission)
    else:
        with pytest.raises(Denied) as refused:
            require(actor(role), permission)
        assert refused.value.authenticated


def test_roles_add_up() -> None:
    both = actor(Role.CAPTURE_AGENT, Role.COUNSEL)

    assert allowed(both, Permission.CAPTURE)
    assert allowed(both, Permission.PLACE_HOLDS)


def test_the_system_is_not_asked_but_an_actor_that_calls_itself_system_is() -> None:
    impostor = Actor(name="system", roles=frozenset(), via="system")

    require(SYSTEM, Permission.CAPTURE)
    with pytest.raises(Denied):
        require(impostor, Permission.CAPTURE)
