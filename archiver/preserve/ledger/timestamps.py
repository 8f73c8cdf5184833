"""Timestamps: what RFC 3161 authorities say about when a checkpoint existed.

Pure: the file that names the authorities, the request, and the verification of a response. The
message is always a log-signed checkpoint, byte for byte as kept, so that whoever steals the log key
later cannot date a checkpoint back.

The verification is rfc3161-client's, with three differences (decision 0010): the certificates of a
response are put in DER order first, because authorities send them unsorted and no signature covers
them; what a response says of its own versions and algorithms must be what RFC 5652 asks, because no
signature covers that either; and roots are always the reader's own, never the token's.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rfc3161_client import (
    PKIStatus,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.ledger import der

QUERY_TYPE = "application/timestamp-query"
REPLY_TYPE = "application/timestamp-reply"
NONCE_BYTES = 8
ENTRY_PREFIX = b'{"v":1,"t":"tsr",'
"""How every `tsr` entry begins."""

_SHA256 = bytes.fromhex("608648016503040201")
_HASHES: Mapping[str, str] = {
    "2.16.840.1.101.3.4.2.1": "SHA-256",
    "2.16.840.1.101.3.4.2.2": "SHA-384",
    "2.16.840.1.101.3.4.2.3": "SHA-512",
}
_DIGESTS = frozenset(bytes.fromhex(f"60864801650304020{n}") for n in (1, 2, 3))
"""SHA-256, SHA-384, SHA-512 as DER OIDs: what a signature may be over."""
_SIGNATURES = frozenset(
    bytes.fromhex(oid)
    for oid in (
        "2a864886f70d010101",  # rsaEncryption: PKCS #1 v1.5 over the stated digest
        *(f"2a864886f70d0101{n}" for n in ("0b", "0c", "0d")),  # sha256, 384, 512 WithRSA
        *(f"2a8648ce3d04030{n}" for n in (2, 3, 4)),  # ecdsa-with-SHA256, 384, 512
    )
)
_UNREADABLE = (
    ValueError,
    VerificationError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the two libraries raise about bytes that are not what they should be."""
_SIGNED_DATA_VERSION = 3  # RFC 5652 section 5.1: the content is not plain data
_SIGNER_VERSION = 1  # section 5.3: the signer is named by issuer and serial number


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A timestamp authority: a short name, where to ask, and its roots (PEM, one each).

    One that is not `asked` any more stays named for its roots: its tokens remain evidence.
    """

    name: str
    url: str
    roots: tuple[bytes, ...]
    asked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a verified response says.

    `time` is the authority's, aware UTC. `signer` is the subject of the certificate that signed
    (RFC 4514), `expires_at` the end of that certificate.
    """

    time: datetime
    serial: int
    policy: str
    hash_algorithm: str
    signer: str
    expires_at: datetime


class _AuthorityTable(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")
    url: str = Field(pattern=r"^https?://[^\s/]+\S*$")
    roots: str = Field(min_length=1)
    asked: bool = True


class _AuthoritiesFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    authority: list[_AuthorityTable] = Field(min_length=1)


def read_authorities(path: Path) -> tuple[Authority, ...]:
    """Return the authorities that a TOML file names: `[[authority]]` with name, url and roots.

    `roots` is a PEM file of one or more certificates, its path relative to the TOML file;
    `asked = false` keeps an authority only for the tokens it gave.

    Raises:
        ConfigurationError: a file cannot be read, or is not of this form.
    """
    try:
        tables = _AuthoritiesFile(**tomllib.loads(path.read_text(encoding="utf-8"))).authority
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise ConfigurationError(f"timestamp authorities in {path}: {problems}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            f"timestamp authorities file {path} could not be read: {error}; check "
            "MUNIMENT_TIMESTAMP_AUTHORITIES_FILE"
        ) from error
    names = [table.name for table in tables]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"timestamp authorities in {path}: expected each name once")
    return tuple(
        Authority(
            name=each.name,
            url=each.url,
            roots=_read_roots(path.parent / each.roots),
            asked=each.asked,
        )
        for each in tables
    )


def _read_roots(path: Path) -> tuple[bytes, ...]:
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"roots of a timestamp authority: expected PEM certificates in {path}: {error}"
        ) from error
    return tuple(dict.fromkeys(_pem(certificate) for certificate in found))


