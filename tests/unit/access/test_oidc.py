"""The conversation with a provider, from its side: what it is asked, and what it may answer."""

import base64
import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from archiver.access.browser_state import BrowserState
from archiver.access.oidc import PURPOSE, Arrival, Begun, OpenIdConnect
from archiver.access.oidc_provider import Client, Provider, is_loopback
from archiver.errors import ConfigurationError, Denied, PeerUnavailable
from archiver.preserve.ledger.exchange import Answer

ISSUER = "https://id.example.com/realm"
BACK = "https://archive.example.com/sign-in/provider/callback"
OLD = RSAKey.generate_key(2048, {"kid": "old", "use": "sig"})
NEW = RSAKey.generate_key(2048, {"kid": "new", "use": "sig"})


class ScriptedProvider:
    """A provider that a test tells what to say. It keeps to PKCE and client authentication."""

    def __init__(self) -> None:
        self.metadata: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize?tenant=1",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
        }
        self.keys = [OLD]
        self.signing = OLD
        self.claims: dict[str, Any] = {"email": "a@example.com", "groups": ["g"]}
        self.info: dict[str, Any] = {"sub": "ada"}
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.authorizations: list[str] = []
        self.challenge = ""
        self.nonce = ""
        self.statuses: dict[str, int] = {}

    async def get(self, url: str, *, authorization: str = "") -> Answer:
        name = url.rpartition("/")[2]
        self.asked.append(name)
        self.authorizations.append(authorization)
        documents = {
            "openid-configuration": self.metadata,
            "keys": {"keys": [key.as_dict(private=False) for key in self.keys]},
            "userinfo": self.info,
        }
        return _answer(documents[name], self.statuses.get(name, 200))

    async def post(
        self, url: str, body: bytes, *, content_type: str, authorization: str = ""
    ) -> Answer:
        assert (url, content_type) == (
            f"{ISSUER}/token",
            "application/x-www-form-urlencoded",
        )
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.forms.append(form)
        self.authorizations.append(authorization)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge:
            return _answer({"error": "invalid_grant"}, 400)
        now = int(NOW.timestamp())
        claims = {
            "iss": ISSUER,
            "sub": "ada",
            "aud": "muniment",
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            **self.claims,
        }
        token = jwt.encode({"alg": "RS256", "kid": self.signing.kid}, claims, self.signing)
        document = {"id_token": token, "access_token": "access", "token_type": "Bearer"}
        return _answer(document, self.statuses.get("token", 200))

    def is_asked(self, url: str) -> dict[str, str]:
        """Take the authorization request a browser would bring."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.challenge, self.nonce = query["code_challenge"], query["nonce"]
        return query


NOW = datetime(2026, 11, 21, 22, 1, 26, tzinfo=UTC)


class World:
    def __init__(self, secret: str = "") -> None:
        self.now = NOW
        self.peer = ScriptedProvider()
        self.provider = Provider(
            Client(issuer=ISSUER, client_id="muniment", secret=secret),
            self.peer,
            lambda: self.now,
        )
        kept = BrowserState(
            Begun, purpose=PURPOSE, key=bytes(32), clock=lambda: NOW, randomness=os.urandom
        )
        self.conversation = OpenIdConnect(
            self.provider,
            kept=kept,
            scopes="openid email",
            groups_claim="groups",
            verified_claim="email_verified",
            clock=lambda: NOW,
            randomness=os.urandom,
        )

    async def sign_in(self, **answer: str) -> Arrival:
        departure = await self.conversation.begin(redirect_uri=BACK, next_path="/holds")
        asked = self.peer.is_asked(departure.url)
        given = {"code": "c0de", "state": asked["state"], **answer}
        return await self.conversation.complete(given, cookie=departure.cookie)


@pytest.fixture
def world() -> World:
    return World()


async def test_who_comes_back_is_who_the_provider_says(world: World) -> None:
    arrival = await world.sign_in()

    assert arrival.identity.key == f"{ISSUER} ada"
    assert arrival.identity.groups == {"g"}
    assert (arrival.next_path, arrival.session_id) == ("/holds", "")


async def test_the_code_is_redeemed_with_the_verifier_of_its_challenge(world: World) -> None:
    await world.sign_in()

    (form,) = world.peer.forms
    assert (form["code"], form["redirect_uri"]) == ("c0de", BACK)
    assert len(form["code_verifier"]) == 43
    world.peer.challenge = "another"
    departure = await world.conversation.begin(redirect_uri=BACK)
    state = world.peer.is_asked(departure.url)["state"]
    world.peer.challenge = "another"
    with pytest.raises(Denied, match="did not accept the code"):
        await world.conversation.complete({"code": "c", "state": state}, cookie=departure.cookie)


async def test_the_provider_is_asked_at_its_own_address_with_our_parameters_added(
    world: World,
) -> None:
    departure = await world.conversation.begin(redirect_uri=BACK)

    assert departure.url.startswith(f"{ISSUER}/authorize?tenant=1&response_type=code&")


@pytest.mark.parametrize(
    ("methods", "place"),
    [
        (None, "header"),
        (["client_secret_basic", "client_secret_post"], "header"),
        (["client_secret_post"], "form"),
        (["private_key_jwt"], "header"),
    ],
)
async def test_the_secret_goes_where_the_provider_takes_it(
    methods: list[str] | None, place: str
) -> None:
    world = World("s3cret: & more")
    if methods is not None:
        world.peer.metadata["token_endpoint_auth_methods_supported"] = methods

    await world.sign_in()

    (form,) = world.peer.forms
    sent = next(each for each in world.peer.authorizations if each) if place == "header" else ""
    if place == "header":
        pair = base64.b64decode(sent.removeprefix("Basic ")).decode()
        assert pair == "muniment:s3cret%3A+%26+more"  # RFC 6749 section 2.3.1
        assert "client_secret" not in form
    else:
        assert (form["client_id"], form["client_secret"]) == ("muniment", "s3cret: & more")


async def test_a_client_that_the_provider_refuses_is_the_operators_to_mend(world: World) -> None:
    world.peer.statuses["token"] = 401

    with pytest.raises(PeerUnavailable, match="MUNIMENT_OIDC_CLIENT_ID"):
        await world.sign_in()


async def test_a_public_client_says_its_name_only(world: World) -> None:
    await world.sign_in()

    assert world.peer.forms[0]["client_id"] == "muniment"
    assert not any(world.peer.authorizations)


async def test_what_is_published_is_read_once_an_hour(world: World) -> None:
    await world.sign_in()
    await world.sign_in()
    assert world.peer.asked == ["openid-configuration", "keys"]

    world.now += timedelta(hours=1)
    await world.sign_in()
    assert world.peer.asked == ["openid-configuration", "keys"] * 2


async def test_a_new_key_of_the_provider_is_read_when_it_is_first_met(world: World) -> None:
    await world.sign_in()
    world.peer.keys, world.peer.signing = [OLD, NEW], NEW
    world.now += timedelta(minutes=1)

    assert (await world.sign_in()).identity.subject == "ada"


async def test_forged_keys_do_not_make_us_ask_again_and_again(world: World) -> None:
    await world.sign_in()
    world.peer.signing = NEW
    for _ in range(5):
        with pytest.raises(Denied, match="does not publish"):
            await world.sign_in()

    assert world.peer.asked == ["openid-configuration", "keys"]


@pytest.mark.parametrize("said", ["https://id.example.com/realm/", "https://evil.example", ""])
async def test_a_discovery_document_of_another_issuer_is_refused(world: World, said: str) -> None:
    world.peer.metadata["issuer"] = said

    with pytest.raises(PeerUnavailable, match="issuer"):
        await world.conversation.begin(redirect_uri=BACK)


async def test_the_answer_of_another_issuer_is_refused(world: World) -> None:
    with pytest.raises(Denied, match="expected the answer of"):
        await world.sign_in(iss="https://evil.example")
    assert (await world.sign_in(iss=ISSUER)).identity.subject == "ada"
    assert len(world.peer.forms) == 1


async def test_where_the_provider_promises_to_name_itself_it_must(world: World) -> None:
    world.peer.metadata["authorization_response_iss_parameter_supported"] = True

    with pytest.raises(Denied, match="expected the answer of"):
        await world.sign_in()


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"]
)
@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "gopher://id.example.com",
        "https:///x",
        "//id.example.com",
    ],
)
async def test_a_provider_may_not_lead_to_an_address_without_tls(
    world: World, name: str, url: str
) -> None:
    world.peer.metadata[name] = url

    with pytest.raises(PeerUnavailable, match="https"):
        await world.conversation.begin(redirect_uri=BACK)
    assert world.peer.asked == ["openid-configuration"]


def test_an_issuer_without_tls_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(ConfigurationError, match="MUNIMENT_OIDC_ISSUER"):
        Provider(
            Client(issuer="http://id.example.com", client_id="m"), ScriptedProvider(), lambda: NOW
        )


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("id.localhost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_which_names_mean_this_machine(host: str, *, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize("name", ["openid-configuration", "keys", "token"])
@pytest.mark.parametrize("status", [302, 404, 500])
async def test_no_redirect_of_the_provider_is_followed(
    world: World, name: str, status: int
) -> None:
    world.peer.statuses[name] = status

    with pytest.raises((PeerUnavailable, Denied)):
        await world.sign_in()


async def test_what_the_token_leaves_out_is_asked_of_the_provider(world: World) -> None:
    world.peer.claims = {}
    world.peer.info = {
        "sub": "ada",
        "email": "Ada@example.com",
        "email_verified": True,
        "groups": ["g"],
    }

    arrival = await world.sign_in()

    assert (arrival.identity.email, arrival.identity.groups) == ("ada@example.com", frozenset("g"))
    assert world.peer.authorizations[-1] == "Bearer access"


async def test_user_info_of_somebody_else_is_refused(world: World) -> None:
    world.peer.claims = {}
    world.peer.info = {"sub": "eve", "groups": ["g"]}

    with pytest.raises(Denied, match="somebody else"):
        await world.sign_in()


async def test_what_the_token_says_stands_above_user_info(world: World) -> None:
    world.peer.claims = {"groups": ["few"]}
    world.peer.info = {"sub": "ada", "groups": ["many"], "iss": "https://evil.example"}

    arrival = await world.sign_in()

    assert arrival.identity.groups == {"few"}
    assert arrival.identity.issuer == ISSUER


@pytest.mark.parametrize(
    "document", [{}, [], "x", {"id_token": 1, "access_token": "a", "token_type": "Bearer"}]
)
async def test_an_answer_that_is_no_openid_connect_is_told_as_that(
    world: World, document: Any
) -> None:
    class Other(ScriptedProvider):
        async def post(self, *_: Any, **__: Any) -> Answer:
            return _answer(document, 200)

    other = Other()
    world.provider._exchange = other

    with pytest.raises(PeerUnavailable, match="expected what OpenID Connect asks for"):
        await world.provider.redeem("c", verifier="v", redirect_uri=BACK)


@pytest.mark.parametrize("error", ["access_denied", "server_error", "<script>"])
async def test_an_error_of_the_provider_is_told(world: World, error: str) -> None:
    with pytest.raises(Denied, match=r"did not sign in|refused the sign-in"):
        await world.sign_in(error=error)


def _answer(document: object, status: int) -> Answer:
    return Answer(
        status=status, content_type="application/json", body=json.dumps(document).encode()
    )
