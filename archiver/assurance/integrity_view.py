"""Integrity at a glance: `status` tells all the Integrity page and Home show, by one call.

A constant number of statements, no listing of the store, and no content. The numbers are of the
whole archive, so that whoever is limited to a part of it is refused.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from archiver.access.rules import Permission, require
from archiver.assurance.integrity_judgement import IntegrityState, Judgement, Reason, judge
from archiver.assurance.integrity_status import (
    Found,
    IntegrityFacts,
    Signals,
    Timestamped,
    UnderWay,
    Verification,
)
from archiver.assurance.lock_report import report_of
from archiver.audit.actions import Action
from archiver.clock import Clock, from_millis, rfc3339
from archiver.db import integrity as rows
from archiver.db import jobs as job_rows
from archiver.db import ledger as ledger_rows
from archiver.db.events import EventRow
from archiver.db.jobs import JobRow, JobState
from archiver.db.transaction import Database, Transaction
from archiver.errors import IntegrityError
from archiver.model.actor import Actor
from archiver.preserve.ledger.entry import TimestampEntry, decode_entry
from archiver.preserve.ledger.timestamps import ENTRY_PREFIX

VERIFICATION = "verification"
"""The kind of a job that verifies."""

_LOOKED_AT = 100  # verifications; the newest full one is among them, or counts as too old
_STAMPS_WITHIN = 20_000  # log entries: the newest tokens are looked for among the newest entries
_STAMPS = 16
_SHOWN_UNDER_WAY = 5
_ALARMS = (Action.LOG_CONTRADICTED, Action.OBJECT_DAMAGED, Action.OBJECT_DRIFTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityStatus:
    """The judgement, and the facts it rests on."""

    judgement: Judgement
    facts: IntegrityFacts

    @property
    def state(self) -> IntegrityState:
        """Verified, verifying, problem or not yet verified."""
        return self.judgement.state

    @property
    def sentence(self) -> str:
        """The state in one sentence."""
        return self.judgement.sentence

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """What it rests on, problems first."""
        return self.judgement.reasons

    def to_dict(self) -> dict[str, object]:
        """Return the status for JSON."""
        facts, signals = self.facts, self.facts.signals
        return {
            "state": self.state.value,
            "sentence": self.sentence,
            "reasons": [reason.to_dict() for reason in self.reasons],
            "as_of": rfc3339(facts.as_of),
            "checkpoint": {
                "size": facts.size,
                "root": facts.root.hex(),
                "newest_entry_at": _text(facts.checkpoint_at),
            },
            "log_size": facts.log_size,
            "waiting": facts.waiting,
            "covered": facts.covered,
            "verifications": [each.to_dict() for each in facts.verifications[:10]],
            "verifying": [each.job_id for each in facts.verifying],
            "timestamps": [
                {
                    "authority": each.authority,
                    "size": each.size,
                    "at": rfc3339(each.at),
                    "log_index": each.log_index,
                }
                for each in facts.timestamps
            ],
            "witnesses": [
                {
                    "name": each.name,
                    "size": each.size,
                    "at": _text(each.at),
                    "problem": each.problem,
                }
                for each in signals.witnesses
            ],
            "quorum_size": signals.quorum_size,
            "contradictions": facts.contradictions,
            "store": {"promise": signals.store.value, "words": signals.store_words},
            "second_copy": _copy(signals),
            "locks": facts.locks.to_dict() if facts.locks else None,
            "index": {
                "log_size": signals.indexed,
                "behind": facts.log_size - signals.indexed,
                **(signals.index.to_dict() if signals.index else {}),
            },
            "stopped_loops": [loop.name for loop in signals.loops if loop.stopped],
        }


class IntegrityView:
    """The archive's integrity, for reading."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        signals: Callable[[], Awaitable[Signals]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals

    async def status(self, actor: Actor) -> IntegrityStatus:
        """Return what may be said of the archive's integrity now, and why.

        Raises:
            Denied: the actor may not read the log, or only a part of the archive.
            OperatorError: the database did not answer.
        """
        require(actor, Permission.READ_LOG)
        signals = await self._signals()
        async with self._database.reading() as tx:
            facts = await self._facts(tx, signals)
        return IntegrityStatus(judgement=judge(facts), facts=facts)

    async def _facts(self, tx: Transaction, signals: Signals) -> IntegrityFacts:
        state = await ledger_rows.state(tx)
        events = await rows.newest_events(tx, Action.VERIFICATION_FINISHED.value, _LOOKED_AT)
        verifications = tuple(map(verification_of, events))
        cleared = next((each for each in verifications if each.is_full and each.ok), None)
        since = events[verifications.index(cleared)].at if cleared else 0
        counts = await rows.count_events_since(tx, tuple(action.value for action in _ALARMS), since)
        kept = await rows.newest_events(tx, Action.LOCKS_KEPT.value, 1)
        jobs = await job_rows.under_way(tx, VERIFICATION, _SHOWN_UNDER_WAY)
        return IntegrityFacts(
            as_of=self._clock(),
            log_size=state.next_index,
            size=state.size,
            root=state.root,
            checkpoint_at=await _newest_moment(tx, state.size),
            verifications=verifications,
            verifying=tuple(map(_under_way, jobs)),
            timestamps=await _timestamps(tx, state.next_index),
            contradictions=counts.get(Action.LOG_CONTRADICTED.value, 0),
            damaged=counts.get(Action.OBJECT_DAMAGED.value, 0),
            drifted=counts.get(Action.OBJECT_DRIFTED.value, 0),
            locks=report_of(kept[0]) if kept else None,
            signals=signals,
        )


