"""What the web asks of those who may come in: tokens, sessions, passkeys, the provider."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from archiver.access.passkey_ceremony import Site
from archiver.access.passkeys import Offer, PasskeyView
from archiver.access.sessions import SessionView, SignedIn
from archiver.access.tokens import TokenView
from archiver.model.actor import Actor, Role
from archiver.model.person import Method

if TYPE_CHECKING:  # they bring libraries along that only archives with a provider need
    from archiver.access.oidc import Departure
    from archiver.access.provider_sign_in import Proven


class Tokens(Protocol):
    """Makes, checks and revokes API tokens: `archiver.access.tokens.Tokens`."""

    async def create(
        self,
        name: str,
        roles: Collection[Role],
        *,
        unit: str = "",
        matter: str = "",
        expires_at: datetime | None = None,
        actor: Actor,
    ) -> tuple[TokenView, str]:
        """Make a token; the secret is shown once."""

    async def authenticate(self, secret: str) -> Actor:
        """Return whose token it is."""

    async def list(self, *, actor: Actor) -> Sequence[TokenView]:
        """Return all tokens."""

    async def revoke(self, token_id: str, *, actor: Actor) -> TokenView:
        """Revoke one token."""


class Sessions(Protocol):
    """Starts, checks and ends browser sessions: `archiver.access.sessions.Sessions`."""

    async def start(
        self,
        person_id: str,
        *,
        method: Method,
        address: str = "",
        agent: str = "",
        replacing: str = "",
    ) -> str:
        """Start a session; return its new secret."""

    async def authenticate(self, secret: str) -> SignedIn:
        """Return who is signed in."""

    async def confirm(self, session_id: str, *, method: Method) -> str:
        """Note a new proof of identity; return the session's new secret."""

    async def end(self, session_id: str, *, actor: Actor) -> None:
        """Sign out."""

    async def list(self, *, person_id: str = "", actor: Actor) -> Sequence[SessionView]:
        """Return live sessions."""

    async def revoke(self, session_id: str, *, actor: Actor) -> None:
        """End a session from elsewhere."""

    async def break_glass(self, session_id: str, reason: str, *, actor: Actor) -> None:
        """Read content for a reason, for half an hour."""

    async def mend_glass(self, session_id: str, *, actor: Actor) -> None:
        """End that."""


class Passkeys(Protocol):
    """Adds, uses and removes passkeys: `archiver.access.passkeys.Passkeys`."""

    async def offer_new(self, *, site: Site, actor: Actor) -> Offer:
        """Begin to add a passkey."""

    async def add(
        self, answer: str, *, name: str, cookie: str, site: Site, actor: Actor
    ) -> PasskeyView:
        """Keep the passkey that the browser made."""

    async def offer(self, *, site: Site, actor: Actor | None = None) -> Offer:
        """Begin a proof of identity."""

    async def prove(
        self, answer: str, *, cookie: str, site: Site, actor: Actor | None = None
    ) -> str:
        """Return the id of the person whose passkey answered."""

    async def list(self, *, actor: Actor) -> Sequence[PasskeyView]:
        """Return one's own passkeys."""

    async def show(self, passkey_id: str, *, actor: Actor) -> PasskeyView:
        """Return one of one's own."""

    async def rename(self, passkey_id: str, name: str, *, actor: Actor) -> None:
        """Give it another name."""

    async def remove(self, passkey_id: str, *, actor: Actor) -> None:
        """Remove it."""


class Provider(Protocol):
    """Signs in with the provider: `archiver.access.provider_sign_in.ProviderSignIn`."""

    @property
    def label(self) -> str:
        """What people call it."""

    async def begin(self, *, redirect_uri: str, next_path: str) -> "Departure":
        """Return where the browser goes to sign in."""

    async def begin_again(
        self, *, redirect_uri: str, next_path: str, session_id: str, actor: Actor
    ) -> "Departure":
        """Return where it goes to prove once more who is signed in."""

    async def complete(self, answer: Mapping[str, str], *, cookie: str) -> "Proven":
        """Return whom the provider's answer proves."""
