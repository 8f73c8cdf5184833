"""What an ID token must say before anybody is believed to be who they say. Pure.

The checks are those of OpenID Connect Core 1.0 section 3.1.3.7, of RFC 8725 (algorithms from a
fixed list, none of them symmetric, so that a public key can never serve as a secret), and for a
repeated proof of identity those of section 3.1.2.1 (`max_age`).
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwa import JWSAlgModel
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from archiver.errors import Denied, PeerUnavailable

ALGORITHMS: Mapping[str, str] = {
    "RS256": "sha256",
    "PS256": "sha256",
    "ES256": "sha256",
    "Ed25519": "sha512",  # RFC 8032 hashes with SHA-512
    "EdDSA": "sha512",  # its name before RFC 9864; Ed448 is not taken
}
"""Algorithms an ID token may be signed with, and the hash each makes of an access token."""

SKEW = timedelta(seconds=60)
FRESH = timedelta(minutes=10)
"""A token comes straight from the provider: one issued longer ago is not the one asked for."""

_KINDS = frozenset({"RSA", "EC", "OKP"})  # never "oct": a secret has no place in published keys
_RSA_CHARACTERS = 342  # base64url of a modulus of 2,048 bits
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)  # OIDC Core section 2: 255 ASCII characters
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")
_MOST_GROUPS = 10_000
_NAME_LIMIT = 200
_TRUE = frozenset({"true", "1"})  # some providers say it as text or number

Claims = Mapping[str, Any]


class _Registry(JWSRegistry):
    """The allowed algorithms, without the library's warning about the older name of one."""

    def get_alg(self, name: str) -> JWSAlgModel:
        if name not in ALGORITHMS:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)


class UnknownKey(Denied):
    """The token names a key that the provider's key set did not have when it was last read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the token has to match: our side of the conversation."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str = ""
    proven_after: datetime | None = None
    """Where set, the person must have proven who they are to the provider since then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the provider says it is. `email` is in lower case and empty unless it was verified."""

    issuer: str
    subject: str
    name: str
    email: str
    groups: frozenset[str]

    @property
    def key(self) -> str:
        """How `person.subject` names them: the issuer is part of it, else two could be mixed up."""
        return f"{self.issuer} {self.subject}"


def read_keys(document: Claims) -> KeySet:
    """Return the public signing keys of a JWK set (RFC 7517); others in it are passed over.

    Raises:
        PeerUnavailable: there is none, or one of them is malformed.
    """
    listed = document.get("keys")
    usable = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and _is_usable(key)
    ]
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise PeerUnavailable(
            f"expected at least one public key to sign with ({', '.join(ALGORITHMS)}) among the "
            f"provider's {len(usable)}, found none that can be read"
        ) from error


def verify(token: str, keys: KeySet, *, expected: Expected, now: datetime) -> Claims:
    """Return the claims of an ID token that is genuine, ours, and of this conversation.

    Raises:
        UnknownKey: it is signed with a key that is not in `keys`; read them again, once.
        Denied: it is anything else than what was asked for. The message names the claim.
    """
    header, claims = _signed(token, keys)
    seconds = now.timestamp()
    if claims.get("iss") != expected.issuer:
        raise _wrong("iss", expected.issuer, claims.get("iss"))
    _check_audience(claims, expected.client_id)
    expires, issued = _moment(claims, "exp"), _moment(claims, "iat")
    if expires + SKEW.total_seconds() <= seconds:
        raise _wrong("exp", "a moment to come", expires)
    if not -SKEW.total_seconds() <= seconds - issued <= FRESH.total_seconds():
        raise _wrong("iat", "a moment just past", issued)
    if "nbf" in claims and _moment(claims, "nbf") - SKEW.total_seconds() > seconds:
        raise _wrong("nbf", "a moment past", claims["nbf"])
    if not _same(claims.get("nonce"), expected.nonce):
        raise _wrong("nonce", "the one of this sign-in", "another")
    _check_access_token(claims, header, expected.access_token)
    if expected.proven_after is not None:
        proven = _moment(claims, "auth_time")
        if proven + SKEW.total_seconds() < expected.proven_after.timestamp():
            raise _wrong("auth_time", "a proof of identity made just now", proven)
    return claims


def identity(claims: Claims, *, groups_claim: str, verified_claim: str) -> Identity:
    """Return who the verified claims are about.

    Raises:
        Denied: no subject that OpenID Connect allows, or more groups than anybody is in.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise _wrong("sub", "1 to 255 ASCII characters", subject)
    email = claims.get("email")
    verified = str(claims.get(verified_claim)).lower() in _TRUE
    sound = isinstance(email, str) and _EMAIL.fullmatch(email) and verified
    name = claims.get("name") or claims.get("preferred_username") or email or subject
    return Identity(
        issuer=str(claims["iss"]),
        subject=subject,
        name=" ".join(str(name).split())[:_NAME_LIMIT],
        email=str(email).lower() if sound else "",
        groups=_groups(claims.get(groups_claim), groups_claim),
    )


