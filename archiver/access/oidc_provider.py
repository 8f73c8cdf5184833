"""The identity provider as this archive talks to it: discovery, keys, tokens, user info.

Addresses come from the provider's discovery document (OpenID Connect Discovery 1.0), and that from
the one issuer the settings name, over TLS. What it says is kept for an hour; a token signed with a
key that is not known has the keys read again, at most once a minute, so that forged tokens cannot
make this archive pester the provider.
"""

import asyncio
import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Protocol, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec
from joserfc.jwk import KeySet

from archiver.access.oidc_claims import Claims, read_keys
from archiver.clock import Clock
from archiver.errors import ConfigurationError, Denied, PeerUnavailable
from archiver.preserve.ledger.exchange import Answer

KEPT = timedelta(hours=1)
AGAIN = timedelta(minutes=1)
_DISCOVERY = "/.well-known/openid-configuration"
_FORM = "application/x-www-form-urlencoded"
_OK = 200
_UNAUTHORIZED = 401  # RFC 6749 section 5.2: the client, not the code, was not accepted
_FAULT = 500
_INSTEAD = "sign in with a password or a passkey meanwhile, and tell the operator"


class Exchange(Protocol):
    """Sends requests to the provider: `archiver.preserve.ledger.exchange.HttpExchange`."""

    async def get(self, url: str, *, authorization: str = "") -> Answer:
        """Return the answer, whatever its status. Raises PeerUnavailable."""

    async def post(
        self, url: str, body: bytes, *, content_type: str, authorization: str = ""
    ) -> Answer:
        """Send `body` and return the answer, whatever its status. Raises PeerUnavailable."""


class Metadata(msgspec.Struct, frozen=True):
    """What of a discovery document is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Tokens(msgspec.Struct, frozen=True):
    """What the provider gave for a code."""

    id_token: str
    access_token: str
    token_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who this archive is to the provider. Without a secret it is a public client (PKCE alone)."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)


@dataclass(slots=True)
class _Kept:
    at: datetime
    metadata: Metadata
    keys: KeySet


Document = TypeVar("Document")


class Provider:
    """One OpenID provider."""

    def __init__(self, client: Client, exchange: Exchange, clock: Clock) -> None:
        require_secure(client.issuer, "MUNIMENT_OIDC_ISSUER")
        self.client = client
        self._exchange = exchange
        self._clock = clock
        self._kept: _Kept | None = None
        self._reading = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Return the discovery document. Raises PeerUnavailable."""
        return (await self._read(KEPT)).metadata

    async def keys(self, *, again: bool = False) -> KeySet:
        """Return the provider's signing keys, read `again` unless that was within the last minute.

        Raises:
            PeerUnavailable: it does not answer, or not in its protocol.
        """
        return (await self._read(AGAIN if again else KEPT)).keys

    async def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> Tokens:
        """Return the tokens for an authorization code (RFC 6749 section 4.1.3, RFC 7636).

        Raises:
            Denied: the code is unknown, used, or another client's.
            PeerUnavailable: the provider does not answer, not in its protocol, or does not accept
                this archive as a client.
        """
        metadata = await self.metadata()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        authorization = self._authenticate(fields, metadata)
        answer = await self._exchange.post(
            metadata.token_endpoint,
            urlencode(fields).encode(),
            content_type=_FORM,
            authorization=authorization,
        )
        if answer.status == _UNAUTHORIZED:
            raise _unexpected(
                metadata.token_endpoint,
                "that it does not accept who we are; check MUNIMENT_OIDC_CLIENT_ID and the file of "
                "MUNIMENT_OIDC_CLIENT_SECRET_FILE",
            )
        if _OK < answer.status < _FAULT:
            raise Denied(
                "the provider did not accept the code it had given: it was used before, or is too "
                "old; begin again"
            )
        tokens = _document(answer, Tokens, metadata.token_endpoint)
        if tokens.token_type.lower() != "bearer":
            raise _unexpected(metadata.token_endpoint, f"a token of type {tokens.token_type!r}")
        return tokens

    async def user_info(self, access_token: str) -> Claims:
        """Return what the provider tells of a person beside the ID token; `{}` if it tells nothing.

        Raises:
            PeerUnavailable: it does not answer, or not in its protocol.
        """
        url = (await self.metadata()).userinfo_endpoint
        if not url:
            return {}
        answer = await self._exchange.get(url, authorization=f"Bearer {access_token}")
        return _document(answer, dict, url)

    def _authenticate(self, fields: dict[str, str], metadata: Metadata) -> str:
        """Return the header that says who we are, or put it into the form where that is asked."""
        name, secret = self.client.client_id, self.client.secret
        methods = metadata.token_endpoint_auth_methods_supported
        if secret and ("client_secret_basic" in methods or "client_secret_post" not in methods):
            # RFC 6749 section 2.3.1: each is form-encoded before they are joined.
            pair = f"{quote_plus(name)}:{quote_plus(secret)}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        fields["client_id"] = name
        if secret:
            fields["client_secret"] = secret
        return ""

    async def _read(self, at_most: timedelta) -> _Kept:
        async with self._reading:
            now = self._clock()
            if self._kept is None or now - self._kept.at >= at_most:
                self._kept = await self._discover(now)
            return self._kept

    async def _discover(self, now: datetime) -> _Kept:
        url = self.client.issuer.rstrip("/") + _DISCOVERY
        metadata = _document(await self._exchange.get(url), Metadata, url)
        if metadata.issuer != self.client.issuer:
            raise _unexpected(url, f"the issuer {metadata.issuer!r}; MUNIMENT_OIDC_ISSUER must be")
        for each in (
            metadata.authorization_endpoint,
            metadata.token_endpoint,
            metadata.jwks_uri,
            metadata.userinfo_endpoint or self.client.issuer,
        ):
            try:
                require_secure(each, url)
            except ConfigurationError as error:
                raise PeerUnavailable(f"{error}; {_INSTEAD}") from error
        keys = _document(await self._exchange.get(metadata.jwks_uri), dict, metadata.jwks_uri)
        return _Kept(now, metadata, read_keys(keys))


def require_secure(url: str, where: str) -> None:
    """Pass if a URL is HTTPS, or HTTP on this very machine.

    Raises:
        ConfigurationError: it is not; `where` says where it stands.
    """
    parts = urlsplit(url)
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise ConfigurationError(f"{where}: expected an https: URL, found {url[:200]!r}")


def is_loopback(host: str) -> bool:
    """Return whether a host name means this machine whatever a name server says (RFC 6761)."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _document(answer: Answer, kind: type[Document], url: str) -> Document:
    if answer.status != _OK:
        raise _unexpected(url, f"status {answer.status}")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unexpected(url, f"something else ({error})") from error


def _unexpected(url: str, found: str) -> PeerUnavailable:
    return PeerUnavailable(
        f"the provider at {url}: expected what OpenID Connect asks for, found {found}; {_INSTEAD}"
    )
