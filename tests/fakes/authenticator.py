"""An authenticator in software: makes passkeys and signs with them, honestly or not.

It answers with the JSON of `PublicKeyCredential.toJSON()` (W3C Web Authentication Level 3). What it
says of origin, challenge, site, user and counter can be set, to be refused.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(kw_only=True)
class Lies:
    """What an answer says instead of the truth; None is the truth."""

    origin: str | None = None
    rp_id: str | None = None
    challenge: str | None = None
    kind: str | None = None
    flags: int | None = None
    user_handle: str | None = None
    cross_origin: bool = False


@dataclass
class SoftwareAuthenticator:
    """Holds one passkey, once it was made."""

    origin: str
    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    user_handle: bytes = b""
    counter: int = 0
    counts: bool = True

    def copy(self) -> "SoftwareAuthenticator":
        """Return another authenticator with the same passkey, as a thief would make."""
        return replace(self)

    def create(self, options: str, lies: Lies | None = None) -> str:
        """Return what `navigator.credentials.create` gives for these options."""
        asked, lies = json.loads(options), lies or Lies()
        self.user_handle = _bytes(asked["user"]["id"])
        data = self._data(asked["rp"]["id"], lies, extra=ATTESTED)
        data += bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id
        data += cbor2.dumps(self._cose())
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"], lies)
        return self._answer(clientDataJSON=client, attestationObject=attestation)

    def get(self, options: str, lies: Lies | None = None) -> str:
        """Return what `navigator.credentials.get` gives for these options."""
        asked, lies = json.loads(options), lies or Lies()
        self.counter += self.counts
        data = self._data(asked["rpId"], lies)
        client = self._client("webauthn.get", asked["challenge"], lies)
        signature = self._sign(data + hashlib.sha256(client).digest())
        handle = self.user_handle if lies.user_handle is None else lies.user_handle.encode()
        return self._answer(
            clientDataJSON=client, authenticatorData=data, signature=signature, userHandle=handle
        )

    def _data(self, rp_id: str, lies: Lies, *, extra: int = 0) -> bytes:
        flags = PRESENT | VERIFIED if lies.flags is None else lies.flags
        site = hashlib.sha256((lies.rp_id or rp_id).encode()).digest()
        return site + bytes([flags | extra]) + self.counter.to_bytes(4, "big")

    def _client(self, kind: str, challenge: str, lies: Lies) -> bytes:
        said: dict[str, Any] = {
            "type": lies.kind or kind,
            "challenge": challenge if lies.challenge is None else lies.challenge,
            "origin": lies.origin or self.origin,
            "crossOrigin": lies.cross_origin,
        }
        return json.dumps(said).encode()

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(SHA256()))

    def _cose(self) -> dict[int, int | bytes]:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return {1: 1, 3: -8, -1: 6, -2: self.key.public_key().public_bytes_raw()}
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}

    def _answer(self, **response: bytes) -> str:
        name = _text(self.credential_id)
        document = {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {key: _text(value) for key, value in response.items()},
        }
        return json.dumps(document)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
