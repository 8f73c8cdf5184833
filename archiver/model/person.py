"""People who sign in: the state they are in, how they may prove who they are, what they prefer."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from archiver.errors import InvalidInput


class PersonState(StrEnum):
    """Where a person stands. Only the active act."""

    INVITED = "invited"  # has a link, has not come yet
    ACTIVE = "active"
    DISABLED = "disabled"


class Method(StrEnum):
    """How a person proved who they are."""

    PASSWORD = "password"  # noqa: S105 - the name of a way to sign in
    PASSKEY = "passkey"
    OIDC = "oidc"
    LINK = "link"  # the one-time link an administrator handed over


class Theme(StrEnum):
    """Light, dark, or as the person's system is."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Density(StrEnum):
    """How close the rows of tables stand."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"
    ROOMY = "roomy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """How a person likes the pages. `single_keys` turns shortcuts of one key on (WCAG 2.1.4)."""

    theme: Theme = Theme.SYSTEM
    density: Density = Density.COMFORTABLE
    single_keys: bool = True

    def to_text(self) -> str:
        """Return the text that `from_text` reads."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> "Preferences":
        """Return the preferences kept as this text; `""` is the default.

        Raises:
            InvalidInput: it was not written by `to_text`.
        """
        try:
            kept = json.loads(text) if text else {}
            return cls(
                theme=Theme(kept.get("theme", Theme.SYSTEM)),
                density=Density(kept.get("density", Density.COMFORTABLE)),
                single_keys=bool(kept.get("single_keys", True)),
            )
        except (ValueError, AttributeError) as error:
            raise InvalidInput(
                f"expected preferences as JSON, found {text[:80]!r}; save them anew"
            ) from error
