"""Checks an evidence bundle: `python evidence_verifier.py BUNDLE.zip [--policy policy.txt]`.

This one file needs Python 3.11 or later and the `cryptography` package (42 or later): no archive,
no network, no other file of Muniment. A copy stands in every bundle; an examiner takes one from
elsewhere, or reads this one. `archiver/assurance/evidence/FORMAT.md` says what each file is.

It proves that each record's bytes are those its manifest names (SHA-256), that its log entry
commits to the manifest, that the entry is in the tree of a checkpoint the log signed (RFC 9162),
and that a timestamp authority saw that checkpoint (RFC 3161). One altered byte anywhere is refused.

It does not prove that the content is true, or that everything was captured. Without `--policy` and
`--tsa-roots` it believes the keys inside the bundle, and says so.
"""

# ruff: noqa: PLR2004 - the numbers are those of the formats that are cited beside them

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

CLOCKS_MAY_DIFFER = timedelta(minutes=5)
"""By how much the archive's clock may stand before an authority's without being called wrong."""

CHECKS = {
    "container": "the zip file holds exactly its members, and not one byte besides",
    "files": "every file has the SHA-256 that manifest-sha256.txt names",
    "seal": "the log's key signed manifest-sha256.txt",
    "checkpoints": "each checkpoint is signed by the log of the policy",
    "quorum": "enough witnesses of the policy cosigned",
    "consistency": "the newest checkpoint extends every other one",
    "timestamps": "authorities signed a time for the checkpoints (RFC 3161)",
    "parts": "every part has the SHA-256 that its manifest names",
    "manifests": "every log entry commits to its manifest (m)",
    "frames": "every log entry commits to its stored, encrypted frame (c)",
    "inclusion": "every log entry is in the tree of its checkpoint",
    "trail": "every event of the audit trail is in the log",
    "times": "times stand in order: capture, log, timestamp",
}
"""The checks by id, in order; reports number them from 1."""

MALFORMED = (
    ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, OSError,
    struct.error, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion, Warning,
)  # fmt: skip
"""What decoders raise on bytes that are not what they should be; warnings under `-W error`."""


class Refused(Exception):  # noqa: N818 - the verifier's word for it
    """A check failed; the message says what was expected, and what was found on which file."""


def require(holds: object, message: str) -> None:
    """Pass if `holds`; otherwise raise Refused with the message."""
    if not holds:
        raise Refused(message)


# --- The container: a zip file that its members determine to the last byte. --------------------

LARGEST_MEMBER = 0xFFFFFFFE
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_DATE = 0x21  # 1980-01-01, the first that zip can tell
_MODE = 0o100644 << 16
_MADE_BY_UNIX = 3 << 8
_PLAIN, _ZIP64 = 10, 45  # version needed to extract
NAME = re.compile(r"(?=.{1,200}\Z)[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_CHUNK = 1 << 20


def local_header(name: str, crc: int, size: int) -> bytes:
    """Return what stands before a member's bytes: stored, not compressed, no date."""
    sizes = (crc, size, size, len(name), 0)
    return struct.pack("<4s5H3L2H", _LOCAL, _PLAIN, 0, 0, 0, _DATE, *sizes) + name.encode("ascii")


def central_header(name: str, crc: int, size: int, offset: int) -> bytes:
    """Return a member's line in the directory; an offset over 4 GiB stands in an extra field."""
    far = offset >= 0xFFFFFFFF
    extra = struct.pack("<2HQ", 1, 8, offset) if far else b""
    needs = _ZIP64 if far else _PLAIN
    head = (_CENTRAL, _MADE_BY_UNIX | needs, needs, 0, 0, 0, _DATE, crc, size, size, len(name))
    tail = (len(extra), 0, 0, 0, _MODE, min(offset, 0xFFFFFFFF))
    return struct.pack("<4s6H3LH", *head) + struct.pack("<4H2L", *tail) + name.encode() + extra


def end_records(count: int, size: int, offset: int) -> bytes:
    """Return what ends the file; the Zip64 records only where the plain one cannot say it."""
    large = b""
    if count >= 0xFFFF or max(size, offset) >= 0xFFFFFFFF:
        versions = (_MADE_BY_UNIX | _ZIP64, _ZIP64)
        where = (0, 0, count, count, size, offset)
        large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, *versions, *where)
        large += struct.pack("<4sLQL", b"PK\x06\x07", 0, offset + size, 1)
    few, small, near = min(count, 0xFFFF), min(size, 0xFFFFFFFF), min(offset, 0xFFFFFFFF)
    return large + struct.pack("<4s4H2LH", _END, 0, 0, few, few, small, near, 0)


class Member(NamedTuple):
    """One file of the bundle: where its bytes stand, their hash, and whether the CRC-32 fits."""

    name: str
    offset: int
    size: int
    sha256: str
    whole: bool


