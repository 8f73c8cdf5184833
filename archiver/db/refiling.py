"""Working out anew how long records are kept: page after page, never a statement per record.

Three things change when a record's retention ends: a schedule version comes into force, an event is
stated (or corrected, or withdrawn), and a later version of a post is captured. The first two leave
a row in `refiling`; the third, and whatever was captured meanwhile, is found by following the log.
Each page is computed from the facts of its own moment and moves its watermark in the same
transaction, so that pages can be done twice, by two processes, or after a crash: they come to the
same rows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, insert, select, update

from archiver.db import retained
from archiver.db.disposal_tables import refiling
from archiver.db.retained import Needs, Page
from archiver.db.tables import follower, record
from archiver.db.transaction import Connection
from retention.ends import Ends

FOLLOWER = "refiling"
"""The name of the watermark of the log in `follower`."""

_REFILED = "refiled "
"""With a class code after it: `position` is the schedule version its records were brought to."""

_RECORDS_AT_ONCE = 500

InForce = Mapping[str, tuple[int, Ends]]
"""The schedule in force of each class: its version, and its ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is worked out anew: a class (to `version`), or accounts and single posts."""

    class_code: str = ""
    version: int = 0
    accounts: tuple[tuple[str, str], ...] = ()
    record_ids: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the text that `parse` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """Return the scope of a row."""
        found = json.loads(text)
        return cls(
            class_code=found["class_code"],
            version=found["version"],
            accounts=tuple((platform, account) for platform, account in found["accounts"]),
            record_ids=tuple(found["record_ids"]),
        )

    @property
    def parts(self) -> Sequence[ColumnElement[bool]]:
        """The conditions to go through, one after the other: an index answers each of them."""
        return tuple(self._parts())

    def _parts(self) -> Iterator[ColumnElement[bool]]:
        if self.class_code:
            yield record.c.class_code == self.class_code
        for platform, account in self.accounts:
            yield and_(record.c.account == account, record.c.platform == platform)
        for start in range(0, len(self.record_ids), _RECORDS_AT_ONCE):
            ids = self.record_ids[start : start + _RECORDS_AT_ONCE]
            yield record.c.id.in_(ids)
            yield record.c.duplicate_of.in_(ids)


@dataclass(frozen=True, slots=True)
class Changed:
    """How many records were gone through, and of how many the end moved, and to where."""

    records: int = 0
    longer: int = 0
    shorter: int = 0
    due: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RefilingRow:
    """A refiling that is not done, or whose event is not recorded. Moments are milliseconds."""

    id: str
    cause: str
    scope: str
    part: int
    position: int
    done: bool
    records: int
    longer: int
    shorter: int
    due: int
    asked_at: int


def ask(connection: Connection, refiling_id: str, cause: str, scope: Scope, at: int) -> None:
    """Have something worked out anew, unless that was asked for already."""
    known = select(refiling.c.id).where(refiling.c.id == refiling_id)
    if connection.execute(known).first() is None:
        row = RefilingRow(
            id=refiling_id,
            cause=cause,
            scope=scope.to_json(),
            part=0,
            position=0,
            done=False,
            records=0,
            longer=0,
            shorter=0,
            due=0,
            asked_at=at,
        )
        connection.execute(insert(refiling).values(asdict(row)))


def pending(connection: Connection) -> list[RefilingRow]:
    """Return what is to be worked out anew, in the order it was asked for."""
    rows = connection.execute(select(refiling).order_by(refiling.c.asked_at, refiling.c.id))
    return [RefilingRow(**row) for row in rows.mappings()]


def forget(connection: Connection, refiling_id: str, scope: Scope) -> None:
    """Strike out what is done; of a class, note to which version it was brought."""
    connection.execute(delete(refiling).where(refiling.c.id == refiling_id))
    if scope.class_code:
        note_refiled(connection, scope.class_code, scope.version)


def refiled_versions(connection: Connection) -> dict[str, int]:
    """Return the schedule version that the records of each class were brought to."""
    rows = connection.execute(select(follower).where(follower.c.name.startswith(_REFILED)))
    return {row.name.removeprefix(_REFILED): row.position for row in rows}


def note_refiled(connection: Connection, class_code: str, version: int) -> None:
    """Note the version that the records of a class were brought to; never an earlier one."""
    name = _REFILED + class_code
    known = connection.execute(select(follower.c.position).where(follower.c.name == name)).scalar()
    if known is None:
        connection.execute(insert(follower).values(name=name, position=version, updated_at=0))
    elif known < version:
        connection.execute(update(follower).where(follower.c.name == name).values(position=version))


def watermark(connection: Connection) -> int:
    """Return the log index below which every record was looked at; 0 at the beginning."""
    found = connection.execute(
        select(follower.c.position).where(follower.c.name == FOLLOWER)
    ).scalar()
    return int(found or 0)


def advance(
    connection: Connection, row: RefilingRow, in_force: InForce, *, now: int, limit: int
) -> bool:
    """Work out one page of a refiling; False where another process was first, or it is done."""
    parts = Scope.parse(row.scope).parts
    if row.part >= len(parts):
        return _move(connection, row, part=row.part, position=row.position, done=True)
    needs = _needs(in_force)
    page = retained.read_page(connection, parts[row.part], row.position - 1, limit, needs)
    full = len(page.rows) == limit
    moved = _move(
        connection,
        row,
        part=row.part if full else row.part + 1,
        position=page.rows[-1].log_index + 1 if full else 0,
        done=not full and row.part + 1 == len(parts),
    )
    if not moved:
        return False
    changed = refile(connection, page, in_force, now)
    connection.execute(
        update(refiling)
        .where(refiling.c.id == row.id)
        .values({name: refiling.c[name] + count for name, count in asdict(changed).items()})
    )
    return True


def follow(connection: Connection, start: int, end: int, in_force: InForce, *, now: int) -> bool:
    """Look at the records in [start, end), and at earlier versions of their posts.

    False, and nothing is done, where the watermark is not at `start`: another process was first.
    """
    if not _move_watermark(connection, start, end, now):
        return False
    needs = _needs(in_force)
    where = record.c.log_index < end
    page = retained.read_page(connection, where, start - 1, end - start, needs)
    refile(connection, page, in_force, now)
    if needs.superseded:
        earlier = _earlier_versions(connection, start, end)
        refile(connection, retained.read_at(connection, earlier, needs), in_force, now)
    return True


def refile(connection: Connection, page: Page, in_force: InForce, now: int) -> Changed:
    """Bring the records of a page to the schedules in force; return what that changed.

    A class of which no version is in force is left as it is.
    """
    records = longer = shorter = due = 0
    news: list[dict[str, int | None]] = []
    for row in page.rows:
        if row.class_code not in in_force:
            continue
        version, ends = in_force[row.class_code]
        until, before = page.until(ends, row), row.retain_until
        records += 1
        if until != before:
            is_longer = before is not None and (until is None or until > before)
            longer += is_longer
            shorter += not is_longer
            due += until is not None and until <= now and (before is None or before > now)
        if until != before or version != row.schedule_version:
            news.append({"at": row.log_index, "version": version, "until": until})
    if news:
        connection.execute(_REFILE, news)
    return Changed(records, longer, shorter, due)


def behind(connection: Connection, *, at: int, below: int) -> str:
    """Return why `record.retain_until` cannot be trusted for records below a log index, or "".

    Whoever destroys asks first: an end that was worked out under an earlier schedule, or before an
    event was stated, is not the end.
    """
    waiting = connection.execute(
        select(refiling.c.cause).order_by(refiling.c.asked_at).limit(1)
    ).scalar()
    if waiting is not None:
        return f"records are being refiled after {waiting}"
    refiled = refiled_versions(connection)
    for code, (version, _) in retained.schedules_in_force(connection, at).items():
        if version > refiled.get(code, 1):
            return f"version {version} of schedule {code} is in force, and records not refiled yet"
    if watermark(connection) < below:
        return "records captured lately were not looked at yet"
    return ""


def _needs(in_force: InForce) -> Needs:
    return Needs.of([ends for _, ends in in_force.values()])


def _move(
    connection: Connection, row: RefilingRow, *, part: int, position: int, done: bool
) -> bool:
    # First of all: it makes another process wait, which then sees it moved.
    moved = connection.execute(
        update(refiling)
        .where(
            refiling.c.id == row.id,
            refiling.c.part == row.part,
            refiling.c.position == row.position,
            refiling.c.done.is_(False),
        )
        .values(part=part, position=position, done=done)
    )
    return moved.rowcount == 1


def _move_watermark(connection: Connection, start: int, end: int, now: int) -> bool:
    moved = connection.execute(
        update(follower)
        .where(follower.c.name == FOLLOWER, follower.c.position == start)
        .values(position=end, updated_at=now)
    )
    return moved.rowcount == 1


def is_new(connection: Connection) -> bool:
    """Return whether the log was never followed."""
    known = select(follower.c.name).where(follower.c.name == FOLLOWER)
    return connection.execute(known).first() is None


def begin(connection: Connection, in_force: InForce, now: int) -> None:
    """Set the watermark to the beginning of the log, unless there is one.

    What is followed from the beginning is brought to the versions of now: no refiling is left over.
    """
    if is_new(connection):
        connection.execute(insert(follower).values(name=FOLLOWER, position=0, updated_at=now))
        for code, (version, _) in in_force.items():
            note_refiled(connection, code, version)


def _earlier_versions(connection: Connection, start: int, end: int) -> list[int]:
    """Return the log indexes below `start` of the posts that have a version in [start, end).

    That they are below is not asked of the database: SQLite would then walk through all records of
    the account up to there, for each row.
    """
    rows = connection.execute(_VERSIONS_OF, {"start": start, "end": end})
    return sorted({index for index in rows.scalars() if index < start})


_new, _version = record.alias("new"), record.alias("version")
_VERSIONS_OF = (
    select(_version.c.log_index)
    .select_from(_new)
    .join(
        _version,
        and_(
            _version.c.platform == _new.c.platform,
            _version.c.post_id == _new.c.post_id,
            _version.c.account == _new.c.account,
        ),
    )
    .where(
        _new.c.log_index >= bindparam("start"),
        _new.c.log_index < bindparam("end"),
        _new.c.entry_type == "rec",
    )
)
_REFILE: Any = (
    update(record)
    .where(record.c.log_index == bindparam("at"))
    .values(schedule_version=bindparam("version"), retain_until=bindparam("until"))
)