def roots_file(authorities: Sequence[Authority], published: bytes) -> bytes:
    """Return the public copy of all roots: PEM with each authority's name above its own.

    Certificates of `published`, the present copy, are kept even when no longer configured: tokens
    made under them stay. A present copy that is no PEM is given up. Nobody trusts this file.
    """
    parts = [
        f"# {authority.name} {authority.url}\n".encode() + b"".join(authority.roots)
        for authority in authorities
    ]
    current = {root for authority in authorities for root in authority.roots}
    try:
        former = [_pem(each) for each in x509.load_pem_x509_certificates(published)]
    except ValueError:
        former = []
    kept = [root for root in dict.fromkeys(former) if root not in current]
    return b"".join([*parts, *([b"# no longer asked\n", *kept] if kept else [])])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def request(message: bytes, nonce: int) -> bytes:
    """Return the DER TimeStampReq over SHA-256 of `message`, asking for the certificate.

    rfc3161-client draws its nonce itself; ours is given, so that a test can be exact.
    """
    algorithm = der.encode(der.SEQUENCE, der.encode(der.OID, _SHA256), der.NULL)
    imprint = der.encode(
        der.SEQUENCE, algorithm, der.encode(der.OCTET_STRING, sha256(message).digest())
    )
    version = der.encode_integer(1)
    return der.encode(der.SEQUENCE, version, imprint, der.encode_integer(nonce), der.TRUE)


def entry_prefix(size: int, authority: str) -> bytes:
    """Return how the `tsr` entry of this token begins, and no other token's."""
    return ENTRY_PREFIX + f'"s":{size},"a":"{authority}",'.encode()


def rejection(response: bytes) -> str:
    """Return the words of an authority that answers without a token; "" if there may be one."""
    try:
        answer = decode_timestamp_response(response)
        if answer.status in {PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS}:
            return ""
        words = " ".join(answer.status_string)
    except ValueError:
        return ""
    return f"status {answer.status} {words}".strip()


def verify_response(
    response: bytes, message: bytes, roots: Sequence[bytes], *, nonce: int | None = None
) -> Token:
    """Return what a raw TimeStampResp says of `message`, if it holds.

    It holds when it is granted, signed by a certificate for timestamping that leads to one of
    `roots` (PEM) and was valid at the token's time, over this message, and with this nonce if one
    is given. That certificates have expired since, or were revoked, does not matter here. Bytes
    that say nothing (certificates off that path, attributes nobody signed) may differ from those
    received: that a stored response is the one received shows by its hash in the log.

    Raises:
        IntegrityError: it does not hold; the message says why.
    """
    try:
        answer = decode_timestamp_response(_in_der_order(response))
        verifier = VerifierBuilder(roots=_certificates(roots), nonce=nonce).build()
        verifier.verify_message(answer, message)
        return _token(answer)
    except _UNREADABLE as error:
        raise IntegrityError(
            f"expected a granted RFC 3161 response of {len(response)} bytes over these "
            f"{len(message)}, under {len(roots)} configured roots; it does not verify: {error}. "
            "Compare the roots with those the authority publishes"
        ) from error


def _certificates(roots: Sequence[bytes]) -> list[x509.Certificate]:
    found = [each for root in roots for each in x509.load_pem_x509_certificates(root)]
    return list(dict.fromkeys(found))


def _token(answer: TimeStampResponse) -> Token:
    signed, said = answer.signed_data, answer.tst_info
    (signer,) = signed.signer_infos
    certificate = next(
        each
        for each in map(x509.load_der_x509_certificate, signed.certificates)
        if (each.issuer, each.serial_number) == (signer.issuer, signer.serial_number)
    )
    return Token(
        time=said.gen_time,
        serial=said.serial_number,
        policy=said.policy.dotted_string,
        hash_algorithm=_HASHES[said.message_imprint.hash_algorithm.dotted_string],
        signer=certificate.subject.rfc4514_string(),
        expires_at=certificate.not_valid_after_utc,
    )


def _in_der_order(response: bytes) -> bytes:
    """Return the response with its certificates sorted, having checked what nothing signs.

    TimeStampResp is { status, token }, the token a ContentInfo { type, [0] SignedData }, and that
    { version, digests, content, [0] certificates, [1] crls, signers } (RFC 3161, RFC 5652).
    """
    whole = der.decode(response, der.SEQUENCE)
    try:
        _, token = whole.children()
        _, explicit = token.children()
        (signed,) = explicit.children()
        version, _, _, certificates, *_, signers = signed.children()
        (signer,) = signers.children()
        signer_version, _, digest, _, algorithm, *_ = signer.children()
        found: tuple[Any, ...] = (
            version.content[0],
            signer_version.content[0],
            digest.children()[0].content in _DIGESTS,
            algorithm.children()[0].content in _SIGNATURES,
            certificates.tag,
        )
    except (ValueError, IndexError) as error:
        raise IntegrityError(
            "expected an RFC 3161 response with a token of one signer and its certificate, found "
            f"another structure in {len(response)} bytes"
        ) from error
    wanted = (_SIGNED_DATA_VERSION, _SIGNER_VERSION, True, True, der.CONTEXT_0)
    if found != wanted:
        raise IntegrityError(
            "expected a token of SignedData version 3, signer version 1, signed over SHA-2 with "
            f"RSA or ECDSA, with its certificate; found {found} instead of {wanted}"
        )
    ordered = b"".join(sorted(each.encoded for each in certificates.children()))
    return response[: certificates.start] + ordered + response[certificates.end :]
