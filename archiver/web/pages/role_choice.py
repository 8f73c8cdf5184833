"""The fields in which roles are chosen, without script: whole ones to tick, parts by name.

`whole` is a role over the whole archive; `part` a line of one that is held over a part already;
`role-1`, `over-1` and `name-1` and so on are parts to add.
"""

from collections.abc import Iterable, Sequence

from archiver.access.people import may_do
from archiver.access.roster import WHOLE_ONLY
from archiver.errors import InvalidInput
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants, grant, parse_grant

NEW_PARTS = 3

CHOICES: Sequence[tuple[Role, str]] = tuple((role, may_do(role)) for role in Role)
"""Every role with what it may do, in words."""

LIMITABLE = tuple(role for role in Role if role not in WHOLE_ONLY)
"""The roles that can be held over a part."""


def chosen(fields: Iterable[tuple[str, str]]) -> Grants:
    """Return the grants that the fields of a form choose.

    Raises:
        InvalidInput: one is no role, or a part to add has no name.
    """
    pairs = tuple(fields)
    last = dict(pairs)
    held = [parse_grant(value) for name, value in pairs if name in {"whole", "part"}]
    for number in range(1, NEW_PARTS + 1):
        role, name = last.get(f"role-{number}", ""), last.get(f"name-{number}", "").strip()
        if bool(role) != bool(name):
            raise InvalidInput(
                "expected a role and the name of a unit or matter together, found one of them",
                pointer=f"name-{number}",
            )
        if role:
            over = "matter" if last.get(f"over-{number}") == "matter" else "unit"
            held.append(grant(_role(role), **{over: name}))
    return Grants.of(held)


def duties(grants: Grants) -> list[tuple[str, str, str]]:
    """Return role, over what, and what it may do there, for each grant."""
    whole = [(_words(role), "The whole archive", may_do(role)) for role in sorted(grants.roles)]
    parts = [(_words(held.role), _over(held), may_do(held.role)) for held in sorted(grants.limited)]
    return [*whole, *parts]


def _role(word: str) -> Role:
    held = parse_grant(word)
    if not isinstance(held, Role):
        raise InvalidInput(f"expected a role, found {word[:80]!r}", pointer="roles")
    return held


def _words(role: Role) -> str:
    return role.replace("-", " ").capitalize()


def _over(held: LimitedRole) -> str:
    return f"Unit {held.unit}" if held.unit else f"Matter {held.matter}"