def walk_container(file: BinaryIO) -> Iterator[Member]:
    """Yield the members in order; the file may be moved in between.

    Rebuilds every byte that is not a member's and compares, so that nothing hides in the container.

    Raises:
        Refused: the file is not the one zip file that holds these members.
    """
    directory, length, count, place = hashlib.sha256(), 0, 0, 0
    file.seek(0)
    while (head := file.read(30))[:4] == _LOCAL and len(head) == 30:
        crc, size, _, name_size, _ = struct.unpack_from("<3L2H", head, 14)
        name = file.read(name_size).decode("ascii", "replace")
        require(NAME.fullmatch(name), f"byte {place}: {name!r} is no name of a file here")
        found = head + name.encode()
        require(found == local_header(name, crc, size), f"byte {place}: header of {name} altered")
        sha256, actual = _hash_member(file, size)
        line = central_header(name, crc, size, place)
        directory.update(line)
        length, count = length + len(line), count + 1
        yield Member(name, place + len(found), size, sha256, actual == crc)
        place += len(found) + size
        file.seek(place)
    file.seek(place)
    actual_directory, _ = _hash_member(file, length)
    same = actual_directory == directory.hexdigest()
    ending = end_records(count, length, place)
    require(same and file.read(len(ending) + 1) == ending, f"byte {place}: the directory differs")


def _hash_member(file: BinaryIO, size: int) -> tuple[str, int]:
    sha256, crc = hashlib.sha256(), 0
    while size:
        chunk = file.read(min(size, _CHUNK))
        require(chunk, "the file is cut off")
        sha256.update(chunk)
        crc, size = zlib.crc32(chunk, crc), size - len(chunk)
    return sha256.hexdigest(), crc


# --- Signed notes, policies and the tree (c2sp.org: signed-note, tlog-policy, tlog-checkpoint). --

_COSIGNATURES = (4, 6)  # types of key whose signatures begin with a time


class Key(NamedTuple):
    """A public key as a vkey names it: `name+id+base64(type || key)`."""

    name: str
    id: bytes
    type: int
    public: bytes

    def verify(self, text: bytes, signature: bytes) -> None:
        """Check a signature over a note's text. Raises InvalidSignature or another of decoders."""
        if self.type == 6:
            from cryptography.hazmat.primitives.asymmetric import mldsa  # noqa: PLC0415 - new in 47

            origin, size, root = text.split(b"\n")[:3]
            name, tree = self.name.encode(), struct.pack(">QQ", 0, int(size)) + unbase64(root)
            message = b"subtree/v1\n\0" + bytes([len(name)]) + name + signature[:8]
            message += bytes([len(origin)]) + origin + tree
            mldsa.MLDSA44PublicKey.from_public_bytes(self.public).verify(signature[8:], message)
            return
        if self.type == 4:
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            text = b"cosignature/v1\ntime %d\n" % time + text
        ed25519.Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)


class Policy(NamedTuple):
    """Whom to believe: the log's keys, witnesses by name, groups in order, and the quorum."""

    logs: list[tuple[str, Key]]
    witnesses: dict[str, Key]
    groups: list[tuple[str, int, list[str]]]
    quorum: str

    def is_met(self, cosigners: set[str]) -> bool:
        """Return whether these witnesses are a quorum."""
        met = set(cosigners)
        for name, threshold, members in self.groups:
            if len(met.intersection(members)) >= threshold:
                met.add(name)
        return self.quorum == "none" or self.quorum in met


class Checkpoint(NamedTuple):
    """A signed head of the log, and which witnesses of the policy cosigned it."""

    origin: str
    size: int
    root: bytes
    cosigners: set[str]


def unbase64(text: str | bytes) -> bytes:
    """Return the bytes of base64 in its one spelling. Raises Refused or ValueError."""
    data = base64.b64decode(text, validate=True)
    written = text if isinstance(text, bytes) else text.encode()
    require(base64.b64encode(data) == written, f"expected canonical base64, found {text!r}")
    return data


def parse_key(vkey: str) -> Key:
    """Return the key a vkey names. Raises Refused or ValueError."""
    name, stated, encoded = vkey.split("+", 2)
    data = unbase64(encoded)
    expected = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    require(stated == expected.hex(), f"vkey {vkey}: its id should be {expected.hex()}")
    require(data[0] in {1, *_COSIGNATURES}, f"vkey {vkey}: keys of type {data[0]} are not known")
    return Key(name, expected, data[0], data[1:])


def parse_policy(text: str) -> Policy:
    """Read a trust policy (https://c2sp.org/tlog-policy). Raises Refused or ValueError."""
    policy, quorums = Policy([], {}, [], ""), []
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        known = {*policy.witnesses, *(group[0] for group in policy.groups)}
        if words[0] == "log" and len(words) in {2, 3}:
            policy.logs.append((words[1], parse_key(words[1])))
        elif words[0] == "witness" and len(words) in {3, 4} and words[1] not in {"none", *known}:
            policy.witnesses[words[1]] = parse_key(words[2])
        elif words[0] == "group" and len(words) > 3 and known.issuperset(words[3:]):
            least = {"any": 1, "all": len(words) - 3}.get(words[2]) or int(words[2])
            require(0 < least <= len(words) - 3, f"policy: {line!r} asks for too many or none")
            policy.groups.append((words[1], least, words[3:]))
        elif words[0] == "quorum" and len(words) == 2 and words[1] in {"none", *known}:
            quorums.append(words[1])
        else:
            raise Refused(f"policy: {line!r} is not understood, or names what is not defined above")
    require(policy.logs and len(quorums) == 1, "policy: expected a log line and one quorum line")
    return policy._replace(quorum=quorums[0])


