"""Receipts: the signed promise, given at capture, that an entry has its place in the log.

One signature per commit batch, over the RFC 6962 root of the batch's leaf hashes; each caller
gets the path of its own leaf in that small tree. A receipt is good before the entry is integrated,
and afterwards proves an entry that went missing. Its note text (see FORMAT.md):

```
muniment-receipt/v1
<origin>
<first index>
<count>
<base64 root of the batch>
<Unix time in milliseconds>
```
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from archiver.errors import ConfigurationError, IntegrityError
from archiver.preserve.ledger.checkpoint import RECEIPT_LINE_PREFIX, require_origin
from archiver.preserve.ledger.merkle import (
    leaf_hash,
    node_hash,
    verify_inclusion,
)
from archiver.preserve.ledger.note import (
    Signer,
    Verifier,
    decode_decimal,
    decode_hash,
    encode_base64,
    open_note,
    sign_note,
)
from archiver.preserve.ledger.proof import decode_path, encode_path, read_numbers

_HEADER = RECEIPT_LINE_PREFIX + "v1"
_LINES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a receipt's note says: a batch of `count` entries has the indices from `first_index`.

    `root` is the root over the batch's leaf hashes alone. `time_ms` is the archive's own clock,
    for the record: only RFC 3161 timestamps are evidence of time.
    """

    origin: str
    first_index: int
    count: int
    root: bytes
    time_ms: int

    def to_text(self) -> str:
        """Return the note text."""
        batch = f"{self.first_index}\n{self.count}\n{encode_base64(self.root)}"
        return f"{_HEADER}\n{self.origin}\n{batch}\n{self.time_ms}\n"


def _parse_promise(text: str) -> Promise:
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[0] != _HEADER or lines[-1]:
        raise IntegrityError(f"expected a receipt of {_LINES} lines, found {text!r}")
    return Promise(
        origin=lines[1],
        first_index=decode_decimal(lines[2]),
        count=decode_decimal(lines[3]),
        root=decode_hash(lines[4]),
        time_ms=decode_decimal(lines[5]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The receipt of the entry at `log_index`: its batch's note and its path in the batch."""

    note: str
    log_index: int
    path: tuple[bytes, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the receipt for JSON: path hashes in base64."""
        return {"note": self.note, "log_index": self.log_index, "path": encode_path(self.path)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote. Raises IntegrityError."""
        (log_index,) = read_numbers(data, ("log_index",))
        note = data.get("note")
        if not isinstance(note, str):
            raise IntegrityError(f"expected the text of a note in the receipt, found {note!r}")
        return cls(note=note, log_index=log_index, path=decode_path(data.get("path")))


def make_receipts(
    signer: Signer, origin: str, first_index: int, leaf_hashes: Sequence[bytes], time_ms: int
) -> tuple[Receipt, ...]:
    """Sign once for a batch of entries that durably got the indices from `first_index`.

    Returns their receipts in order.

    Raises:
        ConfigurationError: the signing key is not named like the origin.
        IntegrityError: the batch is empty.
    """
    require_origin(origin)
    if signer.name != origin:
        raise ConfigurationError(f"expected a log key named {origin}, found {signer.name}")
    if not leaf_hashes:
        raise IntegrityError("expected one or more entries to give receipts for, found none")
    rows = _tree_rows(leaf_hashes)
    promise = Promise(
        origin=origin,
        first_index=first_index,
        count=len(leaf_hashes),
        root=rows[-1][0],
        time_ms=time_ms,
    )
    note = sign_note(promise.to_text(), [signer]).decode()
    return tuple(
        Receipt(note=note, log_index=first_index + position, path=_path(rows, position))
        for position in range(len(leaf_hashes))
    )


def _tree_rows(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the tree row by row, leaves first; a node without a sibling moves up unchanged."""
    rows = [list(leaves)]
    while len(row := rows[-1]) > 1:
        above = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)]
        rows.append(above + row[len(above) * 2 :])
    return rows


def _path(rows: list[list[bytes]], position: int) -> tuple[bytes, ...]:
    path = []
    for row in rows[:-1]:
        sibling = position ^ 1
        if sibling < len(row):
            path.append(row[sibling])
        position >>= 1
    return tuple(path)


def open_promise(receipt: Receipt, verifiers: Sequence[Verifier]) -> Promise:
    """Return what the log signed: index, number and root of the batch, not yet whose entry it is.

    Raises:
        IntegrityError: malformed, or not signed by a trusted key of its log.
    """
    signed = open_note(receipt.note.encode("utf-8", "surrogatepass"), verifiers)
    promise = _parse_promise(signed.text)
    if all(signature.name != promise.origin for signature in signed.signatures):
        raise IntegrityError(f"expected a receipt signed by the log {promise.origin} itself")
    return promise


def verify_receipt(receipt: Receipt, entry: bytes, verifiers: Sequence[Verifier]) -> Promise:
    """Check that a trusted log key promised `entry` the receipt's index; return the promise.

    Raises:
        IntegrityError: malformed, not signed by a trusted key of its log, or about another entry.
    """
    promise = open_promise(receipt, verifiers)
    verify_inclusion(
        leaf=leaf_hash(entry),
        index=receipt.log_index - promise.first_index,
        size=promise.count,
        proof=receipt.path,
        root=promise.root,
    )
    return promise
