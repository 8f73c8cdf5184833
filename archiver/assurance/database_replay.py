"""What people decided, made once more from stored events, against the rows that say it now.

Privacy requests, disposal batches and what came of them, stops, people and tokens with their
roles, accounts, classes and the rules that file records in them, drafts, saved searches and term
reports: their rows are made by events alone. So the events take effect again on empty tables, by
the same code as when they happened and as in `muniment recover`; whatever differs is nobody's
decision.

A `dis` entry of the log, by which records may be gone, has the event of the gate that wrote it.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from archiver.assurance.database_check import REBUILD, id_of
from archiver.assurance.log_check import CheckedLog
from archiver.assurance.report import Findings
from archiver.clock import to_millis
from archiver.db import disposal as disposal_rows
from archiver.db import verification as rows
from archiver.db.refiled_classes import RECLASSIFYING
from archiver.db.replay import VIEWS, Difference, Replay
from archiver.db.transaction import Database
from archiver.errors import IntegrityError
from archiver.preserve.account_effects import AccountChanged
from archiver.preserve.disposal_effects import CARRIED_OUT, CONDEMNED, KEPT, Condemned, Kept
from archiver.preserve.event_effects import effect_of
from archiver.preserve.event_record import EventBody, moment_of, parse_event
from archiver.preserve.ledger.disposal_entry import KEEP, DisposalEntry
from archiver.preserve.ledger.entry import decode_entry
from archiver.preserve.segments.manifest import parse_moment

_EXECUTION = (CONDEMNED, KEPT, CARRIED_OUT)
_TOKEN_CREATED = "token:created"  # noqa: S105 - the name of an act
_NAMED = 10
_LONGEST = 80
_STOP_FIRST = f"let nothing be destroyed (`muniment disposition stop`), {REBUILD}"
_READ_BY_NOBODY = f"let nobody read or destroy what it is about meanwhile, {REBUILD}"
_WHERE_FILED = f"look into which classes records were filed since, {REBUILD}"
_PLACE_NO_HOLD = f"place no hold from it meanwhile, {REBUILD}"
_HAND_OUT_NOTHING = f"hand it to nobody meanwhile, {REBUILD}"
_WHAT_THEY_DID = f"look in the audit trail at what they did since, {REBUILD}"
NOT_WHOLE = (
    "not all records of the log could be opened, which is a problem of its own: if the event of "
    "this is among them, put that right first; else "
)
_PAST_THE_ARCHIVE = (
    "an entry was put into the log past the archive, or the event is damaged. "
    "Let nothing be destroyed (`muniment disposition stop`)"
)

Disposals = Mapping[str, list[tuple[int, bytes]]]
"""The `dis` entries of the log by batch, each with its index, in the log's order."""


class _Words(NamedTuple):
    """How a report speaks of a table's rows: by what name, with which values, and what to do.

    Of other columns it says the name only: values can be content, and reports travel.
    """

    subject: str
    shown: tuple[str, ...]
    next: str


_WORDS: Mapping[str, _Words] = {
    "privacy_request": _Words(
        "privacy request {id}",
        ("kind", "state", "restricts", "due_at", "extended_months"),
        _READ_BY_NOBODY,
    ),
    "privacy_record": _Words(
        "privacy request {request_id}, record at log index {log_index}",
        ("decision", "ground"),
        _READ_BY_NOBODY,
    ),
    "batch": _Words(
        "batch {id}",
        ("state", "action", "class_code", "schedule_version", "records", "approvals_needed"),
        _STOP_FIRST,
    ),
    "batch_record": _Words(
        "batch {batch_id}, record at log index {log_index}",
        ("state", "keep_until", "dis_index"),
        _STOP_FIRST,
    ),
    "batch_approval": _Words(
        "batch {batch_id}, approval of {approver_id!r}", ("records",), _STOP_FIRST
    ),
    "batch_package": _Words("batch {batch_id}, package", ("records", "size"), _STOP_FIRST),
    "certificate": _Words("certificate {id}", ("number", "batch_id", "records"), REBUILD),
    "disposed": _Words(
        "destroyed record at log index {log_index}",
        ("id", "batch_id", "method", "dis_index"),
        _STOP_FIRST,
    ),
    "disposal_stop": _Words("emergency stop {id}, lifting {lifts!r}", (), _STOP_FIRST),
    "person": _Words("person {id}", ("state",), _WHAT_THEY_DID),
    "person_role": _Words(
        "person {person_id}, role {role!r} in unit {unit!r}, matter {matter!r}", (), _WHAT_THEY_DID
    ),
    "token": _Words(
        "token {id}", ("roles", "unit", "matter", "expires_at", "revoked_at"), _WHAT_THEY_DID
    ),
    "account": _Words("account {id}", ("platform", "handle", "unit", "closed_at"), _WHAT_THEY_DID),
    "file_class": _Words("class {code}", ("revision", "closed_at"), _WHERE_FILED),
    "class_rules": _Words("class rules, version {version}", ("in_force_from",), _WHERE_FILED),
    "plan_draft": _Words(
        "draft {id}",
        ("subject", "class_code", "state", "revision", "in_force_from"),
        f"let nobody submit or approve it meanwhile, {REBUILD}",
    ),
    "saved_search": _Words("saved search {id}", ("version",), _PLACE_NO_HOLD),
    "saved_search_version": _Words(
        "saved search {saved_search_id}, version {version}", ("archived",), _PLACE_NO_HOLD
    ),
    "saved_search_visit": _Words(
        "saved search {saved_search_id}, seen by {visitor!r}", ("seen",), REBUILD
    ),
    "term_report": _Words(
        "term report {id}", ("set_id", "terms", "documents", "hits"), _HAND_OUT_NOTHING
    ),
    "term_hits": _Words("term report {report_id}, term {position}", (), _HAND_OUT_NOTHING),
}