def open_note(data: bytes, policy: Policy) -> tuple[str, str, set[str]]:
    """Return a note's text, the log key that signed it, and the witnesses that cosigned.

    Raises:
        Refused: no log key of the policy signed it, or the signature of a key it names fails.
    """
    head, blank, lines = data.rpartition(b"\n\n")
    text, signed_by, cosigners = head + b"\n", "", set()
    require(blank and lines.endswith(b"\n"), "expected a signed note, found no signature lines")
    for line in lines.decode().removesuffix("\n").split("\n"):
        dash, name, encoded = line.split(" ")
        require(dash == "\u2014" and name, f"expected a signature line, found {line!r}")
        signature = unbase64(encoded)
        named = (name, signature[:4])
        for known, key in [*policy.logs, *policy.witnesses.items()]:
            if (key.name, key.id) != named:
                continue
            try:
                key.verify(text, signature[4:])
            except InvalidSignature:
                raise Refused(f"the signature of {name}+{key.id.hex()} does not match") from None
            if known in policy.witnesses:
                cosigners.add(known)
            else:
                signed_by = key.name
    require(signed_by, "no log key of the policy signed it")
    return text.decode(), signed_by, cosigners


def open_checkpoint(data: bytes, policy: Policy) -> Checkpoint:
    """Return a checkpoint that its log signed. Raises Refused or what decoders raise."""
    text, signed_by, cosigners = open_note(data, policy)
    origin, size, root = text.split("\n")[:3]
    require(origin == signed_by, f"expected a checkpoint of {signed_by}, found one of {origin}")
    require(re.fullmatch("0|[1-9][0-9]{0,18}", size), f"expected a tree size, found {size!r}")
    return Checkpoint(origin, int(size), unbase64(root), cosigners)


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(entry: bytes, index: int, size: int, path: list[bytes], root: bytes) -> None:
    """Check that the tree with `root` holds `entry` at `index` (RFC 9162 section 2.1.3.2)."""
    require(0 <= index < size, f"expected an index below {size}, found {index}")
    node, last, found = index, size - 1, hashlib.sha256(b"\x00" + entry).digest()
    for sibling in path:
        require(last, "the path is too long")
        if node & 1 or node == last:
            found = _node(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = _node(found, sibling)
        node, last = node >> 1, last >> 1
    require(not last and found == root, f"entry {index} is not in the tree of {size}")


def verify_consistency(old: Checkpoint, new: Checkpoint, path: list[bytes]) -> None:
    """Check that the tree of `new` extends that of `old` (RFC 9162 section 2.1.4.2)."""
    require(0 < old.size < new.size and path, "expected two sizes in order, and a path")
    path = path if old.size & (old.size - 1) else [old.root, *path]
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    left = right = path[0]
    for sibling in path[1:]:
        require(last, "the path is too long")
        if node & 1 or node == last:
            left, right = _node(sibling, left), _node(sibling, right)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            right = _node(right, sibling)
        node, last = node >> 1, last >> 1
    proved = not last and (left, right) == (old.root, new.root)
    require(proved, f"the tree of {new.size} does not extend that of {old.size}")


# --- Timestamps: RFC 3161 tokens, which are CMS SignedData (RFC 5652) in DER. --------------------

_OID = {
    "signed-data": "2a864886f70d010702", "tst-info": "2a864886f70d0109100104",
    "content-type": "2a864886f70d010903", "message-digest": "2a864886f70d010904",
    "certificate": "2a864886f70d010910020c", "certificate-v2": "2a864886f70d010910022f",
}  # fmt: skip
_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "608648016503040201": hashes.SHA256, "608648016503040202": hashes.SHA384,
    "608648016503040203": hashes.SHA512, "2b0e03021a": hashes.SHA1,
}  # fmt: skip
_SIGNATURES: dict[str, Callable[[], hashes.HashAlgorithm] | None] = {
    "2a864886f70d010101": None, "2a864886f70d01010a": None,  # RSA and RSASSA-PSS: the digest's
    "2a864886f70d01010b": hashes.SHA256, "2a864886f70d01010c": hashes.SHA384,
    "2a864886f70d01010d": hashes.SHA512, "2a8648ce3d040302": hashes.SHA256,
    "2a8648ce3d040303": hashes.SHA384, "2a8648ce3d040304": hashes.SHA512, "2b6570": None,
}  # fmt: skip
_PSS = "2a864886f70d01010a"
_SEQUENCE, _SET, _INTEGER, _OCTETS, _TIME = 0x30, 0x31, 0x02, 0x04, 0x18


