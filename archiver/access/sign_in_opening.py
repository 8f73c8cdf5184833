"""The parts of signing in with a provider or a passkey, put together from the settings."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.access.browser_state import BrowserState
from archiver.access.derived_keys import derive
from archiver.access.passkeys import PURPOSE, Challenge, Passkeys
from archiver.access.roster import Roster
from archiver.access.sessions import Sessions
from archiver.audit.trail import Trail
from archiver.clock import Clock
from archiver.config import Settings
from archiver.db.transaction import Database
from archiver.errors import ConfigurationError
from archiver.preserve.keyring import Keyring
from archiver.preserve.ledger.exchange import HttpExchange

if TYPE_CHECKING:
    from archiver.access.oidc import OpenIdConnect
    from archiver.access.provider_sign_in import ProviderSignIn


def open_passkeys(*, keyring: Keyring, database: Database, trail: Trail, clock: Clock) -> Passkeys:
    """Return the passkeys of an archive."""
    kept = BrowserState(
        Challenge,
        purpose=PURPOSE,
        key=derive(keyring, PURPOSE),
        clock=clock,
        randomness=os.urandom,
    )
    return Passkeys(database=database, clock=clock, trail=trail, kept=kept, randomness=os.urandom)


def open_provider(
    settings: Settings,
    *,
    keyring: Keyring,
    trail: Trail,
    clock: Clock,
    roster: Roster,
    passkeys: Passkeys,
    sessions: Sessions,
) -> "ProviderSignIn | None":
    """Return signing in with the provider that the settings name; None where they name none.

    The provider is not asked yet: an archive starts and captures without it.

    Raises:
        ConfigurationError: no client id, a file that cannot be read, or an issuer without TLS.
    """
    if not settings.oidc_issuer:
        return None
    # joserfc costs every start 0.1 s: only archives with a provider pay.
    from archiver.access import oidc_roles, provider_sign_in  # noqa: PLC0415

    roles = settings.oidc_roles_file
    return provider_sign_in.ProviderSignIn(
        _conversation(settings, keyring, clock),
        label=settings.oidc_label,
        groups=None if roles is None else oidc_roles.read_group_roles(roles),
        create_people=settings.oidc_create_people,
        roster=roster,
        passkeys=passkeys,
        sessions=sessions,
        trail=trail,
    )


def _conversation(settings: Settings, keyring: Keyring, clock: Clock) -> "OpenIdConnect":
    from archiver.access import oidc, oidc_provider  # noqa: PLC0415 - as above

    if not settings.oidc_client_id:
        raise ConfigurationError(
            "MUNIMENT_OIDC_ISSUER is set and MUNIMENT_OIDC_CLIENT_ID is not; register this archive "
            "with the provider and set what it is called there"
        )
    client = oidc_provider.Client(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        secret=_secret(settings.oidc_client_secret_file),
    )
    kept = BrowserState(
        oidc.Begun,
        purpose=oidc.PURPOSE,
        key=derive(keyring, oidc.PURPOSE),
        clock=clock,
        randomness=os.urandom,
    )
    return oidc.OpenIdConnect(
        oidc_provider.Provider(client, HttpExchange(), clock),
        kept=kept,
        scopes=settings.oidc_scopes,
        groups_claim=settings.oidc_groups_claim,
        verified_claim=settings.oidc_verified_claim,
        clock=clock,
        randomness=os.urandom,
    )


def _secret(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"MUNIMENT_OIDC_CLIENT_SECRET_FILE {path} could not be read: {error}"
        ) from error
