"""Jobs as people and programs see them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from archiver.clock import from_millis, rfc3339
from archiver.db.jobs import UNDER_WAY, JobRow, JobState
from archiver.jobs.work_run import KeptFile, lines_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job. `estimated_end` is an estimate, from the pace of the phase it is in.

    `private` (what the work tells only who asked for it), `error` and `file` are empty for who may
    only see that the job is there.
    """

    id: str
    kind: str
    title: str
    subject: str
    object_type: str
    object_id: str
    state: JobState
    phase: str
    done: int
    total: int | None
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    estimated_end: datetime | None
    cancelled_by: str
    lines: tuple[tuple[datetime, str], ...]
    result: Mapping[str, object]
    private: Mapping[str, object]
    error: str
    file: KeptFile | None
    file_until: datetime | None
    is_mine: bool
    may_cancel: bool
    may_start_again: bool

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or runs."""
        return self.state in UNDER_WAY

    def to_dict(self) -> dict[str, object]:
        """Return the job for JSON."""
        return {
            "id": self.id,
            "kind": self.kind,
            "subject": self.subject,
            "object": {"type": self.object_type, "id": self.object_id},
            "state": self.state.value,
            "progress": {"phase": self.phase, "done": self.done, "total": self.total},
            "requested_by": self.requested_by,
            "created_at": rfc3339(self.created_at),
            "started_at": _text(self.started_at),
            "ended_at": _text(self.ended_at),
            "estimated_end_at": _text(self.estimated_end),
            "cancelled_by": self.cancelled_by,
            "lines": [{"at": rfc3339(at), "text": text} for at, text in self.lines],
            "result": {**self.result, **self.private},
            "error": self.error,
            "file": self._file(),
            "result_url": f"/api/v1/jobs/{self.id}/result" if self.file else "",
        }

    def _file(self) -> dict[str, object] | None:
        if self.file is None:
            return None
        return {**self.file.to_dict(), "expires_at": _text(self.file_until)}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One page of jobs, newest first. `states` counts all of them, whatever the filters.

    `kinds` are the kinds there are, with their titles.
    """

    items: tuple[JobView, ...]
    next_cursor: str
    total: int
    states: Mapping[str, int]
    kinds: Mapping[str, str]
    sees_all: bool

    def to_dict(self) -> dict[str, object]:
        """Return the page for JSON."""
        return {
            "items": [item.to_dict() for item in self.items],
            "next_cursor": self.next_cursor,
            "total": self.total,
            "total_is_exact": True,
        }


def view_of(
    row: JobRow,
    *,
    title: str,
    now: datetime,
    is_mine: bool,
    shown: bool,
    may_cancel: bool,
    may_start_again: bool,
    files_kept: timedelta,
) -> JobView:
    """Return a job as it is shown; `shown` says whether error and file are among it."""
    state = JobState(row.state)
    result = json.loads(row.result)
    kept, private = result.pop("file", None), result.pop("private", {})
    ended = _moment(row.ended_at)
    until = ended + files_kept if ended is not None else None
    is_kept = shown and kept is not None and until is not None and now < until
    lines = tuple((from_millis(at), words) for at, words in lines_of(row.lines))
    under_way = state in UNDER_WAY
    return JobView(
        id=row.id,
        kind=row.kind,
        title=title,
        subject=row.subject,
        object_type=row.object_type,
        object_id=row.object_id,
        state=state,
        phase=row.phase,
        done=row.done,
        total=row.total,
        requested_by=row.requested_by,
        created_at=from_millis(row.created_at),
        started_at=_moment(row.started_at),
        ended_at=ended,
        estimated_end=_estimate(row, lines, now) if state is JobState.RUNNING else None,
        cancelled_by=row.halt_by or "",
        lines=lines,
        result=result,
        private=private if is_mine else {},
        error=row.error if shown else "",
        file=KeptFile(**kept) if is_kept else None,
        file_until=until if is_kept else None,
        is_mine=is_mine,
        may_cancel=may_cancel and under_way,
        may_start_again=may_start_again and not under_way,
    )


def _estimate(
    row: JobRow, lines: tuple[tuple[datetime, str], ...], now: datetime
) -> datetime | None:
    """Return when the present phase ends if it goes on at its pace; None while nobody can tell."""
    if not lines or not row.total or not 0 < row.done < row.total:
        return None
    return now + (now - lines[-1][0]) * ((row.total - row.done) / row.done)


def _moment(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