def verification_of(event: EventRow) -> Verification:
    """Return the verification that an event tells; what older events do not say is empty."""
    told: Mapping[str, Any] = json.loads(event.details)
    return Verification(
        event_id=event.record_id,
        at=from_millis(event.at),
        by=event.actor,
        extent=str(told.get("extent", "")),
        percent=str(told.get("percent", "")),
        level=str(told.get("level", "")),
        checked=int(told.get("checked", 0)),
        log_size=int(told.get("log_size", 0)),
        problems=int(told.get("problems", 0)),
        found=tuple(
            Found(object_key=each["object"], record_id=each["record"], what=each["what"])
            for each in json.loads(str(told.get("named", "[]")))
        ),
        not_checked=str(told.get("not_checked", "")),
        seconds=int(told.get("milliseconds", 0)) / 1000,
    )


def _under_way(job: JobRow) -> UnderWay:
    return UnderWay(
        job_id=job.id,
        by=job.requested_by,
        is_running=job.state == JobState.RUNNING,
        phase=job.phase,
        done=job.done,
        total=job.total or 0,
    )


async def _newest_moment(tx: Transaction, size: int) -> datetime | None:
    """Return when the newest entry under the checkpoint was made."""
    if not size:
        return None
    (entry,) = await ledger_rows.entries(tx, size - 1, size)
    return from_millis(int(json.loads(entry)["ts"]))


async def _timestamps(tx: Transaction, end: int) -> tuple[Timestamped, ...]:
    """Return the newest token of each authority whose entry is among the newest, newest first."""
    start = max(0, end - _STAMPS_WITHIN)
    newest: dict[str, Timestamped] = {}
    for index, data in await rows.newest_entries(tx, ENTRY_PREFIX, start=start, limit=_STAMPS):
        entry = decode_entry(data)
        if not isinstance(entry, TimestampEntry):
            raise IntegrityError(
                f"log entry {index} is expected to be a timestamp's, found {entry.kind}; the "
                "database was altered: run `muniment verify --full`"
            )
        newest.setdefault(
            entry.authority,
            Timestamped(
                authority=entry.authority,
                size=entry.size,
                at=from_millis(entry.time_ms),
                log_index=index,
            ),
        )
    return tuple(newest.values())


def _copy(signals: Signals) -> dict[str, object] | None:
    second = signals.second
    if second is None:
        return None
    return {
        "pending": second.pending,
        "lag_seconds": round(second.lag_s, 3),
        "damaged": second.damaged,
        "problem": second.problem,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


__all__ = ["IntegrityState", "IntegrityStatus", "IntegrityView", "Signals"]