class Element(NamedTuple):
    """One DER element: its tag, its content, and all of its bytes."""

    tag: int
    body: bytes
    raw: bytes


class Timestamp(NamedTuple):
    """What a verified or merely read token says: its time, by how much it may be off, by whom."""

    time: datetime
    accuracy: timedelta
    imprint: bytes
    authority: str


def elements(data: bytes) -> list[Element]:
    """Return the DER elements that `data` is made of. Raises Refused or IndexError: it is not."""
    found, place = [], 0
    while place < len(data):
        size, start = data[place + 1], place + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[place + 2 : start], "big")
            shortest = size >= 0x80 and data[place + 2] and start - place <= 6
            require(shortest, f"byte {place}: expected a DER length in its shortest form")
        require(data[place] & 0x1F != 0x1F, f"byte {place}: expected a DER tag of one byte")
        require(start + size <= len(data), f"byte {place}: the DER element is cut off")
        found.append(Element(data[place], data[start : start + size], data[place : start + size]))
        place = start + size
    return found


def _inside(element: Element, tag: int) -> list[Element]:
    require(element.tag == tag, f"DER: expected tag {tag:#x}, found {element.tag:#x}")
    return elements(element.body)


def _inside_oid(element: Element, name: str) -> list[Element]:
    """Return what stands in a SEQUENCE behind the object identifier of this name."""
    identifier, *rest = _inside(element, _SEQUENCE)
    require(identifier.body.hex() == _OID[name], f"DER: expected {name} of RFC 3161")
    return rest


def read_timestamp(response: bytes) -> tuple[Timestamp, list[Element], bytes]:
    """Return what a TimeStampResp says, its SignedData and its TSTInfo, none of it verified."""
    (whole,) = elements(response)
    status, token = _inside(whole, _SEQUENCE)
    granted = int.from_bytes(_inside(status, _SEQUENCE)[0].body, "big")
    require(granted in {0, 1}, f"the authority did not grant it: status {granted}")
    (explicit,) = _inside_oid(token, "signed-data")
    (signed_data,) = _inside(explicit, 0xA0)
    signed = _inside(signed_data, _SEQUENCE)
    (wrapped,) = _inside_oid(signed[2], "tst-info")
    (octets,) = _inside(wrapped, 0xA0)
    require(octets.tag == _OCTETS, "DER: expected TSTInfo in an OCTET STRING")
    (info,) = elements(octets.body)
    _, _, imprint, _, time, *rest = _inside(info, _SEQUENCE)
    algorithm, digest = _inside(imprint, _SEQUENCE)
    name = _HASHES[_inside(algorithm, _SEQUENCE)[0].body.hex()]().name
    require(time.tag == _TIME and name != "sha1", "expected a time, and a hash other than SHA-1")
    stamp = Timestamp(
        time=_moment(time.body.decode("ascii")),
        accuracy=_accuracy(rest[0]) if rest and rest[0].tag == _SEQUENCE else timedelta(),
        imprint=name.encode() + b":" + digest.body,
        authority="",
    )
    return stamp, signed, octets.body


def _moment(text: str) -> datetime:
    require(re.fullmatch(r"[0-9]{14}(\.[0-9]{1,6})?Z", text), f"expected a time, found {text!r}")
    form = "%Y%m%d%H%M%S.%f" if "." in text else "%Y%m%d%H%M%S"
    return datetime.strptime(text[:-1], form).replace(tzinfo=UTC)


def _accuracy(element: Element) -> timedelta:
    parts = {part.tag: int.from_bytes(part.body, "big") for part in elements(element.body)}
    milliseconds, microseconds = parts.get(0x80, 0), parts.get(0x81, 0)
    seconds = parts.get(_INTEGER, 0)
    return timedelta(seconds=seconds, milliseconds=milliseconds, microseconds=microseconds)


def verify_timestamp(response: bytes, data: bytes, roots: list[x509.Certificate]) -> Timestamp:
    """Return the time at which an authority under one of `roots` saw `data`.

    Checks RFC 3161 section 2.4.2 and RFC 5652 section 5.4: imprint, signed attributes, signature,
    that the certificate is the one signed for (RFC 5035) and is for time stamping alone, and its
    chain, valid at the token's time.

    Raises:
        Refused, or what decoders raise.
    """
    stamp, signed, info = read_timestamp(response)
    algorithm = stamp.imprint.partition(b":")[0].decode()
    found = algorithm.encode() + b":" + hashlib.new(algorithm, data).digest()
    require(found == stamp.imprint, "the token is for other bytes than this checkpoint")
    embedded = [part for part in signed[3:] if part.tag == 0xA0]
    certificates = [
        x509.load_der_x509_certificate(each.raw)
        for part in embedded
        for each in elements(part.body)
        if each.tag == _SEQUENCE
    ]
    (signer,) = _inside(signed[-1], _SET)
    _, whom, digest_algorithm, attributes, signature_algorithm, signature, *_ = _inside(
        signer, _SEQUENCE
    )
    certificate = _signer_certificate(whom, [*certificates, *roots])
    hashing = _HASHES[_inside(digest_algorithm, _SEQUENCE)[0].body.hex()]()
    require(attributes.tag == 0xA0, "expected signed attributes in the token")
    _require_attributes(elements(attributes.body), info, hashing, certificate)
    scheme = _inside(signature_algorithm, _SEQUENCE)[0].body.hex()
    covered = bytes([_SET]) + attributes.raw[1:]  # RFC 5652 section 5.4: signed as a SET OF
    _verify_signature(certificate, scheme, hashing, signature.body, covered)
    _require_chain(certificate, certificates, roots, stamp.time)
    return stamp._replace(authority=certificate.subject.rfc4514_string())


