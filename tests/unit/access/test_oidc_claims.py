"""An ID token is believed only when it is genuine, ours, and of this very sign-in."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from archiver.access.oidc_claims import (
    ALGORITHMS,
    Expected,
    UnknownKey,
    identity,
    read_keys,
    verify,
)
from archiver.errors import Denied, PeerUnavailable

NOW = datetime(2026, 11, 21, 22, 1, 26, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER, CLIENT, NONCE = "https://id.example.com", "muniment", "n-0S6_WzA2Mj"
EXPECTED = Expected(issuer=ISSUER, client_id=CLIENT, nonce=NONCE, access_token="an access token")

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed", "use": "sig"})
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
PUBLISHED: dict[str, Any] = {"keys": [key.as_dict(private=False) for key in (RSA, EC, ED)]}
KEYS = read_keys(PUBLISHED)

GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "248289761001",
    "aud": CLIENT,
    "exp": SECONDS + 300,
    "iat": SECONDS - 1,
    "nonce": NONCE,
}


def signed(claims: object, *, alg: str = "RS256", key: Key = RSA, **header: Any) -> str:
    """Return what somebody with this key can make, sensible or not; None leaves a header out."""
    said = {"alg": alg, "kid": key.kid, "typ": "JWT", **header}
    protected = {name: value for name, value in said.items() if value is not None}
    message = ".".join(_base64(json.dumps(part).encode()) for part in (protected, claims))
    return f"{message}.{_base64(JWSRegistry.algorithms[alg].sign(message.encode(), key))}"


def confused(claims: object) -> str:
    """Return a token whose HMAC has the provider's public key for a secret."""
    header = {"alg": "HS256", "kid": "rsa"}
    message = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
    return (
        f"{message}.{_base64(hmac.digest(RSA.as_pem(private=False), message.encode(), 'sha256'))}"
    )


def unsigned(claims: object, **header: Any) -> str:
    parts = [json.dumps({"typ": "JWT", **header}), json.dumps(claims)]
    return ".".join(_base64(part.encode()) for part in parts) + "."


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("alg", "key"),
    [("RS256", RSA), ("PS256", RSA), ("ES256", EC), ("EdDSA", ED), ("Ed25519", ED)],
    ids=["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
)
def test_a_genuine_token_of_each_allowed_algorithm_is_believed(alg: str, key: Key) -> None:
    digest = hashlib.new(ALGORITHMS[alg], b"an access token").digest()
    claims = {**GOOD, "at_hash": _base64(digest[: len(digest) // 2])}

    found = verify(signed(claims, alg=alg, key=key), KEYS, expected=EXPECTED, now=NOW)

    assert found["sub"] == "248289761001"


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned(GOOD, alg="none"),
    "alg NONE": lambda: unsigned(GOOD, alg="NONE", kid="rsa"),
    "no alg": lambda: unsigned(GOOD, kid="rsa"),
    "HS256 with the public key as secret": lambda: confused(GOOD),
    "an algorithm that is not allowed": lambda: signed(GOOD, alg="RS512"),
    "the algorithm of another kind of key": lambda: signed(GOOD, alg="ES256", key=EC, kid="rsa"),
    "signed by somebody else with a kid of the provider": lambda: signed(GOOD, key=STRANGER),
    "a key brought along in the header": lambda: signed(
        GOOD, key=STRANGER, jwk=STRANGER.as_dict(private=False)
    ),
    "an extension that must be understood": lambda: signed(GOOD, crit=["exp"], exp=1),
    "not an ID token": lambda: signed(GOOD, typ="at+jwt"),
    "another issuer": lambda: signed(GOOD | {"iss": "https://id.example.com.evil.example"}),
    "the issuer with a slash": lambda: signed(GOOD | {"iss": ISSUER + "/"}),
    "no issuer": lambda: signed({k: v for k, v in GOOD.items() if k != "iss"}),
    "for another client": lambda: signed(GOOD | {"aud": "somebody"}),
    "for nobody": lambda: signed(GOOD | {"aud": []}),
    "for several, none authorised": lambda: signed(GOOD | {"aud": [CLIENT, "somebody"]}),
    "for several, another authorised": lambda: signed(
        GOOD | {"aud": [CLIENT, "somebody"], "azp": "somebody"}
    ),
    "authorised for another": lambda: signed(GOOD | {"azp": "somebody"}),
    "expired": lambda: signed(GOOD | {"exp": SECONDS - 60}),
    "no expiry": lambda: signed({k: v for k, v in GOOD.items() if k != "exp"}),
    "an expiry in words": lambda: signed(GOOD | {"exp": "never"}),
    "an expiry that is true": lambda: signed(GOOD | {"exp": True}),
    "issued in the future": lambda: signed(GOOD | {"iat": SECONDS + 61}),
    "issued long ago": lambda: signed(GOOD | {"iat": SECONDS - 601}),
    "no moment of issue": lambda: signed({k: v for k, v in GOOD.items() if k != "iat"}),
    "not yet good": lambda: signed(GOOD | {"nbf": SECONDS + 61}),
    "the nonce of another sign-in": lambda: signed(GOOD | {"nonce": "another"}),
    "no nonce": lambda: signed({k: v for k, v in GOOD.items() if k != "nonce"}),
    "a nonce that is no text": lambda: signed(GOOD | {"nonce": ["n-0S6_WzA2Mj"]}),
    "the hash of another access token": lambda: signed(GOOD | {"at_hash": "MTIzNDU2Nzg5MDEyMzQ"}),
    "claims that are no object": lambda: signed([1, 2]),
    "changed after signing": lambda: _changed(signed(GOOD)),
    "nothing": lambda: "",
    "two parts": lambda: "e30.e30",
    "not ASCII": lambda: "ä.ö.ü",
    "encrypted": lambda: "e30.e30.e30.e30.e30",
}  # fmt: skip


def _changed(token: str) -> str:
    header, _, signature = token.split(".")
    payload = _base64(json.dumps(GOOD | {"sub": "root"}).encode())
    return f"{header}.{payload}.{signature}"


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(forge: Callable[[], str]) -> None:
    with pytest.raises(Denied):
        verify(forge(), KEYS, expected=EXPECTED, now=NOW)


@pytest.mark.parametrize("kid", ["unheard", None])
def test_a_key_that_is_not_published_is_told_apart_so_that_keys_are_read_again(
    kid: str | None,
) -> None:
    with pytest.raises(UnknownKey):
        verify(signed(GOOD, kid=kid), KEYS, expected=EXPECTED, now=NOW)


def test_one_published_key_needs_no_name() -> None:
    alone = read_keys({"keys": [RSA.as_dict(private=False)]})

    assert verify(signed(GOOD, kid=None), alone, expected=EXPECTED, now=NOW)["sub"]


def test_a_key_meant_for_one_algorithm_verifies_no_other() -> None:
    only_pss = read_keys({"keys": [RSA.as_dict(private=False) | {"alg": "PS256"}]})

    with pytest.raises(Denied, match="alg to be PS256"):
        verify(signed(GOOD), only_pss, expected=EXPECTED, now=NOW)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"keys": []},
        {"keys": "all of them"},
        {"keys": [OctKey.generate_key(256).as_dict(private=True)]},
        {"keys": [RSA.as_dict(private=False) | {"use": "enc"}]},
        {"keys": [RSA.as_dict(private=False) | {"alg": "HS256"}]},
        {"keys": [RSA.as_dict(private=False) | {"n": "AQAB"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "!", "y": "!"}]},
        {"keys": ["key", None]},
    ],
)
def test_a_key_set_without_a_public_signing_key_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(PeerUnavailable):
        read_keys(document)