class ReplayCheck:
    """Takes in events as they are opened, in any order; compares when all are known.

    `replay` has a copy of the rows of when the run began, when `below` entries were sequenced.
    """

    def __init__(
        self, *, database: Database, replay: Replay, below: int, findings: Findings
    ) -> None:
        self._database = database
        self._replay = replay
        self._below = below
        self._findings = findings
        self._explained: set[int] = set()

    def take(self, log_index: int, body: EventBody, parts: Mapping[str, bytes]) -> None:
        """Take in one event, by its parts."""
        if log_index < self._below and body.action != RECLASSIFYING:  # its records are compared
            is_step = body.action in _EXECUTION and body.result == "ok"
            self._replay.keep(log_index, parts, batch_id=body.object_id if is_step else "")

    async def finish(self, log: CheckedLog, *, is_whole: bool) -> None:
        """Compare, in both directions; `is_whole`: every record of the log was opened.

        Raises:
            DatabaseUnavailable: it did not answer.
        """
        await asyncio.to_thread(self._apply_all, self._entries(log))
        # A founding that was cut short has stated no plan yet, as the report says already.
        left_out = () if self._replay.has_plan() else ("file_class", "class_rules", "plan_draft")
        for table in (each for each in VIEWS if each not in left_out):
            await self._name_differences(table, "" if is_whole else NOT_WHOLE)

    def _apply_all(self, entries: Disposals) -> None:
        for event in self._replay.events():
            try:
                self._apply(event.log_index, event.parts, entries)
            except IntegrityError as error:
                self._findings.problem(str(error))
        self._name_unexplained(entries)
        self._replay.allow_progress()

    def _entries(self, log: CheckedLog) -> Disposals:
        found: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        for index, data in log.disposals:
            if index < self._below:
                found[_disposal(data).id].append((index, data))
        return found

    def _apply(self, log_index: int, parts: Mapping[str, bytes], entries: Disposals) -> None:
        """Let an event take effect. Raises IntegrityError: it does not say all of what it did."""
        body = parse_event(next(iter(parts.values())))
        if body.action == _TOKEN_CREATED:
            self._add_token(body)
        effect = effect_of(body, parts.get)
        match effect:
            case None:
                return
            case Condemned(batch_id=batch_id):
                effect = effect.as_logged(self._written_by(log_index, batch_id, entries))
                self._explained.update(each.dis_index for each in effect.remains)
            case Kept():
                self._check_kept(log_index, effect, entries)
            case AccountChanged():  # what terms count from is compared by what is stated of it
                effect = replace(effect, retention=None)
            case _:
                pass
        effect.apply(self._replay.connection)

    def _add_token(self, body: EventBody) -> None:
        """Add a token. Its event has no effect otherwise: a recovered archive gives no way in."""
        details = body.details
        try:
            at, ends = moment_of(body), parse_moment(str(details.get("expires_at", "")))
        except ValueError as error:
            raise IntegrityError(f"the event that made token {body.object_id}: {error}") from error
        self._replay.add_token(
            body.object_id,
            at,
            **{name: details.get(name, "") for name in ("name", "roles", "unit", "matter")},
            expires_at=None if ends is None else to_millis(ends),
            created_by=body.actor,
        )

    def _written_by(
        self, log_index: int, batch_id: str, entries: Disposals
    ) -> list[tuple[int, bytes]]:
        """Return the `dis` entries of a batch from a step of its execution on, up to the next."""
        end = self._replay.next_step(batch_id, log_index) or self._below
        return [each for each in entries.get(batch_id, ()) if log_index < each[0] < end]

    def _check_kept(self, log_index: int, kept: Kept, entries: Disposals) -> None:
        """Compare what the log took back with the members that stay and had been let go."""
        let_go = disposal_rows.condemned_of(self._replay.connection, kept.batch_id)
        written = {
            index: entry
            for index, data in self._written_by(log_index, kept.batch_id, entries)
            if (entry := _disposal(data)).method == KEEP and entry.ts_ms == kept.at
        }
        taken_back = {each for entry in written.values() for each in entry.indexes}
        expected = let_go.keys() & kept.reasons.keys()
        if taken_back == expected:
            self._explained.update(written)
        elif not written:
            self._findings.problem(
                f"batch {kept.batch_id}: expected the log to take back that {len(expected)} "
                "records may be gone, which an event keeps, found no such entry behind it: "
                f"{_PAST_THE_ARCHIVE}"
            )

    def _name_unexplained(self, entries: Disposals) -> None:
        for batch_id, own in sorted(entries.items()):
            for index in (index for index, _ in own if index not in self._explained):
                entry = _disposal(dict(own)[index])
                may = "may not be gone" if entry.method == KEEP else "may be gone"
                self._findings.problem(
                    f"entry {index} of the log: it states that {entry.count} records of batch "
                    f"{batch_id} {may}, expected the event of the gate that decided so, found none "
                    f"that can be read and says the same: {_PAST_THE_ARCHIVE}"
                )

    async def _name_differences(self, table: str, but_first: str) -> None:
        named = await asyncio.to_thread(self._differences, table)
        async with self._database.reading() as tx:
            entries = await rows.entries_of(tx, [_index_of(each) for each, _ in named])
        words = _WORDS[table]
        for each, more in named:
            self._findings.problem(
                f"{words.subject.format(**each.key)}: {_difference(each, words)}{more}; "
                f"{but_first}{words.next}",
                object_key=f"database:{table}",
                record_id=id_of(entries.get(_index_of(each), b"")),
            )

    def _differences(self, table: str) -> list[tuple[Difference, str]]:
        """Return the first rows of each request, batch and so on; with how many there are more."""
        counts: Counter[object] = Counter()
        first: list[tuple[object, Difference]] = []
        for each in self._replay.differences(table):
            if table == "token" and each.found is None:
                continue  # its row is written behind the event, and by no recovery
            whose = None if table == "disposed" else next(iter(each.key.values()))
            counts[whose] += 1
            if counts[whose] <= _NAMED:
                first.append((whose, each))
        return [
            (each, f" (one of {counts[whose]} such rows)" if counts[whose] > _NAMED else "")
            for whose, each in first
        ]