def _signer_certificate(whom: Element, known: list[x509.Certificate]) -> x509.Certificate:
    issuer, serial = _inside(whom, _SEQUENCE)
    number = int.from_bytes(serial.body, "big", signed=True)
    for certificate in known:
        named = (certificate.issuer.public_bytes(), certificate.serial_number)
        if named == (issuer.raw, number):
            return certificate
    raise Refused("the authority's certificate is neither in the token nor among the roots")


def _require_attributes(
    attributes: list[Element],
    info: bytes,
    hashing: hashes.HashAlgorithm,
    certificate: x509.Certificate,
) -> None:
    pairs = [_inside(attribute, _SEQUENCE) for attribute in attributes]
    values = {kind.body.hex(): _inside(value, _SET) for kind, value in pairs}
    require(len(values) == len(pairs), "a signed attribute of the token stands twice")
    (kind,), (digest,) = values[_OID["content-type"]], values[_OID["message-digest"]]
    require(kind.body.hex() == _OID["tst-info"], "the token's content type is not TSTInfo")
    actual = hashlib.new(hashing.name, info).digest()
    require(digest.body == actual, "the token's digest is not that of its content")
    second = values.get(_OID["certificate-v2"])
    (bound,) = second or values[_OID["certificate"]]
    fields = _inside(_inside(_inside(bound, _SEQUENCE)[0], _SEQUENCE)[0], _SEQUENCE)
    # RFC 2634 binds the certificate by SHA-1; RFC 5035 by SHA-256 where it names no other hash.
    algorithm: hashes.HashAlgorithm = hashes.SHA256() if second else hashes.SHA1()  # noqa: S303
    if second and fields[0].tag == _SEQUENCE:
        algorithm = _HASHES[_inside(fields.pop(0), _SEQUENCE)[0].body.hex()]()
    same = fields[0].body == certificate.fingerprint(algorithm)
    require(same, "the token was signed for another certificate")


def _verify_signature(
    certificate: x509.Certificate,
    scheme: str,
    hashing: hashes.HashAlgorithm,
    signature: bytes,
    covered: bytes,
) -> None:
    key, named = certificate.public_key(), _SIGNATURES[scheme]
    algorithm = named() if named else hashing
    require(algorithm.name != "sha1", "the token is signed with SHA-1")
    if isinstance(key, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
        key.verify(signature, covered, pss if scheme == _PSS else padding.PKCS1v15(), algorithm)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, covered, ec.ECDSA(algorithm))
    elif isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, covered)
    else:
        raise Refused("the authority's key is of a kind not known here")


def _require_chain(
    leaf: x509.Certificate,
    embedded: list[x509.Certificate],
    roots: list[x509.Certificate],
    time: datetime,
) -> None:
    """Check that `leaf` is for time stamping, and led to a root by certificates valid at `time`."""
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    only = usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    require(only, "the authority's certificate is not for time stamping alone (RFC 3161, 2.3)")
    current = leaf
    for below in range(8):
        valid = current.not_valid_before_utc <= time <= current.not_valid_after_utc
        name = current.subject.rfc4514_string()
        require(valid, f"the certificate of {name} was not valid at the token's time, {time}")
        if current in roots:
            return
        issuers = (each for each in [*roots, *embedded] if _issued(current, each, below))
        issuer = next(issuers, None)
        require(issuer, f"no trusted root leads to the certificate of {name}")
        current = issuer or current
    raise Refused("the chain of certificates is longer than 8")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usages = [each.value for each in issuer.extensions if isinstance(each.value, x509.KeyUsage)]
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    room = constraints.path_length is None or constraints.path_length >= below
    return constraints.ca and room and all(usage.key_cert_sign for usage in usages)


# --- The bundle: what stands where, and every check on it. --------------------------------------

MANIFEST, SEAL = "manifest-sha256.txt", "seal.note"
SEAL_LINE = "muniment-evidence/v1"
_OF_THE_LOG = {"checkpoints", "consistency", "cosignatures", "tsr"}
_PROOF_LINE = "c2sp.org/tlog-proof@v1"


