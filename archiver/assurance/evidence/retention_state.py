"""Why a record is kept, as of the log size of a bundle: the same answer whenever it is asked again.

Decided by the retention engine from the schedule version pinned on the record, later versions of
the post below that size, and what was stated and held then. Object locks are left out: they are
extended as time goes by, and a bundle must not change with them.
"""

from collections.abc import Sequence
from datetime import datetime

from archiver.access.record_views import Json
from archiver.assurance.evidence.stated_then import stated_then
from archiver.clock import from_millis, rfc3339, to_millis
from archiver.db import evidence as evidence_rows
from archiver.db import file_plan as file_plan_rows
from archiver.db.evidence import Version
from archiver.db.facts import days_of, moments_of
from archiver.db.holds import HoldRow
from archiver.db.records import RecordRow
from archiver.db.retention_events import Named
from archiver.db.transaction import Transaction
from retention.decisions import decide
from retention.facts import Facts, Hold
from retention.schedules import Schedule

_LEFT_OUT = "Object locks are not part of this answer; they are extended as time goes by."


class RetentionStates:
    """Answers for one bundle; keeps the schedules it has read."""

    def __init__(self, log_size: int, as_of: datetime) -> None:
        self._log_size = log_size
        self._as_of = as_of
        self._schedules: dict[tuple[str, int], Schedule] = {}

    async def explain(self, tx: Transaction, rows: Sequence[RecordRow]) -> dict[int, Json]:
        """Return state, date and reasons for each record, by log index.

        Raises:
            NotFound: a pinned schedule version is missing.
        """
        indexes = [row.log_index for row in rows]
        at = to_millis(self._as_of)
        holds = await evidence_rows.holds_then(tx, indexes, self._log_size, at)
        posts = [row for row in rows if row.entry_type == "rec"]
        versions = await evidence_rows.versions_then(tx, posts, self._log_size)
        stated = await stated_then(tx, posts, at)
        return {
            row.log_index: self._explain(
                row,
                await self._schedule(tx, row),
                holds.get(row.log_index, ()),
                versions.get((row.platform, row.account, row.post_id), ()),
                stated.get(row.log_index, ()),
            )
            for row in rows
        }

    def _explain(
        self,
        row: RecordRow,
        schedule: Schedule,
        holds: Sequence[HoldRow],
        versions: Sequence[Version],
        stated: Sequence[Named],
    ) -> Json:
        facts = Facts(
            platform=row.platform,
            account=row.account,
            captured_at=from_millis(row.captured_at),
            posted_at=None if row.posted_at is None else from_millis(row.posted_at),
            superseded_at=_superseded_at(row, versions),
            kind=row.kind,
            tags=tuple(row.tags.split()),
            events=moments_of(stated),
            days=days_of(stated),
        )
        decision = decide(facts, schedule, tuple(map(_hold, holds)), self._as_of)
        return {
            "id": row.id,
            "as_of": rfc3339(self._as_of),
            "log_size": self._log_size,
            "class_code": row.class_code,
            "rule": row.rule,
            "schedule_version": row.schedule_version,
            "state": str(decision.state),
            "until": rfc3339(decision.until) if decision.until else None,
            "reasons": [
                {"text": reason.text, "citation": reason.citation} for reason in decision.reasons
            ],
            "left_out": _LEFT_OUT,
        }

    async def _schedule(self, tx: Transaction, row: RecordRow) -> Schedule:
        pinned = (row.class_code, row.schedule_version)
        if pinned not in self._schedules:
            body = await file_plan_rows.get_schedule(tx, *pinned)
            self._schedules[pinned] = Schedule.from_dict(body)
        return self._schedules[pinned]


def _superseded_at(row: RecordRow, versions: Sequence[Version]) -> datetime | None:
    """Return when a later version took this one's place, counted from our own captures."""
    ids = [version.record_id for version in versions]
    if row.entry_type != "rec" or ids[-1] == (row.duplicate_of or row.id):
        return None
    following = versions[ids.index(row.duplicate_of or row.id) + 1]
    return from_millis(max(row.captured_at, following.captured_at))


def _hold(row: HoldRow) -> Hold:
    matter, placed_at = row.matter or "not named", from_millis(row.placed_at)
    return Hold(id=row.id, matter=matter, placed_at=placed_at, name=row.name)
