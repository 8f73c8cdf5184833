"""The two WebAuthn ceremonies, as options for the browser and as checks of what it answers. Pure.

Verifying is the `webauthn` library's (W3C Web Authentication Level 3, sections 7.1 and 7.2). User
verification is always asked for and always required: a passkey stands for the whole sign-in, not
for a second factor. Attestation is not asked for: which make of authenticator somebody uses is
their business until a policy says otherwise.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from archiver.errors import Denied, InvalidInput

NAME = "Muniment"
CREDENTIAL_LIMIT = 16_384
"""Characters of a browser's answer; it holds a key and a signature, and no attestation."""

_TIMEOUT_MS = 120_000
_ALGORITHMS = (-8, -7, -257)  # EdDSA, ES256, RS256: COSE's numbers for them
_ID_BYTES = range(16, 1024)  # WebAuthn section 4: at least 16 bytes, at most 1,023


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where passkeys are good: the pages' origin, and the host name they are bound to."""

    origin: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A passkey just made: `public_key` is a COSE key."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def creation_options(
    site: Site,
    challenge: bytes,
    *,
    person_id: str,
    sign_in_name: str,
    name: str,
    known: Sequence[bytes],
) -> str:
    """Return the options of `navigator.credentials.create`, as `PublicKeyCredential` parses them.

    `known` are the passkeys a person has already: an authenticator that holds one makes no other.
    """
    return json.dumps(
        {
            "rp": {"id": site.rp_id, "name": NAME},
            "user": {
                "id": base64url(person_id.encode("ascii")),
                "name": sign_in_name,
                "displayName": name,
            },
            "challenge": base64url(challenge),
            "pubKeyCredParams": [{"type": "public-key", "alg": alg} for alg in _ALGORITHMS],
            "timeout": _TIMEOUT_MS,
            "attestation": "none",
            "excludeCredentials": _descriptors(known),
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "required",
            },
        }
    )


def request_options(site: Site, challenge: bytes, *, allowed: Sequence[bytes] = ()) -> str:
    """Return the options of `navigator.credentials.get`; with none `allowed`, any passkey will do.

    Signing in names no passkey, so that nobody learns from here who has one.
    """
    return json.dumps(
        {
            "rpId": site.rp_id,
            "challenge": base64url(challenge),
            "timeout": _TIMEOUT_MS,
            "userVerification": "required",
            "allowCredentials": _descriptors(allowed),
        }
    )


def verify_creation(answer: str, site: Site, challenge: bytes) -> NewKey:
    """Return the passkey a browser made for us.

    Raises:
        Denied: it was made for another site, another challenge or without verifying its user, or
            is no such answer at all.
    """
    # webauthn costs every start 0.16 s: only those who use a passkey pay.
    from webauthn import verify_registration_response  # noqa: PLC0415
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    parsed = _parse(answer)
    try:
        made = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(alg) for alg in _ALGORITHMS],
        )
    except (WebAuthnException, *_MALFORMED) as error:
        raise _refused(error) from error
    if len(made.credential_id) not in _ID_BYTES:
        raise Denied("the passkey's id is not 16 to 1,023 bytes long; use another authenticator")
    return NewKey(
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
    )


def verify_assertion(answer: str, site: Site, challenge: bytes, *, public_key: bytes) -> int:
    """Return the counter of an answer signed by the passkey with this key, in this ceremony.

    Whether the counter went up is the caller's to judge, once it is known that the passkey said it.

    Raises:
        Denied: signed by another key or for another site or challenge, without verifying the user,
            or no such answer at all.
    """
    from webauthn import verify_authentication_response  # noqa: PLC0415 - as above
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    parsed = _parse(answer)
    try:
        proven = verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, *_MALFORMED) as error:
        raise _refused(error) from error
    return proven.new_sign_count


def credential_id_of(answer: str) -> bytes:
    """Return which passkey an answer says it is of. Raises Denied."""
    return _bytes_of(_parse(answer).get("rawId"))


def user_handle_of(answer: str) -> str:
    """Return whose passkey an answer says it is, as the person's id, or nothing. Raises Denied."""
    response = _parse(answer).get("response")
    handle = response.get("userHandle") if isinstance(response, dict) else None
    return "" if handle is None else _bytes_of(handle).decode("ascii", "replace")


def base64url(raw: bytes) -> str:
    """Return bytes as base64url without padding, as WebAuthn writes them in JSON."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """Return the bytes that `base64url` wrote. Raises InvalidInput."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise InvalidInput(f"expected base64url, found {text[:80]!r}") from error


# What a parser of hostile CBOR, JSON and keys may meet on its way.
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError)


def _parse(answer: str) -> dict[str, object]:
    """Return a browser's answer; pages of this site inside another's are not taken."""
    if len(answer) > CREDENTIAL_LIMIT:
        raise Denied(f"expected a passkey's answer of at most {CREDENTIAL_LIMIT} characters")
    try:
        parsed = json.loads(answer)
        said = json.loads(_bytes_of(parsed["response"]["clientDataJSON"]))
        if said.get("crossOrigin"):
            raise Denied("the passkey was used on a page inside another site's; open ours itself")
    except _MALFORMED as error:
        raise _refused(error) from error
    return dict(parsed)


def _bytes_of(text: object) -> bytes:
    try:
        return from_base64url(str(text))
    except InvalidInput as error:
        raise _refused(error) from error


def _descriptors(ids: Sequence[bytes]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": base64url(each)} for each in ids]


def _refused(error: Exception) -> Denied:
    return Denied(
        f"the passkey's answer was not accepted ({str(error)[:200] or type(error).__name__}); try "
        "once more, or sign in another way"
    )