@dataclass
class Check:
    """One check: how often it was made, what failed, and what there is to say."""

    id: str
    made: int = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """`ok`, `FAILED`, or `not made` where there was nothing to check."""
        return "FAILED" if self.failures else "ok" if self.made else "not made"


class Verification:
    """All checks on one bundle; `report` says how they ended."""

    def __init__(self, file: BinaryIO, policy: str | None, roots: bytes | None) -> None:
        self._file, self._given_policy, self._given_roots = file, policy, roots
        self._checks = {name: Check(name) for name in CHECKS}
        self._members: dict[str, Member] = {}
        self._policy = Policy([], {}, [], "none")
        self._checkpoints: dict[int, Checkpoint] = {}
        self._notes: dict[bytes, int] = {}
        self._stamps: dict[int, list[Timestamp]] = {}
        self._records: dict[str, int] = {}
        self._record, self._files = "", dict[str, Member]()
        self._seen: set[str] = set()
        self._listed = hashlib.sha256()
        self._log_checked = False

    def run(self) -> dict[str, Any]:
        """Make every check, record by record as they come, and return the report."""
        altered: list[str] = []
        with self._check("container"):
            for member in walk_container(self._file):
                self._take(member)
                altered += [member.name] if not member.whole and len(altered) < 9 else []
            require(not altered, f"the bytes of {', '.join(altered)} were altered (CRC-32)")
        self._end_record()
        self._check_log()
        self._check_files()
        if not self._records:
            with self._check("inclusion"):
                raise Refused("the bundle holds no record that is in the log")
        return self._report()

    def _take(self, member: Member) -> None:
        """Put a member where it belongs: the record under way, or the rest. Only that is kept."""
        folder, record = member.name.split("/")[:2] if "/" in member.name else ("", "")
        of = record if folder == "records" else ""
        if of != self._record:
            self._end_record()
            require(of not in self._seen, f"the files of record {of} do not stand together")
            self._record = of
        late = self._log_checked and folder in _OF_THE_LOG
        require(not late, f"{member.name} stands behind the records it should prove")
        here = self._files if of else self._members
        require(member.name not in here, f"{member.name} stands twice")
        here[member.name] = member
        if member.name not in {MANIFEST, SEAL}:
            self._listed.update(f"{member.sha256}  {member.name}\n".encode())

    def _end_record(self) -> None:
        """Check the record whose files have all come. What of the log it needs came before it."""
        if self._record:
            self._check_log()
            self._check_record(self._record, list(self._files))
            self._seen.add(self._record)
        self._record, self._files = "", {}

    @contextmanager
    def _check(self, name: str, what: str = "") -> Iterator[Check]:
        check = self._checks[name]
        check.made += 1
        try:
            yield check
        except Refused as error:
            check.failures.append(f"{what}: {error}" if what else str(error))
        except MALFORMED as error:
            said = str(error) or type(error).__name__
            check.failures.append(f"{what or 'bundle'}: missing or malformed ({said})")

    def _read(self, name: str) -> bytes:
        member = self._files.get(name) or self._members.get(name)
        if member is None:
            raise Refused(f"{name} is missing")
        self._file.seek(member.offset)
        return self._file.read(member.size)

    def _check_files(self) -> None:
        with self._check("files"):
            last = list(self._members)[-2:]
            require(last == [MANIFEST, SEAL], f"{MANIFEST} and {SEAL} do not stand last")
            if self._members[MANIFEST].sha256 != self._listed.hexdigest():
                self._refuse_listed(self._read(MANIFEST).decode("ascii").split("\n"))
        with self._check("seal") as check:
            text, signed_by, _ = open_note(self._read(SEAL), self._policy)
            digest = base64.b64encode(bytes.fromhex(self._members[MANIFEST].sha256)).decode()
            kept = [name for name in self._members if name.startswith("checkpoints/")]
            newest = str(int(max(kept).removeprefix("checkpoints/")))
            said = [SEAL_LINE, signed_by, newest, digest, ""]
            require(text.split("\n") == said, f"{SEAL} seals other files: {text!r}")
            check.notes.append(f"sealed by {signed_by}")

    def _refuse_listed(self, lines: list[str]) -> None:
        for member, line in zip(walk_container(self._file), lines, strict=False):
            found = f"{member.sha256}  {member.name}"
            require(found == line, f"{MANIFEST} says {line!r}, found {found!r}")
        raise Refused(f"{MANIFEST} lists other files than stand here")

    def _check_log(self) -> None:
        if self._log_checked:
            return
        self._log_checked = True
        with self._check("seal", "policy"):
            given = self._given_policy
            text = self._read("policy.txt").decode() if given is None else given
            self._policy = parse_policy(text)
        for name in [name for name in self._members if name.startswith("checkpoints/")]:
            with self._check("checkpoints", name):
                size = int(name.removeprefix("checkpoints/"))
                note = self._note(size)
                checkpoint = open_checkpoint(note, self._policy)
                require(checkpoint.size == size, f"it is of size {checkpoint.size}")
                self._checkpoints[size], self._notes[note] = checkpoint, size
        for name in [name for name in self._members if name.startswith("tsr/")]:
            with self._check("timestamps", name) as check:
                self._check_timestamp(name, check)
        self._check_heads()

    def _check_heads(self) -> None:
        newest = max(self._checkpoints.values(), key=lambda one: one.size, default=None)
        if newest is None:
            return
        with self._check("quorum") as check:
            best = [one for one in self._checkpoints.values() if self._policy.is_met(one.cosigners)]
            require(best, f"no checkpoint has the quorum {self._policy.quorum!r} of the policy")
            seen = sorted(set().union(*(one.cosigners for one in best)))
            check.notes.append(
                f"cosigned by {', '.join(seen) or 'nobody; the policy asks for none'}"
            )
            require(newest in best, "the newest checkpoint has not its quorum")
        for old in [one for one in self._checkpoints.values() if one is not newest]:
            name = f"consistency/{old.size:012d}-{newest.size:012d}.json"
            with self._check("consistency", name):
                path = [unbase64(each) for each in json.loads(self._read(name))["path"]]
                verify_consistency(old, newest, path)

    def _note(self, size: int) -> bytes:
        """Return a checkpoint as the log signed it, with its cosignatures if there are any."""
        added = f"cosignatures/{size:012d}"
        cosignatures = self._read(added) if added in self._members else b""
        return self._read(f"checkpoints/{size:012d}") + cosignatures

    def _check_timestamp(self, name: str, check: Check) -> None:
        pem = self._read("tsa-roots.pem") if self._given_roots is None else self._given_roots
        roots = x509.load_pem_x509_certificates(pem)
        _, size, authority = name.split("/")
        stamped = self._read(f"checkpoints/{size}")  # as the log signed it, without cosignatures
        stamp = verify_timestamp(self._read(name), stamped, roots)
        self._stamps.setdefault(int(size), []).append(stamp)
        check.notes.append(f"{authority.removesuffix('.tsr')}: {size} at {stamp.time}")
        earlier = [one for at, each in self._stamps.items() if at < int(size) for one in each]
        with self._check("times", name):
            slack = stamp.accuracy + CLOCKS_MAY_DIFFER
            ordered = all(one.time <= stamp.time + slack for one in earlier)
            require(ordered, "its time is before that of a smaller checkpoint")

    def _check_record(self, record: str, names: list[str]) -> None:
        folder, entry, manifest = f"records/{record}", b"", {}
        with self._check("manifests", folder):
            entry = self._read(f"{folder}/entry.json")
            manifest = _committed(entry, self._read(f"{folder}/manifest.json"), record)
        with self._check("parts", folder):
            self._check_parts(manifest["parts"], [name for name in names if "/parts/" in name])
        if f"{folder}/frame.bin" in names:
            with self._check("frames", folder):
                frame = self._files[f"{folder}/frame.bin"].sha256
                same = unbase64(json.loads(entry)["c"]).hex() == frame
                require(same, "the log entry commits to another frame")
        with self._check("inclusion", folder):
            proof = self._read(f"{folder}/proof.tlog-proof")
            self._records[record] = self._check_proof(proof, entry)
        with self._check("times", folder):
            self._check_times(entry, manifest, self._records[record])
        if f"{folder}/events.jsonl" in names:
            with self._check("trail", f"{folder}/events.jsonl"):
                for line in self._read(f"{folder}/events.jsonl").split(b"\n")[:-1]:
                    self._check_event(json.loads(line), record)

    def _check_parts(self, parts: list[dict[str, Any]], names: list[str]) -> None:
        require(parts, "the manifest names no part")
        require(len(parts) == len(names), f"expected {len(parts)} parts, found {len(names)}")
        for number, (part, name) in enumerate(zip(parts, names, strict=True)):
            member, place = self._files[name], name.rpartition("/")[2][:4]
            expected = (part["sha256"], part["len"], f"{number:03d}-")
            found = (member.sha256, member.size, place)
            require(found == expected, f"expected {name} to be {expected}, found {found}")

    def _check_proof(self, proof: bytes, entry: bytes) -> int:
        """Check a `.tlog-proof` of an entry and return the size of its checkpoint."""
        head, _, note = proof.partition(b"\n\n")
        first, index, *path = head.decode("ascii").split("\n")
        size = self._notes.get(note)
        require(first == _PROOF_LINE, f"expected {_PROOF_LINE}, found {first!r}")
        require(size is not None, "its checkpoint is none of those that were checked")
        place = re.fullmatch("index (0|[1-9][0-9]{0,18})", index)
        require(place, f"expected the index, found {index!r}")
        checkpoint, siblings = self._checkpoints[size or 0], [unbase64(each) for each in path]
        verify_inclusion(entry, int(index[6:]), checkpoint.size, siblings, checkpoint.root)
        return checkpoint.size

    def _check_event(self, line: dict[str, str], record: str) -> None:
        entry, event = line["entry"].encode(), line["event"].encode()
        about = json.loads(event)
        manifest = _committed(entry, line["manifest"].encode(), json.loads(entry)["id"])
        (part,) = manifest["parts"]
        same = hashlib.sha256(event).hexdigest() == part["sha256"]
        require(same and manifest["type"] == "aud", "the event is not what its manifest names")
        require(about["object_id"] == record, f"the event is about {about['object_id']!r}")
        self._check_proof(line["proof"].encode(), entry)

    def _check_times(self, entry: bytes, manifest: dict[str, Any], size: int) -> None:
        logged = datetime.fromtimestamp(json.loads(entry)["ts"] / 1000, UTC)
        captured = datetime.fromisoformat(manifest["captured_at"])
        require(captured <= logged + timedelta(milliseconds=1), "it was logged before its capture")
        for stamp in self._stamps.get(size, []):
            slack = stamp.accuracy + CLOCKS_MAY_DIFFER
            require(logged <= stamp.time + slack, f"it was logged after its timestamp {stamp.time}")

    def _report(self) -> dict[str, Any]:
        ok = not any(check.failures for check in self._checks.values())
        keys = [
            {"vkey": vkey, "sha256": hashlib.sha256(key.public).hexdigest()}
            for vkey, key in self._policy.logs
        ]
        return {
            "ok": ok,
            "checks": [
                {"number": number, "id": check.id, "what": CHECKS[check.id], "state": check.state}
                | {"made": check.made, "failures": check.failures, "notes": check.notes}
                for number, check in enumerate(self._checks.values(), start=1)
            ],
            "records": list(self._records),
            "conclusion": self._conclude() if ok else "Refused: this bundle is no evidence.",
            "log_keys": keys,
            "trust": self._trust(),
        }

    def _conclude(self) -> str:
        sizes = set(self._records.values())
        one = len(self._records) == 1
        count = f"{len(self._records)} record" + ("" if one else "s")
        if not all(self._stamps.get(size) for size in sizes):
            return (
                f"{count} {'stands' if one else 'stand'} unaltered in the log as signed. No "
                "authority's timestamp covers all of it: when it existed rests on the archive's "
                "own clock."
            )
        time = max(min(stamp.time for stamp in self._stamps[size]) for size in sizes)
        return f"{count} existed by {time.isoformat()} at the latest, unaltered since."

    def _trust(self) -> list[str]:
        said = []
        if self._given_policy is None:
            said.append(
                "Trust in the log's key was taken from the bundle itself. Compare the key below "
                "with one you have from elsewhere, or verify again with --policy."
            )
        if self._given_roots is None and self._stamps:
            said.append(
                "Trust in the timestamp authorities was taken from the bundle itself. Compare "
                "tsa-roots.pem with the authorities' own, or verify again with --tsa-roots."
            )
        return said


