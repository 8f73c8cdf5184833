"""Signing in with an OpenID Connect provider: authorization code with PKCE, state and nonce.

What one sign-in has to remember (state, nonce, code verifier, where to go afterwards) is sealed
into a cookie of the browser that began it, so that no answer meant for another browser is taken
(RFC 6749 section 10.12), and no server of the archive has to remember it.

The answer is taken only from the provider it was asked of: there is one, the ID token names it, and
where the provider says so the answer itself does (RFC 9207).
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import msgspec

from archiver.access.browser_state import BrowserState
from archiver.access.oidc_claims import Expected, Identity, UnknownKey, identity, verify
from archiver.access.oidc_provider import Provider, Tokens
from archiver.clock import Clock, from_millis, to_millis
from archiver.errors import Denied
from archiver.ids import Randomness

PURPOSE = "oidc sign-in"
_CODE_LIMIT = 4096
_UNSAID = frozenset({"login_required", "interaction_required", "access_denied"})


class Begun(msgspec.Struct, frozen=True):
    """What one sign-in has to remember. `session_id` is empty but for a repeated proof."""

    state: str
    nonce: str
    verifier: str
    redirect_uri: str
    next_path: str
    at: int
    session_id: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Where to send the browser, and the cookie it takes along."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Who came back, and what for. `session_id` names the session they confirm, or is empty."""

    identity: Identity
    next_path: str
    session_id: str


class OpenIdConnect:
    """The conversation with the provider."""

    def __init__(
        self,
        provider: Provider,
        *,
        kept: BrowserState[Begun],
        scopes: str,
        groups_claim: str,
        verified_claim: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._provider = provider
        self._kept = kept
        self._scopes = scopes
        self._groups_claim = groups_claim
        self._verified_claim = verified_claim
        self._clock = clock
        self._randomness = randomness

    async def begin(
        self, *, redirect_uri: str, next_path: str = "/", session_id: str = "", subject: str = ""
    ) -> Departure:
        """Return where a browser goes to sign in; with a `session_id`, to prove it once more.

        Args:
            redirect_uri: where the provider sends the browser back to.
            next_path: where it goes from there, a path of this site: the caller has seen to it.
            session_id: the session that is to be confirmed, where one is.
            subject: who has to come back in that case, as `person.subject` names them.

        Raises:
            PeerUnavailable: the provider does not answer.
        """
        metadata = await self._provider.metadata()
        begun = Begun(
            state=self._random(),
            nonce=self._random(),
            verifier=self._random(),
            redirect_uri=redirect_uri,
            next_path=next_path,
            at=to_millis(self._clock()),
            session_id=session_id,
            subject=subject,
        )
        fields = {
            "response_type": "code",
            "client_id": self._provider.client.client_id,
            "redirect_uri": redirect_uri,
            "scope": self._scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        if session_id:
            fields |= {"prompt": "login", "max_age": "0"}
        separator = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return Departure(
            url=f"{metadata.authorization_endpoint}{separator}{urlencode(fields)}",
            cookie=self._kept.seal(begun),
        )

    async def complete(self, answer: Mapping[str, str], *, cookie: str) -> Arrival:
        """Return who the provider's answer is about.

        Args:
            answer: the query the browser came back with.
            cookie: what `begin` gave it.

        Raises:
            Denied: another browser began it, it was answered before, the person declined, or a
                token is not what it has to be.
            PeerUnavailable: the provider does not answer.
        """
        begun = self._kept.open_once(cookie)
        code = await self._code_of(answer, begun)
        tokens = await self._provider.redeem(
            code, verifier=begun.verifier, redirect_uri=begun.redirect_uri
        )
        found = await self._identify(tokens, begun)
        if begun.session_id and found.key != begun.subject:
            raise Denied(
                "somebody else signed in at the provider than is signed in here; sign out there "
                "and begin again"
            )
        return Arrival(identity=found, next_path=begun.next_path, session_id=begun.session_id)

    async def _code_of(self, answer: Mapping[str, str], begun: Begun) -> str:
        metadata = await self._provider.metadata()
        if not hmac.compare_digest(answer.get("state", "").encode(), begun.state.encode()):
            raise Denied(
                "expected the answer to the sign-in of this browser, found another; begin again"
            )
        said = answer.get("iss", "")
        if said != metadata.issuer and (
            said or metadata.authorization_response_iss_parameter_supported
        ):
            raise Denied(f"expected the answer of {metadata.issuer}, found that of {said[:200]!r}")
        if "error" in answer:
            raise _declined(answer["error"])
        code = answer.get("code", "")
        if not 0 < len(code) <= _CODE_LIMIT:
            raise Denied("the provider's answer holds no code; begin again")
        return code

    async def _identify(self, tokens: Tokens, begun: Begun) -> Identity:
        claims = dict(await self._verified(tokens, begun))
        if self._groups_claim not in claims or "email" not in claims:
            told = await self._provider.user_info(tokens.access_token)
            # OIDC Core section 5.3.2: else it is somebody else's, swapped in.
            if told and told.get("sub") != claims.get("sub"):
                raise Denied("the provider tells of somebody else than it signed in; begin again")
            claims = {**told, **claims}
        return identity(
            claims, groups_claim=self._groups_claim, verified_claim=self._verified_claim
        )

    async def _verified(self, tokens: Tokens, begun: Begun) -> Mapping[str, object]:
        client = self._provider.client
        expected = Expected(
            issuer=client.issuer,
            client_id=client.client_id,
            nonce=begun.nonce,
            access_token=tokens.access_token,
            proven_after=from_millis(begun.at) if begun.session_id else None,
        )
        try:
            keys = await self._provider.keys()
            return verify(tokens.id_token, keys, expected=expected, now=self._clock())
        except UnknownKey:
            keys = await self._provider.keys(again=True)
            return verify(tokens.id_token, keys, expected=expected, now=self._clock())

    def _random(self) -> str:
        return base64.urlsafe_b64encode(self._randomness(32)).rstrip(b"=").decode()


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _declined(error: str) -> Denied:
    if error in _UNSAID:
        return Denied("the provider says that you did not sign in; begin again")
    return Denied(
        f"the provider refused the sign-in ({error[:80]!r}); begin again, and tell your "
        "administrator if it happens again"
    )
