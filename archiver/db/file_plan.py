"""The file plan's rows: classes, schedule versions and class-rule versions, as JSON bodies."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, func, insert, literal, select, update

from archiver.db.tables import class_rules, file_class, schedule
from archiver.db.transaction import Connection, Transaction
from archiver.errors import ConfigurationError, NotFound
from retention.class_tree import line_above
from retention.schedules import FileClass

Body = Mapping[str, Any]

_NOT_KNOWN = 0  # as revision: the event that added the class could not be read


async def add_class(tx: Transaction, code: str, body: Body) -> None:
    """Add a class."""
    await tx.execute(insert(file_class).values(code=code, body=json.dumps(body)))


async def add_schedule(
    tx: Transaction, class_code: str, version: int, body: Body, in_force_from: int
) -> None:
    """Add a version of a class's schedule, in force from a moment in milliseconds."""
    await tx.execute(
        insert(schedule).values(
            class_code=class_code,
            version=version,
            body=json.dumps(body),
            in_force_from=in_force_from,
        )
    )


async def add_rules(tx: Transaction, version: int, body: Body, in_force_from: int) -> None:
    """Add a version of the class rules, in force from a moment in milliseconds."""
    await tx.execute(
        insert(class_rules).values(
            version=version, body=json.dumps(body), in_force_from=in_force_from
        )
    )


def ensure_classes(connection: Connection, classes: Mapping[str, Body]) -> None:
    """Add classes by code, unless they are there; one takes the place of one that is not known."""
    revisions = _revisions(connection, classes)
    texts = {code: json.dumps(body) for code, body in classes.items()}
    _add(
        connection,
        file_class,
        [{"code": code, "body": text} for code, text in texts.items() if code not in revisions],
    )
    for code in [code for code, revision in revisions.items() if revision == _NOT_KNOWN]:
        connection.execute(
            update(file_class).where(file_class.c.code == code).values(body=texts[code], revision=1)
        )


def ensure_schedules(
    connection: Connection, schedules: Mapping[tuple[str, int], tuple[Body, int]]
) -> None:
    """Add schedule versions, unless they are there.

    By class code and version: the body, and the moment in milliseconds it is in force from. A class
    that was lost is stood in for: the schedule still keeps its records.
    """
    codes = list(dict.fromkeys(code for code, _ in schedules))
    known = _revisions(connection, codes)
    lost = [
        FileClass(code=code, title=code, authority="Not known: its event cannot be read")
        for code in codes
        if code not in known
    ]
    _add(
        connection,
        file_class,
        [
            {"code": each.code, "body": json.dumps(each.to_dict()), "revision": _NOT_KNOWN}
            for each in lost
        ],
    )
    numbers = select(schedule.c.class_code, schedule.c.version)
    there = {
        tuple(row) for row in connection.execute(numbers.where(schedule.c.class_code.in_(codes)))
    }
    _add(
        connection,
        schedule,
        [
            {
                "class_code": code,
                "version": version,
                "body": json.dumps(body),
                "in_force_from": in_force_from,
            }
            for (code, version), (body, in_force_from) in schedules.items()
            if (code, version) not in there
        ],
    )


def ensure_rules(connection: Connection, version: int, body: Body, in_force_from: int) -> None:
    """Add a version of the class rules, in force from a moment in milliseconds, unless there."""
    if not has_rules(connection, version):
        row = {"version": version, "body": json.dumps(body), "in_force_from": in_force_from}
        _add(connection, class_rules, [row])


def _revisions(connection: Connection, codes: Iterable[str]) -> dict[str, int]:
    """Return the revision of each of these classes that is there."""
    rows = select(file_class.c.code, file_class.c.revision).where(
        file_class.c.code.in_(list(codes))
    )
    return dict(connection.execute(rows).all())


