"""The credentials file: who else tries to undo what the lock probe stored.

```toml
[disposer]
access_key_id_file = "secrets/disposer.id"
secret_key_file = "secrets/disposer.key"

[holds]
access_key_id_file = "secrets/holds.id"
secret_key_file = "secrets/holds.key"
lifts_holds = true
```

Paths are relative to the file. The keys are read anew for each probe, so they may be rotated.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError

from archiver.errors import ConfigurationError
from archiver.preserve.store.trials import AccessKey

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    access_key_id_file: Path
    secret_key_file: Path
    lifts_holds: bool = False


_entries = TypeAdapter(dict[_Name, _Entry])


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A named principal's key, and whether it is meant to lift legal holds."""

    name: str
    key: AccessKey
    lifts_holds: bool


def read_credentials(path: Path | None) -> Sequence[Credential]:
    """Return the principals of the file at `path`, in its order; none without a file.

    Raises:
        ConfigurationError: a file is missing, empty or not as it must be. No key is repeated.
    """
    if path is None:
        return ()
    try:
        entries = _entries.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
        return [
            Credential(
                name=name,
                key=AccessKey(
                    id=_first_line(path.parent / entry.access_key_id_file),
                    secret=_first_line(path.parent / entry.secret_key_file),
                ),
                lifts_holds=entry.lifts_holds,
            )
            for name, entry in entries.items()
        ]
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise _unreadable(path, problems) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(path, str(error)) from error


def _first_line(path: Path) -> str:
    line = path.read_text(encoding="utf-8").strip()
    if not line or "\n" in line:
        raise _unreadable(path, "expected one line")
    return line


def _unreadable(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"MUNIMENT_WORM_CREDENTIALS_FILE: {path} could not be used ({what}); expected a table per "
        f"principal with access_key_id_file, secret_key_file and, where it is so, "
        f"lifts_holds = true; see deploy/RUNBOOK.md"
    )
