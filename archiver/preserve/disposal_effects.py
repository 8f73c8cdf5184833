"""What the events of a destruction change: who is condemned, who is kept, that it is done.

`Condemned` is the gate itself. It decides inside the transaction that sequences its event, be it
the writer's or that of the adoption after a crash. What it lets go stands in `dis` entries, which
follow the event in the log. A rebuilding decides nothing: it reads those entries (`as_logged`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import msgspec

from archiver.clock import from_millis
from archiver.db import disposal as rows
from archiver.db import disposed as disposed_rows
from archiver.db.disposal import Candidate, GateBatch
from archiver.db.disposal_stop import reason_if_on
from archiver.db.disposed import Remains
from archiver.db.facts import facts_of_rows
from archiver.db.privacy import decisions_among
from archiver.db.refiling import behind
from archiver.db.transaction import Connection
from archiver.errors import IntegrityError
from archiver.ids import ulid_bytes
from archiver.model.lock import LockMode
from archiver.model.post import Part, PartRole
from archiver.preserve.condemnation import Claim, objection_to_batch, objection_to_record
from archiver.preserve.effect import PartOf
from archiver.preserve.event_record import EventBody, detail_of, moment_of
from archiver.preserve.ledger.disposal_entry import KEEP, DisposalEntry
from archiver.preserve.ledger.entry import decode_entry, disposal_entries, members_digest
from retention.facts import Hold
from retention.schedules import Schedule

CONDEMNED = "disposal:condemned"
KEPT = "disposal:kept"
CARRIED_OUT = "disposal:executed"
CLAIMS_PART = "claims.json"
"""The part that says of each record what it is held to be, and what will remain of it."""

KEPT_PART = "kept.json"
"""The part that says which records stay, each with its reason."""

MOST_CLAIMS = 5_000
"""Records that the gate judges in one transaction, while what is captured waits for it."""

T = TypeVar("T")


class Stated(msgspec.Struct, frozen=True, array_like=True):
    """One record of a claims part: a `Claim`, and what else remains of it."""

    log_index: int
    id: str
    class_code: str
    rule: str
    schedule_version: int
    segment_id: str
    frame: int
    size: int
    captured_at: int

    @property
    def claim(self) -> Claim:
        """What the gate compares with the record."""
        return Claim(**{name: getattr(self, name) for name in Claim.__dataclass_fields__})


class Verdict(NamedTuple):
    """What the gate decided: why nothing goes at all (""), or who goes and who stays and why."""

    objection: str
    condemned: tuple[int, ...]
    kept: Mapping[int, str]


_decode_claims = msgspec.json.Decoder(tuple[Stated, ...]).decode
_decode_kept = msgspec.json.Decoder(tuple[tuple[int, str], ...]).decode


@dataclass(slots=True, kw_only=True)
class Condemned:
    """The gate of destruction. `verdict` is that of the last `apply`, None before.

    `at` is the moment of the event, which the archive's guarded clock told (`clock_guard`).
    """

    batch_id: str
    at: int
    claims: tuple[Stated, ...] = field(repr=False)
    verdict: Verdict | None = None
    entries: Sequence[bytes] = field(default=(), repr=False)

    def apply(self, connection: Connection) -> bool:
        """Judge every claim as everything is now; note those that go, and write their entries."""
        self.entries = ()
        batch = rows.find_batch(connection, self.batch_id)
        objection = objection_to_batch(
            batch, reason_if_on(connection), behind(connection, at=self.at, below=0)
        )
        if objection or batch is None:
            self.verdict = Verdict(objection, (), {})
            return False
        kept = objections(connection, batch, self.claims, at=self.at)
        going = [each for each in self.claims if not kept[each.log_index]]
        self.verdict = Verdict(
            "",
            tuple(each.log_index for each in going),
            {index: reason for index, reason in kept.items() if reason},
        )
        self._condemn(connection, going)
        return bool(self.entries)

    def _condemn(self, connection: Connection, going: Sequence[Stated]) -> None:
        """Write the `dis` entries: of records whose segment dies with them, and of the others."""
        if not going:
            return
        left = rows.survivors(
            connection,
            {each.segment_id for each in going},
            [each.log_index for each in going],
        )
        whole = {each.log_index: each.id for each in going if left[each.segment_id] == 0}
        partly = {each.log_index: each.id for each in going if left[each.segment_id] > 0}
        self.entries = (
            *disposal_entries(self.batch_id, "delete", whole, self.at),
            *disposal_entries(self.batch_id, "erase", partly, self.at),
        )
        first = rows.in_turn(connection)  # the sequencer appends them there right after this
        rows.mark_condemned(
            connection, self.batch_id, _placed(enumerate(self.entries, first)), self.at
        )

    def as_logged(self, entries: Iterable[tuple[int, bytes]]) -> "CondemnedBefore":
        """Return what the gate once let go, told by `(index, entry)` of the log's other entries."""
        own = {
            index: entry
            for index, data in entries
            if isinstance(entry := decode_entry(data), DisposalEntry)
            and (entry.id, entry.ts_ms) == (self.batch_id, self.at)
            and entry.method != KEEP
        }
        known = {each.log_index: each for each in self.claims}
        remains = []
        for dis_index, entry in own.items():
            members = [known[index] for index in entry.indexes if index in known]
            ids = members_digest(each.id for each in members)
            if (len(members), ids) != (entry.count, entry.members_sha256):
                raise IntegrityError(
                    f"batch {self.batch_id}: the `dis` entry at log index {dis_index} is not about "
                    "the records that its event names; restore the event's segment from the "
                    "store's second copy"
                )
            remains += [remains_of(each, self.batch_id, dis_index, entry) for each in members]
        return CondemnedBefore(batch_id=self.batch_id, at=self.at, remains=tuple(remains))


