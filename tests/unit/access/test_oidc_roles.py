from pathlib import Path

import pytest

from archiver.access.oidc_roles import parse_group_roles, read_group_roles
from archiver.errors import ConfigurationError
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants

FILE = """
"archive-counsel" = "counsel"
"treasury" = { role = "reviewer", unit = "Treasury" }
"investigators" = ["auditor", { role = "reviewer", matter = "2026-014" }]
"""
ROLES = parse_group_roles(FILE)
NOTHING = Grants()


def test_groups_give_their_roles_together() -> None:
    assert ROLES.after({"archive-counsel", "treasury", "canteen"}, NOTHING) == Grants(
        roles=frozenset({Role.COUNSEL}),
        limited=frozenset({LimitedRole(role=Role.REVIEWER, unit="Treasury")}),
    )


@pytest.mark.parametrize("groups", [(), {"canteen"}, {"Archive-Counsel"}, {"archive-counsel "}])
def test_groups_that_are_not_in_the_file_give_nothing(groups: set[str]) -> None:
    assert not ROLES.after(groups, NOTHING)


def test_a_role_whose_group_one_has_left_is_gone() -> None:
    held = ROLES.after({"archive-counsel", "treasury", "investigators"}, NOTHING)

    assert ROLES.after({"treasury"}, held).lines == ("reviewer in unit Treasury",)


def test_roles_given_by_hand_over_more_than_a_matter_do_not_stay() -> None:
    held = Grants(
        roles=frozenset({Role.ADMINISTRATOR}),
        limited=frozenset({LimitedRole(role=Role.REVIEWER, unit="Legal")}),
    )

    assert ROLES.after({"archive-counsel"}, held).lines == ("counsel",)


def test_a_role_in_a_matter_that_no_group_gives_stays() -> None:
    by_hand = LimitedRole(role=Role.REVIEWER, matter="2026-020")
    of_a_group = LimitedRole(role=Role.REVIEWER, matter="2026-014")
    held = Grants(limited=frozenset({by_hand, of_a_group}))

    assert ROLES.after((), held) == Grants(limited=frozenset({by_hand}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"a" = "boss"', "group 'a'"),
        ('"a" = { role = "counsel", unit = "U", matter = "M" }', "one unit or one matter"),
        ('"a" = { role = "counsel", team = "U" }', "group 'a'"),
        ('"a" = { unit = "U" }', "group 'a'"),
        ('"a" = 7', "group 'a'"),
        ('"a" = ', "value"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_group(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        parse_group_roles(text)


def test_a_file_that_is_missing_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"OIDC_ROLES_FILE .*roles\.toml"):
        read_group_roles(tmp_path / "roles.toml")