def _index_of(each: Difference) -> int:
    index = each.key.get("log_index")
    return index if isinstance(index, int) else -1


def _disposal(data: bytes) -> DisposalEntry:
    entry = decode_entry(data)
    if not isinstance(entry, DisposalEntry):
        raise IntegrityError(f"expected a `dis` entry, found {entry.kind}")
    return entry


def _difference(each: Difference, words: _Words) -> str:
    """Return in words how a row is other than events make it."""
    if each.found is None:
        return f"expected it as its events state it{_values(each.stated, words)}, found no row"
    if each.stated is None:
        return f"expected none, as no event states it, found one{_values(each.found, words)}"
    return ", ".join(_columns(each.stated, each.found, words))


def _columns(stated: Mapping[str, Any], found: Mapping[str, Any], words: _Words) -> Iterator[str]:
    for name, right in stated.items():
        if name in words.shown:
            yield f"expected {name} {_shown(right)} as events state it, found {_shown(found[name])}"
    if rest := [name for name in stated if name not in words.shown]:
        yield f"its {', '.join(rest)} in the database is not what its events state"


def _values(row: Mapping[str, Any] | None, words: _Words) -> str:
    said = [f"{name} {_shown(row[name])}" for name in words.shown if row and row[name] is not None]
    return f" ({', '.join(said)})" if said else ""


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