@dataclass(frozen=True, slots=True, kw_only=True)
class CondemnedBefore:
    """What the gate let go in a log that is read back: no decision, the `dis` entries stand."""

    batch_id: str
    at: int
    remains: tuple[Remains, ...] = field(repr=False)

    @property
    def entries(self) -> Sequence[bytes]:
        """None: they are in the log."""
        return ()

    def apply(self, connection: Connection) -> bool:
        """Note the condemned and what remains of them; their rows go when it was carried out."""
        rows.mark_condemned(
            connection,
            self.batch_id,
            {each.log_index: each.dis_index for each in self.remains},
            self.at,
        )
        disposed_rows.add_remains(connection, self.remains)
        return False


@dataclass(slots=True, kw_only=True)
class Kept:
    """Members of a batch that stay, each with its reason.

    Of those that the gate had let go, `entries` take back in public that they may be gone: else
    whoever removed them later would not be missed.
    """

    batch_id: str
    reasons: Mapping[int, str] = field(repr=False)
    at: int
    entries: Sequence[bytes] = field(default=(), repr=False)

    def apply(self, connection: Connection) -> bool:
        """Note them."""
        let_go = rows.condemned_among(connection, self.batch_id, sorted(self.reasons))
        rows.mark_kept(connection, self.batch_id, self.reasons)
        self.entries = disposal_entries(self.batch_id, KEEP, let_go, self.at)
        return bool(self.entries)

    @property
    def part(self) -> Part:
        """The part of its event that names them."""
        return _json_part(KEPT_PART, sorted(self.reasons.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOut:
    """Every condemned member of a batch is gone."""

    batch_id: str
    method: str
    at: int

    @property
    def entries(self) -> Sequence[bytes]:
        """None: the `dis` entries are in the log since the gate."""
        return ()

    def apply(self, connection: Connection) -> bool:
        """Remove what an older database still says of them, and end the batch."""
        gone = list(rows.condemned_of(connection, self.batch_id))
        disposed_rows.purge(connection, gone)
        rows.mark_disposed(connection, self.batch_id, gone)
        if rows.mark_done(connection, self.batch_id, self.method, self.at):
            disposed_rows.recount(connection)
        return False


def condemned(body: EventBody, part: PartOf) -> Condemned | None:
    """Return the gate that an event asks, None for an attempt that was refused.

    Raises:
        ValueError, InvalidInput: it does not state its records whole.
    """
    if body.result != "ok":
        return None
    ulid_bytes(body.object_id)
    claims = _read(part(CLAIMS_PART), _decode_claims)
    if not 0 < len(claims) <= MOST_CLAIMS or len(claims) != detail_of(body, "records", int):
        raise ValueError(f"{len(claims)} records are not those it states")
    return Condemned(batch_id=body.object_id, at=moment_of(body), claims=claims)


def kept(body: EventBody, part: PartOf) -> Kept:
    """Return who stays. Raises as `condemned`."""
    ulid_bytes(body.object_id)
    reasons = dict(_read(part(KEPT_PART), _decode_kept))
    return Kept(batch_id=body.object_id, reasons=reasons, at=moment_of(body))


def carried_out(body: EventBody, _part: PartOf) -> CarriedOut:
    """Return the end of an execution. Raises as `condemned`."""
    ulid_bytes(body.object_id)
    method = detail_of(body, "method", str)
    return CarriedOut(batch_id=body.object_id, method=method, at=moment_of(body))


def claims_part(claims: Sequence[Stated]) -> Part:
    """Return the part that states records to the gate."""
    return _json_part(CLAIMS_PART, claims)


def stated_of(found: Candidate) -> Stated:
    """Return what a record is, as it is now."""
    return Stated(
        found.log_index,
        found.id,
        found.class_code,
        found.rule,
        found.schedule_version,
        found.segment_id,
        found.frame,
        int(found.size),
        found.captured_at,
    )


def remains_of(each: Stated, batch_id: str, dis_index: int, entry: DisposalEntry) -> Remains:
    """Return what remains of a record that a `dis` entry let go."""
    return Remains(
        log_index=each.log_index,
        id=each.id,
        entry_type="rec",
        class_code=each.class_code,
        rule=each.rule,
        schedule_version=each.schedule_version,
        segment_id=each.segment_id,
        frame=each.frame,
        size=each.size,
        captured_at=each.captured_at,
        batch_id=batch_id,
        method=entry.method,
        dis_index=dis_index,
        disposed_at=entry.ts_ms,
    )


def objections(
    connection: Connection,
    batch: GateBatch,
    claims: Sequence[Stated],
    *,
    at: int,
    state: str = rows.IN,
) -> dict[int, str]:
    """Return why each of these records may not be destroyed at `at`, "" where it may.

    `state` is what they must be in the batch; see `objection_to_record`.
    """
    indexes = [each.log_index for each in claims]
    found = rows.candidates(connection, batch.id, indexes)
    facts = facts_of_rows(connection, indexes)
    holds = rows.holds_on(connection, indexes)
    decided = decisions_among(connection, indexes)
    body = rows.schedule_body(connection, batch.class_code, batch.schedule_version)
    schedule = None if body is None else Schedule.from_dict(msgspec.json.decode(body))
    return {
        index: objection_to_record(
            each.claim,
            found.get(index),
            batch=batch,
            facts=facts.get(index),
            schedule=schedule,
            holds=tuple(map(_unnamed, holds.get(index, ()))),
            at=from_millis(at),
            lock_until=_lock_end(found.get(index)),
            state=state,
            decided=decided.get(index, ()),
        )
        for index, each in zip(indexes, claims, strict=True)
    }


def hold_of(row: Any) -> Hold:
    """Return the hold of a row of `archiver.db.disposal.holds_on`."""
    return Hold(
        id=row.id,
        name=row.name,
        matter=row.matter or "not named",
        placed_at=from_millis(row.placed_at),
    )


def _unnamed(row: Any) -> Hold:
    """Return the hold by its id alone: the gate's reasons stand in certificates that are handed on.

    Who may see holds finds by the id what it is called.
    """
    return replace(hold_of(row), name="", matter="not named")


def _lock_end(found: Candidate | None) -> datetime | None:
    is_locked = found is not None and found.lock_mode != LockMode.NONE and found.lock_until
    return from_millis(found.lock_until) if found is not None and is_locked else None


def _placed(entries: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """Return the index of the `dis` entry for each log index it lets go."""
    placed: dict[int, int] = {}
    for dis_index, data in entries:
        entry = decode_entry(data)
        if isinstance(entry, DisposalEntry):
            placed.update(dict.fromkeys(entry.indexes, dis_index))
    return placed


def _json_part(name: str, content: object) -> Part:
    return Part(
        name=name,
        role=PartRole.DERIVED,
        media_type="application/json",
        content=msgspec.json.encode(content),
    )


def _read(content: bytes | None, decode: Callable[[bytes], T]) -> T:
    if content is None:
        raise ValueError("it does not name its records")
    try:
        return decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"its records cannot be read: {error}") from error
