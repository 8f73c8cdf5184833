"""Which roles somebody holds, and over what: the whole archive, one unit, or one matter.

In events and forms a grant is one line: `counsel`, `reviewer in unit Treasury`,
`counsel in matter 2026-014`. People read it as it is, and `Grants.from_text` reads it back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from archiver.errors import InvalidInput
from archiver.model.actor import LimitedRole, Role

_IN = " in "
_UNIT, _MATTER = "unit ", "matter "
_NAME_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """Everything one person or token may act as."""

    roles: frozenset[Role] = frozenset()
    limited: frozenset[LimitedRole] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.roles or self.limited)

    @property
    def each(self) -> frozenset[Role | LimitedRole]:
        """Every single grant."""
        return frozenset[Role | LimitedRole]((*self.roles, *self.limited))

    @property
    def lines(self) -> tuple[str, ...]:
        """One line for each grant, those over the whole archive first."""
        return (*sorted(self.roles), *map(_line, sorted(self.limited)))

    @property
    def words(self) -> tuple[str, ...]:
        """The lines as people write them: `Records manager in unit Treasury`."""
        return tuple(
            line.partition(_IN)[0].replace("-", " ").capitalize() + "".join(line.partition(_IN)[1:])
            for line in self.lines
        )

    def to_text(self) -> str:
        """Return the lines as one text."""
        return "\n".join(self.lines)

    @classmethod
    def from_text(cls, text: str) -> "Grants":
        """Return the grants of a text of lines.

        Raises:
            InvalidInput: a line is no grant.
        """
        return cls.of(parse_grant(line) for line in text.splitlines() if line.strip())

    @classmethod
    def of(cls, held: Iterable[Role | LimitedRole]) -> "Grants":
        """Return the grants of single ones."""
        each = tuple(held)
        return cls(
            roles=frozenset(one for one in each if isinstance(one, Role)),
            limited=frozenset(one for one in each if isinstance(one, LimitedRole)),
        )


def grant(role: Role, *, unit: str = "", matter: str = "") -> Role | LimitedRole:
    """Return a role over what is named, or over the whole archive where nothing is.

    Raises:
        InvalidInput: both are named, or a name does not fit on a line.
    """
    unit, matter = unit.strip(), matter.strip()
    if not unit and not matter:
        return role
    name = unit or matter
    if (unit and matter) or not name.isprintable() or len(name) > _NAME_LIMIT:
        raise InvalidInput(
            f"expected {role} limited to one unit or one matter of at most {_NAME_LIMIT} printable "
            f"characters, found unit {unit!r} and matter {matter!r}",
            pointer="roles",
        )
    return LimitedRole(role=role, unit=unit, matter=matter)


def parse_grant(line: str) -> Role | LimitedRole:
    """Return the grant that a line states. Raises InvalidInput."""
    word, _, where = line.strip().partition(_IN)
    try:
        role = Role(word)
    except ValueError as error:
        raise InvalidInput(
            f"expected a role of {', '.join(Role)}, found {word[:80]!r}", pointer="roles"
        ) from error
    if where.startswith(_UNIT):
        return grant(role, unit=where.removeprefix(_UNIT))
    if where.startswith(_MATTER):
        return grant(role, matter=where.removeprefix(_MATTER))
    if where:
        raise InvalidInput(
            f"expected `{role} in unit NAME` or `{role} in matter NAME`, found {line[:200]!r}",
            pointer="roles",
        )
    return role


def _line(held: LimitedRole) -> str:
    where = f"{_UNIT}{held.unit}" if held.unit else f"{_MATTER}{held.matter}"
    return f"{held.role}{_IN}{where}"