def _add(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:  # else SQLAlchemy inserts one row of defaults
        connection.execute(insert(table), rows)


def has_schedule(connection: Connection, class_code: str, version: int) -> bool:
    """Return whether a class's schedule has this version."""
    named = (schedule.c.class_code == class_code) & (schedule.c.version == version)
    return _is_there(connection, named)


def has_rules(connection: Connection, version: int) -> bool:
    """Return whether the class rules have this version."""
    return _is_there(connection, class_rules.c.version == version)


def schedule_body(connection: Connection, class_code: str, version: int) -> str | None:
    """Return one schedule version as JSON, None where it is not there."""
    named = (schedule.c.class_code == class_code) & (schedule.c.version == version)
    return connection.execute(select(schedule.c.body).where(named)).scalar_one_or_none()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRow:
    """A class. `body` is JSON of `retention.FileClass`; `revision` counts its changes from 1 on.

    `closed_at` is since when, in milliseconds, no new record is filed in it; None: it is open.
    """

    code: str
    body: Body
    revision: int
    closed_at: int | None

    @property
    def file_class(self) -> FileClass:
        """The class itself."""
        return FileClass.from_dict(self.body)


def state_class(connection: Connection, row: ClassRow) -> bool:
    """Make a class's row say so; False where it changes nothing.

    It does not where something as new stands (of two changes of one revision only the first has an
    effect), nor where the classes would be no tree any more: two people may have moved two classes
    below each other at once.
    """
    known = {each.code: each for each in _class_rows(connection.execute(_CLASSES))}
    before = known.get(row.code)
    if before is not None and before.revision >= row.revision:
        return False
    parents = {code: each.file_class.parent for code, each in known.items()}
    if row.code in line_above(row.code, {**parents, row.code: row.file_class.parent}):
        return False
    values = {"body": json.dumps(row.body), "revision": row.revision, "closed_at": row.closed_at}
    if before is None:
        connection.execute(insert(file_class).values(code=row.code, **values))
    else:
        connection.execute(update(file_class).where(file_class.c.code == row.code).values(values))
    return True


async def class_rows(tx: Transaction) -> dict[str, ClassRow]:
    """Return every class, by code."""
    return {row.code: row for row in _class_rows(await tx.execute(_CLASSES))}


def _class_rows(rows: Iterable[Any]) -> list[ClassRow]:
    return [
        ClassRow(
            code=row.code,
            body=json.loads(row.body),
            revision=row.revision,
            closed_at=row.closed_at,
        )
        for row in rows
    ]


_CLASSES = select(file_class).order_by(file_class.c.code)


async def newest_rules(tx: Transaction) -> int:
    """Return the newest version of the class rules, in force or yet to come; 0: there is none."""
    newest = select(func.coalesce(func.max(class_rules.c.version), 0))
    return int((await tx.execute(newest)).scalar_one())


async def versions_known(tx: Transaction) -> tuple[int, int]:
    """Return how many versions schedules and class rules have, which only grow."""
    counted = [select(func.count()).select_from(table) for table in (schedule, class_rules)]
    schedules, rules = [int((await tx.execute(each)).scalar_one()) for each in counted]
    return schedules, rules


def _is_there(connection: Connection, where: ColumnElement[bool]) -> bool:
    return connection.execute(select(literal(1)).where(where)).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePlan:
    """Every row as a tuple: the columns in the order of the table, bodies decoded."""

    classes: tuple[tuple[str, dict[str, Any]], ...]
    schedules: tuple[tuple[str, int, dict[str, Any], int], ...]
    rules: tuple[tuple[int, dict[str, Any], int], ...]


async def whole(tx: Transaction) -> WholePlan:
    """Return the whole file plan, in the order of its keys."""
    classes = await tx.execute(select(file_class).order_by(file_class.c.code))
    schedules = await tx.execute(
        select(schedule).order_by(schedule.c.class_code, schedule.c.version)
    )
    rules = await tx.execute(select(class_rules).order_by(class_rules.c.version))
    return WholePlan(
        classes=tuple((row.code, json.loads(row.body)) for row in classes),
        schedules=tuple(
            (row.class_code, row.version, json.loads(row.body), row.in_force_from)
            for row in schedules
        ),
        rules=tuple((row.version, json.loads(row.body), row.in_force_from) for row in rules),
    )


async def list_classes(tx: Transaction) -> list[dict[str, Any]]:
    """Return every class, by code."""
    rows = await tx.execute(select(file_class.c.body).order_by(file_class.c.code))
    return [json.loads(row[0]) for row in rows]


async def get_class(tx: Transaction, code: str) -> dict[str, Any]:
    """Return one class. Raises NotFound."""
    row = (await tx.execute(select(file_class.c.body).where(file_class.c.code == code))).first()
    if row is None:
        raise NotFound(f"no class {code}")
    return dict(json.loads(row[0]))


async def list_schedules(tx: Transaction, class_code: str) -> list[dict[str, Any]]:
    """Return every schedule version of a class, newest first, with `in_force_from`."""
    rows = await tx.execute(
        select(schedule.c.body, schedule.c.in_force_from)
        .where(schedule.c.class_code == class_code)
        .order_by(schedule.c.version.desc())
    )
    return [{**json.loads(row.body), "in_force_from": row.in_force_from} for row in rows]


async def get_schedule(tx: Transaction, class_code: str, version: int) -> dict[str, Any]:
    """Return one schedule version. Raises NotFound."""
    row = (
        await tx.execute(
            select(schedule.c.body).where(
                schedule.c.class_code == class_code, schedule.c.version == version
            )
        )
    ).first()
    if row is None:
        raise NotFound(f"no schedule version {version} of class {class_code}")
    return dict(json.loads(row[0]))


async def schedules_in_force(tx: Transaction, at: int) -> dict[str, dict[str, Any]]:
    """Return, for each class, the schedule in force at a moment in milliseconds."""
    newest = (
        select(schedule.c.class_code, func.max(schedule.c.version).label("version"))
        .where(schedule.c.in_force_from <= at)
        .group_by(schedule.c.class_code)
        .subquery()
    )
    rows = await tx.execute(
        select(schedule.c.class_code, schedule.c.body).join(
            newest,
            (newest.c.class_code == schedule.c.class_code)
            & (newest.c.version == schedule.c.version),
        )
    )
    return {row.class_code: json.loads(row.body) for row in rows}


async def rules_in_force(tx: Transaction, at: int) -> dict[str, Any]:
    """Return the class rules in force at a moment in milliseconds.

    Raises:
        ConfigurationError: there are none; the archive was not set up.
    """
    row = (
        await tx.execute(
            select(class_rules.c.body)
            .where(class_rules.c.in_force_from <= at)
            .order_by(class_rules.c.version.desc())
            .limit(1)
        )
    ).first()
    if row is None:
        raise ConfigurationError("no class rules are in force; run `muniment init`")
    return dict(json.loads(row[0]))


async def get_rules(tx: Transaction, version: int) -> dict[str, Any]:
    """Return one version of the class rules. Raises NotFound."""
    row = (
        await tx.execute(select(class_rules.c.body).where(class_rules.c.version == version))
    ).first()
    if row is None:
        raise NotFound(f"no version {version} of the class rules")
    return dict(json.loads(row[0]))
