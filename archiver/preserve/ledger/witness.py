"""The witness protocol: requests, answers and the witness's decision (https://c2sp.org/tlog-witness).

A witness remembers one checkpoint of each log, the newest it cosigned, and cosigns another only
when that one continues it. So nobody who waits for its cosignature can be shown a log that was
forked or rolled back. Pure: `archiver.preserve.ledger.witness_state` keeps the memory on disk,
`archiver.preserve.ledger.cosigning` asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus

from archiver.errors import IntegrityError
from archiver.preserve.ledger.checkpoint import Checkpoint, parse_checkpoint
from archiver.preserve.ledger.cosignature import Ed25519Cosigner
from archiver.preserve.ledger.merkle import EMPTY_ROOT, verify_consistency
from archiver.preserve.ledger.note import (
    MAX_NOTE_BYTES,
    Note,
    decode_decimal,
    decode_hash,
    encode_base64,
    open_note,
    parse_note,
)
from archiver.preserve.ledger.policy import log_verifier

ADD_CHECKPOINT = "/add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
NOTE_TYPE = "text/plain"
MAX_PROOF_LINES = 63
MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 4096

_OLD = "old "


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """The request to cosign `note`, with the proof that it continues the tree of `old` entries."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def to_bytes(self) -> bytes:
        """Return the request's body."""
        lines = (f"{_OLD}{self.old}", *map(encode_base64, self.proof), "", "")
        return "\n".join(lines).encode() + self.note


def parse_add_checkpoint(body: bytes) -> AddCheckpoint:
    """Read the body of a request; the note in it is still unread.

    Raises:
        IntegrityError: `body` is not such a request.
    """
    if len(body) > MAX_REQUEST_BYTES:
        raise IntegrityError(
            f"expected a request of at most {MAX_REQUEST_BYTES} bytes, found {len(body)}"
        )
    head, blank, note = body.partition(b"\n\n")
    try:
        old, *hashes = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise IntegrityError("expected a size and hashes in ASCII, found other bytes") from error
    if not blank or not old.startswith(_OLD) or len(hashes) > MAX_PROOF_LINES:
        raise IntegrityError(
            f"expected 'old SIZE', at most {MAX_PROOF_LINES} hashes, an empty line and a "
            f"checkpoint, found {old[:40]!r} and {len(hashes)} more lines"
        )
    return AddCheckpoint(
        old=decode_decimal(old.removeprefix(_OLD)),
        proof=tuple(map(decode_hash, hashes)),
        note=note,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedLog:
    """A log the witness was told to watch: the keys it believes, and the newest it cosigned.

    `latest` is that checkpoint with the log's signatures and the witness's own, or None.
    """

    origin: str
    vkeys: tuple[str, ...]
    latest: bytes | None = None

    @property
    def head(self) -> Checkpoint:
        """What `latest` says; the empty tree while there is none."""
        if self.latest is None:
            return Checkpoint(origin=self.origin, size=0, root=EMPTY_ROOT)
        return parse_checkpoint(parse_note(self.latest).text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The answer to a request. When `log` is there, it must be on disk before the answer leaves."""

    status: HTTPStatus
    body: bytes
    content_type: str = NOTE_TYPE
    log: WitnessedLog | None = None


def judge(
    logs: Mapping[str, WitnessedLog], body: bytes, cosigner: Ed25519Cosigner, *, at: datetime
) -> Judgement:
    """Decide on an `add-checkpoint` request, in the order of the specification.

    `logs` is everything the witness remembers, by origin. Two trees of which neither continues the
    other never both get a cosignature, whatever is asked in which order, as long as each judgement
    is kept before the next is made.
    """
    try:
        request = parse_add_checkpoint(body)
        note = parse_note(request.note)
    except IntegrityError as error:
        return _refused(HTTPStatus.BAD_REQUEST, f"no add-checkpoint request: {error}")
    origin = note.text.partition("\n")[0]
    log = logs.get(origin)
    if log is None:
        return _refused(
            HTTPStatus.NOT_FOUND, f"this witness was not told of a log {origin[:200]!r}"
        )
    try:
        signed = open_note(request.note, [log_verifier(vkey) for vkey in log.vkeys])
    except IntegrityError as error:
        return _refused(HTTPStatus.FORBIDDEN, str(error))
    try:
        checkpoint = parse_checkpoint(signed.text)
    except IntegrityError as error:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"signed, but of no tree: {error}")
    return _judge_tree(log, request, checkpoint, signed, cosigner, at)


def _judge_tree(  # noqa: PLR0917 - the second half of `judge`
    log: WitnessedLog,
    request: AddCheckpoint,
    checkpoint: Checkpoint,
    signed: Note,
    cosigner: Ed25519Cosigner,
    at: datetime,
) -> Judgement:
    known = log.head
    if request.old > checkpoint.size:
        return _refused(
            HTTPStatus.BAD_REQUEST,
            f"expected an old size up to {checkpoint.size}, found {request.old}",
        )
    if request.old != known.size:
        return Judgement(
            status=HTTPStatus.CONFLICT,
            body=f"{known.size}\n".encode(),
            content_type=SIZE_TYPE,
        )
    try:
        verify_consistency(
            old_size=known.size,
            new_size=checkpoint.size,
            old_root=known.root,
            new_root=checkpoint.root,
            proof=request.proof,
        )
    except IntegrityError as error:
        return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    cosignature = cosigner.cosign(signed.text.encode(), at=at)
    kept = Note(text=signed.text, signatures=(*signed.signatures, cosignature))
    return Judgement(
        status=HTTPStatus.OK,
        body=str(cosignature).encode(),
        log=WitnessedLog(origin=log.origin, vkeys=log.vkeys, latest=kept.to_bytes()),
    )


def origin_hash(origin: str) -> str:
    """Return the name under which a witness serves the log's checkpoint: SHA-256 in hex."""
    return sha256(origin.encode()).hexdigest()


def monitoring_path(origin: str) -> str:
    """Return the path, below the witness's prefix, of the newest checkpoint it cosigned."""
    return f"/{origin_hash(origin)}/checkpoint"


def parse_size(body: bytes) -> int:
    """Return the size that a 409 answer states.

    Raises:
        IntegrityError: `body` is not one decimal and a newline.
    """
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError as error:
        raise IntegrityError("expected a tree size, found bytes that are no ASCII") from error
    if not text.endswith("\n"):
        raise IntegrityError(f"expected a tree size and a newline, found {text[:40]!r}")
    return decode_decimal(text[:-1])


def _refused(status: HTTPStatus, why: str) -> Judgement:
    return Judgement(status=status, body=f"{why}\n".encode())
