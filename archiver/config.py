"""Settings: from the environment (`MUNIMENT_*`) or a TOML file. The only reader of either.

`MUNIMENT_CONFIG_FILE` names the TOML file; without it `muniment.toml` in the home is read if it is
there. The environment wins. Secrets are only ever paths of files. `deploy/SETTINGS.md` lists every
setting; an architecture test holds it to this class.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from archiver.errors import ConfigurationError

PREFIX = "MUNIMENT_"
SETTINGS_FILE = "muniment.toml"
"""The settings file of a home, read where `MUNIMENT_CONFIG_FILE` names no other."""

_SECRET = re.compile(r"(?:^|_)(?:key|passphrase|secret|credentials)_file$")
_SECRET_PARAMETER = re.compile(
    r"([?&;][^=&;]*(?:pass|secret|token|key)[^=&;]*=)[^&;#]*", re.IGNORECASE
)
_USER = re.compile(r"(://)(?:([^/?#:@]*)(:))?[^/?#]*@")
_MASK = "\N{BULLET}\N{BULLET}\N{BULLET}"
_SET_AT_INIT = {"origin", "zone", "default_class"}


class Settings(BaseModel):
    """Every setting, with its default. Frozen; made once by `load_settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(Path("muniment-data"), description="Folder for all local state.")
    database_url: str = Field(
        "", description="sqlite:///path or postgresql://…; default SQLite in the home."
    )
    store_url: str = Field(
        "", description="file:path or s3://bucket/prefix?endpoint_url=…; default file: in the home."
    )
    search_url: str = Field(
        "",
        description="tantivy:path, or whoosh:path for up to 50,000 posts, or "
        "opensearch+https://user@host:9200/name?password_file=…&ca_file=… (OPENSEARCH.md); default "
        "tantivy: in the home.",
    )
    keyring_file: Path | None = Field(None, description="The keyring; default in the home.")
    keyring_key_file: Path | None = Field(
        None, description="Key file that opens the keyring; default in the home."
    )
    keyring_passphrase_file: Path | None = Field(
        None, description="File with the passphrase that opens the keyring, instead of a key file."
    )
    origin: str = Field(
        "", description="Name of the log, like archive.example.com/acme; set at `muniment init`."
    )
    zone: str = Field(
        "UTC", description="IANA time zone of dates in queries and schedules; set at init."
    )
    default_class: str = Field(
        "default", description="Class of records no rule names: a template's code, set at init."
    )
    fiscal_year_starts: int = Field(
        1, ge=1, le=12, description="Month the fiscal year begins with; schedules may count it."
    )
    lock_limit_years: int = Field(
        30, ge=1, le=100, description="No object lock is set further ahead than this."
    )
    log_lock: str = Field(
        "governance",
        pattern="^(compliance|governance|none)$",
        description="Lock mode of the log's own objects: compliance, governance or none.",
    )
    publish_interval_s: float = Field(
        1.0, ge=0.05, le=3600, description="Seconds between checkpoints while there is news."
    )
    second_store_url: str = Field(
        "", description="A second store, file: or s3:, that gets a locked copy of every object."
    )
    timestamp_authorities_file: Path | None = Field(
        None, description="TOML file naming RFC 3161 authorities and their roots; none by default."
    )
    timestamp_interval_s: float = Field(
        3600, ge=1, description="Seconds between timestamps of the newest checkpoint."
    )
    witness_policy_file: Path | None = Field(
        None, description="C2SP tlog-policy naming the witnesses to ask; none by default."
    )
    worm_credentials_file: Path | None = Field(
        None, description="TOML file naming other principals for the lock probe; none by default."
    )
    inline_limit_bytes: int = Field(
        256 * 1024, ge=1024, le=4 * 1024 * 1024, description="Larger parts become blobs."
    )
    max_body_bytes: int = Field(
        16 * 1024 * 1024, ge=1024, description="Largest request body that is read."
    )
    queue_records: int = Field(
        4096, ge=1, description="Posts taken and not yet committed; beyond it: 503."
    )
    public_log: bool = Field(
        default=True, description="Serve /log/ (checkpoint and tiles) without signing in."
    )
    index_interval_s: float = Field(
        0.5, ge=0.05, le=60, description="Seconds between commits of the search index."
    )
    disk_reserve_mb: int = Field(
        64, ge=0, description="Room that posts leave for audit entries; at most 5 % of a disk."
    )
    import_limit_mb: int = Field(
        1024, ge=1, description="Largest file that may be sent to be imported from a browser."
    )
    clock_confirmed: AwareDatetime | None = Field(
        None, description="A moment an operator vouches for, where the clock was doubted; for once."
    )
    public_url: str = Field(
        "",
        pattern=r"^$|^https?://[A-Za-z0-9.-]+(:[0-9]+)?$|^https?://\[[0-9a-f:]+\](:[0-9]+)?$",
        description="Where browsers reach the pages: scheme and host, no path; needed to sign in "
        "with a provider or a passkey from another machine.",
    )
    hsts: bool = Field(
        default=True,
        description="Tell browsers to use HTTPS only, where the public URL is HTTPS.",
    )
    content_origin: str = Field(
        "",
        pattern=r"^$|^https?://[a-z0-9.-]+(:[0-9]+)?$",
        description="Second host that serves archived media and nothing else: scheme and host, no "
        "path. Recommended; without it media come from the host of the pages.",
    )
    oidc_issuer: str = Field(
        "",
        pattern=r"^$|^https?://[^\s?#]+$",
        description="Issuer of the OpenID Connect provider people sign in with; none by default.",
    )
    oidc_client_id: str = Field("", description="Who this archive is to the provider.")
    oidc_client_secret_file: Path | None = Field(
        None, description="File with the secret the provider gave; none for a public client."
    )
    oidc_label: str = Field(
        "your organisation", description="What the sign-in page calls the provider."
    )
    oidc_scopes: str = Field(
        "openid profile email", description="Scopes asked for, separated by spaces."
    )
    oidc_groups_claim: str = Field(
        "groups", description="Claim that lists the groups a person is in."
    )
    oidc_verified_claim: str = Field(
        "email_verified", description="Claim that says the e-mail address was verified."
    )
    oidc_roles_file: Path | None = Field(
        None, description="TOML file that gives groups their roles; without it, given by hand."
    )
    oidc_create_people: bool = Field(
        default=True,
        description="Create a person who signs in with the provider for the first time, given a "
        "group with a role; otherwise invite them first.",
    )
    session_idle_minutes: int = Field(
        30,
        ge=5,
        le=480,
        description="Minutes without a request after which a browser is signed out.",
    )
    session_hours: int = Field(
        12, ge=1, le=24, description="Hours after which a browser is signed out in any case."
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="Proxies in front that each add to X-Forwarded-For."
    )
    allow_conflicting_roles: bool = Field(
        default=False, description="Let one person both write and approve, in a one-person archive."
    )
    two_person_disposal: bool = Field(
        default=True, description="A second person must approve a disposal."
    )
    backup_days: int = Field(
        35,
        ge=0,
        le=3660,
        description="Days that backups of the database are kept; certificates of destruction state "
        "it.",
    )
    two_person_schedule: bool = Field(
        default=True, description="A second person must approve a change of a schedule."
    )
    two_person_hold_release: bool = Field(
        default=False, description="A second person must approve the release of a hold."
    )
    webhook_networks: str = Field(
        "",
        description="Networks not on the public internet that webhooks may reach, over http as "
        "well, like 10.2.0.0/16, separated by spaces; none by default.",
    )
    smtp_url: str = Field(
        "",
        pattern=r"^$|^(smtps?|smtp\+plain)://[A-Za-z0-9.-]+(:[0-9]+)?$",
        description="Mail server: smtp://host:587 (STARTTLS), smtps://host:465 (TLS), or "
        "smtp+plain://host:25 for a relay on this machine; none by default.",
    )
    smtp_user: str = Field("", description="Who this archive is to the mail server.")
    smtp_secret_file: Path | None = Field(
        None, description="File with the password of that user; none by default."
    )
    mail_from: str = Field("", description="The address mail comes from.")
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level that is logged."
    )

    @field_validator("webhook_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        for network in value.split():
            ip_network(network)
        return value

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"expected an IANA time zone, found {value!r}") from error
        return value

    @property
    def effective_database_url(self) -> str:
        """The database URL, with the default filled in."""
        return self.database_url or f"sqlite:///{(self.home / 'archive.db').resolve()}"

    @property
    def effective_store_url(self) -> str:
        """The store URL, with the default filled in."""
        return self.store_url or f"file:{(self.home / 'store').resolve()}"

    @property
    def local_folders(self) -> tuple[Path, ...]:
        """The folders this installation writes to, whose disks must not fill up."""
        store = urlsplit(self.effective_store_url)
        return (self.home, *([Path(unquote(store.path))] if store.scheme == "file" else []))

    @property
    def effective_search_url(self) -> str:
        """The search URL, with the default filled in."""
        return self.search_url or f"tantivy:{(self.home / 'index').resolve()}"

    @property
    def effective_keyring_file(self) -> Path:
        """The keyring's path, with the default filled in."""
        return self.keyring_file or self.home / "keyring.json"

    @property
    def tells_https(self) -> bool:
        """Whether browsers are told to use HTTPS only."""
        return self.hsts and self.public_url.startswith("https:")

    @property
    def keyring_secret_file(self) -> Path:
        """The file whose content opens the keyring."""
        return self.keyring_passphrase_file or self.keyring_key_file or self.home / "keyring.key"


def settings_from_environment(*, home: Path | None = None) -> Settings:
    """Return the settings of this process's environment; `home` stands above `MUNIMENT_HOME`.

    Raises:
        ConfigurationError: as `load_settings`.
    """
    chosen = {} if home is None else {f"{PREFIX}HOME": str(home)}
    return load_settings({**os.environ, **chosen})


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings an environment asks for.

    Raises:
        ConfigurationError: all problems together, each with the name to change.
    """
    environment, path, file = _given(environ)
    try:
        return Settings(**(file | environment))
    except ValidationError as error:
        problems = "; ".join(
            f"{PREFIX}{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        )
        read = f", and {path}" if file else ""
        raise ConfigurationError(f"settings: {problems}; see deploy/SETTINGS.md{read}") from error


class SettingSource(StrEnum):
    """Where a setting's value comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"
    START = "command line"  # neither says it: it was given when the process started


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingView:
    """One setting as it may be shown: `value` holds no secret.

    `default` is empty where there is none. `fixed` says that it was decided at `muniment init` and
    that changing it does nothing. `pending` is the value the next start will take, where
    environment or file say another one than this process runs with; empty if they do not.
    """

    name: str
    value: str
    source: SettingSource
    default: str
    description: str
    fixed: bool
    pending: str

    def to_dict(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "name": self.name,
            "value": self.value,
            "source": self.source.value,
            "default": self.default,
            "description": self.description,
            "fixed_at_init": self.fixed,
            "restart_needed": not self.fixed,
            "pending": self.pending,
        }


def explain_environment(settings: Settings) -> tuple[SettingView, ...]:
    """Return what each setting of this process is and where it comes from, as `explain_settings`.

    Raises:
        ConfigurationError: the settings file cannot be read any more.
    """
    return explain_settings(os.environ, settings)


def explain_settings(
    environ: Mapping[str, str], settings: Settings | None = None
) -> tuple[SettingView, ...]:
    """Return what each setting is and where it comes from, in the order of `Settings`.

    Args:
        environ: the environment, which may name a file.
        settings: those in effect; what the environment asks for, where not given.

    Raises:
        ConfigurationError: as `load_settings`.
    """
    settings = load_settings(environ) if settings is None else settings
    environment, _, file = _given(environ, home=settings.home)
    return tuple(_explain(name, settings, environment, file) for name in Settings.model_fields)


def masked(text: str) -> str:
    """Return a URL without the password, key or token in it; other text as it is."""
    if "://" not in text:
        return text
    return _SECRET_PARAMETER.sub(rf"\1{_MASK}", _USER.sub(rf"\1\2\3{_MASK}@", text))


def _explain(
    name: str, settings: Settings, environment: Mapping[str, Any], file: Mapping[str, Any]
) -> SettingView:
    value, field = getattr(settings, name), Settings.model_fields[name]
    source = SettingSource.START
    if name in environment and _parsed(name, environment[name]) == value:
        source = SettingSource.ENVIRONMENT
    elif name not in environment and name in file and _parsed(name, file[name]) == value:
        source = SettingSource.FILE
    elif value == field.default:
        source = SettingSource.DEFAULT
    asked = {**file, **environment}.get(name)
    differs = asked is not None and _parsed(name, asked) != value and name != "home"
    effective = value or getattr(settings, f"effective_{name}", value)
    return SettingView(
        name=f"{PREFIX}{name.upper()}",
        value=_shown(name, effective),
        source=source,
        default=_shown(name, field.default),
        description=field.description or "",
        fixed=name in _SET_AT_INIT,
        pending=_shown(name, asked) if differs else "",
    )


def _parsed(name: str, value: object) -> object:
    try:
        return getattr(Settings.model_validate({name: value}), name)
    except ValidationError:
        return None


def _shown(name: str, value: object) -> str:
    if value is None or value == "":
        return ""
    if _SECRET.search(name):
        return "set from a file"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return masked(str(value))


def _given(
    environ: Mapping[str, str], *, home: Path | None = None
) -> tuple[dict[str, Any], Path, dict[str, Any]]:
    """Return what the environment says, where the file lies, and what it says."""
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")
    }
    named = given.pop("config_file", "")
    home = home or Path(given.get("home", str(Settings.model_fields["home"].default)))
    path = Path(named) if named else home / SETTINGS_FILE
    return given, path, _read_file(path, required=bool(named))


def _read_file(path: Path, *, required: bool) -> dict[str, Any]:
    if not required and not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"settings file {path} could not be read: {error}") from error