def _committed(entry: bytes, manifest: bytes, record: str) -> dict[str, Any]:
    """Return a manifest, once it is the one `entry`, the entry of `record`, commits to."""
    promised, found = json.loads(entry), json.loads(manifest)
    require(promised["t"] in {"rec", "aud"}, "the log entry is of no record")
    same = unbase64(promised["m"]) == hashlib.sha256(manifest).digest()
    require(same, "the log entry commits to another manifest")
    ids = (promised["id"], found["id"], promised["t"])
    require(ids == (record, record, found["type"]), f"entry or manifest of {ids[:2]}")
    return dict(found)


def verify_bundle(
    path: Path, *, policy: str | None = None, roots: bytes | None = None
) -> dict[str, Any]:
    """Return the report on the bundle at `path`; `policy` and `roots` (PEM) stand above its own.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return Verification(file, policy, roots).run()


def report_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield a report in words, one line at a time."""
    for check in report["checks"]:
        made = f" ({check['made']})" if check["made"] else ""
        yield f"{check['number']:>2} {check['state']:<8} {check['id']}: {check['what']}{made}"
        yield from (f"     FAILED  {failure}" for failure in check["failures"][:20])
        yield from (f"     {note}" for note in check["notes"][:20])
    yield from report["trust"]
    yield from (f"log key {key['vkey']}, SHA-256 {key['sha256']}" for key in report["log_keys"])
    yield report["conclusion"]


def main(arguments: list[str] | None = None) -> int:
    """Verify one bundle; return 0, 1 where a check failed, 2 where a file cannot be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--policy", type=Path, help="whom you trust: C2SP tlog-policy")
    parser.add_argument("--tsa-roots", type=Path, help="roots of timestamp authorities, in PEM")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args(arguments)
    try:
        policy = given.policy.read_text("utf-8") if given.policy else None
        roots = given.tsa_roots.read_bytes() if given.tsa_roots else None
        report = verify_bundle(given.bundle, policy=policy, roots=roots)
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    lines = [json.dumps(report, indent=2)] if given.json else report_lines(report)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
