"""Log entries: the leaves of the log, compact JSON that holds no personal data.

An entry commits to a record or states an act, by hashes and ids only, so that tiles may be handed
to anybody and may outlive the record. Each class below *is* its format: its fields in wire order
are the only spelling. Entries check themselves when made; they are read strictly, by decoding and
encoding again to the same bytes. Types not known here are still read (`OtherEntry`), so that an
older verifier can walk a newer log. That an entry is in the log is for `proof` to show.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from typing import Any, Literal

import msgspec

from archiver.errors import IntegrityError, TooLarge
from archiver.preserve.ledger.disposal_entry import DisposalEntry, Method, in_rows, ranges_of
from archiver.preserve.ledger.merkle import HASH_SIZE
from archiver.preserve.ledger.tiles import MAX_ENTRY_BYTES


class EntryKind(StrEnum):
    """What an entry is about, the `t` of its JSON. Logs of later versions may hold others."""

    RECORD = "rec"
    AUDIT = "aud"
    DISPOSAL = "dis"
    HOLD = "hold"
    REKEY = "rekey"
    TIMESTAMP = "tsr"
    KEY = "key"
    WORM = "worm"
    GAP = "gap"
    ORPHAN = "orphan"
    REPAIR = "repair"
    RECOVERED = "recovered"


# Checked by hand in `__post_init__`: msgspec's own pattern constraints take a third of a
# microsecond each, and a full verification decodes every entry of the log.
_is_ulid = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}").fullmatch
_is_month = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])").fullmatch
_is_authority = re.compile(r"[a-z0-9][a-z0-9-]{0,62}").fullmatch
_is_kind = re.compile(r"[a-z][a-z0-9]{0,15}").fullmatch
_MAX_MILLIS = 253_402_300_799_999  # the end of year 9999


class RecordEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`rec`: a record was captured. `aud`: an event, which is kept like a record.

    `expiry` is the month (`YYYY-MM`) at whose end the record's lock ends.
    """

    v: Literal[1] = 1
    kind: Literal["rec", "aud"] = msgspec.field(name="t")
    id: str
    manifest_sha256: bytes = msgspec.field(name="m")
    frame_sha256: bytes = msgspec.field(name="c")
    expiry: str = msgspec.field(name="x")
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (
            _is_ulid(self.id)
            and len(self.manifest_sha256) == len(self.frame_sha256) == HASH_SIZE
            and _is_month(self.expiry)
            and 0 <= self.ts_ms <= _MAX_MILLIS
        ):
            raise _malformed(self)


class HoldEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hold`: a hold took in (`on`) or let go `count` records; `members_sha256` names them."""

    v: Literal[1] = 1
    kind: Literal["hold"] = msgspec.field(name="t", default="hold")
    id: str
    on: bool
    count: int = msgspec.field(name="n")
    members_sha256: bytes = msgspec.field(name="d")
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (
            _is_ulid(self.id)
            and self.count >= 0
            and len(self.members_sha256) == HASH_SIZE
            and 0 <= self.ts_ms <= _MAX_MILLIS
        ):
            raise _malformed(self)


class OrphanEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`orphan`: an object that no record refers to and that its lock still keeps in the store."""

    v: Literal[1] = 1
    kind: Literal["orphan"] = msgspec.field(name="t", default="orphan")
    object_key: str = msgspec.field(name="k")
    object_sha256: bytes = msgspec.field(name="d")
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (
            self.object_key
            and len(self.object_sha256) == HASH_SIZE
            and 0 <= self.ts_ms <= _MAX_MILLIS
        ):
            raise _malformed(self)


class RepairEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`repair`: true bytes were put over lost or altered ones, in the store or its second copy.

    `object_sha256` is of the bytes that are there since.
    """

    v: Literal[1] = 1
    kind: Literal["repair"] = msgspec.field(name="t", default="repair")
    object_key: str = msgspec.field(name="k")
    object_sha256: bytes = msgspec.field(name="d")
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (
            self.object_key
            and len(self.object_sha256) == HASH_SIZE
            and 0 <= self.ts_ms <= _MAX_MILLIS
        ):
            raise _malformed(self)


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key`: a log key enters (`on`) or leaves service.

    A new key may be trusted only when a checkpoint signed by an old one covers this entry.
    """

    v: Literal[1] = 1
    kind: Literal["key"] = msgspec.field(name="t", default="key")
    vkey: str = msgspec.field(name="k")
    on: bool
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (self.vkey and 0 <= self.ts_ms <= _MAX_MILLIS):
            raise _malformed(self)


class TimestampEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`tsr`: an authority's RFC 3161 token over the log-signed checkpoint of `size` entries.

    `token_sha256` is the hash of the stored response, whose time is `time_ms`. Being an entry, the
    token lies under the next one: what RFC 4998 calls renewal.
    """

    v: Literal[1] = 1
    kind: Literal["tsr"] = msgspec.field(name="t", default="tsr")
    size: int = msgspec.field(name="s")
    authority: str = msgspec.field(name="a")
    token_sha256: bytes = msgspec.field(name="d")
    time_ms: int = msgspec.field(name="g")
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (
            self.size > 0
            and _is_authority(self.authority)
            and len(self.token_sha256) == HASH_SIZE
            and 0 <= self.time_ms <= _MAX_MILLIS
            and 0 <= self.ts_ms <= _MAX_MILLIS
        ):
            raise _malformed(self)


class WormCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One attempt of the lock probe: what must happen, what the store answered."""

    name: str
    expected: str
    found: str
    ok: bool


class WormEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`worm`: what a store did when deletion of locked canaries was tried; `store` is its URL."""

    v: Literal[1] = 1
    kind: Literal["worm"] = msgspec.field(name="t", default="worm")
    store: str
    ok: bool
    checks: tuple[WormCheck, ...]
    ts_ms: int = msgspec.field(name="ts")

    def __post_init__(self) -> None:
        if not (self.store and self.checks and 0 <= self.ts_ms <= _MAX_MILLIS):
            raise _malformed(self)


class OtherEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of any other type. `fields` are those between `t` and `ts`, in wire order."""

    kind: str
    fields: Mapping[str, Any]
    ts_ms: int


Entry = (
    RecordEntry
    | HoldEntry
    | DisposalEntry
    | OrphanEntry
    | RepairEntry
    | KeyEntry
    | TimestampEntry
    | WormEntry
    | OtherEntry
)

_START = b'{"v":1,"t":"'
_encode = msgspec.json.Encoder().encode
_decode_record = msgspec.json.Decoder(RecordEntry).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_DECODERS: Mapping[bytes, Callable[[bytes], Entry | dict[str, Any]]] = {
    b"rec": _decode_record,
    b"aud": _decode_record,
    b"hold": msgspec.json.Decoder(HoldEntry).decode,
    b"dis": msgspec.json.Decoder(DisposalEntry).decode,
    b"orphan": msgspec.json.Decoder(OrphanEntry).decode,
    b"repair": msgspec.json.Decoder(RepairEntry).decode,
    b"key": msgspec.json.Decoder(KeyEntry).decode,
    b"tsr": msgspec.json.Decoder(TimestampEntry).decode,
    b"worm": msgspec.json.Decoder(WormEntry).decode,
}


def record_entry(  # noqa: PLR0917 - the fields in wire order
    kind: Literal["rec", "aud"],
    record_id: str,
    manifest_sha256: bytes,
    frame_sha256: bytes,
    expiry: str,
    ts_ms: int,
) -> bytes:
    """Return the entry of a record or an audit event.

    Raises:
        IntegrityError: an id, hash, month or time that no reader would accept.
    """
    return _encode(
        RecordEntry(
            kind=kind,
            id=record_id,
            manifest_sha256=manifest_sha256,
            frame_sha256=frame_sha256,
            expiry=expiry,
            ts_ms=ts_ms,
        )
    )


def hold_entry(hold_id: str, *, on: bool, count: int, members_sha256: bytes, ts_ms: int) -> bytes:
    """Return the entry that `count` records entered or left a hold; see `members_digest`."""
    return _encode(
        HoldEntry(id=hold_id, on=on, count=count, members_sha256=members_sha256, ts_ms=ts_ms)
    )


def members_digest(record_ids: Iterable[str]) -> bytes:
    """Return SHA-256 over the record ids, sorted, joined by newlines, none at the end."""
    return sha256("\n".join(sorted(record_ids)).encode()).digest()


def disposal_entries(
    batch_id: str,
    method: Method,
    members: Mapping[int, str],
    ts_ms: int,
) -> list[bytes]:
    """Return the entries that records of a batch are destroyed: as many as their length needs.

    `members` are record ids by log index; none make no entry.
    """
    return [
        _encode(
            DisposalEntry(
                id=batch_id,
                method=method,
                count=sum(end - first for first, end in ranges),
                members_sha256=members_digest(
                    members[index] for first, end in ranges for index in range(first, end)
                ),
                ranges=ranges,
                ts_ms=ts_ms,
            )
        )
        for ranges in in_rows(ranges_of(members))
    ]


def orphan_entry(object_key: str, object_sha256: bytes, ts_ms: int) -> bytes:
    """Return the entry of an orphaned object."""
    return _within_limit(
        _encode(OrphanEntry(object_key=object_key, object_sha256=object_sha256, ts_ms=ts_ms))
    )


def repair_entry(object_key: str, object_sha256: bytes, ts_ms: int) -> bytes:
    """Return the entry that an object was repaired, and what its bytes are since."""
    return _within_limit(
        _encode(RepairEntry(object_key=object_key, object_sha256=object_sha256, ts_ms=ts_ms))
    )


def key_entry(vkey: str, *, on: bool, ts_ms: int) -> bytes:
    """Return the entry that a log key enters or leaves service."""
    return _within_limit(_encode(KeyEntry(vkey=vkey, on=on, ts_ms=ts_ms)))


def timestamp_entry(
    *, size: int, authority: str, token_sha256: bytes, time_ms: int, ts_ms: int
) -> bytes:
    """Return the entry of a timestamp token. `authority` is a short name: a-z, 0-9, hyphen."""
    return _encode(
        TimestampEntry(
            size=size, authority=authority, token_sha256=token_sha256, time_ms=time_ms, ts_ms=ts_ms
        )
    )


def worm_entry(store: str, checks: Iterable[WormCheck], ts_ms: int) -> bytes:
    """Return the entry of a lock probe, which went well if every check did."""
    made = tuple(checks)
    ok = all(check.ok for check in made)
    return _within_limit(_encode(WormEntry(store=store, ok=ok, checks=made, ts_ms=ts_ms)))


def other_entry(kind: str, fields: Mapping[str, Any], ts_ms: int) -> bytes:
    """Return an entry of a type without a class of its own: `{"v":1,"t":kind, …fields, "ts":ts}`.

    Raises:
        IntegrityError: it could not be read back, or the type has a builder of its own.
        TooLarge: over 65,535 bytes.
    """
    try:
        data = _encode({"v": 1, "t": kind, **fields, "ts": ts_ms})
    except (TypeError, ValueError, RecursionError) as error:
        raise IntegrityError(f"expected fields that JSON can hold in {kind!r}: {error}") from error
    taken = {"v", "t", "ts"} & fields.keys()
    if taken or not isinstance(decode_entry(_within_limit(data)), OtherEntry):
        raise IntegrityError(
            f"expected a type without a builder of its own, and fields beside v, t and ts; "
            f"found {kind!r} with {sorted(fields)}"
        )
    return data


def decode_entry(data: bytes) -> Entry:
    """Return what an entry says.

    Raises:
        IntegrityError: `data` is over 65,535 bytes or not the exact spelling of an entry.
    """
    kind = data[len(_START) : data.find(b'"', len(_START))]
    try:
        found = _DECODERS.get(kind, _decode_object)(data)
        exact = _encode(found) == data
    except (ValueError, RecursionError) as error:
        raise _unreadable(data, str(error)) from error
    if not exact or len(data) > MAX_ENTRY_BYTES:
        raise _unreadable(data, "it is too long, or spelled in another way")
    return _read_other(found, data) if isinstance(found, dict) else found


def _read_other(fields: dict[str, Any], data: bytes) -> OtherEntry:
    version, kind, ts_ms = (fields.pop(name, None) for name in ("v", "t", "ts"))
    # That the bytes are the exact spelling is known; that `v`, `t` and `ts` are in place is not.
    in_place = data.startswith(_START) and data.endswith(f',"ts":{ts_ms}}}'.encode())
    if not (
        in_place
        and type(version) is type(ts_ms) is int
        and _is_kind(kind)
        and 0 <= ts_ms <= _MAX_MILLIS
    ):
        raise _unreadable(data, "no version and type first, or no time last")
    return OtherEntry(kind=kind, fields=fields, ts_ms=ts_ms)


def _unreadable(data: bytes, why: str) -> IntegrityError:
    return IntegrityError(
        f"expected a log entry of at most {MAX_ENTRY_BYTES} bytes in its one spelling, "
        f"found {len(data)} bytes beginning {data[:48]!r}: {why}"
    )


def _within_limit(data: bytes) -> bytes:
    if len(data) > MAX_ENTRY_BYTES:
        raise TooLarge(
            f"expected log entries of at most {MAX_ENTRY_BYTES} bytes, found {len(data)}"
        )
    return data


def _malformed(entry: msgspec.Struct) -> IntegrityError:
    return IntegrityError(f"expected a well-formed log entry, found {entry!r}")
