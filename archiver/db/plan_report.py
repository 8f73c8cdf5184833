"""What the report on the file plan counts: records by class, accounts that are there, events."""

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from archiver.db.different import different
from archiver.db.disposal_tables import retention_event
from archiver.db.tables import a_post, account, record, schedule
from archiver.db.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """How many posts one version of a class's schedule keeps. `is_there`: the version is known."""

    class_code: str
    schedule_version: int
    records: int
    is_there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledRecord:
    """One post, as a list behind a number shows it. `captured_at` is milliseconds."""

    log_index: int
    id: str
    platform: str
    account: str
    captured_at: int
    class_code: str
    schedule_version: int


async def filed(tx: Transaction) -> list[Filed]:
    """Return how many posts each schedule version keeps, by class and version."""
    counted = (
        select(record.c.class_code, record.c.schedule_version, func.count().label("records"))
        .where(a_post)
        .group_by(record.c.class_code, record.c.schedule_version)
        .subquery()
    )
    rows = await tx.execute(
        select(counted, schedule.c.version)
        .outerjoin(
            schedule,
            and_(
                schedule.c.class_code == counted.c.class_code,
                schedule.c.version == counted.c.schedule_version,
            ),
        )
        .order_by(counted.c.class_code, counted.c.schedule_version)
    )
    return [
        Filed(
            class_code=row.class_code,
            schedule_version=row.schedule_version,
            records=row.records,
            is_there=row.version is not None,
        )
        for row in rows
    ]


async def records_of(
    tx: Transaction, class_code: str, schedule_version: int, *, after: int, limit: int
) -> list[FiledRecord]:
    """Return posts of a class that one version keeps (0: any), in log order above an index."""
    columns = [record.c[name] for name in FiledRecord.__dataclass_fields__]
    of_class = (a_post, record.c.class_code == class_code)
    versions = [schedule_version]
    if not schedule_version:
        versions = list(
            (await tx.execute(different(record.c.schedule_version, *of_class))).scalars()
        )
    found: list[FiledRecord] = []
    for each in versions:  # the index is in log order within a version
        rows = await tx.execute(
            select(*columns)
            .where(
                *of_class,
                record.c.schedule_version == each,
                record.c.log_index > after,
            )
            .order_by(record.c.log_index)
            .limit(limit)
        )
        found += [FiledRecord(**row) for row in rows.mappings()]
    return sorted(found, key=lambda each: each.log_index)[:limit]


async def accounts_and_units(tx: Transaction) -> tuple[frozenset[str], frozenset[str]]:
    """Return every handle that is registered or has posts, and every unit of the register."""
    registered = (await tx.execute(select(account.c.handle, account.c.unit))).all()
    captured = await tx.execute(different(record.c.account, a_post))
    handles = {row.handle for row in registered} | set(captured.scalars())
    return frozenset(handles), frozenset(row.unit for row in registered if row.unit)


async def events_stated(tx: Transaction) -> frozenset[str]:
    """Return the names of the events in force."""
    names = select(retention_event.c.name).where(retention_event.c.in_force.is_(True)).distinct()
    return frozenset((await tx.execute(names)).scalars())