def _signed(token: str, keys: KeySet) -> tuple[Mapping[str, Any], Claims]:
    """Return header and claims of a token whose signature is good; nothing is read before."""
    try:
        signed = jws.extract_compact(token.encode("ascii"))
        header = signed.headers()
        if header.get("alg") not in ALGORITHMS:
            raise _wrong("alg", "one of " + ", ".join(ALGORITHMS), header.get("alg"))
        if str(header.get("typ", "JWT")).upper() != "JWT":
            raise _wrong("typ", "JWT", header.get("typ"))
        key = _key_of(header, keys)
        if not jws.validate_compact(signed, key, registry=_REGISTRY):
            raise Denied("the provider's ID token is not signed by the provider; begin again")
        claims = msgspec.json.decode(signed.payload or b"")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Denied("the provider's ID token cannot be read; begin again") from error
    if not isinstance(claims, dict):
        raise Denied("the provider's ID token states nothing; begin again")
    return header, claims


def _is_usable(key: Mapping[str, Any]) -> bool:
    return (
        key.get("kty") in _KINDS
        and key.get("crv") != "Ed448"
        and (key["kty"] != "RSA" or len(str(key.get("n"))) >= _RSA_CHARACTERS)
        and key.get("use", "sig") == "sig"
        and key.get("alg", "RS256") in ALGORITHMS
    )


def _key_of(header: Mapping[str, Any], keys: KeySet) -> Any:
    """Return the one key the header means. OIDC Core 10.1: a kid where there are several."""
    kid = header.get("kid")
    if kid is None and len(keys.keys) == 1:
        return keys.keys[0]
    found = [key for key in keys.keys if key.kid == kid]
    if len(found) != 1:
        raise UnknownKey("the provider's ID token is signed with a key it does not publish")
    if found[0].get("alg", header["alg"]) != header["alg"]:
        raise _wrong("alg", str(found[0].get("alg")), header["alg"])
    return found[0]


def _check_audience(claims: Claims, client_id: str) -> None:
    stated = claims.get("aud")
    audience = stated if isinstance(stated, list) else [stated]
    if client_id not in audience:
        raise _wrong("aud", client_id, stated)
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise _wrong("azp", client_id, claims.get("azp"))


def _check_access_token(claims: Claims, header: Mapping[str, Any], access_token: str) -> None:
    if "at_hash" not in claims:
        return
    digest = hashlib.new(ALGORITHMS[header["alg"]], access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _same(claims["at_hash"], half):
        raise _wrong("at_hash", "the hash of the access token beside it", "another")


def _groups(stated: object, claim: str) -> frozenset[str]:
    listed = [stated] if isinstance(stated, str) else stated if isinstance(stated, list) else []
    if len(listed) > _MOST_GROUPS:
        raise _wrong(claim, f"at most {_MOST_GROUPS} groups", len(listed))
    return frozenset(group for group in listed if isinstance(group, str))


def _moment(claims: Claims, name: str) -> float:
    found = claims.get(name)
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise _wrong(name, "a moment in seconds", found)
    return float(found)


def _same(found: object, expected: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode(), expected.encode())


def _wrong(claim: str, expected: str, found: object) -> Denied:
    return Denied(
        f"the provider's ID token was not accepted: expected {claim} to be {expected}, found "
        f"{str(found)[:100]!r}; begin again, and tell your administrator if it happens again"
    )
