"""Which roles the groups of an identity provider give: a TOML file, group by group.

```toml
"archive-counsel" = "counsel"
"treasury-review" = { role = "reviewer", unit = "Treasury" }
"investigators" = ["auditor", { role = "reviewer", matter = "2026-014" }]
```

A group that is not in the file gives nothing, and neither does a person without groups.
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from archiver.errors import ConfigurationError, InvalidInput
from archiver.model.actor import LimitedRole, Role
from archiver.model.grants import Grants, grant


class _Grant(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    unit: str = ""
    matter: str = ""


_OneOrMore = Role | _Grant | tuple[Role | _Grant, ...]
_FILE = TypeAdapter(dict[str, _OneOrMore])


@dataclass(frozen=True, slots=True)
class GroupRoles:
    """The file, read: what each group gives."""

    by_group: Mapping[str, Grants]

    def after(self, groups: Collection[str], held: Grants) -> Grants:
        """Return what somebody in these groups holds from now on, who held `held` until now.

        The groups decide. Only a role within a matter stays that was given by hand, which is to say
        that no group of the file gives: matters are opened here, and no directory knows them. Names
        of groups are compared letter by letter.
        """
        given = [self.by_group[group] for group in groups if group in self.by_group]
        named = _together(self.by_group.values()).limited
        by_hand = Grants(
            limited=frozenset(each for each in held.limited if each.matter and each not in named)
        )
        return _together([*given, by_hand])


def read_group_roles(path: Path) -> GroupRoles:
    """Return the file's content.

    Raises:
        ConfigurationError: it cannot be read, names no role of ours, or a unit and a matter at
            once. The message names the file and the group.
    """
    try:
        return parse_group_roles(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ConfigurationError) as error:
        raise ConfigurationError(f"MUNIMENT_OIDC_ROLES_FILE {path}: {error}") from error


def parse_group_roles(text: str) -> GroupRoles:
    """Return what a file of this text gives each group. Raises ConfigurationError."""
    try:
        document = _FILE.validate_python(tomllib.loads(text))
        return GroupRoles({group: _granted(given) for group, given in document.items()})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        group = str(first["loc"][0]) if first["loc"] else "?"
        raise ConfigurationError(
            f"group {group!r}: expected a role ({', '.join(Role)}), or a table of role and unit or "
            f"matter, or a list of these: {first['msg']}"
        ) from error
    except (tomllib.TOMLDecodeError, InvalidInput) as error:
        raise ConfigurationError(str(error)) from error


def _granted(given: _OneOrMore) -> Grants:
    each = given if isinstance(given, tuple) else (given,)
    return Grants.of(
        one if isinstance(one, Role) else grant(one.role, unit=one.unit, matter=one.matter)
        for one in each
    )


def _together(all_grants: Iterable[Grants]) -> Grants:
    each = tuple(all_grants)
    return Grants(
        roles=frozenset[Role]().union(*(one.roles for one in each)),
        limited=frozenset[LimitedRole]().union(*(one.limited for one in each)),
    )