def test_a_clock_may_differ_by_a_minute() -> None:
    claims = GOOD | {"exp": SECONDS - 59, "iat": SECONDS + 59, "nbf": SECONDS + 59}

    assert verify(signed(claims), KEYS, expected=EXPECTED, now=NOW)["sub"]


@pytest.mark.parametrize("auth_time", [None, SECONDS - 3600, "now"])
def test_a_repeated_proof_must_be_a_new_one(auth_time: object) -> None:
    expected = Expected(
        issuer=ISSUER, client_id=CLIENT, nonce=NONCE, proven_after=NOW - timedelta(seconds=30)
    )
    claims = GOOD if auth_time is None else GOOD | {"auth_time": auth_time}

    with pytest.raises(Denied, match="auth_time"):
        verify(signed(claims), KEYS, expected=expected, now=NOW)
    fresh = GOOD | {"auth_time": SECONDS - 5}
    assert verify(signed(fresh), KEYS, expected=expected, now=NOW)["auth_time"] == SECONDS - 5


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_garbage_for_a_token_is_refused_and_breaks_nothing(garbage: str) -> None:
    with pytest.raises(Denied):
        verify(garbage, KEYS, expected=EXPECTED, now=NOW)


@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "azp", "nbf", "at_hash", "auth_time"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
        min_size=1,
    )
)
def test_claims_of_any_shape_are_refused_or_the_right_ones(changes: dict[str, Any]) -> None:
    claims = {**GOOD, **changes}
    try:
        found = verify(signed(claims, key=EC, alg="ES256"), KEYS, expected=EXPECTED, now=NOW)
    except Denied:
        return
    assert found["iss"] == ISSUER
    assert found["nonce"] == NONCE
    assert CLIENT in found["aud"]


def who(**claims: Any) -> Any:
    return identity(
        {"iss": ISSUER, "sub": "ada", **claims},
        groups_claim="groups",
        verified_claim="email_verified",
    )


def test_an_identity_is_named_by_its_issuer_and_its_subject() -> None:
    assert who().key == "https://id.example.com ada"


@pytest.mark.parametrize("verified", [True, "true", "1", 1])
def test_an_e_mail_that_was_verified_is_taken_in_lower_case(verified: object) -> None:
    assert who(email="Ada@Example.COM", email_verified=verified).email == "ada@example.com"


@pytest.mark.parametrize("verified", [False, None, "false", "no", 0, [], ["true"]])
def test_an_e_mail_that_was_not_verified_is_not_taken(verified: object) -> None:
    assert who(email="ada@example.com", email_verified=verified).email == ""


@pytest.mark.parametrize("email", ["ada", "ada@", "a b@example.com", "a@b@c", "a@x\n.com", 7, None])
def test_what_is_no_e_mail_is_not_taken(email: object) -> None:
    assert who(email=email, email_verified=True).email == ""


def test_groups_are_a_list_or_a_single_name() -> None:
    assert who(groups=["a", "b", 3, None]).groups == {"a", "b"}
    assert who(groups="a").groups == {"a"}
    assert who(groups={"a": 1}).groups == frozenset()
    assert who().groups == frozenset()


@pytest.mark.parametrize("subject", ["", "a b", "ä", "x" * 256, None, 7])
def test_a_subject_that_openid_connect_does_not_allow_is_refused(subject: object) -> None:
    with pytest.raises(Denied, match="sub"):
        who(sub=subject)


def test_a_private_key_set_is_never_made_of_a_published_one() -> None:
    assert isinstance(KEYS, KeySet)
    assert not any(key.is_private for key in KEYS.keys)
